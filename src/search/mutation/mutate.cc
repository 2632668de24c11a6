// One work item of the search: one source segment, its replacements (AutoGO, section 3.2, 3.3).
//
// The order of the steps is the order of their price. Drawing and port mapping cost nothing, shapes
// are mostly remembered, the multiply-accumulates of a child are those of the network without the
// source plus the body's. Only what keeps the bounds goes to the predictor, in one batch; only what
// gains enough is spliced into a graph and hashed, and only of those are measures asked that take
// milliseconds (CostTier::kSurvivors). Most candidates never become graphs.
//
// The source's own class is no replacement, unless at another width. That does not keep out all
// that changes nothing: a convolution mined with stride 2 fits with stride 1, an identity may stand
// beside what was there. So a child that computes what its parent or the searched network does is
// dropped once it is a graph. Port maps are drawn at random;
// a body with several ports gets a few draws before it counts as not fitting, since most of its
// maps join maps of different sizes. Draws that do not fit cost little, so up to
// kDrawsPerReplacement times the wanted number are tried.
//
// A batch holds the candidates of one work item, whatever the threads do, and a candidate's score
// does not depend on its batch. A network is promised what promise.h leaves of its gain.
//
// Tested by tests/search/mutate_test.cc.

#include "mutate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "autogo/base/error.h"
#include "autogo/graph/canonical.h"
#include "autogo/graph/simplify.h"

namespace autogo {
namespace {

constexpr std::size_t kDrawsPerReplacement = 4;
constexpr int kPortMaps = 4;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Resolved {
  Mutation step;
  std::vector<double> costs;
  std::vector<ValueId> inputs, outputs;
  Candidate candidate() const { return {step.body.get(), inputs, outputs}; }
};

/// The measures of candidates at one cut, as far as they are asked of every candidate.
class CandidateCosts {
 public:
  CandidateCosts(const CostModels& models, const Graph& graph, const Cut& cut) : models_(models) {
    for (const auto& model : models.models()) {
      const bool now = model->tier() == CostTier::kEveryCandidate;
      contexts_.push_back(now ? model->prepare(graph, cut) : nullptr);
    }
  }
  /// By place; NaN where only survivors are asked.
  std::vector<double> of(const Candidate& candidate) const {
    std::vector<double> costs;
    costs.reserve(models_.measures().size());
    for (std::size_t m = 0; m < contexts_.size(); ++m) {
      const CostModel& model = *models_.models()[m];
      if (contexts_[m] == nullptr) {
        costs.insert(costs.end(), model.measures().size(), kUnknown);
        continue;
      }
      const std::vector<double> numbers = model.measure_candidate(*contexts_[m], candidate);
      costs.insert(costs.end(), numbers.begin(), numbers.end());
    }
    return costs;
  }

