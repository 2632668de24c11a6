// One work item of the search: one source segment, its replacements (AutoGO, section 3.2, 3.3).
//
// The order of the steps is the order of their price. Drawing and port mapping cost nothing, shapes
// are mostly remembered, the cost of a child is its parent's less the source plus the body. Only
// what lies in the FLOPs window goes to the predictor, in one batch; only what gains enough is
// spliced into a graph and hashed. Most candidates never become graphs.
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

#include "autogo/base/error.h"
#include "autogo/graph/canonical.h"
#include "autogo/graph/simplify.h"

namespace autogo {
namespace {

constexpr std::size_t kDrawsPerReplacement = 4;
constexpr int kPortMaps = 4;

struct Resolved {
  Mutation step;
  Cost cost;
  std::vector<ValueId> inputs, outputs;
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
    out.cost = body_cost(answer->body);
    out.step.body = std::shared_ptr<const Graph>(answer, &answer->body);
    return true;
  }
  return false;
}

/// Scores the candidates against their parent and makes those that gain enough.
void accept(const MutationSetup& setup, const Parent& parent, const Individual& individual,
            const SourceRun& run, std::vector<Resolved>& candidates, SourceResult& result) {
  const Cut cut = parent.cut(run);
  const auto context = setup.predictor.prepare(parent.graph, cut);
  const double original = setup.predictor.score_original(*context);
  std::vector<Candidate> batch;
  batch.reserve(candidates.size());
  for (const Resolved& c : candidates) batch.push_back({c.step.body.get(), c.inputs, c.outputs});
  const std::vector<double> scores = setup.predictor.score(*context, batch);
  AUTOGO_CHECK(scores.size() == candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const GainSum gains = individual.gains.plus(scores[i] - original, parent.trust);
    const double gain = setup.promise(gains);
    AUTOGO_REQUIRE(std::isfinite(gain), ErrorKind::kInput,
                   "the predictor gives a network a score that is no number: it is damaged, or was "
                   "trained on damaged labels");
    Resolved& c = candidates[i];
    if (gain >= setup.min_gain) {
      const Graph graph = splice(parent.graph, cut, *c.step.body, c.inputs, c.outputs);
      const std::uint64_t computes = computation_hash(graph);
      if (computes == setup.input_computes || computes == parent.computes) continue;
      c.step.body_hash = hash_of_body(*c.step.body);
      // Parameters are no sum over cuts: a weight of the run may live on in a node that shares it.
      result.children.push_back({std::move(c.step), canonical_hash(graph),
                                 individual.macs - run.cost.macs + c.cost.macs, graph_params(graph),
                                 gains, gain});
    }
    result.best_gain = result.in_window == 0 ? gain : std::max(result.best_gain, gain);
    ++result.in_window;
  }
}

}  // namespace

Cost body_cost(const Graph& body) {
  Cost cost;
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) cost += node_cost(body, NodeId{n});
  return cost;
}

SourceResult mutate_source(const MutationSetup& setup, const Parent& parent,
                           const Individual& individual, const SourceRun& run, Rng rng) {
  const Ports ports = segment_ports(parent.graph, parent.uses, parent.cut(run));
  const std::uint64_t own_class =
      canonical_hash(extract_segment(parent.graph, ports, parent.cut(run)), NodeIdentity::kSegment);
  const auto fitting = setup.pool.fitting(ports.inputs.size(), ports.outputs.size(),
                                          port_layouts(parent.graph, ports));
  SourceResult result;
  result.min_macs = std::numeric_limits<std::int64_t>::max();
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
    const std::int64_t macs = individual.macs - run.cost.macs + candidate.cost.macs;
    result.min_macs = std::min(result.min_macs, macs);
    result.max_macs = std::max(result.max_macs, macs);
    if (!setup.window.contains(macs)) continue;
    candidate.step.begin = run.begin;
    candidate.step.end = run.end;
    candidates.push_back(std::move(candidate));
  }
  if (result.resolved == 0) result.min_macs = 0;
  if (!candidates.empty()) accept(setup, parent, individual, run, candidates, result);
  return result;
}

}  // namespace autogo
