#pragma once

#include <optional>

#include "autogo/network/train.h"
#include "network/any_size.h"
#include "network/net_module.h"

namespace autogo {

/// Shows test images to a network, whatever their size: restoration runs on any (AnySize),
/// segmentation moves a window of the network's size over them.
class ImageShower {
 public:
  explicit ImageShower(const TrainableNetwork& network);
  /// @return  outputs for the whole images; of segmentation the logarithms of the class
  ///          probabilities, averaged where windows overlap
  NetModule::Tensors forward(NetModule& net, const torch::Tensor& images) const;

 private:
  NetModule::Tensors forward_windows(NetModule& net, const torch::Tensor& images) const;

  Task task_;
  std::optional<AnySize> any_size_;
  std::int64_t height_, width_;
};

/// Maps of this height and width: larger ones are cut, others interpolated.
torch::Tensor fitted_maps(const torch::Tensor& maps, std::int64_t height, std::int64_t width);

}  // namespace autogo
