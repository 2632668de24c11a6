// Trainings through the public interface; LibTorch is in the module that is loaded.
#include "autogo/network/train.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "autogo/base/file.h"
#include "autogo/onnx/model.h"
#include "data/data_support.h"
#include "support/sealed_file.h"
#include "support/temp_dir.h"
#include "tiny_networks.h"

namespace autogo {
namespace {

/// Images of 8 x 8 whose class is where they are bright; one in the set may be damaged. Image i of a
/// set is picture `first` + i, and the first 150 pictures all differ.
class BrightSet : public Dataset {
 public:
  explicit BrightSet(std::size_t size, std::size_t first = 0,
                     std::size_t damaged = ~std::size_t{0})
      : size_(size), first_(first), damaged_(damaged) {}
  std::size_t size() const override { return size_; }
  std::string name(std::size_t i) const override { return "image " + std::to_string(i); }
  std::int64_t label(std::size_t i) const override {
    return static_cast<std::int64_t>((first_ + i) % 4);
  }
  LoadedSample load(std::size_t i) const override {
    if (i == damaged_) return {nullptr, name(i) + ": is damaged"};
    auto sample = std::make_shared<Sample>();
    sample->image = grey_image(8, 8, 0);
    const std::size_t picture = first_ + i;
    const auto x0 = static_cast<std::int64_t>(picture % 2 * 4),
               y0 = static_cast<std::int64_t>(picture / 2 % 2 * 4);
    for (std::int64_t y = y0; y < y0 + 4; ++y) {
      for (std::int64_t x = x0; x < x0 + 4; ++x) {
        *sample->image.at(x, y) =
            static_cast<std::uint8_t>(
                100 + (picture * 37 + static_cast<std::size_t>(x * y) * 11) % 150);
      }
    }
    sample->label = label(i);
    return {sample, ""};
  }

 private:
  std::size_t size_, first_, damaged_;
};

Data bright_data(std::size_t damaged = ~std::size_t{0}) {
  Data data;
  data.kind = "fake";
  data.path = "fake";
  data.classes.resize(4);
  data.channels = 1;
  data.width = data.height = 8;
  data.train = std::make_shared<BrightSet>(64, 0, damaged);
  data.tests.push_back({"test", std::make_shared<BrightSet>(24, 64)});
  data.content_hash = 99;
  return data;
}

/// Reads the position: the map is flattened, not pooled.
Graph position_network() {
  Graph graph;
  ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, 1, 8, 8}});
  Attrs conv, norm, dense;
  conv.out_channels = 4;
  conv.kernel = {3, 3};
  conv.stride = {2, 2};
  conv.pads = {1, 1, 1, 1};
  norm.epsilon = 1e-5F;
  x = graph.add(OpKind::kBatchNorm, norm, {graph.add(OpKind::kConv, conv, {x})});
  x = graph.add(OpKind::kFlatten, {}, {graph.add(OpKind::kRelu, {}, {x})});
  dense.out_channels = 4;
  dense.bias = true;
  graph.add_output(graph.add(OpKind::kDense, dense, {x}));
  return graph;
}

TrainingOptions short_training(int epochs) {
  TrainingOptions options;
  options.recipe = named_recipe("short", Task::kClassification);
  options.recipe.epochs = epochs;
  options.recipe.batch_size = 8;
  options.recipe.learning_rate = 0.05;
  options.recipe.augmentation = {};
  return options;
}

/// Bytes of all weights.
std::string bytes_of(const TrainingResult& result) {
  std::string all;
  for (const auto& [name, tensor] : result.weights) all.append(name).append(tensor.bytes);
  return all;
}

TEST(Train, TheTestHasNoImageOfTheTraining) { expect_no_shared_image(bright_data()); }

TEST(Train, LearnsWhatCanBeLearned) {
  const Data data = bright_data();
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  int reports = 0;
  TrainingOptions options = short_training(6);
  options.observer = [&](const TrainingProgress& p) {
    if (p.finished == nullptr) return;
    EXPECT_EQ(p.finished->epoch, ++reports);
  };
  const TrainingResult result = train_network(net, data, options);
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(reports, 6);
  ASSERT_EQ(result.epochs.size(), 6U);
  EXPECT_LT(result.epochs.back().training_loss, result.epochs.front().training_loss);
  EXPECT_EQ(result.metric(), 1.0);
  ASSERT_EQ(result.before.size(), 1U);
  EXPECT_LT(result.before[0].values[0].second, 0.9);
  EXPECT_EQ(result.epochs.back().tests[0].values[0].first, "top1");
  EXPECT_EQ(result.training_images, 64U);
  // What came out is what was tested.
  TrainingOptions again = short_training(1);
  again.initial = result.weights;
  EXPECT_EQ(test_network(net, data, again)[0].values, result.epochs.back().tests[0].values);
}

