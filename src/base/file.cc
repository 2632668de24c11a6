#include "autogo/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/base/hash.h"

namespace autogo {
namespace {

[[noreturn]] void throw_io(const std::string& path, const std::string& action) {
  throw Error(ErrorKind::kIo, path + ": cannot " + action + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

void write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_io(path, "write");
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Everything that can be read from here on; `expected` bytes at first.
std::string read_all(int fd, std::size_t expected, const std::string& path) {
  std::string content(expected, '\0');
  std::size_t size = 0;
  for (;;) {
    // One more piece tells that a file has ended; a pipe, whose size is 0, doubles from there.
    if (size == content.size()) content.resize(size + (size == expected ? 65536 : size));
    const ssize_t got = ::read(fd, content.data() + size, content.size() - size);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw_io(path, "read");
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

/// A pipe can be read once, but a command may open "-" several times (a model is parsed, hashed and
/// measured): the first reader takes everything, and all share it.
std::span<const std::byte> standard_input() {
  static const std::string content = read_all(STDIN_FILENO, 0, "-");
  return std::as_bytes(std::span(content));
}

/// Opens a file for reading and sets its size. @throws Error kIo, also for a folder
Descriptor open_input(const std::string& path, std::size_t& size) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw_io(path, "open");
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) throw_io(path, "read");
  if (S_ISDIR(info.st_mode)) throw Error(ErrorKind::kIo, path + ": is a folder, expected a file");
  size = static_cast<std::size_t>(info.st_size);
  return fd;
}

/// "-" is standard output; a link is followed, so that its target is replaced and not the link.
std::string output_target(const std::string& path) {
  if (path == "-") return "/dev/stdout";
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return path;
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  return real ? real.get() : path;
}

/// A device or pipe, which is written to and never replaced.
bool is_stream(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return false;
  if (S_ISDIR(info.st_mode)) throw Error(ErrorKind::kIo, path + ": is a folder, expected a file");
  return !S_ISREG(info.st_mode) || path == "/dev/stdout";
}

/// Nothing when there is nothing. Links are followed.
std::optional<struct stat> look_up(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return info;
  if (errno != ENOENT && errno != ENOTDIR) throw_io(path, "open");
  return std::nullopt;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? "." : path.substr(0, slash + 1);
}

/// A new file in a folder, removed again unless it is renamed. Its name cannot be guessed and must
/// be new: in a folder that others may write to, nobody can put a link there beforehand that would
/// lead the writing elsewhere. The name is short, so that any name that a folder takes can be
/// written.
class TemporaryFile {
 public:
  /// @param shown  the path that errors name
  TemporaryFile(const std::string& folder, const std::string& shown) : fd_(-1) {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    for (int attempt = 0; attempt < 16 && fd_.get() < 0; ++attempt) {
      std::uint64_t name = 0;
      if (::getrandom(&name, sizeof(name), 0) != sizeof(name)) throw_io(shown, "create");
      name_ = folder + "/.autogo-" + hex64(name) + ".tmp";
      fd_.reset(::open(name_.c_str(), kFlags, 0666));
      if (fd_.get() < 0 && errno != EEXIST) break;
    }
    if (fd_.get() < 0) throw_io(shown, "create");
  }
  ~TemporaryFile() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int get() const { return fd_.get(); }
  void sync_and_close(const std::string& shown) {
    if (::fsync(fd_.get()) != 0 && errno != EINVAL) throw_io(shown, "write");
    if (::close(fd_.release()) != 0) throw_io(shown, "write");
  }
  void rename_to(const std::string& target, const std::string& shown) {
    if (::rename(name_.c_str(), target.c_str()) != 0) throw_io(shown, "replace");
    name_.clear();
  }

 private:
  Descriptor fd_;
  std::string name_;  ///< empty: it is no longer there
};

/// Puts on disk which files a folder has: without it a renamed file may be gone after a power
/// failure. Folders that cannot be opened for reading, and file systems that cannot do it, are left
/// to the system.
void sync_folder(const std::string& folder, const std::string& shown) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return;
  if (::fsync(fd.get()) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT)) {
    throw_io(shown, "write");
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  if (path == "-") {
    const std::span<const std::byte> bytes = standard_input();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::size_t size = 0;
  const Descriptor fd = open_input(path, size);
  return read_all(fd.get(), size, path);
}

std::string read_gzip_file(const std::string& path) {
  std::string packed = read_file(path);
  if (packed.size() < 2 || packed[0] != '\x1f' || packed[1] != '\x8b') return packed;
  z_stream stream{};
  AUTOGO_CHECK(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);  // 16: gzip
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string content;
  std::vector<char> buffer(1 << 18);
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    code = inflate(&stream, Z_NO_FLUSH);
    content.append(buffer.data(), buffer.size() - stream.avail_out);
    if (code == Z_STREAM_END && stream.avail_in > 0) code = inflateReset(&stream);  // next member
  }
  inflateEnd(&stream);
  AUTOGO_REQUIRE(
      code == Z_STREAM_END, ErrorKind::kInput,
      path + ": damaged or truncated after " + std::to_string(content.size()) + " unpacked bytes");
  return content;
}

void write_file_atomic(const std::string& path, std::string_view content) {
  write_file_atomic(path, [&](const ByteSink& sink) { sink(content); });
}

void write_file_atomic(const std::string& path, const std::function<void(const ByteSink&)>& fill) {
  const std::string target = output_target(path);
  if (is_stream(target)) {
    const Descriptor fd(::open(target.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd.get() < 0) throw_io(path, "open");
    fill([&](std::string_view piece) { write_all(fd.get(), piece, path); });
    return;
  }
  const std::string folder = folder_of(target);
  TemporaryFile file(folder, path);
  fill([&](std::string_view piece) { write_all(file.get(), piece, path); });
  file.sync_and_close(path);
  file.rename_to(target, path);
  sync_folder(folder, path);
}

bool path_exists(const std::string& path) { return look_up(path).has_value(); }

bool is_folder(const std::string& path) {
  const auto info = look_up(path);
  return info && S_ISDIR(info->st_mode);
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  AUTOGO_REQUIRE(!error && is_folder(path), ErrorKind::kIo,
                 path + ": cannot create the folder" + (error ? ": " + error.message() : ""));
}

std::vector<std::string> list_folder(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (!folder) throw_io(path, "open the folder");
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) throw_io(path, "read the folder");
  std::sort(names.begin(), names.end());
  return names;
}

MappedFile::MappedFile(const std::string& path) {
  if (path == "-") {
    const std::span<const std::byte> bytes = standard_input();
    data_ = bytes.data();
    size_ = bytes.size();
    return;
  }
  const Descriptor fd = open_input(path, size_);
  if (size_ == 0) {  // a pipe tells no size and cannot be mapped
    content_ = read_all(fd.get(), 0, path);
    data_ = reinterpret_cast<const std::byte*>(content_.data());
    size_ = content_.size();
    return;
  }
  mapping_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (mapping_ == MAP_FAILED) throw_io(path, "map");
  data_ = static_cast<const std::byte*>(mapping_);
}

MappedFile::~MappedFile() {
  if (mapping_ != nullptr) ::munmap(mapping_, size_);
}

// zlib's gzread passes plain files through unchanged, so one path serves both kinds.
struct LineReader::Impl {
  std::string path;
  gzFile file = nullptr;
  std::vector<char> buffer = std::vector<char>(1 << 16);
  std::size_t begin = 0, end = 0;
};

LineReader::LineReader(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  const int fd = ::open(path == "-" ? "/dev/stdin" : path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_io(path, "open");
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    ::close(fd);
    throw Error(ErrorKind::kIo, path + ": is a folder, expected a file");
  }
  impl_->file = ::gzdopen(fd, "rb");
  if (impl_->file == nullptr) {
    ::close(fd);
    throw Error(ErrorKind::kIo, path + ": cannot open: not enough memory");
  }
}

LineReader::~LineReader() {
  if (impl_->file != nullptr) ::gzclose(impl_->file);
}

bool LineReader::next(std::string& line) {
  line.clear();
  Impl& in = *impl_;
  bool any = false;
  for (;;) {
    if (in.begin == in.end) {
      const int got = ::gzread(in.file, in.buffer.data(), static_cast<unsigned>(in.buffer.size()));
      int code = Z_OK;
      const char* reason = ::gzerror(in.file, &code);
      if (got < 0 || code == Z_BUF_ERROR) {
        throw Error(ErrorKind::kInput, in.path + ": damaged or truncated after line " +
                                           std::to_string(line_number_) + " (" + reason + ")");
      }
      if (got == 0) break;
      in.begin = 0;
      in.end = static_cast<std::size_t>(got);
    }
    any = true;
    const char* start = in.buffer.data() + in.begin;
    const auto* newline = static_cast<const char*>(std::memchr(start, '\n', in.end - in.begin));
    if (newline != nullptr) {
      line.append(start, newline);
      in.begin += static_cast<std::size_t>(newline - start) + 1;
      break;
    }
    line.append(start, in.end - in.begin);
    in.begin = in.end;
  }
  if (!any) return false;
  ++line_number_;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

}  // namespace autogo
