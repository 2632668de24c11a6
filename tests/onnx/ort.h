#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace autogo {

/// What ONNX Runtime says of models (tests/support/ort_check.mjs).
struct OrtAnswer {
  bool available = false;
  bool ok = false;
  std::string text;  ///< a line a model
};

/// @param mode  "run" or "compare" (then paths are pairs)
inline OrtAnswer ask_ort(const std::string& mode, const std::vector<std::string>& paths,
                         const std::string& list_file, const std::string& environment = "") {
  std::ofstream list(list_file);
  for (const std::string& path : paths) list << path << '\n';
  list.close();
  const std::string command = "AUTOGO_ORT_DIR='" AUTOGO_ORT_DIR "' " + environment +
                              " node '" AUTOGO_SOURCE_DIR "/tests/support/ort_check.mjs' " + mode +
                              " - < '" + list_file + "' 2>&1";
  OrtAnswer answer;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return answer;
  char buffer[4096];
  while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) answer.text += buffer;
  const int status = ::pclose(pipe);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  answer.available = code != 77 && code != 127;
  answer.ok = code == 0;
  return answer;
}

}  // namespace autogo
