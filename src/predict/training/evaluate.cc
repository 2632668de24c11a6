// Measuring a predictor: Spearman's correlation by folds (AutoGO, A.2.2), Kendall's tau-b, the
// trivial predictors beside it, and gains.
//
// A gain is what the search asks for: by how much is network b better than a, where b differs from
// a in one operation or, in NAS-Bench-101, in one edge. Over all such pairs of the measured
// networks (ids that differ in one letter) the predicted differences are correlated with the true
// ones, per fold. The lexicographically smaller id comes first; since every pair appears once, the
// sign of a gain is not chosen by its value. The gain of a trivial predictor is a difference of
// logarithms: that ranks better than the plain difference.
//
// The net and the prior are measured alone, too: which of them carries the score says how well the
// predictor knows the family.
//
// Tested by tests/predict/evaluate_test.cc.

#include "evaluate.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "autogo/base/parallel.h"
#include "metrics.h"

namespace autogo {
namespace {

constexpr std::size_t kBatch = 16;  ///< networks; decides the last bits of scores, not their worth

using Scores = std::vector<double>;
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

/// Pairs of indices whose ids differ in one letter after the prefix.
Pairs one_edit_pairs(std::span<const LabelledGraph* const> graphs) {
  constexpr std::string_view kLetters = "013amns";
  std::unordered_map<std::string, std::size_t> by_id;
  for (std::size_t i = 0; i < graphs.size(); ++i) by_id.emplace(graphs[i]->id, i);
  Pairs pairs;
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    std::string id = graphs[i]->id;
    for (std::size_t at = id.find(':') + 1; at < id.size(); ++at) {
      const char own = id[at];
      for (const char letter : kLetters) {
        if (letter <= own) continue;  // the pair comes from its smaller side
        id[at] = letter;
        const auto other = by_id.find(id);
        if (other != by_id.end()) pairs.emplace_back(i, other->second);
      }
      id[at] = own;
    }
  }
  return pairs;
}

/// What scores are measured against: labels, and gains of pairs.
class Truth {
 public:
  explicit Truth(std::span<const LabelledGraph* const> graphs) : pairs_(one_edit_pairs(graphs)) {
    for (const LabelledGraph* graph : graphs) labels_.push_back(graph->label);
    gains_ = differences(labels_);
  }
  const Scores& labels() const { return labels_; }
  std::uint64_t pairs() const { return pairs_.size(); }
  /// Means over the folds.
  Correlations correlate(std::string name, std::span<const Scores> folds) const {
    Scores accuracy, gain;
    for (const Scores& fold : folds) {
      accuracy.push_back(spearman(fold, labels_));
      gain.push_back(spearman(differences(fold), gains_));
    }
    return {std::move(name), mean(accuracy), mean(gain)};
  }

 private:
  Scores differences(const Scores& values) const {
    Scores result;
    for (const auto& [a, b] : pairs_) result.push_back(values[b] - values[a]);
    return result;
  }
  Pairs pairs_;
  Scores labels_, gains_;
};

/// The trivial predictors, as logarithms.
std::vector<Correlations> trivial_predictors(const FeatureTable& table,
                                             std::span<const LabelledGraph* const> graphs,
                                             const Truth& truth) {
  Scores macs, params, weighted;
  for (const LabelledGraph* graph : graphs) {
    PartSums sums;
    for (const std::uint32_t row : graph->graph.rows) sums.add(table.rows()[row]);
    macs.push_back(std::log1p(sums.macs));
    params.push_back(std::log1p(sums.params));
    weighted.push_back(std::log1p(sums.weighted));
  }
  return {truth.correlate("macs", {&macs, 1}), truth.correlate("params", {&params, 1}),
          truth.correlate("weighted_nodes", {&weighted, 1})};
}

}  // namespace

std::vector<std::vector<double>> score_graphs(const NetView& net, const FeatureTable& table,
                                              std::span<const LabelledGraph* const> graphs,
                                              const std::vector<std::vector<CutRange>>& cuts,
                                              int threads) {
  const bool whole = net.shape.kind == PredictorKind::kGnn;
  const std::size_t folds = whole ? 1 : (cuts.empty() ? 0 : cuts[0].size());
  std::vector<std::vector<double>> scores(folds, std::vector<double>(graphs.size()));
  const RowTensors rows = row_tensors(table.rows());
  parallel_for((graphs.size() + kBatch - 1) / kBatch, threads, [&](std::size_t batch) {
    use_one_thread();
    const c10::InferenceMode inference;
    Unfolder unfolder(table);
    const std::size_t begin = batch * kBatch, end = std::min(begin + kBatch, graphs.size());
    for (std::size_t i = begin; i < end; ++i) {
      if (whole) {
        unfolder.add_whole(graphs[i]->graph);
      } else {
        unfolder.add_cuts(graphs[i]->graph, cuts[i]);
      }
    }
    const torch::Tensor y = forward(net, rows, unfolder.result());
    const float* value = y.data_ptr<float>();
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t fold = 0; fold < folds; ++fold) scores[fold][i] = *value++;
    }
  });
  return scores;
}

