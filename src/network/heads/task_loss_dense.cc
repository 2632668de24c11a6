// Losses and metrics of maps.
//
// segmentation  cross entropy over the pixels that count, plus 0.4 times the auxiliary one; mIoU:
//               the mean over classes of intersection by union, pixels of all images counted
//               together, over classes that occur in the truth or in an answer
// pose          half the mean square over the heat maps of joints that are seen; PCKh@0.5: share of
//               visible joints found within half the distance from neck to head. A joint is where
//               its map is highest, moved a quarter of a pixel towards the higher neighbour
//
// Tested by tests/network/train_dense_test.cc.

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "network/training/image_shower.h"
#include "task_loss.h"

namespace autogo {
namespace {

using torch::Tensor;
using Values = std::vector<std::pair<std::string, double>>;

constexpr std::int64_t kIgnored = 255;

class Segmentation : public TaskLoss {
 public:
  Segmentation(std::int64_t classes, double auxiliary_weight)
      : classes_(classes), auxiliary_weight_(auxiliary_weight) {}

  Tensor loss(const Tensors& outputs, const DeviceBatch& batch) const override {
    Tensor loss = cross_entropy(outputs[0], batch);
    if (outputs.size() > 1) loss = loss + auxiliary_weight_ * cross_entropy(outputs[1], batch);
    return loss;
  }
  void reset() override {
    pairs_ = at::zeros({classes_ * classes_}, at::kLong);
    images_ = loss_ = 0;
  }
  void add(const Tensors& outputs, const DeviceBatch& batch) override {
    const Tensor truth = batch.labels.flatten();
    const Tensor answer =
        fitted_maps(outputs[0], batch.labels.size(1), batch.labels.size(2)).argmax(1).flatten();
    const Tensor counts = truth.ne(kIgnored);
    const Tensor pairs = (truth * classes_ + answer).masked_select(counts);
    pairs_ += at::bincount(pairs, {}, classes_ * classes_).to(at::kCPU);
    if (pairs.numel() == 0) return;
    loss_ += cross_entropy(outputs[0], batch).item<double>();
    images_ += 1;
  }
  Values values() const override {
    const Tensor table = pairs_.view({classes_, classes_}).to(at::kDouble);
    const Tensor hits = table.diagonal(), all = table.sum(0) + table.sum(1) - hits;
    const Tensor seen = all.gt(0);
    const double miou = (hits / all).masked_select(seen).mean().item<double>();
    return {{"miou", miou},
            {"pixel_accuracy", (hits.sum() / table.sum()).item<double>()},
            {"loss", loss_ / images_}};
  }

 private:
  Tensor cross_entropy(const Tensor& maps, const DeviceBatch& batch) const {
    return at::cross_entropy_loss(fitted_maps(maps, batch.labels.size(1), batch.labels.size(2)),
                                  batch.labels, {}, at::Reduction::Mean, kIgnored);
  }

  std::int64_t classes_;
  double auxiliary_weight_;
  Tensor pairs_;  ///< by truth and answer
  double images_ = 0, loss_ = 0;
};

class Pose : public TaskLoss {
 public:
  Pose(std::size_t neck, std::size_t head) : neck_(neck), head_(head) {}

  Tensor loss(const Tensors& outputs, const DeviceBatch& batch) const override {
    const Tensor weights = batch.weights.unsqueeze(2).unsqueeze(3);
    return 0.5 * ((outputs[0] - batch.target).square() * weights).mean();
  }
  void reset() override { joints_ = found_ = loss_ = batches_ = 0; }
  void add(const Tensors& outputs, const DeviceBatch& batch) override {
    loss_ += loss(outputs, batch).item<double>();
    batches_ += 1;
    const Tensor maps = outputs[0].to(at::kCPU, at::kFloat).contiguous();
    const auto [n, c, height, width] = batch.host->input_dims;
    const auto joints = static_cast<std::size_t>(maps.size(1));
    const double sx = static_cast<double>(width) / static_cast<double>(maps.size(3));
    const double sy = static_cast<double>(height) / static_cast<double>(maps.size(2));
    for (std::size_t person = 0; person < static_cast<std::size_t>(n); ++person) {
      const Joint* truth = batch.host->joints.data() + person * joints;
      const double unit =
          std::hypot(truth[neck_].x - truth[head_].x, truth[neck_].y - truth[head_].y);
      if (!truth[neck_].visible || !truth[head_].visible || unit <= 0) continue;
      for (std::size_t j = 0; j < joints; ++j) {
        if (!truth[j].visible) continue;
        const auto [x, y] =
            peak(maps[static_cast<std::int64_t>(person)][static_cast<std::int64_t>(j)]);
        joints_ += 1;
        if (std::hypot(x * sx - truth[j].x, y * sy - truth[j].y) <= 0.5 * unit) found_ += 1;
      }
    }
  }
  Values values() const override {
    return {{"pckh", joints_ > 0 ? found_ / joints_ : std::nan("")}, {"loss", loss_ / batches_}};
  }

 private:
  static std::pair<double, double> peak(const Tensor& map) {
    const std::int64_t height = map.size(0), width = map.size(1);
    const auto* p = map.data_ptr<float>();
    const std::int64_t best = std::max_element(p, p + height * width) - p;
    const std::int64_t x = best % width, y = best / width;
    const auto towards = [&](std::int64_t at, std::int64_t size, std::int64_t step) {
      if (at == 0 || at == size - 1) return 0.0;
      const float before = p[best - step], after = p[best + step];
      return after > before ? 0.25 : after < before ? -0.25 : 0.0;
    };
    return {static_cast<double>(x) + towards(x, width, 1),
            static_cast<double>(y) + towards(y, height, width)};
  }

  std::size_t neck_, head_;
  double joints_ = 0, found_ = 0, loss_ = 0, batches_ = 0;
};

}  // namespace

std::unique_ptr<TaskLoss> make_segmentation_loss(std::int64_t classes, double auxiliary_weight) {
  return std::make_unique<Segmentation>(classes, auxiliary_weight);
}

std::unique_ptr<TaskLoss> make_pose_loss(const Data& data) {
  return std::make_unique<Pose>(data.neck_joint, data.head_joint);
}

}  // namespace autogo
