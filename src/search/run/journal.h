#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

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
  /// Opens or creates, and locks. @throws Error kUsage: another process has it; kIo
  explicit Journal(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  const std::string& path() const { return path_; }
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

/// The lines of a journal, one at a time: a journal may be larger than memory.
class JournalReader {
 public:
  /// @throws Error kIo
  explicit JournalReader(const std::string& path);
  /// The event of the next intact line; empty at the end. A torn last line is left out.
  /// @throws Error kInput: a line before the last whose checksum does not match; kIo
  std::optional<Json> next();
  /// Bytes up to the end of the line that next() gave last.
  std::uint64_t end() const { return end_; }
  /// "PATH: line N", of that line; for error texts.
  std::string where() const;

 private:
  std::string path_;
  std::ifstream stream_;
  std::size_t line_number_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace autogo
