#include "autogo/base/paths.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

TEST(Paths, TheEnvironmentComesFirst) {
  const TempDir dir;
  write_file_atomic(dir / "thing.json", "{}");
  ::setenv("AUTOGO_DATA", dir.path().c_str(), 1);
  EXPECT_EQ(data_file("thing.json"), dir / "thing.json");
  EXPECT_EQ(data_folders().front(), dir.path());
  ::unsetenv("AUTOGO_DATA");
  EXPECT_THROW(data_file("thing.json"), Error);
}

TEST(Paths, WhatIsMissingIsNamedWithWhereItWasLookedFor) {
  ::setenv("AUTOGO_DATA", "/nowhere", 1);
  try {
    data_file("no-such-thing.json");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
    EXPECT_EQ(std::string(e.what()).find("no-such-thing.json: not found in /nowhere, "), 0U)
        << e.what();
    EXPECT_EQ(e.hint(), "set AUTOGO_DATA to the folder that has it");
  }
  ::unsetenv("AUTOGO_DATA");
}

TEST(Paths, TheBuildFolderServesItsOwnPrograms) {
  EXPECT_EQ(read_file(data_file("README.md")), read_file(AUTOGO_SOURCE_DIR "/data/README.md"));
}

}  // namespace
}  // namespace autogo
