#pragma once

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace autogo {

inline constexpr int kExitInterrupted = 6;

/// Turns SIGINT and SIGTERM into a request while it lives: the first one sets requested(), so that
/// a long job can finish its unit and keep its state; the second ends the process at once.
class StopSignal {
 public:
  StopSignal() {
    requested_ = false;
    struct sigaction action {};
    action.sa_handler = request;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGINT, &action, &old_interrupt_);
    ::sigaction(SIGTERM, &action, &old_terminate_);
  }
  ~StopSignal() {
    ::sigaction(SIGINT, &old_interrupt_, nullptr);
    ::sigaction(SIGTERM, &old_terminate_, nullptr);
  }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  static const std::atomic<bool>& requested() { return requested_; }

 private:
  static void request(int) {
    if (requested_.exchange(true)) ::_exit(kExitInterrupted);
  }

  static inline std::atomic<bool> requested_{false};
  struct sigaction old_interrupt_ {
  }, old_terminate_{};
};

}  // namespace autogo
