#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace autogo {

/// Runs fn(i) for every i in [0, n) on up to `threads` threads (1: on the caller's). Iteration i
/// writes slot i; reduce in index order afterwards. The exception of the lowest failing index is
/// rethrown once all threads have stopped.
void parallel_for(std::size_t n, int threads, const std::function<void(std::size_t)>& fn);

/// Cores that this process may use (affinity and cgroup limits respected), at least 1.
int available_threads();

/// Cores' worth of time that the control groups of this process grant it, part of one rounded up;
/// 0: no limit. Both versions of cgroups, the group and those above it.
/// @param root  "/"; tests bring a folder with its /proc/self/cgroup and /sys/fs/cgroup
int cgroup_cpu_limit(const std::string& root);

}  // namespace autogo