TEST(Train, TheSeedDecidesAndTheThreadsDoNot) {
  const Data data = bright_data();
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  TrainingOptions options = short_training(2);
  const std::string one = bytes_of(train_network(net, data, options));
  options.loader_threads = 2;
  EXPECT_EQ(bytes_of(train_network(net, data, options)), one);
  std::vector<TrainingJob> jobs(4, TrainingJob{&net, options});
  jobs[1].options.seed = 2;
  const std::vector<TrainingResult> side_by_side = train_networks(jobs, data, 4);
  EXPECT_EQ(bytes_of(side_by_side[0]), one);
  EXPECT_NE(bytes_of(side_by_side[1]), one);
  EXPECT_EQ(bytes_of(side_by_side[3]), one);
}

/// Stops after so many steps, again and again, and goes on.
TEST(Train, AnInterruptedTrainingEndsBitForBitTheSame) {
  const Data data = bright_data();
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  for (const Optimizer kind : {Optimizer::kSgd, Optimizer::kAdam}) {
    TrainingOptions options = short_training(3);
    options.recipe.optimizer = kind;
    options.recipe.nesterov = kind == Optimizer::kSgd;
    const TrainingResult whole = train_network(net, data, options);
    const TempDir dir;
    options.checkpoint = dir / "c";
    options.resume = true;
    std::atomic<bool> stop{true};  // after one step, each time
    options.stop = &stop;
    TrainingResult result;
    int sessions = 0;
    do {
      result = train_network(net, data, options);
      ++sessions;
    } while (!result.finished && sessions < 100);
    EXPECT_EQ(sessions, 3 * 8 + 1);
    EXPECT_EQ(bytes_of(result), bytes_of(whole));
    ASSERT_EQ(result.epochs.size(), whole.epochs.size());
    for (std::size_t e = 0; e < whole.epochs.size(); ++e) {
      EXPECT_EQ(result.epochs[e].training_loss, whole.epochs[e].training_loss);
      EXPECT_EQ(result.epochs[e].tests[0].values, whole.epochs[e].tests[0].values);
    }
    EXPECT_EQ(result.before[0].values, whole.before[0].values);
  }
}

TEST(Train, ForeignCheckpointsAreRefused) {
  Data data = bright_data();
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  const TempDir dir;
  TrainingOptions options = short_training(1);
  options.checkpoint = dir / "c";
  train_network(net, data, options);
  options.resume = true;
  options.seed = 2;
  EXPECT_EQ(error_text([&] { train_network(net, data, options); }),
            dir / "c: is the checkpoint of a training with another network, recipe or seed");
  options.seed = 1;
  data.content_hash = 1;
  EXPECT_EQ(error_text([&] { train_network(net, data, options); }),
            dir / "c: is the checkpoint of a training with another data set");
}

/// The first line of a file of tensors with one text replaced, and a right hash.
void forge(const std::string& path, const std::string& good, const std::string& from,
           const std::string& to) {
  std::string line = good.substr(0, good.find('\n'));
  const std::string bytes = good.substr(line.size() + 1), key = "\"file_hash\":\"";
  line.replace(line.find(key) + key.size(), 16, 16, '0');
  ASSERT_NE(line.find(from), line.npos) << from;
  line.replace(line.find(from), from.size(), to);
  write_file_atomic(path, sealed_file(line, bytes));
}

