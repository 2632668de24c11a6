#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace autogo {

/// Who is to blame, and therefore which exit code `main` returns (docs/commands.md).
enum class ErrorKind {
  kUsage,        ///< a wrong option or configuration            (exit 2)
  kInput,        ///< a bad input file                           (exit 5)
  kUnsupported,  ///< a good file that this command cannot serve (exit 5)
  kInfeasible,   ///< the user's constraint cannot be met        (exit 4)
  kIo,           ///< the system failed: disk, file, process     (exit 1)
  kInternal,     ///< our bug                                    (exit 70)
};

/// The one exception type that crosses the library's boundary. `what()` is a single line that says
/// what is wrong, where, what was expected and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text)
      : std::runtime_error(text), kind_(kind), text_(text) {}

  ErrorKind kind() const { return kind_; }
  const char* what() const noexcept override { return text_.c_str(); }
  /// What to do about it; empty when the text says so already. Printed after the text, and as
  /// `hint` in JSON.
  const std::string& hint() const { return hint_; }

  /// Adds where it happened: "a.onnx" turns "pads has 3 entries" into "a.onnx: pads has 3 entries".
  Error& prepend(const std::string& context) {
    text_ = context + ": " + text_;
    return *this;
  }
  Error& with_hint(std::string hint) {
    hint_ = std::move(hint);
    return *this;
  }

 private:
  ErrorKind kind_;
  std::string text_;
  std::string hint_;
};

[[noreturn]] void throw_check_failure(const char* condition, const char* file, int line);

}  // namespace autogo

/// Blames the input.
#define AUTOGO_REQUIRE(condition, kind, text)             \
  do {                                                    \
    if (!(condition)) throw ::autogo::Error((kind), (text)); \
  } while (false)

/// Blames us: a broken invariant, exit code 70.
#define AUTOGO_CHECK(condition)                                                    \
  do {                                                                             \
    if (!(condition)) ::autogo::throw_check_failure(#condition, __FILE__, __LINE__); \
  } while (false)
