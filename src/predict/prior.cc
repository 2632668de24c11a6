// What transfers: a prior over whole networks, and when to rely on it (docs/results/transfer.md).
//
// A net that is trained on cells of one family learns that family. On another one it ranks worse
// than a count of weighted nodes. The prior has five traits that mean the same in any network:
//
//   layers   log(1 + layers)                                                         better
//   spatial  log(1 + layers with a kernel above 1 x 1)                               better
//   depth    log(1 + most spatial layers on one path)                                better
//   work     log(1 + multiply-accumulates)                                           better
//   detour   log((1 + steps of the mean path) / (1 + layers))                        worse
//
// A layer is a weighted node and the activation behind it: linear maps in a row are together one
// linear map, so a convolution without an activation makes a network longer and no richer
// (docs/results/ranking.md). The head's last node needs none. Hence all counts are shares of those
// of weighted nodes, and a search cannot win by dropping what the benchmarks never drop. The mean
// path is a random walk from the outputs to the inputs that chooses an operand by chance at every
// join: skip connections make it short, pooling and identities make it long without work. Its steps
// are 3 for a weighted node (itself, its normalisation, its activation: whether those are nodes or
// folded in makes no difference), 2 for a pooling, 1 for a join or an identity, 0 for the rest.
//
// The slopes are common to all families and may only have the sign above: five numbers from tens of
// thousands of labels do not overfit, but without the signs a trait that is constant in one family
// can take any slope there. Coordinate descent on the normal equations with a small ridge.
//
// What is better depends on the training: NAS-Bench-101's accuracies after 4 epochs and after 108
// correlate with 0.45 only, and depth, an asset in the end, is none in the beginning. So each slope
// is a straight line over the logarithm of the images seen, of two numbers: twice the columns. In
// short trainings layers, spatial layers and depth may have any sign; work and detour keep theirs,
// or a search would be paid for less work twice. The lines are followed down to a tenth of the
// shortest training known.
//
// Walk lengths are means over operands, hence linear in the values at any border: around a segment,
// mean = rest + sum over exits of visits(exit) * mean(exit), where visits comes from one pass
// backwards through the successor. The longest path is a maximum of sums likewise. So a candidate
// costs its own nodes, as in the rest of PSC. Exits are added in order of position, which makes the
// original segment score the original's score to the last bit.
//
// The score is accuracy_scale of prior + trust * (net - prior after a full training); without trust
// it stays within the range of all labels, outside of which nothing was ever measured. Trust is 1
// where all nodes are of kinds and sizes that the net was trained on and the traits in a family's
// range, so that nothing is lost within the families, and 0 where most are not.
//
// Tested by tests/predict/prior_test.cc.

#include "prior.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "autogo/base/error.h"
#include "autogo/predict/predictor.h"

namespace autogo {
namespace {

constexpr double kRidge = 0.003;
constexpr Traits kSigns = {1, 1, 1, 1, -1}, kBriefSigns = {0, 0, 0, 1, -1};
constexpr double kBriefImages = 160'000;          ///< 4 epochs of 40,000
constexpr double kShortest = 0.1;                 ///< of kBriefImages
constexpr double kRangeMargin = 0.05;             ///< of a logarithm
constexpr double kStranger = 0.5, kKnown = 0.95;  ///< shares of known nodes: trust 0 and 1
constexpr double kScaleRate = 0.5, kScaleEnd = 2.5;

double steps_of(const FeatureRow& row, std::size_t operands) {
  if (row.weighted) return 3;
  if (row.op == OpKind::kMaxPool || row.op == OpKind::kAvgPool) return 2;
  return operands > 1 || row.op == OpKind::kIdentity ? 1 : 0;
}

/// Paths up to a node, from those up to its operands. The caller adds operands one by one.
class Joint {
 public:
  void add(const PathLengths& operand) {
    sum_ += operand.mean;
    longest_ = std::max(longest_, operand.spatial);
    ++operands_;
  }
  PathLengths through(const FeatureRow& row) const {
    const double mean = operands_ == 0 ? 0 : sum_ / static_cast<double>(operands_);
    return {mean + steps_of(row, operands_), longest_ + (row.spatial() ? 1 : 0)};
  }

