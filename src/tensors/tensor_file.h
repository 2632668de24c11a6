#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/graph/types.h"
#include "base/json.h"

namespace autogo {

/// A tensor of a file. Copies share its bytes.
struct FileTensor {
  DType dtype = DType::kFloat32;      ///< of elements of a fixed size
  std::vector<std::int64_t> dims;     ///< empty: a scalar
  std::string_view bytes;             ///< little-endian, row-major; not aligned
  std::shared_ptr<const void> owner;  ///< keeps `bytes` alive

  /// Number of elements.
  std::int64_t elements() const;
};

/// What predictors and checkpoints are: one line of JSON, then the bytes of tensors. Reading runs
/// nothing that a file holds, and takes no more memory than the file has bytes.
struct TensorFile {
  Json header;  ///< an object of the caller's members, without those that the file itself needs
  std::map<std::string, FileTensor> tensors;
};

/// Which file it is, for its first line and for messages.
struct TensorFileKind {
  const char* format;  ///< "autogo.predictor"
  int version;
  const char* remedy;  ///< what to do about a damaged or an older file
};

/// @throws Error kIo; the file that was there stays
void write_tensor_file(const std::string& path, const TensorFileKind& kind, const TensorFile& file);
/// @throws Error kIo; kInput: another format or version, damaged, cut off
TensorFile read_tensor_file(const std::string& path, const TensorFileKind& kind);

}  // namespace autogo
