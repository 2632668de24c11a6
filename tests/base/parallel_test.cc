#include "autogo/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace autogo {
namespace {

TEST(ParallelFor, RunsEveryIndexOnce) {
  for (const int threads : {0, 1, 2, 7}) {
    std::vector<std::atomic<int>> runs(1000);
    parallel_for(runs.size(), threads, [&](std::size_t i) { ++runs[i]; });
    for (std::size_t i = 0; i < runs.size(); ++i) ASSERT_EQ(runs[i], 1) << i << " " << threads;
  }
}

TEST(ParallelFor, NothingToDo) {
  parallel_for(0, 4, [](std::size_t) { FAIL(); });
}

TEST(ParallelFor, RethrowsTheLowestFailingIndex) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    std::string what;
    try {
      parallel_for(200, 4, [](std::size_t i) {
        if (i % 10 == 7) throw std::runtime_error(std::to_string(i));
      });
    } catch (const std::runtime_error& e) {
      what = e.what();
    }
    ASSERT_EQ(what, "7");
  }
}

TEST(ParallelFor, StopsEarlyAfterAFailure) {
  std::atomic<std::size_t> runs = 0;
  EXPECT_THROW(parallel_for(1'000'000, 2,
                            [&](std::size_t) {
                              ++runs;
                              throw std::runtime_error("no");
                            }),
               std::runtime_error);
  EXPECT_LT(runs, 100U);
}

TEST(ParallelFor, Nests) {
  std::vector<std::size_t> sums(8);
  parallel_for(sums.size(), 3, [&](std::size_t i) {
    std::vector<std::size_t> parts(10);
    parallel_for(parts.size(), 2, [&](std::size_t j) { parts[j] = i * j; });
    for (const std::size_t part : parts) sums[i] += part;
  });
  for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], 45 * i);
}

TEST(AvailableThreads, IsAtLeastOne) { EXPECT_GE(available_threads(), 1); }

}  // namespace
}  // namespace autogo
