// The run's memory: everything that a search accepted, in order, so that a killed run goes on where
// it was. Lines are only ever appended, each carries a checksum, and a work item's lines are
// written in one piece that ends with the item's own line. After a kill the file thus ends in at
// most one incomplete item, which the reader's caller cuts off; a half-written last line fails its
// checksum. A write that fails half-way (a full disk) is cut off at once, so the file is valid
// after every outcome.
//
// Times and threads leave no trace: the bytes depend on the configuration only.
//
// Tested by tests/search/journal_test.cc.

#include "journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "autogo/base/rng.h"

namespace autogo {
namespace {

constexpr std::string_view kSumKey = ",\"sum\":\"";
constexpr std::size_t kSumTail = 8 + 16 + 2;  // ,"sum":"0123456789abcdef"}

}  // namespace

std::string seal(const OrderedJson& event) {
  std::string line = event.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  AUTOGO_CHECK(event.is_object() && !event.empty());
  line.pop_back();
  const std::string sum = hex64(hash_bytes(line.data(), line.size()));
  return line.append(kSumKey).append(sum).append("\"}\n");
}

std::optional<Json> unseal(std::string_view line) {
  if (line.size() < kSumTail || !line.ends_with("\"}")) return std::nullopt;
  const std::string_view content = line.substr(0, line.size() - kSumTail);
  const std::string_view tail = line.substr(content.size());
  if (!tail.starts_with(kSumKey)) return std::nullopt;
  const std::string sum = hex64(hash_bytes(content.data(), content.size()));
  if (tail.substr(kSumKey.size(), 16) != sum) return std::nullopt;
  Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

Journal::Journal(const std::string& path) : path_(path) {
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  AUTOGO_REQUIRE(file_ >= 0, ErrorKind::kIo, path + ": cannot open: " + std::strerror(errno));
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    ::close(file_);
    if (reason == EWOULDBLOCK) {
      throw Error(ErrorKind::kUsage, path + ": another autogo process works in this run directory")
          .with_hint("wait for it, stop it, or choose another -o");
    }
    throw Error(ErrorKind::kIo, path + ": cannot lock: " + std::strerror(reason));
  }
  const off_t end = ::lseek(file_, 0, SEEK_END);
  size_ = end > 0 ? static_cast<std::uint64_t>(end) : 0;
}

Journal::~Journal() { ::close(file_); }

void Journal::truncate(std::uint64_t size) {
  AUTOGO_REQUIRE(::ftruncate(file_, static_cast<off_t>(size)) == 0, ErrorKind::kIo,
                 path_ + ": cannot shorten: " + std::strerror(errno));
  size_ = size;
}

void Journal::append(std::string_view lines) {
  std::uint64_t at = size_;
  while (!lines.empty()) {
    const ssize_t written = ::pwrite(file_, lines.data(), lines.size(), static_cast<off_t>(at));
    if (written < 0) {
      if (errno == EINTR) continue;
      const std::string reason = std::strerror(errno);
      truncate(size_);
      throw Error(ErrorKind::kIo, path_ + ": cannot write: " + reason)
          .with_hint("make room, then continue with --resume; nothing is lost");
    }
    at += static_cast<std::uint64_t>(written);
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
  size_ = at;
}

void Journal::sync() {
  AUTOGO_REQUIRE(::fdatasync(file_) == 0 || errno == EINVAL, ErrorKind::kIo,
                 path_ + ": cannot write: " + std::strerror(errno));
}

JournalReader::JournalReader(const std::string& path)
    : path_(path), stream_(path, std::ios::binary) {
  AUTOGO_REQUIRE(stream_.is_open(), ErrorKind::kIo,
                 path + ": cannot open: " + std::strerror(errno));
}

std::string JournalReader::where() const {
  return path_ + ": line " + std::to_string(line_number_);
}

std::optional<Json> JournalReader::next() {
  std::string line;
  std::getline(stream_, line);
  AUTOGO_REQUIRE(!stream_.bad(), ErrorKind::kIo, path_ + ": cannot read");
  if (stream_.eof()) return std::nullopt;  // nothing, or a line that was torn before its end
  auto event = unseal(line);
  if (!event) {
    if (stream_.peek() == std::ifstream::traits_type::eof()) return std::nullopt;  // torn as well
    throw Error(ErrorKind::kInput, path_ + ": line " + std::to_string(line_number_ + 1) +
                                       ": the checksum does not match, the file is damaged")
        .with_hint("restore it, or delete this line and all after it to go on from there");
  }
  ++line_number_;
  end_ += line.size() + 1;
  return event;
}

}  // namespace autogo
