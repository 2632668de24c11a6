#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "autogo/base/error.h"
#include "bench.h"

extern char** environ;

namespace autogo::bench {
namespace {

CommandTime run_once(const std::vector<std::string>& argv) {
  std::vector<char*> arguments;
  for (const std::string& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const auto start = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int failed =
      posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  AUTOGO_REQUIRE(failed == 0, ErrorKind::kIo, argv[0] + ": cannot be run");
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::string text;
  for (const std::string& a : argv) text += (text.empty() ? "" : " ") + a;
  AUTOGO_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0, ErrorKind::kIo, "failed: " + text);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return {time.count(), seconds(usage.ru_utime) + seconds(usage.ru_stime),
          static_cast<double>(usage.ru_maxrss) / 1024};
}

}  // namespace

CommandTime time_command(const std::vector<std::string>& argv, int runs) {
  std::vector<CommandTime> times;
  for (int i = 0; i < runs; ++i) times.push_back(run_once(argv));
  std::ranges::sort(times, {}, &CommandTime::seconds);
  CommandTime median = times[times.size() / 2];
  for (const CommandTime& t : times) median.peak_mib = std::max(median.peak_mib, t.peak_mib);
  return median;
}

std::string time_text(const CommandTime& time) {
  return time_text(time.seconds) + " (" + time_text(time.cpu_seconds) + " of CPU)";
}

std::string time_text(double seconds) {
  struct Unit {
    double size;
    const char* name;
  };
  Unit unit{1, "s"};
  if (seconds < 1) unit = {1e-3, "ms"};
  if (seconds < 1e-3) unit = {1e-6, "us"};
  char text[32];
  const double value = seconds / unit.size;
  std::snprintf(text, sizeof(text),
                value < 10    ? "%.2f %s"
                : value < 100 ? "%.1f %s"
                              : "%.0f %s",
                value, unit.name);
  return text;
}

}  // namespace autogo::bench
