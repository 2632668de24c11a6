// Random walks of the search's own mutation. An attempt draws everything from a stream of its own,
// so attempts run in parallel and count in their order; one that finds no fitting replacement, a
// network outside the window or one that is there already gives nothing.
//
// Tested by tests/search/mutants_test.cc.

#include "autogo/search/mutants.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <string_view>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/parallel.h"
#include "autogo/graph/canonical.h"
#include "autogo/graph/simplify.h"
#include "autogo/onnx/model_content.h"
#include "narrow.h"
#include "search/engine.h"

namespace autogo {
namespace {

constexpr std::size_t kBatch = 32;              ///< attempts between two looks at what there is
constexpr std::size_t kAttemptsOfAMutant = 50;  ///< on average, before it ends with fewer

/// What trivial predictors look at.
OrderedJson size_json(const Graph& graph) {
  const Cost cost = graph_cost(graph).total;
  std::int64_t weighted = 0, longest = 0;
  std::vector<std::int64_t> depth(graph.num_nodes(), 0);  // ids are a topological order
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    for (const ValueId v : graph.inputs(id)) {
      depth[n] = std::max(depth[n], depth[index(graph.value(v).producer)]);
    }
    const bool has_weights = op_info(graph.node(id).op).weighted;
    depth[n] += has_weights ? 1 : 0;
    weighted += has_weights ? 1 : 0;
    longest = std::max(longest, depth[n]);
  }
  return {{"macs", cost.macs},
          {"flops", 2 * cost.macs},
          {"params", cost.params},
          {"weighted_nodes", weighted},
          {"depth", longest}};
}

struct Walk {
  const Graph& input;
  const SegmentDatabase& database;
  const MutantOptions& options;
  const SearchSetup& setup;
  const MutationSetup& mutation;

  std::int64_t count(std::string_view measure, const std::vector<double>& costs) const {
    return static_cast<std::int64_t>(setup.value(measure, costs));
  }

  std::optional<Mutant> step(const Mutant& from, Rng rng) const {
    const Parent parent(0, from.hash, from.graph);
    Rng segmentation = rng.fork(1);
    const auto sizes = segment_sizes(parent, options.search, database, segmentation);
    const std::vector<SourceRun> runs =
        source_runs(parent, sizes, longest_run(options.search), setup.frozen, mutation.pool);
    if (runs.empty()) return std::nullopt;
    Individual individual;
    individual.gains.known = from.predicted_gain;
    individual.costs = setup.models.measure(from.graph);
    const SourceResult result =
        mutate_source(mutation, parent, individual, runs[rng.below(runs.size())], rng.fork(2));
    if (result.children.empty()) return std::nullopt;
    const Child& child = result.children.front();
    return Mutant{child.hash,
                  count("macs", child.costs),
                  count("params", child.costs),
                  from.mutations + 1,
                  child.gain,
                  0,
                  apply(child.step, parent.graph, parent.uses, parent.order)};
  }

  std::optional<Mutant> narrowed(Mutant mutant, Rng rng) const {
    std::optional<NarrowedGraph> narrow = narrow_layer(mutant.graph, setup.frozen, rng);
    if (!narrow) return std::nullopt;
    const Cost cost = graph_cost(narrow->graph).total;
    if (!keeps(setup.bounds, setup.models.measure(narrow->graph))) return std::nullopt;
    mutant.hash = canonical_hash(narrow->graph);
    mutant.macs = cost.macs;
    mutant.params = cost.params;
    mutant.narrowed = narrow->channels;
    mutant.graph = std::move(narrow->graph);
    return mutant;
  }

  std::optional<Mutant> attempt(std::size_t number) const {
    const Rng rng = Rng(options.search.seed).fork(number);
    std::optional<Mutant> at = Mutant{canonical_hash(input),
                                      count("macs", setup.costs),
                                      count("params", setup.costs),
                                      0,
                                      0,
                                      0,
                                      input};
    const std::size_t length = 1 + number % options.max_mutations;
    for (std::size_t i = 0; i < length && at; ++i) at = step(*at, rng.fork(i));
    if (at && !keeps(setup.bounds, setup.models.measure(at->graph))) return std::nullopt;
    const Rng narrowing = rng.fork(length);  // no other draw changes with the share
    if (at && narrowing.fork(0).uniform() < options.narrow) {
      at = narrowed(std::move(*at), narrowing.fork(1));
    }
    return at;
  }
};

}  // namespace

