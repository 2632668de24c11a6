// Trainings whose answers are maps; LibTorch is in the module that is loaded.
#include <cmath>

#include "autogo/network/train.h"
#include "autogo/onnx/model.h"
#include "data/data_support.h"
#include "support/temp_dir.h"
#include "tiny_networks.h"

namespace autogo {
namespace {

/// A bright square on a dark ground: where it is differs. Sets of different `shift` share no image:
/// their squares lie on parallel lines (all sizes here give a modulus that 7 does not divide).
class SquareSet : public Dataset {
 public:
  SquareSet(Task task, std::int64_t size, std::int64_t shift)
      : task_(task), size_(size), shift_(shift) {}
  std::size_t size() const override { return 32; }
  std::string name(std::size_t i) const override { return "image " + std::to_string(i); }
  LoadedSample load(std::size_t i) const override {
    auto sample = std::make_shared<Sample>();
    Image image{size_, size_, 3, {}};
    image.pixels.assign(static_cast<std::size_t>(3 * size_ * size_), 30);
    Image mask = grey_image(size_, size_, 0);
    const std::int64_t side = size_ / 3;
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t left = at * 7 % (size_ - side), top = (at * 5 + shift_) % (size_ - side);
    for (std::int64_t y = top; y < top + side; ++y) {
      for (std::int64_t x = left; x < left + side; ++x) {
        for (std::int64_t c = 0; c < 3; ++c) image.at(x, y)[c] = 220;
        *mask.at(x, y) = 1;
      }
    }
    const auto middle = [&](std::int64_t begin) {
      return static_cast<float>(begin) + static_cast<float>(side) / 2;
    };
    if (task_ == Task::kSegmentation) {
      sample->image = image;
      sample->target = mask;
    } else if (task_ == Task::kPose) {
      sample->image = image;
      // The head joint is only there for the unit of length.
      sample->joints = {{middle(left), middle(top), true}, {middle(left), middle(top) - 12, true}};
      sample->center_x = sample->center_y = static_cast<float>(size_) / 2;
      sample->person_size = static_cast<float>(size_);
    } else {
      sample->target = image;
    }
    return {sample, ""};
  }

