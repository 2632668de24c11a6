// The library's entry: checks and hashes the inputs, opens the run directory, runs the engine
// (engine.cc), writes what was found. Interrupted or out of time, the front so far is written too,
// so a run directory is complete whenever no process works in it. A new run that fails leaves none,
// so that the command can be repeated, unless it found networks before the system failed it: those
// cost time, and --resume goes on from them.
//
// Tested by tests/search/search_test.cc, tests/search/resume_test.cc.

#include "autogo/search/search.h"

#include <chrono>
#include <optional>

#include "autogo/base/error.h"
#include "autogo/base/parallel.h"
#include "autogo/graph/canonical.h"
#include "autogo/onnx/model_content.h"
#include "engine.h"

namespace autogo {
namespace {

InputHashes hashes_of(const Graph& input, const SegmentDatabase& database,
                      const Predictor& predictor) {
  InputHashes hashes;
  hashes.model = hash_model(input);
  hashes.input = canonical_hash(input);
  hashes.segments = database.content_hash();
  hashes.predictor = predictor.content_hash();
  return hashes;
}

void warn_of_unknown_costs(const Graph& input, Log& log) {
  std::uint32_t unknown = 0;
  std::string first;
  for (std::uint32_t n = 0; n < input.num_nodes(); ++n) {
    if (!unknown_cost(input, NodeId{n})) continue;
    if (unknown++ == 0) first = input.node_name(NodeId{n});
  }
  if (unknown == 0) return;
  log.warning("the cost of " + std::to_string(unknown) + " nodes (the first: '" + first +
              "') is not known and counts 0; percentages are of the rest");
}

const char* status_name(SearchStatus status) {
  switch (status) {
    case SearchStatus::kDone:
      return "done";
    case SearchStatus::kInterrupted:
      return "interrupted";
    case SearchStatus::kTimeout:
      return "timeout";
  }
  return "";
}

SearchResult result_of(const SearchEngine& engine, SearchStatus status) {
  const History& history = engine.history();
  SearchResult result;
  result.status = status;
  result.iterations = engine.complete_iterations();
  result.children = history.size() - 1;
  const FoundFront found = engine.found();
  result.measures = found.measures(0, history.graph(0));
  result.named = found.named;
  for (const auto& [i, rank] : found.members) {
    const Individual& member = history[i];
    const Graph graph = history.graph(i);
    result.front.push_back({rank, model_name(member.hash), member.hash, found.measures(i, graph),
                            member.gain, member.iteration, graph});
  }
  return result;
}

/// Can a run that failed so go on, and is there something to go on from?
bool worth_keeping(const Error& error, const std::optional<SearchEngine>& engine) {
  const bool by_chance = error.kind() == ErrorKind::kIo || error.kind() == ErrorKind::kInternal;
  return by_chance && engine && engine->history().size() > 1;
}

/// One call of run_search, its inputs resolved.
struct Task {
  const SearchConfig& config;
  const SearchRun& run;
  const Graph& input;
  const Predictor& predictor;
  const InputHashes& hashes;
  const std::chrono::steady_clock::time_point start;
  Session session;

  SearchResult search(SearchEngine& engine, const RunDirectory* directory) {
    const SearchStatus status = engine.run();
    const bool nothing = status == SearchStatus::kDone && engine.members().empty();
    if (directory != nullptr && (run.resume || !nothing)) write(engine, *directory, status);
    if (nothing) engine.throw_empty_front();
    SearchResult result = result_of(engine, status);
    result.knowledge = predictor.knowledge(input);
    result.note = GainPromise{result.knowledge, config.options.risk}.note();
    return result;
  }

  void write(const SearchEngine& engine, const RunDirectory& directory, SearchStatus status) {
    write_front(run.directory, config, hashes, engine.found(), predictor.knowledge(input));
    add_validation(run.directory);
    session.ended = utc_now();
    session.status = status_name(status);
    session.jobs = engine.threads();
    session.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    directory.write_env(session);
  }
};

}  // namespace

SearchResult run_search(const SearchConfig& config, const SearchRun& run, const Graph& input,
                        const SegmentDatabase& database, const Predictor& predictor, Log& log,
                        const CostModels& models) {
  const auto start = std::chrono::steady_clock::now();
  Session session;
  session.started = utc_now();
  set_up(config.options, input, models);  // complain before anything is written
  warn_of_unknown_costs(input, log);
  SearchConfig resolved = config;
  if (resolved.options.new_weights == ExportWeights::kAuto) {
    resolved.options.new_weights =
        is_weightless(input) ? ExportWeights::kConstant : ExportWeights::kRandom;
  }
  const InputHashes hashes = hashes_of(input, database, predictor);
  std::optional<RunDirectory> directory;
  if (!run.directory.empty()) {
    directory.emplace(run.resume ? RunDirectory::open(run.directory, resolved, hashes)
                                 : RunDirectory::create(run.directory, resolved, hashes));
  }
  Task task{resolved, run, input, predictor, hashes, start, std::move(session)};
  std::optional<SearchEngine> engine;
  try {
    engine.emplace(resolved, run, hashes, input, database, predictor, models,
                   directory ? &directory->journal() : nullptr);
    return task.search(*engine, directory ? &*directory : nullptr);
  } catch (const Error& error) {
    if (directory && !run.resume && !worth_keeping(error, engine)) directory->discard();
    throw;
  }
}

}  // namespace autogo
