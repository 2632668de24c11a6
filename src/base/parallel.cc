#include "autogo/base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace autogo {

namespace fs = std::filesystem;

void parallel_for(std::size_t n, int threads, const std::function<void(std::size_t)>& fn) {
  if (threads <= 1 || n <= 1) {
    for (std::size_t i = 0; i < n; ++i) fn(i);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> stop_at{std::numeric_limits<std::size_t>::max()};
  std::mutex mutex;
  std::exception_ptr failure;  // of index stop_at
  auto work = [&] {
    for (;;) {
      const std::size_t i = next.fetch_add(1);
      if (i >= n || i >= stop_at.load()) return;
      try {
        fn(i);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (i < stop_at.load()) {
          stop_at = i;
          failure = std::current_exception();
        }
      }
    }
  };
  {
    std::vector<std::jthread> pool;
    const auto extra = std::min<std::size_t>(static_cast<std::size_t>(threads), n) - 1;
    for (std::size_t t = 0; t < extra; ++t) pool.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

namespace {

/// What one group grants, 0: no limit. Its quota is of each period; "max" and -1 are no quota.
int group_limit(const fs::path& group) {
  std::string quota_text, period_text;
  if (std::ifstream both(group / "cpu.max"); both) {  // version 2
    both >> quota_text >> period_text;
  } else {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota_text;
    std::ifstream(group / "cpu.cfs_period_us") >> period_text;
  }
  const auto number = [](const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  const std::int64_t quota = number(quota_text), period = number(period_text);
  if (quota <= 0 || period <= 0) return 0;
  const std::int64_t cores = quota / period + (quota % period > 0 ? 1 : 0);
  return static_cast<int>(std::min<std::int64_t>(cores, std::numeric_limits<int>::max()));
}

int smaller_limit(int a, int b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

/// Of a group and those above it, up to where the controller is mounted. A container may see its
/// own group as the mount and its path as the host has it: what is not there is passed over.
int limit_below(const fs::path& mount, const std::string& path) {
  int limit = group_limit(mount);
  fs::path group = mount;
  for (const fs::path& part : fs::path(path).lexically_normal().relative_path()) {
    if (part == "..") continue;  // a group outside of what the container sees
    limit = smaller_limit(limit, group_limit(group /= part));
  }
  return limit;
}

}  // namespace

int cgroup_cpu_limit(const std::string& root) {
  const fs::path mounts = fs::path(root) / "sys/fs/cgroup";
  std::ifstream groups(fs::path(root) / "proc/self/cgroup");
  int limit = 0;
  for (std::string line; std::getline(groups, line);) {  // "4:cpu,cpuacct:/group", "0::/group"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      limit = smaller_limit(limit, limit_below(mounts, path));
    } else if (("," + controllers + ",").find(",cpu,") != line.npos) {
      limit = smaller_limit(limit, limit_below(mounts / controllers, path));
      limit = smaller_limit(limit, limit_below(mounts / "cpu", path));
    }
  }
  return limit;
}

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cores = sched_getaffinity(0, sizeof(set), &set) == 0
                        ? CPU_COUNT(&set)
                        : static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, smaller_limit(cores, cgroup_cpu_limit("/")));
}

}  // namespace autogo
