#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "autogo/network/train.h"
#include "tensors/tensor_file.h"

namespace autogo {

/// What a training has come to beside its tensors.
struct TrainingState {
  std::uint64_t epoch = 0, batch = 0;  ///< the next batch to train on
  // Sums of the epoch so far.
  double loss_sum = 0;
  std::uint64_t loss_steps = 0, epoch_skipped = 0;
  double epoch_seconds = 0, wait_seconds = 0;
  // Mixed precision.
  double loss_scale = 1;
  std::uint64_t good_steps = 0;
  double elapsed_seconds = 0, learning_rate = 0;
  // Results.
  std::uint64_t skipped = 0;
  std::string first_problem;
  std::vector<TestMetric> before;
  std::vector<EpochResult> epochs;
};

/// A training that can go on.
struct Checkpoint {
  std::uint64_t training_hash = 0;  ///< of network, recipe, seed, limits
  std::uint64_t data_hash = 0;
  TrainingState state;
  std::map<std::string, FileTensor> tensors;
};

/// @throws Error kIo; the file that was there stays
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// @throws Error as read_tensor_file(); kInput: a state that no training writes
Checkpoint read_checkpoint(const std::string& path);

}  // namespace autogo
