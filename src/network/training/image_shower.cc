// Segmentation tests whole images by windows of the network's size, a third of it overlapping, as
// PSPNet's authors do. The class probabilities of all windows over a pixel are averaged. Images
// that are smaller than a window are surrounded by the mean.
//
// Tested by tests/network/train_dense_test.cc.

#include "image_shower.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "train_plan.h"

namespace autogo {
namespace {

using torch::Tensor;

/// Where windows of `size` begin, so that they cover `length`.
std::vector<std::int64_t> window_starts(std::int64_t length, std::int64_t size) {
  std::vector<std::int64_t> starts;
  const std::int64_t stride = std::max<std::int64_t>(1, size * 2 / 3);
  for (std::int64_t at = 0; at + size < length; at += stride) starts.push_back(at);
  starts.push_back(std::max<std::int64_t>(0, length - size));
  return starts;
}

}  // namespace

Tensor fitted_maps(const Tensor& maps, std::int64_t height, std::int64_t width) {
  if (maps.size(2) == height && maps.size(3) == width) return maps;
  if (maps.size(2) >= height && maps.size(3) >= width) {
    return maps.narrow(2, 0, height).narrow(3, 0, width);
  }
  return at::upsample_bilinear2d(maps, {height, width}, /*align_corners=*/false);
}

ImageShower::ImageShower(const TrainableNetwork& network) : task_(network.options.task) {
  if (makes_images(task_)) any_size_.emplace(network.graph);
  const Shape& in = network.graph.output_type(network.graph.input_nodes().at(0)).shape;
  height_ = in[2];
  width_ = in[3];
}

NetModule::Tensors ImageShower::forward(NetModule& net, const Tensor& images) const {
  if (task_ == Task::kSegmentation) return forward_windows(net, images);
  return any_size_ ? any_size_->forward(net, images) : net.forward({images});
}

NetModule::Tensors ImageShower::forward_windows(NetModule& net, const Tensor& images) const {
  const std::int64_t height = images.size(2), width = images.size(3);
  const std::int64_t down = std::max<std::int64_t>(0, height_ - height);
  const std::int64_t right = std::max<std::int64_t>(0, width_ - width);
  const Tensor all =
      down + right == 0 ? images : at::constant_pad_nd(images, {0, right, 0, down});  // 0: the mean
  Tensor sum;
  const Tensor count = at::zeros({1, 1, all.size(2), all.size(3)}, all.options());
  for (const std::int64_t y : window_starts(all.size(2), height_)) {
    for (const std::int64_t x : window_starts(all.size(3), width_)) {
      const Tensor window = all.narrow(2, y, height_).narrow(3, x, width_);
      const Tensor logits = fitted_maps(net.forward({window})[0], height_, width_);
      if (!sum.defined()) {
        sum = at::zeros({all.size(0), logits.size(1), all.size(2), all.size(3)}, logits.options());
      }
      sum.narrow(2, y, height_).narrow(3, x, width_).add_(logits.softmax(1));
      count.narrow(2, y, height_).narrow(3, x, width_).add_(1);
    }
  }
  return {(sum / count).clamp_min(1e-12).log().narrow(2, 0, height).narrow(3, 0, width)};
}

}  // namespace autogo
