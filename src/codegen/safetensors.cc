// The safetensors format, version 1: https://huggingface.co/docs/safetensors. The header is padded
// with blanks to eight bytes, so that the tensors lie aligned in a mapped file.
//
// Tested by tests/codegen/safetensors_test.cc.

#include "safetensors.h"

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "base/json.h"

namespace autogo {
namespace {

std::uint64_t byte_size(const StoredTensor& tensor) {
  std::uint64_t size = tensor.dtype == "I64" ? 8 : 4;
  for (const std::int64_t d : tensor.dims) size *= static_cast<std::uint64_t>(d);
  return size;
}

/// An object by name, in the order of the tensors. It is put together here, since the library's
/// ordered object looks every new key up among all.
std::string header_text(const std::vector<StoredTensor>& tensors) {
  std::string text = "{";
  std::uint64_t offset = 0;
  for (const StoredTensor& tensor : tensors) {
    AUTOGO_CHECK(tensor.dtype == "F32" || tensor.dtype == "I64");
    const std::uint64_t end = offset + byte_size(tensor);
    const OrderedJson entry = {
        {"dtype", tensor.dtype}, {"shape", tensor.dims}, {"data_offsets", {offset, end}}};
    if (text.size() > 1) text += ',';
    text += dump_json(Json(tensor.name)) + ':' + dump_json(entry);
    offset = end;
  }
  text += '}';
  return text.append((8 - text.size() % 8) % 8, ' ');
}

}  // namespace

void write_safetensors(const std::string& path, const std::vector<StoredTensor>& tensors) {
  const std::string text = header_text(tensors);
  write_file_atomic(path, [&](const ByteSink& sink) {
    std::string length(8, '\0');
    for (std::size_t i = 0; i < 8; ++i)
      length[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
    sink(length);
    sink(text);
    for (const StoredTensor& tensor : tensors) {
      const std::string bytes = tensor.bytes();
      AUTOGO_CHECK(bytes.size() == byte_size(tensor));
      sink(bytes);
    }
  });
}

}  // namespace autogo
