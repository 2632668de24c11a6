#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace autogo {

/// "-" as a path is standard input or standard output. Standard input is read once and kept: whoever
/// opens "-" sees the same bytes (LineReader alone streams it, for one reader).

/// The whole file. @throws Error kIo with the path and the system's reason.
std::string read_file(const std::string& path);

/// The whole file, unpacked when it is gzip (told by its first bytes). @throws Error kIo; kInput
/// when the gzip stream is cut or damaged
std::string read_gzip_file(const std::string& path);

/// Writes under a temporary name in the same folder that nobody can guess, syncs, renames, syncs
/// the folder: a reader sees the old file or the new one, never half of it, after a power failure
/// too. Devices and pipes are written to directly. Threads may write the same file.
/// @throws Error kIo; the temporary file is removed.
void write_file_atomic(const std::string& path, std::string_view content);

/// The same for large files: `fill` writes through the sink it is given, piece by piece.
using ByteSink = std::function<void(std::string_view)>;
void write_file_atomic(const std::string& path, const std::function<void(const ByteSink&)>& fill);

/// Is there something at the path? @throws Error kIo: that cannot be told (no permission, too long)
bool path_exists(const std::string& path);
/// The same for a folder, links followed.
bool is_folder(const std::string& path);
/// Makes a folder, and those above it; one that is there stays. @throws Error kIo
void make_folder(const std::string& path);
/// Names of what a folder holds, sorted. @throws Error kIo
std::vector<std::string> list_folder(const std::string& path);

/// The bytes of a file, read-only: a mapping, whose pages are read when touched; of a pipe a copy.
class MappedFile {
 public:
  /// @throws Error kIo
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  void* mapping_ = nullptr;  ///< null: the bytes are elsewhere
  std::string content_;      ///< of a pipe
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Reads a text file line by line, gzip or plain (told by its first bytes), without holding it.
class LineReader {
 public:
  /// @throws Error kIo
  explicit LineReader(const std::string& path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  /// False at the end. The newline is dropped. @throws Error kInput on a truncated gzip stream.
  bool next(std::string& line);
  /// 1-based number of the line that `next` gave last.
  std::size_t line_number() const { return line_number_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::size_t line_number_ = 0;
};

}  // namespace autogo
