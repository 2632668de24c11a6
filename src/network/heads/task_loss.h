#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autogo/data/loader.h"
#include "autogo/network/train.h"

namespace autogo {

/// A batch on the device. The arrays of `host` are not needed any more.
struct DeviceBatch {
  torch::Tensor input, target, labels, weights;
  const Batch* host = nullptr;
};
DeviceBatch to_device(const Batch& batch, torch::Device device);

/// The loss and the metrics of a task.
class TaskLoss {
 public:
  using Tensors = std::vector<torch::Tensor>;
  virtual ~TaskLoss() = default;

  /// A scalar. @param outputs  of the network: the value that the loss reads, then the auxiliary
  virtual torch::Tensor loss(const Tensors& outputs, const DeviceBatch& batch) const = 0;

  /// Tests: begins anew, takes a batch, and says the means over all images by name, the one that
  /// counts first.
  virtual void reset() = 0;
  virtual void add(const Tensors& outputs, const DeviceBatch& batch) = 0;
  virtual std::vector<std::pair<std::string, double>> values() const = 0;
};

/// @throws Error kUnsupported: an output of the wrong shape
std::unique_ptr<TaskLoss> make_task_loss(const TrainableNetwork& network, const Data& data,
                                         const TrainingRecipe& recipe);

/// Of its parts.
std::unique_ptr<TaskLoss> make_segmentation_loss(std::int64_t classes, double auxiliary_weight);
std::unique_ptr<TaskLoss> make_pose_loss(const Data& data);

}  // namespace autogo