 private:
  double sum_ = 0, longest_ = 0;
  std::size_t operands_ = 0;
};

}  // namespace

PathFrame::PathFrame(const EncodedGraph& graph, const FeatureTable& table, const CutRange& cut) {
  const auto row = [&](std::size_t at) -> const FeatureRow& {
    return table.rows()[graph.rows[at]];
  };
  const std::size_t n = graph.num_nodes();
  reached_.resize(cut.end);
  for (std::size_t i = 0; i < cut.end; ++i) {
    Joint joint;
    for (std::uint32_t e = graph.first_edge[i]; e < graph.first_edge[i + 1]; ++e) {
      joint.add(reached_[graph.sources[e]]);
    }
    reached_[i] = joint.through(row(i));
  }
  // Backwards through the successor: how often a walk from the outputs visits a node, and the
  // longest spatial path that begins behind it.
  std::vector<double> visits(n, 0), behind(n, -1);
  double sinks = 0;
  for (std::size_t i = 0; i < n; ++i) sinks += row(i).op == OpKind::kOutput ? 1 : 0;
  for (std::size_t i = n; i-- > 0;) {
    if (row(i).op == OpKind::kOutput) {
      visits[i] += 1 / sinks;
      behind[i] = 0;
    }
    if (i < cut.end) continue;
    const std::uint32_t begin = graph.first_edge[i], end = graph.first_edge[i + 1];
    rest_.mean += visits[i] * steps_of(row(i), end - begin);
    if (behind[i] < 0) continue;
    const double from_here = behind[i] + (row(i).spatial() ? 1 : 0);
    rest_.spatial = std::max(rest_.spatial, from_here);
    for (std::uint32_t e = begin; e < end; ++e) {
      visits[graph.sources[e]] += visits[i] / static_cast<double>(end - begin);
      behind[graph.sources[e]] = std::max(behind[graph.sources[e]], from_here);
    }
  }
  for (std::uint32_t i = 0; i < cut.end; ++i) {
    if (behind[i] < 0) continue;
    if (i >= cut.begin) {
      exits_.push_back({i, visits[i], behind[i]});
      continue;
    }
    rest_.mean += visits[i] * reached_[i].mean;
    rest_.spatial = std::max(rest_.spatial, behind[i] + reached_[i].spatial);
  }
}

PathLengths PathFrame::original() const {
  PathLengths paths = rest_;
  for (const Exit& exit : exits_) {
    paths.mean += exit.visits * reached_[exit.position].mean;
    paths.spatial = std::max(paths.spatial, exit.spatial + reached_[exit.position].spatial);
  }
  return paths;
}

PathLengths PathFrame::with(const Graph& body, std::span<const FeatureRow> rows,
                            std::span<const std::uint32_t> inputs,
                            std::span<const std::uint32_t> outputs) const {
  std::vector<PathLengths> reached(body.num_nodes());
  std::vector<std::pair<std::uint32_t, PathLengths>> ends;  // by the position it stands for
  std::size_t input = 0, inner = 0;
  for (std::size_t i = 0; i < body.num_nodes(); ++i) {
    const NodeId id{static_cast<std::uint32_t>(i)};
    if (body.node(id).op == OpKind::kInput) {
      reached[i] = reached_[inputs[input++]];
      continue;
    }
    Joint joint;
    for (const ValueId value : body.inputs(id))
      joint.add(reached[index(body.value(value).producer)]);
    if (body.node(id).op == OpKind::kOutput) {
      ends.emplace_back(outputs[ends.size()], joint.through(FeatureRow{}));
      continue;
    }
    reached[i] = joint.through(rows[inner++]);
  }
  AUTOGO_CHECK(inner == rows.size() && ends.size() == outputs.size());
  PathLengths paths = rest_;
  for (const Exit& exit : exits_) {
    const auto end = std::find_if(ends.begin(), ends.end(),
                                  [&](const auto& e) { return e.first == exit.position; });
    if (end == ends.end()) continue;
    paths.mean += exit.visits * end->second.mean;
    paths.spatial = std::max(paths.spatial, exit.spatial + end->second.spatial);
  }
  return paths;
}

PathLengths path_lengths(const EncodedGraph& graph, const FeatureTable& table) {
  const auto n = static_cast<std::uint32_t>(graph.num_nodes());
  return PathFrame(graph, table, {n, n}).original();
}

Traits network_traits(const PartSums& all, const PathLengths& paths) {
  const double layers = std::min(all.weighted, all.activations + 1);
  const double share = all.weighted > 0 ? layers / all.weighted : 1;
  return {std::log1p(layers), std::log1p(share * all.spatial), std::log1p(share * paths.spatial),
          std::log1p(all.macs), std::log((1 + paths.mean) / (1 + layers))};
}

Traits network_traits(const EncodedGraph& graph, const FeatureTable& table) {
  PartSums all;
  for (const std::uint32_t row : graph.rows) all.add(table.rows()[row]);
  return network_traits(all, path_lengths(graph, table));
}

double training_length(double images) {
  if (images <= 0) return kFullLength;
  const double within = std::clamp(images, kShortest * kBriefImages, kFullTrainingImages);
  return std::log(within / kBriefImages) / std::log(kFullTrainingImages / kBriefImages);
}

Traits Prior::slopes(double length) const {
  Traits slopes{};
  for (std::size_t i = 0; i < kTraits; ++i) {
    slopes[i] = brief[i] + length * (full[i] - brief[i]);
    if (length < 0 && slopes[i] * kBriefSigns[i] < 0) slopes[i] = 0;
  }
  return slopes;
}

double Prior::operator()(const Traits& traits, double length) const {
  const Traits slope = slopes(length);
  double y = 0;
  for (std::size_t i = 0; i < kTraits; ++i) y += slope[i] * (traits[i] - means[i]);
  return y;
}

namespace {

/// Normal equations of the slopes at length 0, then of those at length 1.
constexpr std::size_t kColumns = 2 * kTraits;
using Columns = std::array<double, kColumns>;
struct Equations {
  std::array<Columns, kColumns> products{};
  Columns answers{};
};

Traits mean_traits(const TraitFamily& family) {
  Traits mean{};
  for (const Traits& traits : family.traits) {
    for (std::size_t i = 0; i < kTraits; ++i) {
      mean[i] += traits[i] / static_cast<double>(family.traits.size());
    }
  }
  return mean;
}

void add(Equations& equations, const TraitFamily& family, double length, double weight) {
  const Traits mean = mean_traits(family);
  double target = 0;
  for (const double y : family.targets) target += y / static_cast<double>(family.targets.size());
  weight /= static_cast<double>(family.traits.size());
  for (std::size_t k = 0; k < family.traits.size(); ++k) {
    Columns x{};
    for (std::size_t i = 0; i < kTraits; ++i) {
      const double deviation = family.traits[k][i] - mean[i];
      x[i] = (1 - length) * deviation;
      x[kTraits + i] = length * deviation;
    }
    for (std::size_t i = 0; i < kColumns; ++i) {
      equations.answers[i] += weight * x[i] * (family.targets[k] - target);
      for (std::size_t j = 0; j < kColumns; ++j) equations.products[i][j] += weight * x[i] * x[j];
    }
  }
}

/// Coordinate descent; columns without variance get no slope.
Columns solve(const Equations& equations, const Columns& signs) {
  Columns slopes{};
  for (int sweep = 0; sweep < 10000; ++sweep) {
    double moved = 0;
    for (std::size_t i = 0; i < kColumns; ++i) {
      const double square = equations.products[i][i];
      if (square <= 1e-12) continue;
      double rest = equations.answers[i];
      for (std::size_t j = 0; j < kColumns; ++j) {
        if (j != i) rest -= equations.products[i][j] * slopes[j];
      }
      double slope = rest / (square * (1 + kRidge));
      if (slope * signs[i] < 0) slope = 0;
      moved = std::max(moved, std::abs(slope - slopes[i]) * std::sqrt(square));
      slopes[i] = slope;
    }
    if (moved < 1e-10) break;
  }
  return slopes;
}

}  // namespace

Prior fit_prior(std::span<const TraitFamily> families) {
  std::map<std::string, double> trainings;  // by family
  for (const TraitFamily& family : families) trainings[family.name] += 1;
  Equations equations;
  Prior prior;
  const bool one_length = std::all_of(families.begin(), families.end(), [&](const auto& family) {
    return family.length == families.front().length;
  });
  for (const TraitFamily& family : families) {
    add(equations, family, one_length ? kFullLength : family.length, 1 / trainings[family.name]);
    const Traits mean = mean_traits(family);
    for (std::size_t i = 0; i < kTraits; ++i) {
      prior.means[i] += mean[i] / trainings[family.name] / static_cast<double>(trainings.size());
    }
  }
  Columns signs{};
  std::copy(kBriefSigns.begin(), kBriefSigns.end(), signs.begin());
  std::copy(kSigns.begin(), kSigns.end(), signs.begin() + kTraits);
  const Columns slopes = solve(equations, signs);
  std::copy_n(slopes.begin(), kTraits, prior.brief.begin());
  std::copy_n(slopes.begin() + kTraits, kTraits, prior.full.begin());
  if (one_length) prior.brief = prior.full;
  return prior;
}

double Familiarity::trust(const EncodedGraph& graph, const FeatureTable& table,
                          const Traits& traits) const {
  const bool inside = std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    for (std::size_t i = 0; i < kTraits; ++i) {
      if (traits[i] < range[i][0] - kRangeMargin || traits[i] > range[i][1] + kRangeMargin) {
        return false;
      }
    }
    return true;
  });
  if (!inside) return 0;
  double known = 0;
  for (const std::uint32_t row : graph.rows) known += rows.count(table.rows()[row].hash()) > 0;
  const double share = known / static_cast<double>(graph.num_nodes());
  return std::clamp((share - kStranger) / (kKnown - kStranger), 0.0, 1.0);
}

