// Tensors in a file (docs/formats.md, "Files of tensors").
//
//   {"format":F,"version":V,"file_hash":H,"tensors":[[name,type,[dims]],...],...}\n
//   the bytes of the tensors, behind each other in the order of the list
//
// The line comes first so that a person and a program without this code can read what the file is.
// How many bytes a tensor has follows from its type and dimensions, so there is no second number
// that could disagree. The hash finds accidents, of the disk and of the copy; it is no signature,
// so whatever stands behind a right hash is checked as well, dimensions before their product.
//
// An archive of a library would be shorter here. But LibTorch's reader is an interpreter: it runs
// what an archive contains, and a predictor is a file that people pass around.
//
// Tested by tests/tensors/tensor_file_test.cc.

#include "tensor_file.h"

#include <algorithm>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "autogo/base/rng.h"

namespace autogo {
namespace {

const std::string kHashKey = "\"file_hash\":\"";
const std::string kNoHash(16, '0');
constexpr const char* kOwnMembers[] = {"format", "version", "file_hash", "tensors"};
constexpr std::size_t kMaxRank = 64;                          ///< LibTorch's own limit
constexpr std::int64_t kMaxElements = std::int64_t{1} << 48;  ///< with zeros taken as ones

/// The first line with another hash in it; as it is where it has no place for one.
std::string with_hash(std::string line, const std::string& hash) {
  const std::size_t at = line.find(kHashKey);
  if (at != line.npos && line.size() - at >= kHashKey.size() + hash.size()) {
    line.replace(at + kHashKey.size(), hash.size(), hash);
  }
  return line;
}

[[noreturn]] void refuse(const std::string& path, const TensorFileKind& kind,
                         const std::string& why) {
  throw Error(ErrorKind::kInput, path + ": " + why).with_hint(kind.remedy);
}

std::string shown(const std::string& name) { return "tensor '" + name.substr(0, 80) + "'"; }

/// The first line without its newline, and where the tensors begin.
struct FirstLine {
  Json json;
  std::string text;
  std::size_t end = 0;
};

FirstLine first_line(const std::string& file, const std::string& path, const TensorFileKind& kind) {
  FirstLine line;
  const std::size_t newline = file.find('\n');
  if (!file.starts_with('{') || newline == file.npos) {
    refuse(path, kind,
           std::string("is no file of format \"") + kind.format +
               "\", which begins with a line of JSON");
  }
  line.text = file.substr(0, newline);
  line.end = newline + 1;
  try {
    line.json = parse_json(line.text, path);
  } catch (Error& e) {
    e.with_hint(kind.remedy);
    throw;
  }
  require_format(line.json, path, kind.format, kind.version, kind.remedy);
  return line;
}

/// The number of elements. @throws Error kInput without the path
std::int64_t checked_elements(const std::vector<std::int64_t>& dims) {
  AUTOGO_REQUIRE(dims.size() <= kMaxRank, ErrorKind::kInput,
                 "has " + std::to_string(dims.size()) + " dimensions, at most " +
                     std::to_string(kMaxRank) + " are possible");
  std::int64_t product = 1;
  for (const std::int64_t d : dims) {
    AUTOGO_REQUIRE(d >= 0 && d <= kMaxElements / product, ErrorKind::kInput,
                   "dimension " + std::to_string(d) + " is out of range");
    product *= std::max<std::int64_t>(d, 1);
  }
  return std::ranges::find(dims, 0) == dims.end() ? product : 0;
}

/// A row of "tensors". @throws Error kInput without the path
std::pair<std::string, FileTensor> described_tensor(const Json& row) {
  const bool triple = row.is_array() && row.size() == 3;
  const auto name = triple ? json_as<std::string>(row[0]) : std::nullopt;
  AUTOGO_REQUIRE(name, ErrorKind::kInput,
                 "\"tensors\" has an entry that is not [name, type, dimensions]");
  try {
    FileTensor tensor;
    const int type = json_as<int>(row[1]).value_or(0);
    const bool known =
        type > 0 && type <= static_cast<int>(DType::kBFloat16) && dtype_size(DType(type)) > 0;
    AUTOGO_REQUIRE(known, ErrorKind::kInput, "is of an unknown type");
    tensor.dtype = static_cast<DType>(type);
    const auto dims = json_as<std::vector<std::int64_t>>(row[2]);
    AUTOGO_REQUIRE(dims, ErrorKind::kInput, "its dimensions are no list of integers");
    tensor.dims = *dims;
    return {*name, std::move(tensor)};
  } catch (Error& e) {
    e.prepend(shown(*name));
    throw;
  }
}

/// The tensors that the first line lists, their bytes in `file`. @throws Error kInput without the
/// path
std::map<std::string, FileTensor> listed_tensors(const Json& rows,
                                                 std::shared_ptr<const std::string> file,
                                                 std::size_t at) {
  AUTOGO_REQUIRE(rows.is_array(), ErrorKind::kInput, "\"tensors\" is missing or no list");
  std::map<std::string, FileTensor> tensors;
  for (const Json& row : rows) {
    auto [name, tensor] = described_tensor(row);
    try {
      const auto elements = static_cast<std::uint64_t>(checked_elements(tensor.dims));
      const std::uint64_t bytes = elements * dtype_size(tensor.dtype), left = file->size() - at;
      AUTOGO_REQUIRE(bytes <= left, ErrorKind::kInput,
                     "needs " + std::to_string(bytes) + " bytes, the file has " +
                         std::to_string(left) + " left");
      tensor.bytes = std::string_view(*file).substr(at, bytes);
      tensor.owner = file;
      at += bytes;
      AUTOGO_REQUIRE(tensors.emplace(name, std::move(tensor)).second, ErrorKind::kInput,
                     "is listed twice");
    } catch (Error& e) {
      e.prepend(shown(name));
      throw;
    }
  }
  AUTOGO_REQUIRE(at == file->size(), ErrorKind::kInput,
                 std::to_string(file->size() - at) + " bytes follow the last tensor");
  return tensors;
}

}  // namespace

std::int64_t FileTensor::elements() const {
  return static_cast<std::int64_t>(bytes.size() / dtype_size(dtype));
}

void write_tensor_file(const std::string& path, const TensorFileKind& kind,
                       const TensorFile& file) {
  OrderedJson header;
  header["format"] = kind.format;
  header["version"] = kind.version;
  header["file_hash"] = kNoHash;
  header["tensors"] = OrderedJson::array();
  for (const auto& [name, tensor] : file.tensors) {
    AUTOGO_CHECK(tensor.bytes.size() == static_cast<std::size_t>(checked_elements(tensor.dims)) *
                                            dtype_size(tensor.dtype));
    header["tensors"].push_back({name, static_cast<int>(tensor.dtype), tensor.dims});
  }
  for (const auto& [key, value] : file.header.items()) header[key] = value;
  const std::string line = dump_json(header) + "\n";
  ByteHash hash(hash_bytes(line.data(), line.size()));
  for (const auto& [name, tensor] : file.tensors) hash.add(tensor.bytes);
  write_file_atomic(path, [&](const ByteSink& sink) {
    sink(with_hash(line, hex64(hash.value())));
    for (const auto& [name, tensor] : file.tensors) sink(tensor.bytes);
  });
}

TensorFile read_tensor_file(const std::string& path, const TensorFileKind& kind) {
  const auto file = std::make_shared<const std::string>(read_file(path));
  FirstLine line = first_line(*file, path, kind);
  TensorFile result;
  try {
    const auto named = json_as<std::string>(line.json.value("file_hash", Json()));
    AUTOGO_REQUIRE(named, ErrorKind::kInput, "\"file_hash\" is missing or no text");
    result.tensors = listed_tensors(line.json.value("tensors", Json()), file, line.end);
    const std::string unhashed = with_hash(line.text, kNoHash) + "\n";
    const std::uint64_t seed = hash_bytes(unhashed.data(), unhashed.size());
    const std::uint64_t hash = hash_bytes(file->data() + line.end, file->size() - line.end, seed);
    AUTOGO_REQUIRE(*named == hex64(hash), ErrorKind::kInput,
                   "is damaged, its hash is not the one it names");
  } catch (Error& e) {
    e.prepend(path).with_hint(kind.remedy);
    throw;
  }
  for (const char* own : kOwnMembers) line.json.erase(own);
  result.header = std::move(line.json);
  return result;
}

}  // namespace autogo
