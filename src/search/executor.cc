#include "executor.h"

#include <mutex>
#include <optional>
#include <vector>

#include "autogo/base/parallel.h"

namespace autogo {
namespace {

class ThreadExecutor : public Executor {
 public:
  explicit ThreadExecutor(int threads) : threads_(threads) {}

  std::size_t run(std::size_t first, std::size_t last,
                  const std::function<SourceResult(std::size_t)>& compute,
                  const std::function<void(std::size_t, SourceResult)>& take,
                  const std::function<bool()>& halted) override {
    std::mutex mutex;
    std::vector<std::optional<SourceResult>> results(last - first);
    std::size_t next = first;
    bool failed = false;
    parallel_for(last - first, threads_, [&](std::size_t offset) {
      if (halted()) return;
      SourceResult result = compute(first + offset);
      const std::lock_guard<std::mutex> lock(mutex);
      results[offset] = std::move(result);
      while (!failed && next < last && results[next - first]) {
        failed = true;  // until it is taken
        take(next, std::move(*results[next - first]));
        results[next++ - first].reset();
        failed = false;
      }
    });
    return next;
  }

 private:
  int threads_;
};

}  // namespace

std::unique_ptr<Executor> make_thread_executor(int threads) {
  return std::make_unique<ThreadExecutor>(threads);
}

}  // namespace autogo
