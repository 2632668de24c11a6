#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "tensors/tensor_file.h"

namespace autogo {

inline constexpr TensorFileKind kPredictorFile{
    "autogo.predictor", 5,
    "train it again with this autogo (autogo train predictor), or leave out the option: autogo "
    "brings a predictor"};
inline constexpr TensorFileKind kTrainerCheckpointFile{"autogo.predictor-checkpoint", 2,
                                                       "delete it to begin anew"};

/// A file of tensors with LibTorch's tensors.
struct Archive {
  Json header;
  std::map<std::string, torch::Tensor> tensors;
  std::uint64_t content_hash = 0;  ///< of the tensors' names and bytes; set by read_archive
};

/// @throws Error kIo
void write_archive(const std::string& path, const TensorFileKind& kind, const Archive& archive);
/// @throws Error as read_tensor_file()
Archive read_archive(const std::string& path, const TensorFileKind& kind);

/// A list of numbers in the archive. @param size  expected, -1: any
/// @throws Error kInput when it is missing or of another type or size
torch::Tensor archive_tensor(const Archive& archive, const std::string& name,
                             torch::ScalarType type, std::int64_t size, const std::string& path);
/// The same of real numbers, all of which are finite.
torch::Tensor finite_tensor(const Archive& archive, const std::string& name, torch::ScalarType type,
                            std::int64_t size, const std::string& path);

}  // namespace autogo