std::vector<Mutant> random_mutants(const Graph& input, const SegmentDatabase& database,
                                   const Predictor& predictor, const MutantOptions& options) {
  AUTOGO_REQUIRE(options.max_mutations >= 1 && options.max_mutations <= 1000, ErrorKind::kUsage,
                 "--max-mutations: expected a number from 1 to 1000");
  AUTOGO_REQUIRE(options.narrow >= 0 && options.narrow <= 1, ErrorKind::kUsage,
                 "--narrow: expected a share from 0 to 1");
  const SearchSetup setup = set_up(options.search, input, standard_cost_models());
  const ReplacementPool pool(database, input, setup.allowed, options.search);
  PropagationMemo memo;
  const MutationSetup mutation{pool,
                               memo,
                               predictor,
                               {},  // what the predictor says, to be judged
                               setup.models,
                               setup.bounds,
                               -std::numeric_limits<double>::infinity(),
                               1,
                               computation_hash(input)};
  const Walk walk{input, database, options, setup, mutation};
  const int threads = options.search.jobs > 0 ? options.search.jobs : available_threads();

  std::vector<Mutant> mutants;
  std::set<std::uint64_t> seen{canonical_hash(input)};
  for (std::size_t first = 0;
       mutants.size() < options.count && first < kAttemptsOfAMutant * options.count;
       first += kBatch) {
    std::vector<std::optional<Mutant>> found(kBatch);
    parallel_for(kBatch, threads, [&](std::size_t i) { found[i] = walk.attempt(first + i); });
    for (std::optional<Mutant>& mutant : found) {
      if (mutants.size() == options.count) break;
      if (mutant && seen.insert(mutant->hash).second) mutants.push_back(std::move(*mutant));
    }
  }
  AUTOGO_REQUIRE(!mutants.empty(), ErrorKind::kInfeasible,
                 "no mutation gives a network inside the FLOPs window and the constraints; widen "
                 "them (--max-flops-increase, --max-flops-decrease) or allow more operators");
  return mutants;
}

std::string mutant_path(const std::string& directory, const Mutant& mutant) {
  return directory + "/" + model_name(mutant.hash);
}

void write_mutants(const std::string& directory, const SearchConfig& config, const Graph& input,
                   const std::vector<Mutant>& mutants) {
  const bool made_folder = make_new_folder(directory);
  const SearchOptions& o = config.options;
  const bool constant = o.new_weights == ExportWeights::kConstant ||
                        (o.new_weights == ExportWeights::kAuto && is_weightless(input));
  OrderedJson json;
  json["format"] = "autogo.mutants";
  json["version"] = 1;
  json["seed"] = o.seed;
  json["input"] = {{"model", config.model}, {"hash", hex64(canonical_hash(input))}};
  json["input"].update(size_json(input));
  json["segments"] = config.segments;
  json["predictor"] = config.predictor;
  json["mutants"] = OrderedJson::array();
  for (const Mutant& m : mutants) {
    OrderedJson entry = {{"model", model_name(m.hash)},
                         {"mutations", m.mutations},
                         {"predicted_gain", m.predicted_gain}};
    if (m.narrowed > 0) entry["narrowed"] = m.narrowed;
    entry.update(size_json(m.graph));
    json["mutants"].push_back(std::move(entry));
  }
  try {
    make_folder(directory + "/models");
    parallel_for(mutants.size(), o.jobs > 0 ? o.jobs : available_threads(), [&](std::size_t i) {
      ExportOptions out;
      out.seed = hash_combine(o.seed, mutants[i].hash);
      out.new_weights = constant ? NewWeights::kConstantOfShape : NewWeights::kRandom;
      export_onnx(mutants[i].graph, mutant_path(directory, mutants[i]), out);
    });
    write_file_atomic(directory + "/mutants.json", json_text(json));
  } catch (const Error&) {  // nothing may block the same -o
    remove_from_folder(directory, {"mutants.json"}, made_folder);
    throw;
  }
}

}  // namespace autogo
