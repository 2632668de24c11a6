#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace autogo {

/// A tensor of a .safetensors file, made when it is written: no more than one is in memory.
struct StoredTensor {
  std::string name;
  std::string dtype;  ///< "F32", "I64"
  std::vector<std::int64_t> dims;
  std::function<std::string()> bytes;  ///< little-endian, row-major
};

/// Writes tensors in the safetensors format: eight bytes with the length of the header, the header
/// (JSON: name to type, shape and byte range), then the bytes in the same order.
/// @throws Error kIo
void write_safetensors(const std::string& path, const std::vector<StoredTensor>& tensors);

}  // namespace autogo