 private:
  Task task_;
  std::int64_t size_, shift_;
};

Data square_data(Task task, std::int64_t size) {
  Data data;
  data.channels = 3;
  data.path = "squares";
  if (task == Task::kSegmentation) data.classes = {"ground", "square"};
  if (task == Task::kPose) {
    data.num_joints = 2;
    data.head_joint = 1;
  }
  data.train = std::make_shared<SquareSet>(task, size, 0);
  data.tests.push_back({"test", std::make_shared<SquareSet>(task, size, 3)});
  return data;
}

TEST(TrainDense, TheTestHasNoImageOfTheTraining) {
  for (const std::int64_t size : {30, 32, 33, 50}) {
    for (const Task task : {Task::kSegmentation, Task::kDenoising}) {
      expect_no_shared_image(square_data(task, size));
    }
  }
}

TrainingOptions options_of(Task task, int epochs) {
  TrainingOptions options;
  options.recipe = named_recipe("short", task);
  options.recipe.epochs = epochs;
  options.recipe.batch_size = 8;
  options.recipe.augmentation = {};
  options.test_every = 0;
  return options;
}

TEST(TrainDense, SegmentationFindsTheSquares) {
  const Data data = square_data(Task::kSegmentation, 32);
  TaskOptions task;
  task.task = Task::kSegmentation;
  const TrainableNetwork net = make_trainable(tiny_classifier(3, 32, 10, {16, 16}), data, task);
  TrainingOptions options = options_of(Task::kSegmentation, 20);
  options.recipe.learning_rate = 0.1;
  const TrainingResult result = train_network(net, data, options);
  EXPECT_TRUE(result.finished) << result.diverged;
  EXPECT_GT(result.metric(), 0.8);
  // What comes out is the graph without the auxiliary classifier.
  const TempDir dir;
  replace_weights(net.graph, result.weights, dir / "m.onnx", kTrainableExport);
  const TrainableNetwork back = make_trainable(import_onnx(dir / "m.onnx"), data, task);
  EXPECT_TRUE(back.notes.empty());  // its own head fits
  options.weights = WeightSource::kFile;
  EXPECT_NEAR(test_network(back, data, options)[0].values[0].second, result.metric(), 1e-6);
}

TEST(TrainDense, LargerImagesAreSegmentedInWindows) {
  const Data data = square_data(Task::kSegmentation, 50);
  TaskOptions task;
  task.task = Task::kSegmentation;
  const TrainableNetwork net = make_trainable(tiny_classifier(3, 32, 10, {16, 16}), data, task);
  TrainingOptions options = options_of(Task::kSegmentation, 20);
  options.recipe.learning_rate = 0.1;
  EXPECT_GT(train_network(net, data, options).metric(), 0.75);
}

TEST(TrainDense, PoseFindsTheMiddles) {
  const Data data = square_data(Task::kPose, 32);
  TaskOptions task;
  task.task = Task::kPose;
  const TrainableNetwork net = make_trainable(tiny_classifier(3, 32, 10, {16, 32, 32}), data, task);
  TrainingOptions options = options_of(Task::kPose, 60);
  options.recipe.milestones = {50};
  options.recipe.learning_rate = 0.005;
  const TrainingResult result = train_network(net, data, options);
  // At positions that the 32 images of the training do not have.
  EXPECT_GT(result.metric(), 0.8);
  EXPECT_GT(result.metric(), result.before[0].values[0].second + 0.3);
}

/// Halves its maps twice: images of any size must come out of it.
Graph small_unet() {
  Graph graph;
  const ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, 3, 16, 16}});
  Attrs conv, pool, up;
  conv.out_channels = 8;
  conv.kernel = {3, 3};
  conv.pads = {1, 1, 1, 1};
  conv.bias = true;
  pool.kernel = pool.stride = {4, 4};
  up.stride = {4, 4};
  up.text = "nearest";
  const ValueId a = graph.add(OpKind::kRelu, {}, {graph.add(OpKind::kConv, conv, {x})});
  ValueId b = graph.add(OpKind::kAvgPool, pool, {a});
  b = graph.add(OpKind::kRelu, {}, {graph.add(OpKind::kConv, conv, {b})});
  b = graph.add(OpKind::kResize, up, {b});
  conv.out_channels = 3;
  graph.add_output(graph.add(OpKind::kConv, conv, {graph.add(OpKind::kConcat, {}, {a, b})}));
  return graph;
}

TEST(TrainDense, DenoisersBeatTheNoise) {
  const Data data = square_data(Task::kDenoising, 30);  // no multiple of 4
  for (const bool noise : {false, true}) {
    TaskOptions task;
    task.task = Task::kDenoising;
    task.predicts_noise = noise;
    const TrainableNetwork net = make_trainable(small_unet(), data, task);
    TrainingOptions options = options_of(Task::kDenoising, 10);
    options.recipe.repeat = 4;
    options.recipe.patch = 16;
    options.recipe.learning_rate = 0.01;
    const TrainingResult result = train_network(net, data, options);
    // Noise of deviation 25 alone: 10 log10(255^2 / 25^2) = 20.17 dB, a little more when clipped.
    EXPECT_GT(result.metric(), 21.5) << noise;
    EXPECT_TRUE(result.finished);
  }
}

TEST(TrainDense, SuperResolutionImproves) {
  const Data data = square_data(Task::kSuperResolution, 33);
  TaskOptions task;
  task.task = Task::kSuperResolution;
  const TrainableNetwork net = make_trainable(tiny_super_resolution(3, 8), data, task);
  TrainingOptions options = options_of(Task::kSuperResolution, 10);
  options.recipe.repeat = 2;
  options.recipe.patch = 12;
  const TrainingResult result = train_network(net, data, options);
  EXPECT_GT(result.metric(), result.before[0].values[0].second + 5);
}

}  // namespace
}  // namespace autogo
