#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "autogo/onnx/program.h"

namespace autogo {

/// A training that can go on: one line of JSON, then raw tensors (docs/formats.md).
struct Checkpoint {
  std::uint64_t training_hash = 0;  ///< of network, recipe, seed, limits
  std::uint64_t data_hash = 0;
  std::string state;  ///< JSON of what is small: place in the data, sums, results
  std::map<std::string, ProgramTensor> tensors;
};

/// @throws Error kIo; the file that was there stays
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// @throws Error kIo; kInput: no checkpoint, damaged
Checkpoint read_checkpoint(const std::string& path);

}  // namespace autogo
