#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "autogo/base/log.h"
#include "autogo/cost/cost_model.h"
#include "autogo/graph/graph.h"
#include "autogo/onnx/model.h"
#include "autogo/predict/predictor.h"
#include "autogo/segment/database.h"

namespace autogo {

enum class MutationUnit { kSegment, kOperator };

/// How the new weights of exported networks are made; see NewWeights.
enum class ExportWeights {
  kAuto,  ///< kConstant when the input model itself holds no weights, else kRandom
  kRandom,
  kConstant,
};

/// Everything that decides a run's result; written resolved into config.json.
struct SearchOptions {
  std::string objective = "flops";  ///< measures minimised beside the predicted gain, by commas
  std::vector<std::string> constraints;  ///< like "params<=5e6" or "macs<=-20%"; see Measures
  std::uint32_t iterations = 5;
  std::uint32_t parents = 10;        ///< k of Algorithm 1
  std::uint32_t sources = 10;        ///< m of A.5.5: source segments of a parent
  std::uint32_t replacements = 100;  ///< candidates of a source segment
  std::uint32_t max_segments = 3;    ///< consecutive segments replaced together
  std::uint32_t members = 5;         ///< a smaller front is filled up with runners-up
  double sparsity = 0.5;             ///< share of multi-node pieces kept in V'
  MutationUnit mutation = MutationUnit::kSegment;
  double max_flops_increase = 10;      ///< percent of the input's, exclusive, A.5.6 and A.6;
                                       ///< negative: at least that much fewer; may be infinite
  double max_flops_decrease = 20;      ///< percent of the input's, exclusive; 100 is no limit
  double min_gain = 0;                 ///< children below this predicted gain are rejected
  double risk = 1;  ///< where no family knows the network: how many times its error a predicted
                    ///< gain is lowered by; 0 believes it
  std::vector<std::string> allow_ops;  ///< operators that replacements may use beside the input's
  std::vector<std::string> deny_ops;   ///< operators that replacements may not use
  std::vector<std::string> freeze;     ///< glob patterns over node names: these nodes stay
  ExportWeights new_weights = ExportWeights::kAuto;
  double training_images = 0;  ///< what load_predictor() is told
  std::uint64_t seed = 0;
  int jobs = 0;  ///< 0: all cores; never changes the result, not in config.json
};

/// A run's options and the files that it reads, as config.json records them.
struct SearchConfig {
  SearchOptions options;
  std::string model, segments, predictor;  ///< paths; empty for inputs that are not files (tests)
  std::map<std::string, std::vector<std::int64_t>> input_shapes;
};

/// What one iteration did; for progress lines.
struct IterationReport {
  std::uint32_t iteration = 0;  ///< from 0
  std::uint32_t parents = 0;
  std::uint64_t drawn = 0;         ///< replacements tried
  std::uint64_t resolved = 0;      ///< whose shapes could be propagated
  std::uint64_t in_window = 0;     ///< which keep the FLOPs window and the constraints
  std::uint64_t accepted = 0;      ///< with enough gain, not seen before
  std::uint64_t front = 0;         ///< members of the front afterwards
  double best_change_percent = 0;  ///< first objective of the leanest member, against the input
  double gain_of_best = 0;         ///< its predicted gain
  double best_gain = 0;            ///< the highest predicted gain of the front
  double seconds = 0;
};

/// One member of the front, or a runner-up.
struct FrontMember {
  std::uint32_t rank = 1;  ///< 1: of the front; 2: of the front of the rest; ...
  std::string model;       ///< path within the run directory: "models/<hash>.onnx"
  std::uint64_t hash = 0;  ///< canonical_hash
  Measures measures;       ///< of all cost models
  double predicted_gain = 0;  ///< over the input; a lower bound where Knowledge::trust is 0
  std::uint32_t iteration = 0;
  Graph graph;
};

enum class SearchStatus { kDone, kInterrupted, kTimeout };

struct SearchResult {
  SearchStatus status = SearchStatus::kDone;
  Measures measures;               ///< of the input
  std::vector<std::string> named;  ///< measures of the objectives and constraints
  std::vector<FrontMember> front;  ///< by rank, then by the first objective, ascending
  std::uint32_t iterations = 0;                  ///< complete ones
  std::uint64_t children = 0;                    ///< accepted over the whole run
  Knowledge knowledge;                           ///< of the input
  std::string note;  ///< for people: what the gains are worth when no family knows the input
};

/// How a search is run, as opposed to what it computes.
struct SearchRun {
  std::string directory;  ///< the run directory (DESIGN.md, "Files"); empty: nothing is written
  bool resume = false;    ///< continue the run that is in `directory`
  double timeout_s = 0;   ///< wall clock; 0: none
  const std::atomic<bool>* stop = nullptr;  ///< set: finish the current work items, write, return
  std::function<void(const IterationReport&)> on_iteration;
};

/// Evolves `input` towards a front of predicted gain against the objectives (AutoGO, Algorithm 1).
/// Deterministic: journal.jsonl and pareto.json depend on the configuration and the inputs only,
/// not on `jobs`, nor on interruptions and resumption. A new run that fails leaves no directory,
/// unless it had accepted networks when the system failed it. Thread-safe.
/// @throws Error kUsage: options contradict, directory not empty or in use; kInfeasible: no child
///         can keep the FLOPs window and the constraints, or none did; kUnsupported: nothing in the
///         input can be mutated; kInput: a journal that does not agree with the networks it speaks
///         of, or inputs or algorithms that changed since the run began; kIo
SearchResult run_search(const SearchConfig& config, const SearchRun& run, const Graph& input,
                        const SegmentDatabase& database, const Predictor& predictor,
                        Log& log = null_log(), const CostModels& models = standard_cost_models());

/// What run_search would do: `--dry-run`.
struct SearchPlan {
  std::int64_t macs = 0, params = 0;
  std::int64_t min_macs = 0, max_macs = 0;  ///< the FLOPs window, exclusive
  Measures constraints;                     ///< the highest values allowed
  std::int64_t frozen_macs = 0;             ///< of nodes that are never replaced
  std::uint32_t nodes = 0, mutable_nodes = 0;
  std::uint32_t segments = 0;          ///< under the full vocabulary
  std::uint32_t sources = 0;           ///< runs of segments with at least one replacement
  std::uint64_t replacements = 0;      ///< distinct segments that may be put in
  std::vector<std::string> operators;  ///< that replacements may use
};
/// @throws Error as run_search does before its first iteration
SearchPlan plan_search(const SearchConfig& config, const Graph& input,
                       const SegmentDatabase& database,
                       const CostModels& models = standard_cost_models());

/// Does a constraint bound multiply-accumulates? The FLOPs window is then better left open.
bool bounds_macs(const SearchOptions& options);

/// Checks the options alone. @throws Error kUsage
void validate(const SearchOptions& options, const CostModels& models = standard_cost_models());

}  // namespace autogo
