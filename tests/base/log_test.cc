#include "autogo/base/log.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

TEST(Log, WritesToStandardErrorAtItsLevel) {
  testing::internal::CaptureStderr();
  Log log(LogLevel::kInfo);
  log.debug("hidden");
  log.info("one");
  log.warning("two");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "one\nwarning: two\n");
}

TEST(Log, TheFileGetsEverything) {
  const TempDir dir;
  testing::internal::CaptureStderr();
  {
    Log log(LogLevel::kError, false, dir / "log");
    log.debug("detail");
    log.info("one");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  const std::string content = read_file(dir / "log");
  EXPECT_NE(content.find(" debug detail\n"), std::string::npos) << content;
  EXPECT_NE(content.find(" info one\n"), std::string::npos) << content;
}

TEST(Log, UnwritableFileIsAnError) {
  const TempDir dir;
  try {
    Log log(LogLevel::kInfo, false, dir / "no/such/dir\x01/log");
    // spdlog makes missing folders; a file in a folder's place it cannot.
    write_file_atomic(dir / "file", "x");
    Log second(LogLevel::kInfo, false, dir / "file/log");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
    EXPECT_EQ(std::string(e.what()).find(dir / "file/log: cannot open the log file"), 0U)
        << e.what();
  }
}

TEST(Log, MessagesGoAboveTheBar) {
  testing::internal::CaptureStderr();
  Log log(LogLevel::kInfo);
  log.draw_bar("10%");
  log.info("one");
  log.draw_bar("");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "\r\x1b[K10%\r\x1b[Kone\n10%\r\x1b[K");
}

}  // namespace
}  // namespace autogo
