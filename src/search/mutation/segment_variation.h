#pragma once

#include <memory>
#include <vector>

#include "autogo/segment/database.h"
#include "search/setup.h"
#include "search/variation.h"

namespace autogo {

/// Networks varied by replacing their segments (AutoGO, section 3.2): an item is a source, some
/// consecutive segments of a parent, for which replacements are drawn from a pool.
class SegmentVariation : public Variation {
 public:
  /// All of them must outlive it.
  SegmentVariation(const SearchOptions& options, const SearchSetup& setup, const Graph& input,
                   const SegmentDatabase& database, const Predictor& predictor, int threads);

  void begin(const Rng& rng, const History& history,
             std::span<const std::uint32_t> parents) override;
  bool add_items(std::span<const std::uint64_t> resolved) override;
  std::span<const WorkItem> items() const override { return items_; }
  SourceResult run(std::size_t item) const override;
  void check(const JournalItem& claim, std::uint32_t iteration, std::size_t item) const override;

 private:
  const SearchOptions& options_;
  const SearchSetup& setup_;
  const SegmentDatabase& database_;
  const Predictor& predictor_;
  int threads_;
  ReplacementPool pool_;
  PropagationMemo memo_;
  MutationSetup mutation_;

  // Of the iteration, by parent.
  Rng rng_;
  std::vector<std::unique_ptr<Parent>> parents_;
  std::vector<Individual> networks_;
  std::vector<std::vector<SourceRun>> untried_;  ///< sources without a work item yet
  std::uint32_t wave_ = 0;                       ///< calls of add_items()
  std::vector<WorkItem> items_;
};

}  // namespace autogo
