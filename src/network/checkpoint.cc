// Tested by tests/network/checkpoint_test.cc.

#include "checkpoint.h"

#include <memory>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/rng.h"
#include "base/json.h"

namespace autogo {
namespace {

constexpr const char* kFormat = "autogo.training-checkpoint";
constexpr int kVersion = 1;
constexpr std::size_t kHexDigits = 16;

std::string hex(std::uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(kHexDigits, '0');
  for (std::size_t i = 0; i < kHexDigits; ++i) {
    text[kHexDigits - 1 - i] = kDigits[(value >> (4 * i)) & 15];
  }
  return text;
}

std::uint64_t from_hex(const std::string& text) {
  return text.size() == kHexDigits ? std::stoull(text, nullptr, 16) : 0;
}

std::uint64_t hash_text(const std::string& text) { return hash_bytes(text.data(), text.size()); }

[[noreturn]] void damaged(const std::string& path) {
  throw Error(ErrorKind::kInput, path + ": the checkpoint is damaged")
      .with_hint("delete it to begin anew");
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  Json header;
  header["format"] = kFormat;
  header["version"] = kVersion;
  header["training_hash"] = hex(checkpoint.training_hash);
  header["data_hash"] = hex(checkpoint.data_hash);
  header["state"] = Json::parse(checkpoint.state);
  header["tensors"] = Json::array();
  std::uint64_t hash = hash_text(header["state"].dump());
  for (const auto& [name, tensor] : checkpoint.tensors) {
    header["tensors"].push_back(
        {name, static_cast<int>(tensor.dtype), tensor.dims, tensor.bytes.size()});
    hash = hash_bytes(tensor.bytes.data(), tensor.bytes.size(), hash);
  }
  header["content_hash"] = hex(hash);
  write_file_atomic(path, [&](const ByteSink& sink) {
    sink(header.dump() + "\n");
    for (const auto& [name, tensor] : checkpoint.tensors) sink(tensor.bytes);
  });
}

Checkpoint read_checkpoint(const std::string& path) {
  const auto bytes = std::make_shared<const std::string>(read_file(path));
  const std::size_t end = bytes->find('\n');
  const Json header = Json::parse(bytes->substr(0, end), nullptr, /*allow_exceptions=*/false);
  AUTOGO_REQUIRE(end != std::string::npos && header.is_object() && header.contains("format"),
                 ErrorKind::kInput, path + ": is no checkpoint of a training");
  require_format(header, path, kFormat, kVersion);
  Checkpoint result;
  try {
    result.training_hash = from_hex(header.at("training_hash").get<std::string>());
    result.data_hash = from_hex(header.at("data_hash").get<std::string>());
    result.state = header.at("state").dump();
    std::uint64_t hash = hash_text(result.state);
    std::size_t at = end + 1;
    for (const auto& row : header.at("tensors")) {
      ProgramTensor tensor;
      tensor.dtype = static_cast<DType>(row.at(1).get<int>());
      tensor.dims = row.at(2).get<std::vector<std::int64_t>>();
      const auto size = row.at(3).get<std::size_t>();
      if (size > bytes->size() - at) damaged(path);
      tensor.bytes = std::string_view(*bytes).substr(at, size);
      tensor.owner = bytes;
      hash = hash_bytes(tensor.bytes.data(), size, hash);
      at += size;
      result.tensors.emplace(row.at(0).get<std::string>(), std::move(tensor));
    }
    if (at != bytes->size() || header.at("content_hash").get<std::string>() != hex(hash)) {
      damaged(path);
    }
  } catch (const nlohmann::json::exception&) {
    damaged(path);
  }
  return result;
}

}  // namespace autogo
