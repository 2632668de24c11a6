#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/base/hash.h"
#include "base/json.h"

namespace autogo {

/// A journal line: the JSON on one line, its last member "sum" the hash of all before it.
std::string seal(const OrderedJson& event);

/// The event of a sealed line, empty when the checksum does not match.
std::optional<Json> unseal(std::string_view line);

/// An append-only file of sealed lines that one process owns: the kernel's lock on it goes when
/// the process does, however it ends.
class Journal {
 public:
  /// An intact line, and the size of the file up to its end.
  struct Line {
    Json event;
    std::uint64_t end = 0;
  };

  /// Opens or creates, and locks. @throws Error kUsage: another process has it; kIo
  explicit Journal(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// All lines; a torn last one is left out.
  /// @throws Error kInput: a line before the last whose checksum does not match
  std::vector<Line> read() const;
  std::uint64_t size() const { return size_; }
  /// Cuts the file to this size; appending goes on there.
  void truncate(std::uint64_t size);
  /// Appends sealed lines in one piece. @throws Error kIo (a full disk): nothing was appended
  void append(std::string_view lines);
  /// What was appended survives a power failure.
  void sync();

 private:
  std::string path_;
  int file_ = -1;
  std::uint64_t size_ = 0;  ///< bytes in use: where the next append goes
};

}  // namespace autogo