TEST(Train, CheckpointsThatDoNotFitAreRefused) {
  const Data data = bright_data();
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  const TempDir dir;
  TrainingOptions options = short_training(1);
  options.recipe.optimizer = Optimizer::kAdam;
  options.recipe.nesterov = false;
  options.checkpoint = dir / "c";
  train_network(net, data, options);
  options.resume = true;
  const std::string good = read_file(dir / "c");
  const auto refusal = [&](const std::string& from, const std::string& to) {
    forge(dir / "c", good, from, to);
    return error_text([&] { train_network(net, data, options); });
  };
  EXPECT_EQ(refusal("\"batch\":0", "\"batch\":1000000"),
            dir / "c: is the checkpoint of a training with another length");
  EXPECT_EQ(refusal("\"update/0/step\"", "\"update/0/stop\""),
            dir / "c: the optimiser's state '0/step' is missing");
  EXPECT_EQ(refusal("\"update/0/step\"", "\"outdate/0/step\""),
            dir / "c: holds the unknown tensor 'outdate/0/step'");
  const std::size_t begin = good.find("\"weight/") + 8;
  const std::string name = good.substr(begin, good.find('"', begin) - begin);
  EXPECT_EQ(refusal("\"weight/" + name, "\"weight/no " + name),
            dir / "c: weight '" + name + "' is missing");
}

TEST(Train, ADivergedTrainingSaysSoAndKeepsItsCheckpoint) {
  const Data data = bright_data();
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  const TempDir dir;
  TrainingOptions options = short_training(1);
  options.checkpoint = dir / "c";
  train_network(net, data, options);
  const std::string good = read_file(dir / "c");
  options = short_training(2);
  options.checkpoint = dir / "c";
  options.recipe.learning_rate = 1e30;
  options.recipe.warmup_epochs = 0;
  const TrainingResult result = train_network(net, data, options);
  EXPECT_FALSE(result.finished);
  EXPECT_TRUE(result.weights.empty());
  EXPECT_EQ(result.diverged.find("the loss is "), 0U) << result.diverged;
  EXPECT_EQ(read_file(dir / "c"), good);
}

TEST(Train, DamagedImagesAreSkippedAndCounted) {
  const Data data = bright_data(5);
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  const TrainingResult result = train_network(net, data, short_training(3));
  EXPECT_EQ(result.skipped, 1U);
  EXPECT_EQ(result.first_problem, "image 5: is damaged");
}

TEST(Train, InitialWeightsMustFit) {
  const Data data = bright_data();
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  TrainingOptions options = short_training(1);
  options.initial.emplace("nobody", make_tensor({1}, {0}));
  EXPECT_EQ(error_text([&] { train_network(net, data, options); }),
            "initial weights: the network has no weight 'nobody'");
}

TEST(Train, TrainedWeightsGoBackIntoTheFile) {
  const Data data = bright_data();
  const TrainableNetwork net = make_trainable(position_network(), data, {});
  const TrainingResult result = train_network(net, data, short_training(2));
  const TempDir dir;
  replace_weights(net.graph, result.weights, dir / "t.onnx", kTrainableExport);
  const TrainableNetwork back = make_trainable(import_onnx(dir / "t.onnx"), data, {});
  TrainingOptions options = short_training(1);
  options.weights = WeightSource::kFile;
  EXPECT_EQ(test_network(back, data, options)[0].values, result.epochs.back().tests[0].values);
}

TEST(Train, MnistIsLearnedInSeconds) {
  const std::string path = kShared + "/data/mnist";
  AUTOGO_SKIP_WITHOUT(path);
  const Data data = open_data(path, Task::kClassification);
  const TrainableNetwork net = make_trainable(tiny_classifier(1, 28, 10, {16, 32, 64}), data, {});
  TrainingOptions options;
  options.recipe = named_recipe("short", Task::kClassification);
  options.recipe.epochs = 2;
  options.recipe.batch_size = 32;
  options.recipe.augmentation = {};
  options.max_train_images = 8000;
  options.max_test_images = 1000;
  options.test_every = 0;
  const TrainingResult result = train_network(net, data, options);
  EXPECT_GT(result.metric(), 0.9);
  EXPECT_LT(result.before[0].values[0].second, 0.4);
  EXPECT_TRUE(result.epochs[0].tests.empty());
}

TEST(Train, AnotherInputSizeReachesTheNetworkOfAFile) {
  const TempDir folder;
  export_onnx(tiny_classifier(1, 8, 4), folder / "a.onnx");
  const Data data = bright_data();
  TaskOptions task;
  task.image_size = 12;
  const TrainableNetwork network = make_trainable(import_onnx(folder / "a.onnx"), data, task);
  EXPECT_EQ(network.graph.output_type(network.graph.input_nodes()[0]).shape, (Shape{1, 1, 12, 12}));
  EXPECT_TRUE(train_network(network, data, short_training(1)).finished);
}

}  // namespace
}  // namespace autogo