std::size_t fold_count(PredictorKind kind, std::span<const LabelledGraph* const> graphs) {
  if (kind == PredictorKind::kGnn) return 1;
  std::size_t folds = 10;
  for (const LabelledGraph* graph : graphs) folds = std::min(folds, graph->graph.num_nodes());
  return folds;
}

double gain_error(std::span<const LabelledGraph* const> graphs, std::span<const double> scores) {
  Scores truth;
  for (const LabelledGraph* graph : graphs) truth.push_back(graph->label);
  truth = normal_scores(truth);
  for (double& score : truth) score = accuracy_scale(score);
  double errors = 0, gains = 0;
  for (const auto& [a, b] : one_edit_pairs(graphs)) {
    const double gain = scores[b] - scores[a];
    errors += std::pow(gain - (truth[b] - truth[a]), 2);
    gains += gain * gain;
  }
  return std::sqrt(errors / gains);  // 0 / 0 without pairs
}

LabelSpan label_span(const LabelledCorpus& corpus) {
  std::vector<const LabelledGraph*> graphs;
  Scores labels;
  for (const LabelledGraph& graph : corpus.graphs) {
    graphs.push_back(&graph);
    labels.push_back(graph.label);
  }
  const Scores scores = normal_scores(labels);
  const auto [lowest, highest] = std::ranges::minmax(scores);
  LabelSpan span{lowest, highest, 0};
  for (const auto& [a, b] : one_edit_pairs(graphs)) {
    const auto [worse, better] = std::minmax(scores[a], scores[b]);
    if (worse < -1e-9) continue;  // the median itself is 0 but for rounding
    span.largest_gain = std::max(span.largest_gain, accuracy_scale(better) - accuracy_scale(worse));
  }
  if (span.largest_gain == 0) span.largest_gain = accuracy_scale(highest);
  return span;
}

CorpusMetrics measure(const NetView& net, const Judgement& judgement, const FeatureTable& table,
                      const LabelledCorpus& corpus, std::span<const LabelledGraph* const> graphs,
                      std::uint64_t seed, int threads) {
  CorpusMetrics metrics;
  metrics.corpus = corpus.path;
  metrics.graphs = graphs.size();
  metrics.folds = fold_count(net.shape.kind, graphs);
  std::vector<std::vector<CutRange>> cuts;
  Scores prior, trust;
  std::vector<WholeNetwork> networks;
  for (const LabelledGraph* graph : graphs) {
    cuts.push_back(fold_cuts(*graph, metrics.folds, seed));
    networks.push_back(whole_network(graph->graph, table));
    const Traits traits = network_traits(networks.back().sums, networks.back().paths);
    prior.push_back(judgement.prior(traits, judgement.length));
    trust.push_back(judgement.familiarity.trust(graph->graph, table, traits));
  }
  const auto net_scores = score_graphs(net, table, graphs, cuts, threads);
  auto scores = net_scores;
  for (Scores& fold : scores) {
    for (std::size_t i = 0; i < fold.size(); ++i) {
      fold[i] = judgement.score(fold[i], networks[i], trust[i]);
    }
  }
  const Truth truth(graphs);
  Scores spearmans, kendalls, errors;
  for (const Scores& fold : scores) {
    errors.push_back(gain_error(graphs, fold));
    spearmans.push_back(spearman(fold, truth.labels()));
    kendalls.push_back(kendall_tau_b(fold, truth.labels()));
  }
  metrics.spearman = mean(spearmans);
  metrics.spearman_std = sample_std(spearmans);
  metrics.kendall = mean(kendalls);
  metrics.pairs = truth.pairs();
  metrics.gain_spearman = truth.correlate("", scores).gain;
  metrics.gain_error = mean(errors);
  metrics.trust = mean(trust);
  metrics.alone = trivial_predictors(table, graphs, truth);
  metrics.alone.push_back(truth.correlate("net", net_scores));
  metrics.alone.push_back(truth.correlate("prior", {&prior, 1}));
  return metrics;
}

}  // namespace autogo