void learn_rows(Familiarity& familiarity, const EncodedGraph& graph, const FeatureTable& table) {
  for (const std::uint32_t row : graph.rows) familiarity.rows.insert(table.rows()[row].hash());
}

void learn_ranges(Familiarity& familiarity, const TraitFamily& family) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  auto& ranges = familiarity.ranges.emplace_back();
  ranges.fill({kInfinity, -kInfinity});
  for (const Traits& traits : family.traits) {
    for (std::size_t i = 0; i < kTraits; ++i) {
      ranges[i] = {std::min(ranges[i][0], traits[i]), std::max(ranges[i][1], traits[i])};
    }
  }
}

double accuracy_scale(double normal_score) {
  // 1 - exp(-rate z) over rate, and straight lines beyond the ends.
  const double z = std::clamp(normal_score, -kScaleEnd, kScaleEnd);
  const double slope = std::exp(-kScaleRate * z);
  return (1 - slope) / kScaleRate + (normal_score - z) * slope;
}

double LabelSpan::clipped(double normal_score) const {
  constexpr double kBeyond = 0.001;
  const double inside = std::clamp(normal_score, lowest, highest);
  return inside + kBeyond * (normal_score - inside);
}

void LabelSpan::add(const LabelSpan& other) {
  lowest = std::min(lowest, other.lowest);
  highest = std::max(highest, other.highest);
  largest_gain = std::max(largest_gain, other.largest_gain);
}

double combined_score(double net, double prior, double full_prior, double trust,
                      const LabelSpan& span) {
  const double z = prior + trust * (net - full_prior);
  return accuracy_scale(trust * z + (1 - trust) * span.clipped(z));
}

}  // namespace autogo
