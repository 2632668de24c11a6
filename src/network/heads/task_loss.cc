// Losses and metrics.
//
// classification    cross entropy with label smoothing; top-1, top-5
// restoration       mean absolute difference; PSNR over all images. Super-resolution measures Y of
//                   BT.601 in whole steps of 0..255 after clipping, a border as wide as the scale
//                   cut off, as the published tables do; denoising measures all channels.
//
// segmentation      task_loss_dense.cc
// pose
//
// A PSNR of a set is the mean of its images' PSNRs.
//
// Tested by tests/network/train_test.cc.

#include "task_loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "autogo/base/error.h"

namespace autogo {
namespace {

using torch::Tensor;
using Values = std::vector<std::pair<std::string, double>>;

class Classification : public TaskLoss {
 public:
  Classification(std::int64_t classes, double smoothing)
      : classes_(classes), smoothing_(smoothing) {}

  Tensor loss(const Tensors& outputs, const DeviceBatch& batch) const override {
    return at::cross_entropy_loss(outputs[0].flatten(1), batch.labels, {}, at::Reduction::Mean,
                                  -100, smoothing_);
  }
  void reset() override { images_ = top1_ = top5_ = loss_ = 0; }
  void add(const Tensors& outputs, const DeviceBatch& batch) override {
    const Tensor logits = outputs[0].flatten(1);
    const std::int64_t k = std::min<std::int64_t>(5, classes_);
    const Tensor best = std::get<1>(logits.topk(k, 1));
    const Tensor hits = best.eq(batch.labels.unsqueeze(1)).sum(0).to(at::kCPU, at::kDouble);
    const auto* h = hits.data_ptr<double>();
    top1_ += h[0];
    for (std::int64_t i = 0; i < k; ++i) top5_ += h[i];
    loss_ += at::cross_entropy_loss(logits, batch.labels, {}, at::Reduction::Sum).item<double>();
    images_ += static_cast<double>(batch.labels.size(0));
  }
  Values values() const override {
    Values result = {{"top1", top1_ / images_}};
    if (classes_ > 5) result.emplace_back("top5", top5_ / images_);
    result.emplace_back("loss", loss_ / images_);
    return result;
  }

 private:
  std::int64_t classes_;
  double smoothing_;
  double images_ = 0, top1_ = 0, top5_ = 0, loss_ = 0;
};

class Restoration : public TaskLoss {
 public:
  Restoration(std::int64_t border, bool luma, bool predicts_noise)
      : border_(border), luma_(luma), predicts_noise_(predicts_noise) {}

  Tensor loss(const Tensors& outputs, const DeviceBatch& batch) const override {
    return at::l1_loss(restored(outputs, batch), batch.target);
  }
  void reset() override { images_ = psnr_ = loss_ = 0; }
  void add(const Tensors& outputs, const DeviceBatch& batch) override {
    const Tensor made = restored(outputs, batch);
    loss_ += at::l1_loss(made, batch.target).item<double>() * static_cast<double>(made.size(0));
    const Tensor error = inner(comparable(made)) - inner(comparable(batch.target));
    const Tensor squares = error.to(at::kDouble).square().mean({1, 2, 3}).to(at::kCPU);
    const auto* s = squares.data_ptr<double>();
    for (std::int64_t i = 0; i < squares.numel(); ++i) {
      psnr_ += 10 * std::log10(255.0 * 255.0 / std::max(s[i], 1e-10));
    }
    images_ += static_cast<double>(squares.numel());
  }
  Values values() const override {
    return {{"psnr_db", psnr_ / images_}, {"loss", loss_ / images_}};
  }

 private:
  Tensor restored(const Tensors& outputs, const DeviceBatch& batch) const {
    return predicts_noise_ ? batch.input - outputs[0] : outputs[0];
  }
  /// In units of 1/255, as an image that was stored: clipped and rounded; Y where that is compared.
  Tensor comparable(const Tensor& image) const {
    const Tensor stored = (image.clamp(0, 1) * 255).round();
    if (!luma_ || image.size(1) != 3) return stored;
    const Tensor y =
        stored.select(1, 0) * 65.481 + stored.select(1, 1) * 128.553 + stored.select(1, 2) * 24.966;
    return (y / 255 + 16).unsqueeze(1);
  }
  Tensor inner(const Tensor& image) const {
    if (border_ == 0 || image.size(2) <= 2 * border_ || image.size(3) <= 2 * border_) return image;
    return image.narrow(2, border_, image.size(2) - 2 * border_)
        .narrow(3, border_, image.size(3) - 2 * border_);
  }

  std::int64_t border_;
  bool luma_, predicts_noise_;
  double images_ = 0, psnr_ = 0, loss_ = 0;
};

Tensor wrap(const void* data, at::IntArrayRef sizes, at::ScalarType type) {
  return at::from_blob(const_cast<void*>(data), sizes, at::TensorOptions().dtype(type));
}

}  // namespace

DeviceBatch to_device(const Batch& batch, torch::Device device) {
  DeviceBatch result;
  result.host = &batch;
  const auto place = [&](const Tensor& t) { return device.is_cpu() ? t : t.to(device); };
  const auto images = [&](const std::vector<float>& values, const Batch::Dims& dims) {
    // Convolutions are fastest with the channels last.
    return place(wrap(values.data(), dims, at::kFloat).contiguous(at::MemoryFormat::ChannelsLast));
  };
  result.input = images(batch.input, batch.input_dims);
  if (!batch.target.empty()) result.target = images(batch.target, batch.target_dims);
  if (!batch.labels.empty()) {
    const auto [n, c, h, w] = batch.input_dims;
    const auto size = static_cast<std::int64_t>(batch.labels.size());
    const std::vector<std::int64_t> dims =
        size == n ? std::vector<std::int64_t>{n} : std::vector<std::int64_t>{n, h, w};
    result.labels = place(wrap(batch.labels.data(), dims, at::kLong));
  }
  if (!batch.weights.empty()) {
    const auto size = static_cast<std::int64_t>(batch.weights.size());
    result.weights =
        place(wrap(batch.weights.data(), {batch.count, size / batch.count}, at::kFloat));
  }
  return result;
}

std::unique_ptr<TaskLoss> make_task_loss(const TrainableNetwork& network, const Data& data,
                                         const TrainingRecipe& recipe) {
  switch (network.options.task) {
    case Task::kClassification:
      return std::make_unique<Classification>(static_cast<std::int64_t>(data.classes.size()),
                                              recipe.label_smoothing);
    case Task::kSuperResolution: {
      const Shape& in = network.graph.output_type(network.graph.input_nodes()[0]).shape;
      const Shape& out = network.graph.output_type(network.graph.output_nodes()[0]).shape;
      return std::make_unique<Restoration>(out[2] / in[2], true, false);
    }
    case Task::kDenoising:
      return std::make_unique<Restoration>(0, false, network.options.predicts_noise);
    case Task::kSegmentation:
      return make_segmentation_loss(static_cast<std::int64_t>(data.classes.size()),
                                    recipe.auxiliary_weight);
    case Task::kPose:
      break;
  }
  return make_pose_loss(data);
}

}  // namespace autogo
