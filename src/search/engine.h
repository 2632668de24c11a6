#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "autogo/search/search.h"
#include "executor.h"
#include "individual.h"
#include "parents.h"
#include "pareto.h"
#include "search/run/front_files.h"
#include "search/run/replay.h"
#include "search/run/run_directory.h"
#include "setup.h"
#include "variation.h"

namespace autogo {

/// The evolution of one run.
class SearchEngine {
 public:
  SearchEngine(const SearchConfig& config, const SearchRun& run, const InputHashes& hashes,
               const Graph& input, const SegmentDatabase& database, const Predictor& predictor,
               const CostModels& models, Journal* journal);

  /// Iterates to the end or until told to stop. What the journal has is taken from there.
  /// @throws Error kInput: the journal says what the search would not do
  SearchStatus run();

  const History& history() const { return history_; }
  /// What the run gives: the front without the input, and where that is smaller than
  /// SearchOptions::members, runners-up. By rank, then by the first objective.
  std::vector<RunMember> members() const;
  /// The same for files. Refers to this engine.
  FoundFront found() const;
  std::uint32_t complete_iterations() const { return iteration_; }
  int threads() const { return threads_; }
  /// Why there are no members, and what can be met. @throws Error kInfeasible
  [[noreturn]] void throw_empty_front() const;

 private:
  /// Reads the journal's first line, or writes it.
  void open_journal();
  /// Does the journal have more than was taken over? If not, it is cut behind its last complete
  /// record, where new lines go.
  bool replaying();
  /// Parents of the current iteration, from the state at its start.
  void plan_iteration();
  /// Takes the items from `first` on over, as far as the journal has them.
  /// @return the first that it has not
  std::size_t take_over(std::size_t first);
  /// Computes the items from `first` on. @return false when halted before the last
  bool run_items(std::size_t first);
  void end_iteration();
  void report();
  /// An item's children enter the state: duplicates out, front and history updated.
  /// @return what the journal is to say of it
  JournalItem merge(const WorkItem& work, SourceResult result);
  void write(const JournalItem& item);
  bool halted();
  /// The front without the input, by the first objective; individuals.
  std::vector<std::uint32_t> front() const;
  std::vector<double> objectives_of(const Individual& individual) const;
  double first_objective(std::uint32_t individual) const;
  /// Puts the history's last network where the search looks: points, and the front if it may.
  void enter(std::uint32_t individual);
  /// Of all models, those not asked in the search too.
  Measures measures(std::uint32_t individual, const Graph& graph) const;
  [[noreturn]] void throw_outside_of_bounds() const;

  const SearchConfig& config_;
  const SearchRun& run_;
  const InputHashes& hashes_;
  const CostModels& models_;
  SearchSetup setup_;
  int threads_ = 1;
  std::unique_ptr<Variation> variation_;
  std::unique_ptr<Executor> executor_;
  Journal* journal_;
  History history_;
  ParetoFront front_;
  std::vector<ParetoPoint> points_;                ///< by individual
  std::vector<double> breaches_;                   ///< by individual: see breach()
  std::unordered_set<std::uint64_t> hashes_seen_;  ///< looked up, never iterated
  Bodies bodies_;  ///< of the history; the journal has them
  std::optional<JournalReplay> replay_;
  std::uint32_t iteration_ = 0;  ///< the current one; all before are complete
  std::vector<std::uint32_t> parents_;   ///< of this iteration; individuals
  std::vector<std::uint64_t> resolved_;  ///< by parent: children with fitting shapes
  IterationReport report_;  ///< of the current iteration
  SourceResult totals_;     ///< over the run; no children
  std::chrono::steady_clock::time_point start_, iteration_start_;
  std::atomic<int> halt_{0};  ///< a SearchStatus once it is not kDone
};

}  // namespace autogo
