#include "network/heads/task_loss.h"

#include <ATen/ATen.h>

#include <cmath>

#include "data/data_support.h"
#include "data/image.h"
#include "network/training/train_plan.h"
#include "tiny_networks.h"

namespace autogo {
namespace {

using torch::Tensor;

/// Enlarges what the network would see, by the bicubic filter.
Tensor bicubic(const Batch& batch) {
  const auto [n, c, h, w] = batch.input_dims;
  Image image{w, h, c, {}};
  image.pixels.resize(static_cast<std::size_t>(w * h * c));
  for (std::int64_t y = 0; y < h; ++y) {
    for (std::int64_t x = 0; x < w; ++x) {
      for (std::int64_t k = 0; k < c; ++k) {
        const float v = batch.input[static_cast<std::size_t>((k * h + y) * w + x)];
        image.at(x, y)[k] = static_cast<std::uint8_t>(std::lround(v * 255));
      }
    }
  }
  const Image large = resize(image, 2 * w, 2 * h, ResizeFilter::kCubic);
  Tensor result = torch::empty({1, c, 2 * h, 2 * w});
  auto out = result.accessor<float, 4>();
  for (std::int64_t y = 0; y < 2 * h; ++y) {
    for (std::int64_t x = 0; x < 2 * w; ++x) {
      for (std::int64_t k = 0; k < c; ++k) {
        out[0][k][y][x] = static_cast<float>(large.at(x, y)[k]) / 255.0F;
      }
    }
  }
  return result;
}

/// PSNR of the bicubic filter by test set, as a network of so many channels would be measured.
std::map<std::string, double> bicubic_psnrs(const Data& data, std::int64_t channels) {
  TaskOptions options;
  options.task = Task::kSuperResolution;
  const TrainableNetwork net = make_trainable(tiny_super_resolution(channels, 4), data, options);
  const TrainingRecipe recipe = named_recipe("short", Task::kSuperResolution);
  const auto loss = make_task_loss(net, data, recipe);
  std::map<std::string, double> result;
  for (const DataSplit& split : data.tests) {
    Loader loader(*split.set, batch_spec(net, data, recipe, false), LoaderOptions{});
    loss->reset();
    loader.start(0);
    while (const auto batch = loader.next()) {
      loss->add({bicubic(*batch)}, to_device(*batch, torch::kCPU));
    }
    result[split.name] = loss->values()[0].second;
  }
  return result;
}

/// What every paper on super-resolution starts from (2x, Y, border cut): 33.66 and 30.24. Set14
/// has grey images, whose Y is read in two ways, a difference of 0.1 dB.
TEST(TaskLoss, BicubicPsnrIsThePublishedOne) {
  const std::string path = kShared + "/data/sr";
  AUTOGO_SKIP_WITHOUT(path);
  const Data data = open_data(path, Task::kSuperResolution);
  std::map<std::string, double> colour = bicubic_psnrs(data, 3);
  EXPECT_NEAR(colour["Set5"], 33.66, 0.03);
  std::map<std::string, double> luma = bicubic_psnrs(data, 1);
  EXPECT_NEAR(luma["Set5"], 33.66, 0.03);
  for (const double set14 : {colour["Set14"], luma["Set14"]}) EXPECT_NEAR(set14, 30.24, 0.1);
}

TEST(TaskLoss, SmoothedCrossEntropyIsPyTorchs) {
  Data data;
  data.classes.resize(3);
  TrainableNetwork net;
  TrainingRecipe recipe;
  recipe.label_smoothing = 0.1;
  const auto loss = make_task_loss(net, data, recipe);
  DeviceBatch batch;
  batch.labels = torch::tensor({1, 0}, torch::kLong);
  const Tensor logits = torch::tensor({1.0F, 2.0F, -1.0F, 0.5F, 0.0F, 3.0F}).view({2, 3});
  EXPECT_NEAR(loss->loss({logits}, batch).item<double>(), 1.5197758674621582, 1e-6);
  loss->reset();
  loss->add({logits}, batch);
  EXPECT_EQ(loss->values()[0].second, 0.5);
}

TEST(TaskLoss, MeanIntersectionOverUnionByHand) {
  const auto loss = make_segmentation_loss(3, 0.4);
  // truth 0 0 1 1 and a pixel that does not count; answers 0 1 1 1 0. Class 2 occurs nowhere.
  DeviceBatch batch;
  batch.labels = torch::tensor({0, 0, 1, 1, 255}, torch::kLong).view({1, 1, 5});
  Tensor maps = torch::zeros({1, 3, 1, 5});
  const int answers[] = {0, 1, 1, 1, 0};
  for (int i = 0; i < 5; ++i) maps[0][answers[i]][0][i] = 1;
  loss->reset();
  loss->add({maps}, batch);
  EXPECT_EQ(loss->values()[0].first, "miou");
  EXPECT_NEAR(loss->values()[0].second, (1.0 / 2 + 2.0 / 3) / 2, 1e-12);
  EXPECT_NEAR(loss->values()[1].second, 3.0 / 4, 1e-12);
  // Maps of another size are fitted to the truth's; the auxiliary loss counts 0.4.
  const Tensor one = loss->loss({maps}, batch);
  EXPECT_NEAR(loss->loss({maps, maps}, batch).item<double>(), 1.4 * one.item<double>(), 1e-6);
  EXPECT_NEAR(loss->loss({torch::constant_pad_nd(maps, {0, 3, 0, 3})}, batch).item<double>(),
              one.item<double>(), 1e-6);
}

TEST(TaskLoss, JointsCountWithinHalfTheHead) {
  Data data;
  data.neck_joint = 0;
  data.head_joint = 1;
  const auto loss = make_pose_loss(data);
  Batch host;
  host.count = 1;
  host.input_dims = {1, 3, 32, 32};
  // Neck to head: 8 pixels, so 4 count. Heat maps are 8 x 8: 4 input pixels each.
  host.joints = {{8, 16, true}, {8, 8, true}, {20, 20, true}, {0, 0, false}};
  host.weights = {1, 1, 1, 0};
  host.target.assign(4 * 64, 0);
  host.target_dims = {1, 4, 8, 8};
  host.input.assign(3 * 32 * 32, 0);
  const DeviceBatch batch = to_device(host, torch::kCPU);
  Tensor maps = torch::zeros({1, 4, 8, 8});
  maps[0][0][4][2] = 1;  // exact
  maps[0][1][2][3] = 1;  // 4 pixels off: found
  maps[0][2][5][7] = 1;  // 8 pixels off: missed
  maps[0][3][7][7] = 5;  // not visible: neither counted nor learned
  loss->reset();
  loss->add({maps}, batch);
  EXPECT_EQ(loss->values()[0].first, "pckh");
  EXPECT_NEAR(loss->values()[0].second, 2.0 / 3, 1e-12);
  EXPECT_NEAR(loss->loss({maps}, batch).item<double>(), 0.5 * 3 / 256, 1e-7);
}

}  // namespace
}  // namespace autogo
