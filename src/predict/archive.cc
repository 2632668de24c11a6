#include "archive.h"

#include <torch/serialize/archive.h>

#include <sstream>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/rng.h"

namespace autogo {
namespace {

const std::string kHashKey = "\"file_hash\":\"";
const std::string kNoHash(16, '0');
constexpr const char* kDamaged = "the file is damaged; copy it again, or train again";

std::string hex(std::uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[15 - i] = kDigits[(value >> (4 * i)) & 15];
  return text;
}

std::string pack(const std::map<std::string, torch::Tensor>& tensors) {
  torch::serialize::OutputArchive out;
  for (const auto& [name, tensor] : tensors) out.write(name, tensor, /*is_buffer=*/true);
  std::ostringstream stream;
  out.save_to(stream);
  return std::move(stream).str();
}

/// Hash of the whole file but for the hash itself, whose digits stand as zeros.
std::string file_hash(const std::string& header, const std::string& bytes) {
  const std::uint64_t hash = hash_bytes(header.data(), header.size());
  return hex(hash_bytes(bytes.data(), bytes.size(), hash));
}

std::uint64_t hash_tensors(const std::map<std::string, torch::Tensor>& tensors) {
  std::uint64_t hash = 0;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor data = tensor.contiguous();
    hash = hash_combine(hash, hash_bytes(name.data(), name.size()));
    hash = hash_combine(hash, hash_bytes(data.data_ptr(), data.nbytes()));
  }
  return hash;
}

int version_of(const std::string& format) {
  return format == kPredictorFormat ? kPredictorVersion : kCheckpointVersion;
}

}  // namespace

void write_archive(const std::string& path, const std::string& format, const Archive& archive) {
  const std::string bytes = pack(archive.tensors);
  OrderedJson header;
  header["format"] = format;
  header["version"] = version_of(format);
  header["archive_bytes"] = bytes.size();
  header["file_hash"] = kNoHash;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : archive.tensors) names.push_back(name);
  header["tensors"] = names;
  for (const auto& [key, value] : archive.header.items()) header[key] = value;
  std::string text = header.dump() + "\n";
  text.replace(text.find(kHashKey) + kHashKey.size(), kNoHash.size(), file_hash(text, bytes));
  write_file_atomic(path, [&](const ByteSink& sink) {
    sink(text);
    sink(bytes);
  });
}

Archive read_archive(const std::string& path, const std::string& format) {
  const std::string file = read_file(path);
  const std::size_t end = file.find('\n');
  Archive archive;
  archive.header = parse_json(file.substr(0, std::min(end, file.size())), path);
  require_format(archive.header, path, format, version_of(format));
  const std::string bytes = end == std::string::npos ? std::string() : file.substr(end + 1);
  const auto size = json_member<std::uint64_t>(archive.header, "archive_bytes", path);
  if (size != bytes.size()) {
    throw Error(ErrorKind::kInput, path + ": the archive has " + std::to_string(bytes.size()) +
                                       " bytes, expected " + std::to_string(size))
        .with_hint(kDamaged);
  }
  const auto hash = json_member<std::string>(archive.header, "file_hash", path);
  std::string text = file.substr(0, end + 1);
  const std::size_t at = text.find(kHashKey);
  if (at != std::string::npos && at + kHashKey.size() + kNoHash.size() <= text.size()) {
    text.replace(at + kHashKey.size(), kNoHash.size(), kNoHash);
  }
  if (hash != file_hash(text, bytes)) {
    throw Error(ErrorKind::kInput, path + ": the file's hash is not the one it names")
        .with_hint(kDamaged);
  }
  const auto names = json_member<std::vector<std::string>>(archive.header, "tensors", path);
  try {
    std::istringstream stream(bytes);
    torch::serialize::InputArchive in;
    in.load_from(stream);
    for (const std::string& name : names) in.read(name, archive.tensors[name], true);
  } catch (const std::exception&) {  // c10::Error, and what its zip reader throws
    throw Error(ErrorKind::kInput, path + ": LibTorch cannot read the archive").with_hint(kDamaged);
  }
  archive.content_hash = hash_tensors(archive.tensors);
  return archive;
}

torch::Tensor archive_tensor(const Archive& archive, const std::string& name,
                             torch::ScalarType type, std::int64_t size, const std::string& path) {
  const auto it = archive.tensors.find(name);
  const std::string where = path + ": tensor '" + name + "'";
  AUTOGO_REQUIRE(it != archive.tensors.end(), ErrorKind::kInput, where + " is missing");
  const torch::Tensor& tensor = it->second;
  AUTOGO_REQUIRE(
      tensor.scalar_type() == type && tensor.dim() == 1 && (size < 0 || tensor.size(0) == size),
      ErrorKind::kInput,
      where + " has " + std::to_string(tensor.numel()) + " elements, expected " +
          (size < 0 ? std::string("a list") : std::to_string(size)));
  return tensor.contiguous();
}

}  // namespace autogo
