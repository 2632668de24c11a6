#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace autogo {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

/// How base/progress.h reports: a line that is redrawn, plain lines, nothing.
enum class ProgressStyle { kBar, kPlain, kNone };

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

  /// kNone until set; a level above kInfo keeps it there.
  void set_progress_style(ProgressStyle style) { progress_style_ = style; }
  ProgressStyle progress_style() const {
    return level_ > LogLevel::kInfo ? ProgressStyle::kNone : progress_style_;
  }
  /// Redraws the progress line, cut to the terminal's width; empty removes it. Messages go above.
  void draw_bar(std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  LogLevel level_;
  ProgressStyle progress_style_ = ProgressStyle::kNone;
};

/// A log that drops everything: for tests and library callers without one.
Log& null_log();

}  // namespace autogo
