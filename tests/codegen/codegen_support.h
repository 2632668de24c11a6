#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/codegen/codegen.h"
#include "autogo/onnx/model.h"
#include "onnx/ort.h"
#include "support/command.h"

namespace autogo {

inline std::string replaced_extension(const std::string& path, const std::string& extension) {
  return path.substr(0, path.rfind('.')) + extension;
}

/// A script of this folder in Debian's Python, which has Debian's packages, or in another one.
inline std::string codegen_script(const std::string& name, const char* python = nullptr) {
  return std::string(python != nullptr ? python : "/usr/bin/python3") +
         " '" AUTOGO_SOURCE_DIR "/tests/codegen/" + name + "'";
}

/// The models' Python files on what ONNX Runtime gave, in one Python.
/// @param script  of this folder, that compares
/// @param batches  run each with these batches
inline void expect_agrees(const char* script, const std::vector<std::string>& models,
                          const std::string& list, const std::vector<int>& batches = {1},
                          const char* python = nullptr) {
  if (!std::filesystem::exists(models.at(0) + ".io")) {
    const OrtAnswer recorded = ask_ort("record", models, list);
    if (!recorded.available) GTEST_SKIP() << recorded.text;
    ASSERT_TRUE(recorded.ok) << recorded.text;
  }
  std::ofstream out(list);
  for (const std::string& model : models) {
    for (const int batch : batches) {
      out << replaced_extension(model, ".py") << " " << model << ".io " << batch << "\n";
    }
  }
  out.close();
  const CommandResult ran = run_command(codegen_script(script, python) + " < '" + list + "'");
  if (ran.missing()) GTEST_SKIP() << ran.text;
  std::istringstream lines(ran.text);
  std::string failures;
  std::size_t passed = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("ok ")) {
      ++passed;
    } else if (line.starts_with("# ")) {
      std::cout << line.substr(2) << "\n";
    } else {
      failures += line + "\n";
    }
  }
  EXPECT_EQ(ran.code, 0) << failures;
  EXPECT_EQ(passed, models.size() * batches.size()) << failures;
}

inline void expect_pytorch_agrees(const std::vector<std::string>& models, const std::string& list,
                                  const std::vector<int>& batches = {1}) {
  expect_agrees("compare.py", models, list, batches);
}

/// With Keras where it is installed, in $AUTOGO_KERAS_PYTHON (a Python that has torch, too) or
/// Debian's Python; else with the stub of it in keras_stub. Prints which.
inline void expect_keras_agrees(const std::vector<std::string>& models, const std::string& list,
                                const std::vector<int>& batches = {1}) {
  expect_agrees("compare_keras.py", models, list, batches, std::getenv("AUTOGO_KERAS_PYTHON"));
}

/// What cannot be written, by case, with the reason behind "(Operator): ".
using Refusals = std::map<std::string, std::string>;

inline std::string case_name(const std::string& model) {
  return std::filesystem::path(model).stem().string();
}

/// Exports what can be; the others are named in `refused`.
inline std::vector<std::string> exported(const std::vector<std::string>& models, Refusals& refused,
                                         CodeSummary (*write)(const Graph&, const std::string&,
                                                              const CodeOptions&)) {
  std::vector<std::string> done;
  for (const std::string& model : models) {
    try {
      write(import_onnx(model), replaced_extension(model, ".py"), {});
      done.push_back(model);
    } catch (const Error& e) {
      const std::string text = e.what();
      EXPECT_EQ(e.kind(), ErrorKind::kUnsupported) << model << ": " << text;
      EXPECT_TRUE(text.starts_with("node '") || text.starts_with("input '")) << text;
      refused[case_name(model)] = text.substr(text.find(": ") + 2);
    }
  }
  return done;
}

}  // namespace autogo
