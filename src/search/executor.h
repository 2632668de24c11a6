#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "search/mutation/mutate.h"

namespace autogo {

/// Runs work items and hands their results over in the order of the items, whoever is done first:
/// what the results enter sees no difference between one thread, many, and other processes.
class Executor {
 public:
  virtual ~Executor() = default;
  /// @param compute  a pure function of an item; called for several at once
  /// @param take     called for first, first + 1, ..., one at a time, never after it has thrown
  /// @param halted   asked before an item is begun
  /// @return the first item that was not taken: `last` unless halted
  /// @throws what `compute` and `take` throw
  virtual std::size_t run(std::size_t first, std::size_t last,
                          const std::function<SourceResult(std::size_t)>& compute,
                          const std::function<void(std::size_t, SourceResult)>& take,
                          const std::function<bool()>& halted) = 0;
};

std::unique_ptr<Executor> make_thread_executor(int threads);

}  // namespace autogo