 private:
  const CostModels& models_;
  std::vector<std::unique_ptr<CostContext>> contexts_;
};

std::vector<std::uint32_t> random_map(std::size_t size, Rng& rng) {
  std::vector<std::uint32_t> map(size);
  for (std::size_t i = 0; i < size; ++i) map[i] = static_cast<std::uint32_t>(i);
  rng.shuffle(map);
  return map;
}

std::vector<TensorType> types_of(const Graph& graph, std::span<const ValueId> values) {
  std::vector<TensorType> types;
  types.reserve(values.size());
  for (const ValueId v : values) types.push_back(graph.type(v));
  return types;
}

/// Fits one replacement to the ports. @return whether a port map did
bool resolve(const MutationSetup& setup, const Parent& parent, const Ports& ports,
             const Replacement& replacement, Rng& rng, Resolved& out) {
  const int tries = ports.inputs.size() + ports.outputs.size() > 2 ? kPortMaps : 1;
  for (int i = 0; i < tries; ++i) {
    out.step.inputs = random_map(ports.inputs.size(), rng);
    out.step.outputs = random_map(ports.outputs.size(), rng);
    out.inputs = mapped_ports(ports.inputs, out.step.inputs);
    out.outputs = mapped_ports(ports.outputs, out.step.outputs);
    auto answer = setup.memo.propagate(replacement.memo_key, replacement.body,
                                       types_of(parent.graph, out.inputs),
                                       types_of(parent.graph, out.outputs));
    if (answer->status != SolveStatus::kFeasible) continue;
    out.step.segment = replacement.id;
    out.step.body = std::shared_ptr<const Graph>(answer, &answer->body);
    return true;
  }
  return false;
}

/// A network that may become a child, and its graph where a model is still to be asked of it.
struct Survivor {
  Child child;
  std::optional<Graph> graph;
};

bool asks_survivors(const CostModels& models) {
  return std::ranges::any_of(models.models(),
                             [](const auto& m) { return m->tier() == CostTier::kSurvivors; });
}

/// Asks the models that only survivors are worth asking, in one batch each, and keeps those within
/// the bounds.
void measure_survivors(const MutationSetup& setup, const Individual& individual,
                       std::vector<Survivor>& survivors, SourceResult& result) {
  std::size_t first = 0;
  std::vector<const Graph*> graphs;
  for (const Survivor& s : survivors) graphs.push_back(s.graph ? &*s.graph : nullptr);
  for (const auto& model : setup.models.models()) {
    const std::size_t count = model->measures().size();
    if (model->tier() == CostTier::kSurvivors && !graphs.empty()) {
      const auto numbers = model->measure(graphs);
      AUTOGO_CHECK(numbers.size() == graphs.size());
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        std::ranges::copy(numbers[i],
                          survivors[i].child.costs.begin() + static_cast<std::ptrdiff_t>(first));
      }
    }
    first += count;
  }
  for (Survivor& survivor : survivors) {
    widen(survivor.child.costs, result);
    if (!admits(setup.bounds, survivor.child.costs, individual.costs)) continue;
    result.children.push_back(std::move(survivor.child));
  }
}

/// Scores the candidates against their parent and makes those that gain enough.
void accept(const MutationSetup& setup, const Parent& parent, const Individual& individual,
            const SourceRun& run, std::vector<Resolved>& candidates, SourceResult& result) {
  const Cut cut = parent.cut(run);
  const auto context = setup.predictor.prepare(parent.graph, cut);
  const double original = setup.predictor.score_original(*context);
  std::vector<Candidate> batch;
  batch.reserve(candidates.size());
  for (const Resolved& c : candidates) batch.push_back(c.candidate());
  const std::vector<double> scores = setup.predictor.score(*context, batch);
  AUTOGO_CHECK(scores.size() == candidates.size());
  const bool keep_graphs = asks_survivors(setup.models);
  std::vector<Survivor> survivors;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const GainSum gains = individual.gains.plus(scores[i] - original, parent.trust);
    const double gain = setup.promise(gains);
    AUTOGO_REQUIRE(std::isfinite(gain), ErrorKind::kInput,
                   "the predictor gives a network a score that is no number: it is damaged, or was "
                   "trained on damaged labels");
    Resolved& c = candidates[i];
    const bool step = !keeps(setup.bounds, c.costs);
    if (gain >= setup.min_gain) {
      Graph graph = splice(parent.graph, cut, *c.step.body, c.inputs, c.outputs);
      const std::uint64_t computes = computation_hash(graph);
      if (computes == setup.input_computes || computes == parent.computes) continue;
      c.step.body_hash = hash_of_body(*c.step.body);
      const std::uint64_t hash = canonical_hash(graph);
      survivors.push_back(
          {{std::move(c.step), hash, std::move(c.costs), gains, gain}, std::nullopt});
      if (keep_graphs) survivors.back().graph = std::move(graph);
    }
    if (step) {
      ++result.steps;
      continue;
    }
    result.best_gain = result.in_window == 0 ? gain : std::max(result.best_gain, gain);
    ++result.in_window;
  }
  measure_survivors(setup, individual, survivors, result);
}

}  // namespace

void widen(std::span<const double> costs, SourceResult& result) {
  if (result.least.empty()) {
    result.least.assign(costs.begin(), costs.end());
    result.most = result.least;
    return;
  }
  for (std::size_t i = 0; i < costs.size(); ++i) {  // fmin and fmax pass over NaN
    result.least[i] = std::fmin(result.least[i], costs[i]);
    result.most[i] = std::fmax(result.most[i], costs[i]);
  }
}

SourceResult mutate_source(const MutationSetup& setup, const Parent& parent,
                           const Individual& individual, const SourceRun& run, Rng rng) {
  const Ports ports = segment_ports(parent.graph, parent.uses, parent.cut(run));
  const std::uint64_t own_class =
      canonical_hash(extract_segment(parent.graph, ports, parent.cut(run)), NodeIdentity::kSegment);
  const auto fitting = setup.pool.fitting(ports.inputs.size(), ports.outputs.size(),
                                          port_layouts(parent.graph, ports));
  const CandidateCosts costs(setup.models, parent.graph, parent.cut(run));
  SourceResult result;
  std::vector<Resolved> candidates;
  for (const std::size_t i :
       rng.sample(fitting.size(), std::size_t{setup.replacements} * kDrawsPerReplacement)) {
    const Replacement& replacement = setup.pool.all()[fitting[i]];
    if (replacement.id == own_class && !replacement.rescaled) continue;
    if (result.resolved == setup.replacements) break;
    ++result.drawn;
    Resolved candidate;
    if (!resolve(setup, parent, ports, replacement, rng, candidate)) continue;
    ++result.resolved;
    candidate.costs = costs.of(candidate.candidate());
    widen(candidate.costs, result);
    if (!admits(setup.bounds, candidate.costs, individual.costs)) continue;
    candidate.step.begin = run.begin;
    candidate.step.end = run.end;
    candidates.push_back(std::move(candidate));
  }
  if (!candidates.empty()) accept(setup, parent, individual, run, candidates, result);
  return result;
}

}  // namespace autogo
