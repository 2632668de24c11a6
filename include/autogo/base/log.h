#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace autogo {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

/// Messages for people, on standard error; standard output carries results only. Passed by
/// reference, never a global. Thread-safe.
class Log {
 public:
  /// @param file  also written there when not empty. @throws Error kIo
  explicit Log(LogLevel level = LogLevel::kInfo, bool color = false, const std::string& file = "");
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void debug(std::string_view text);
  void info(std::string_view text);
  void warning(std::string_view text);
  LogLevel level() const { return level_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  LogLevel level_;
};

/// A log that drops everything: for tests and library callers without one.
Log& null_log();

}  // namespace autogo
