#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/codegen/codegen.h"
#include "autogo/onnx/model.h"
#include "onnx/ort.h"

namespace autogo {

inline std::string replaced_extension(const std::string& path, const std::string& extension) {
  return path.substr(0, path.rfind('.')) + extension;
}

/// The models' PyTorch files on what ONNX Runtime gave, in one Python.
/// @param batches  run each with these batches
inline void expect_pytorch_agrees(const std::vector<std::string>& models, const std::string& list,
                                  const std::vector<int>& batches = {1}) {
  const OrtAnswer recorded = ask_ort("record", models, list);
  if (!recorded.available) GTEST_SKIP() << recorded.text;
  ASSERT_TRUE(recorded.ok) << recorded.text;
  std::ofstream out(list);
  for (const std::string& model : models) {
    for (const int batch : batches) {
      out << replaced_extension(model, ".py") << " " << model << ".io " << batch << "\n";
    }
  }
  out.close();
  const std::string command =
      "/usr/bin/python3 '" AUTOGO_SOURCE_DIR "/tests/codegen/compare.py' < '" + list + "' 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text, failures;
  char buffer[4096];
  while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) text += buffer;
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)) {
    GTEST_SKIP() << text;
  }
  std::istringstream lines(text);
  std::size_t passed = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("ok ")) {
      ++passed;
    } else {
      failures += line + "\n";
    }
  }
  EXPECT_EQ(status, 0) << failures;
  EXPECT_EQ(passed, models.size() * batches.size()) << failures;
}

}  // namespace autogo
