#include "autogo/base/progress.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>

namespace autogo {
namespace {

using Clock = std::chrono::steady_clock;

/// "45 s", "3 min 20 s", "2 h 5 min".
std::string duration_text(double seconds) {
  const auto total = static_cast<std::int64_t>(seconds + 0.5);
  if (total < 60) return std::to_string(total) + " s";
  if (total < 3600) {
    return std::to_string(total / 60) + " min " + std::to_string(total % 60) + " s";
  }
  return std::to_string(total / 3600) + " h " + std::to_string(total / 60 % 60) + " min";
}

/// Three significant digits without a locale: "0.25", "12.5", "250".
std::string rate_text(double rate) {
  char buffer[32];
  const int digits = rate >= 100 ? 0 : rate >= 10 ? 1 : 2;
  std::snprintf(buffer, sizeof(buffer), "%.*f", digits, rate);
  return buffer;
}

}  // namespace

std::string progress_text(const std::string& what, std::uint64_t done, std::uint64_t total,
                          const std::string& unit, double elapsed_s) {
  std::string text = what + ": " + std::to_string(done);
  if (total > 0) text += " of " + std::to_string(total);
  text += " " + unit;
  if (total > 0) text += " (" + std::to_string(done * 100 / total) + "%)";
  if (done == 0 || elapsed_s <= 0) return text;
  const double rate = static_cast<double>(done) / elapsed_s;
  text += ", " + rate_text(rate) + " " + unit + "/s";
  if (total > done)
    text += ", " + duration_text(static_cast<double>(total - done) / rate) + " left";
  return text;
}

struct Progress::Impl {
  Log& log;
  std::string what, unit;
  std::uint64_t total;
  ProgressStyle style;
  Clock::time_point start = Clock::now();
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::int64_t> next_ms;  ///< when to draw next, since the start
  std::mutex mutex;

  std::int64_t interval_ms() const { return style == ProgressStyle::kBar ? 100 : 10'000; }
  std::int64_t elapsed_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  }
  void draw_if_due() {
    if (style == ProgressStyle::kNone) return;
    const std::int64_t now = elapsed_ms();
    if (now < next_ms.load(std::memory_order_relaxed)) return;
    const std::unique_lock<std::mutex> lock(mutex, std::try_to_lock);
    if (!lock.owns_lock() || now < next_ms.load()) return;
    next_ms = now + interval_ms();
    const std::string text =
        progress_text(what, done.load(), total, unit, static_cast<double>(now) / 1000);
    if (style == ProgressStyle::kBar) {
      log.draw_bar(text);
    } else {
      log.info(text);
    }
  }
};

Progress::Progress(Log& log, std::string what, std::uint64_t total, std::string unit)
    : impl_(new Impl{log,
                     std::move(what),
                     std::move(unit),
                     total,
                     log.progress_style(),
                     Clock::now(),
                     0,
                     0,
                     {}}) {
  impl_->next_ms = impl_->interval_ms();
}

Progress::~Progress() {
  if (impl_->style == ProgressStyle::kBar) impl_->log.draw_bar("");
}

void Progress::add(std::uint64_t units) {
  impl_->done.fetch_add(units, std::memory_order_relaxed);
  impl_->draw_if_due();
}

void Progress::update(std::uint64_t done) {
  impl_->done.store(done, std::memory_order_relaxed);
  impl_->draw_if_due();
}

}  // namespace autogo
