#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace autogo::testing {

/// Compares with tests/golden/<name>.txt; AUTOGO_UPDATE_GOLDEN=1 writes it instead, to be reviewed
/// as a diff.
inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(AUTOGO_SOURCE_DIR) + "/tests/golden/" + name + ".txt";
  if (std::getenv("AUTOGO_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  ASSERT_TRUE(file) << path << " is missing; run once with AUTOGO_UPDATE_GOLDEN=1";
  std::ostringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str()) << path;
}

}  // namespace autogo::testing
