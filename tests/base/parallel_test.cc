#include "autogo/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temp_dir.h"

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

/// A root folder with the files that tell a process its control groups.
class Groups {
 public:
  explicit Groups(const std::string& of_self) { write("proc/self/cgroup", of_self); }
  Groups& write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = dir_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return *this;
  }
  int limit() const { return cgroup_cpu_limit(dir_.path()); }

 private:
  const TempDir dir_;
};

TEST(CgroupCpuLimit, IsTheSmallestOfTheGroupsAboveInVersion2) {
  Groups groups("0::/job/step\n");
  EXPECT_EQ(groups.limit(), 0) << "no file says anything";
  EXPECT_EQ(groups.write("sys/fs/cgroup/job/cpu.max", "max 100000\n").limit(), 0);
  EXPECT_EQ(groups.write("sys/fs/cgroup/job/step/cpu.max", "400000 100000\n").limit(), 4);
  EXPECT_EQ(groups.write("sys/fs/cgroup/job/cpu.max", "150000 100000\n").limit(), 2);
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu.max", "10000 100000\n").limit(), 1);
  EXPECT_EQ(groups.write("sys/fs/cgroup/other/cpu.max", "1 100000\n").limit(), 1);
}

TEST(CgroupCpuLimit, IsTheQuotaOfVersion1) {
  Groups groups("12:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/\n");
  groups.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n").limit(), 0);
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "300000\n").limit(), 3);
  EXPECT_EQ(Groups("3:cpuset:/job\n")
                .write("sys/fs/cgroup/cpuset/job/cpu.cfs_quota_us", "100000\n")
                .write("sys/fs/cgroup/cpuset/job/cpu.cfs_period_us", "100000\n")
                .limit(),
            0)
      << "another controller";
}

TEST(CgroupCpuLimit, IsFoundInAContainerThatSeesTheHostsPath) {
  EXPECT_EQ(Groups("0::/docker/4f1e\n").write("sys/fs/cgroup/cpu.max", "200000 100000").limit(), 2);
  EXPECT_EQ(Groups("0::/../../else\n").write("sys/fs/cgroup/cpu.max", "200000 100000").limit(), 2);
}

TEST(CgroupCpuLimit, DamagedFilesAreNoLimit) {
  for (const char* text : {"", "100000", "a b", "0 0", "-5 100000", "100000 0"}) {
    EXPECT_EQ(Groups("0::/\n").write("sys/fs/cgroup/cpu.max", text).limit(), 0) << text;
  }
  EXPECT_EQ(Groups("nothing\n0:\n").limit(), 0);
}

}  // namespace
}  // namespace autogo
