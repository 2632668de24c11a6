#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "base/json.h"

namespace autogo {

inline constexpr const char* kPredictorFormat = "autogo.predictor";
inline constexpr const char* kCheckpointFormat = "autogo.predictor-checkpoint";
inline constexpr int kPredictorVersion = 3;
inline constexpr int kCheckpointVersion = 1;

/// A predictor file: one line of JSON, then a LibTorch archive of named tensors. The header comes
/// first so that a program without LibTorch can read what the file is, and so that damage is found
/// (by size and hash) before LibTorch sees a byte.
struct Archive {
  Json header;  ///< "format" and "version" are added when written
  std::map<std::string, torch::Tensor> tensors;
  std::uint64_t content_hash = 0;  ///< of the tensors' bytes; set by read_archive
};

/// @throws Error kIo
void write_archive(const std::string& path, const std::string& format, const Archive& archive);
/// @throws Error kIo; kInput: another format or version, truncated, damaged
Archive read_archive(const std::string& path, const std::string& format);

/// A tensor of the archive. @throws Error kInput when it is missing or of another type or shape
torch::Tensor archive_tensor(const Archive& archive, const std::string& name,
                             torch::ScalarType type, std::int64_t size, const std::string& path);

}  // namespace autogo
