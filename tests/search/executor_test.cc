#include "search/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace autogo {
namespace {

SourceResult slow_result(std::size_t i) {
  std::this_thread::sleep_for(std::chrono::milliseconds(i % 3));  // later items are done first
  SourceResult result;
  result.drawn = i;
  return result;
}

TEST(Executor, HandsResultsOverInTheOrderOfItems) {
  for (const int threads : {1, 4}) {
    std::vector<std::uint64_t> taken;
    const std::size_t next = make_thread_executor(threads)->run(
        3, 40, slow_result,
        [&](std::size_t i, const SourceResult& result) {
          EXPECT_EQ(result.drawn, i);
          taken.push_back(i);
        },
        [] { return false; });
    EXPECT_EQ(next, 40U);
    ASSERT_EQ(taken.size(), 37U);
    for (std::size_t i = 0; i < taken.size(); ++i) EXPECT_EQ(taken[i], i + 3);
  }
}

TEST(Executor, StopsBeforeAnItemWhenHalted) {
  std::atomic<int> begun{0};
  std::size_t taken = 0;
  const std::size_t next = make_thread_executor(2)->run(
      0, 100,
      [&](std::size_t i) {
        ++begun;
        return slow_result(i);
      },
      [&](std::size_t, const SourceResult&) { ++taken; }, [&] { return begun >= 10; });
  EXPECT_EQ(next, taken);
  EXPECT_LT(next, 13U);
}

TEST(Executor, TakesNothingAfterWhatItTookHasFailed) {
  std::vector<std::size_t> taken;
  EXPECT_THROW(make_thread_executor(3)->run(
                   0, 30, slow_result,
                   [&](std::size_t i, const SourceResult&) {
                     taken.push_back(i);
                     if (i == 5) throw std::runtime_error("a full disk");
                   },
                   [] { return false; }),
               std::runtime_error);
  EXPECT_EQ(taken, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace autogo
