#include "autogo/base/progress.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace autogo {
namespace {

TEST(Progress, TextHasShareRateAndRemainingTime) {
  EXPECT_EQ(progress_text("mining", 0, 40, "graphs", 0), "mining: 0 of 40 graphs (0%)");
  EXPECT_EQ(progress_text("mining", 10, 40, "graphs", 4),
            "mining: 10 of 40 graphs (25%), 2.50 graphs/s, 12 s left");
  EXPECT_EQ(progress_text("mining", 100, 100'100, "graphs", 10),
            "mining: 100 of 100100 graphs (0%), 10.0 graphs/s, 2 h 46 min left");
  EXPECT_EQ(progress_text("mining", 100, 30'100, "graphs", 1),
            "mining: 100 of 30100 graphs (0%), 100 graphs/s, 5 min 0 s left");
  EXPECT_EQ(progress_text("mining", 40, 40, "graphs", 4),
            "mining: 40 of 40 graphs (100%), 10.0 graphs/s");
  EXPECT_EQ(progress_text("mining", 1234, 0, "graphs", 1), "mining: 1234 graphs, 1234 graphs/s");
}

TEST(Progress, BarIsDrawnAndRemoved) {
  testing::internal::CaptureStderr();
  Log log(LogLevel::kInfo);
  log.set_progress_style(ProgressStyle::kBar);
  {
    Progress progress(log, "mining", 2, "graphs");
    progress.add();
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    progress.add();
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("\r\x1b[Kmining: 2 of 2 graphs (100%)"), 0U) << text;
  EXPECT_EQ(text.substr(text.size() - 4), "\r\x1b[K");
}

TEST(Progress, SaysNothingWhenQuietOrSwitchedOff) {
  testing::internal::CaptureStderr();
  for (const LogLevel level : {LogLevel::kInfo, LogLevel::kWarning}) {
    Log log(level);
    log.set_progress_style(level == LogLevel::kInfo ? ProgressStyle::kNone : ProgressStyle::kBar);
    Progress progress(log, "mining", 2, "graphs");
    std::this_thread::sleep_for(std::chrono::milliseconds(110));
    progress.update(2);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace autogo
