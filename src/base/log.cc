#include "autogo/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <vector>

#include "autogo/base/error.h"

namespace autogo {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

struct Log::Impl {
  std::shared_ptr<spdlog::logger> logger;  // spdlog's own interface hands out shared pointers
  std::mutex mutex;                        // of the bar
  std::string bar;                         // what stands on the terminal's last line

  /// Writes a message above the bar.
  void write(spdlog::level::level_enum level, std::string_view text) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!bar.empty()) std::fputs("\r\x1b[K", stderr);
    logger->log(level, "{}", text);
    if (!bar.empty()) std::fputs(bar.c_str(), stderr);
  }
};

Log::Log(LogLevel level, bool color, const std::string& file)
    : impl_(std::make_unique<Impl>()), level_(level) {
  try {
    std::vector<spdlog::sink_ptr> sinks;
    auto terminal = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
        color ? spdlog::color_mode::always : spdlog::color_mode::never);
    terminal->set_level(to_spdlog(level));
    terminal->set_pattern(level == LogLevel::kDebug ? "%^%l%$ [%H:%M:%S.%e] %v" : "%v");
    sinks.push_back(std::move(terminal));
    if (!file.empty()) {
      auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file, false);
      sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
      sinks.push_back(std::move(sink));
    }
    impl_->logger = std::make_shared<spdlog::logger>("autogo", sinks.begin(), sinks.end());
    impl_->logger->set_level(file.empty() ? to_spdlog(level) : spdlog::level::debug);
    impl_->logger->flush_on(spdlog::level::info);
  } catch (const spdlog::spdlog_ex& e) {
    throw Error(ErrorKind::kIo, file + ": cannot open the log file: " + e.what());
  }
}

Log::~Log() = default;

void Log::debug(std::string_view text) { impl_->write(spdlog::level::debug, text); }
void Log::info(std::string_view text) { impl_->write(spdlog::level::info, text); }
void Log::warning(std::string_view text) {
  impl_->write(spdlog::level::warn, "warning: " + std::string(text));
}

void Log::draw_bar(std::string_view text) {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  const std::size_t width = known ? size.ws_col - 1U : 79U;
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->bar = text.substr(0, width);
  std::fputs(("\r\x1b[K" + impl_->bar).c_str(), stderr);
  std::fflush(stderr);
}

Log& null_log() {
  static Log log(LogLevel::kOff);
  return log;
}

}  // namespace autogo
