#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace autogo {

struct CommandResult {
  int code = 127;  ///< 77: it says that something is missing
  std::string text;

  bool missing() const { return code == 77 || code == 127; }
};

/// Runs a command of the shell, with both streams in its text.
inline CommandResult run_command(const std::string& command) {
  CommandResult result;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) result.text += buffer;
  const int status = ::pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return result;
}

}  // namespace autogo
