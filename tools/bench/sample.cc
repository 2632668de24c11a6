#include "sample.h"

#include <algorithm>

#include "autogo/base/parallel.h"
#include "autogo/graph/canonical.h"
#include "search/engine.h"

namespace autogo::bench {
namespace {

/// As in src/search/mutation/mutate.cc.
constexpr std::size_t kDrawsPerReplacement = 4;
constexpr int kPortMaps = 4;
constexpr std::uint64_t kSeed = 1;

class StandIn : public Predictor {
 public:
  std::string kind() const override { return "stand-in"; }
  std::uint64_t content_hash() const override { return 0; }
  Knowledge knowledge(const Graph& graph) const override {
    static_cast<void>(graph);
    return {};
  }
  std::unique_ptr<CutContext> prepare(const Graph& graph, const Cut& cut) const override {
    static_cast<void>(graph);
    static_cast<void>(cut);
    return std::make_unique<CutContext>();
  }
  double score_original(const CutContext& context) const override {
    static_cast<void>(context);
    return 0.5;
  }
  std::vector<double> score(const CutContext& context,
                            std::span<const Candidate> candidates) const override {
    static_cast<void>(context);
    std::vector<double> scores;
    for (const Candidate& c : candidates) scores.push_back(Rng(c.body->num_nodes()).uniform());
    return scores;
  }
};

Individual root_of(const Graph& input) {
  Individual root;
  root.hash = canonical_hash(input);
  return root;
}

std::vector<TensorType> shuffled_types(const Graph& graph, std::span<const ValueId> ports,
                                       Rng& rng) {
  std::vector<ValueId> values(ports.begin(), ports.end());
  rng.shuffle(values);
  std::vector<TensorType> types;
  for (const ValueId v : values) types.push_back(graph.type(v));
  return types;
}

}  // namespace

std::unique_ptr<Predictor> stand_in_predictor() { return std::make_unique<StandIn>(); }

SearchSample::SearchSample(const Graph& input, const SegmentDatabase& database,
                           const Predictor& predictor, SearchOptions options)
    : input_(input),
      database_(database),
      predictor_(predictor),
      options_(std::move(options)),
      setup_(set_up(options_, input, standard_cost_models())),
      pool_(database, input, allowed_ops(options_, input), options_) {}

std::vector<SourceRun> SearchSample::sources(const Parent& parent, Rng rng) const {
  const auto sizes = segment_sizes(parent, options_, database_, rng);
  return select_sources(source_runs(parent, sizes, options_.max_segments, setup_.frozen, pool_),
                        options_.sources, rng.fork(1));
}

std::uint64_t SearchSample::mutate_once(int threads) const {
  const Individual root = root_of(input_);
  const Parent parent(0, root.hash, input_);
  const std::vector<SourceRun> runs = sources(parent, Rng(kSeed));
  PropagationMemo memo;
  const MutationSetup setup{pool_,         memo,          predictor_,        {},
                            setup_.models, setup_.bounds, options_.min_gain, options_.replacements};
  std::vector<SourceResult> results(runs.size());
  parallel_for(runs.size(), threads, [&](std::size_t i) {
    results[i] = mutate_source(setup, parent, root, runs[i], Rng(kSeed).fork(i));
  });
  std::uint64_t resolved = 0;
  for (const SourceResult& r : results) resolved += r.resolved;
  return resolved;
}

void SearchSample::record(const Parent& parent, const SourceRun& run, Rng rng, std::size_t at_most,
                          std::vector<PropagationCall>& calls) const {
  const Ports ports = segment_ports(parent.graph, parent.uses, parent.cut(run));
  const auto fitting =
      pool_.fitting(ports.inputs.size(), ports.outputs.size(), port_layouts(parent.graph, ports));
  std::size_t resolved = 0;
  for (const std::size_t i :
       rng.sample(fitting.size(), options_.replacements * kDrawsPerReplacement)) {
    if (resolved == options_.replacements) break;
    const Replacement& replacement = pool_.all()[fitting[i]];
    const int tries = ports.inputs.size() + ports.outputs.size() > 2 ? kPortMaps : 1;
    for (int t = 0; t < tries && calls.size() < at_most; ++t) {
      PropagationCall call{&replacement.body, shuffled_types(parent.graph, ports.inputs, rng),
                           shuffled_types(parent.graph, ports.outputs, rng)};
      const bool fits =
          propagate(*call.body, call.inputs, call.outputs).status == SolveStatus::kFeasible;
      calls.push_back(std::move(call));
      resolved += fits ? 1 : 0;
      if (fits) break;
    }
  }
}

std::vector<PropagationCall> SearchSample::propagation_calls(std::size_t at_most) const {
  constexpr std::uint64_t kGenerations = 3, kParents = 3;
  std::vector<PropagationCall> calls;
  History history(input_, root_of(input_));
  std::vector<std::uint32_t> parents{0};
  PropagationMemo memo;
  const MutationSetup setup{pool_,         memo,          predictor_,        {},
                            setup_.models, setup_.bounds, options_.min_gain, options_.replacements};
  for (std::uint64_t generation = 0; generation < kGenerations; ++generation) {
    std::vector<std::uint32_t> children;
    const std::size_t share = calls.size() + (at_most - calls.size()) / (kGenerations - generation);
    for (const std::uint32_t p : parents) {
      const Parent parent(p, history[p].hash, history.graph(p));
      const Rng rng = Rng(kSeed).fork(generation).fork(p);
      for (const SourceRun& run : sources(parent, rng)) {
        record(parent, run, rng.fork(run.begin).fork(run.end), share, calls);
        SourceResult result = mutate_source(setup, parent, history[p], run, rng.fork(run.begin));
        for (Child& child : result.children) {
          Individual individual;
          individual.parent = p;
          individual.hash = child.hash;
          individual.gain = child.gain;
          individual.step = std::move(child.step);
          children.push_back(history.add(std::move(individual)));
        }
      }
    }
    Rng pick = Rng(kSeed).fork(generation);
    parents.clear();
    for (const std::size_t i : pick.sample(children.size(), kParents)) {
      parents.push_back(children[i]);
    }
  }
  return calls;
}

}  // namespace autogo::bench
