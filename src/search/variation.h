#pragma once

#include <cstdint>
#include <span>

#include "autogo/base/rng.h"
#include "individual.h"
#include "search/mutation/mutate.h"
#include "search/run/replay.h"

namespace autogo {

/// One thing to try with one parent of an iteration.
struct WorkItem {
  std::size_t parent = 0;  ///< place among the iteration's parents
  SourceRun run;
};

/// What an evolution varies (DESIGN.md, "Evolution"): it plans the work items of an iteration and
/// runs one. The engine knows of networks only what an Individual says; today they are variations of
/// one network by its segments.
class Variation {
 public:
  virtual ~Variation() = default;

  /// Makes the parents of an iteration ready. Forgets those of the one before.
  /// @param rng  of the iteration; its forks 2, 3, 4 are the variation's
  virtual void begin(const Rng& rng, const History& history,
                     std::span<const std::uint32_t> parents) = 0;
  /// Adds work items: for each parent at first, then again for those that yielded too little.
  /// @param resolved  by parent: children with fitting shapes so far
  /// @return false when there is nothing to add
  virtual bool add_items(std::span<const std::uint64_t> resolved) = 0;
  virtual std::span<const WorkItem> items() const = 0;

  /// A pure function of the item, whoever runs it. Thread-safe.
  virtual SourceResult run(std::size_t item) const = 0;
  /// Whether a journal's claim of an item can be true; see check_item(). Thread-safe.
  /// @throws Error kInput
  virtual void check(const JournalItem& claim, std::uint32_t iteration, std::size_t item) const = 0;
};

}  // namespace autogo
