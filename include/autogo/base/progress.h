#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "autogo/base/log.h"

namespace autogo {

/// Reports how far a long job is: on a terminal one line that is redrawn, with rate and remaining
/// time; elsewhere a plain line every ten seconds; nothing under --progress none or -q. Never on
/// standard output. Thread-safe; an update costs a few nanoseconds when there is nothing to draw.
class Progress {
 public:
  /// @param what   "mining", shown first
  /// @param total  number of units; 0 when unknown: no share and no remaining time then
  /// @param unit   "graphs"
  Progress(Log& log, std::string what, std::uint64_t total, std::string unit);
  /// Clears the redrawn line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(std::uint64_t units = 1);
  /// Sets what is done so far, for jobs that know it.
  void update(std::uint64_t done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "mining: 1200 of 4000 graphs (30%), 250 graphs/s, 11 s left". Exposed for tests.
/// @param elapsed_s  seconds since the start
std::string progress_text(const std::string& what, std::uint64_t done, std::uint64_t total,
                          const std::string& unit, double elapsed_s);

}  // namespace autogo
