// The network as something that trains: gradients, modes, batches, state.
#include "net_module.h"

#include <ATen/ATen.h>

#include "onnx/onnx_builder.h"
#include "onnx/op_samples.h"
#include "run_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using testing::random_weights;
using Ints = std::vector<std::int64_t>;

Program program_of(const OnnxBuilder& builder) {
  const TempDir folder;
  return lower(import_onnx(builder.save(folder / "a.onnx")));
}

NetworkOptions in_double() {
  NetworkOptions options;
  options.double_precision = true;
  return options;
}

/// Sum of outputs weighted by fixed random numbers: a loss with an ordinary gradient.
torch::Tensor loss_of(NetModule& net, const NetModule::Tensors& inputs) {
  torch::Tensor loss;
  std::int64_t salt = 1;
  for (const torch::Tensor& out : net.forward(inputs)) {
    if (!out.is_floating_point()) continue;
    const torch::Tensor weights =
        at::sin(at::arange(out.numel(), out.options()) * 1.7 + salt++).view_as(out);
    const torch::Tensor part = (out * weights).sum();
    loss = loss.defined() ? loss + part : part;
  }
  return loss;
}

/// Autograd against central differences, some coordinates of every parameter and input.
void check_gradients(NetModule& net, torch::Tensor input, Rng rng) {
  input = input.to(torch::kDouble).requires_grad_(true);
  const torch::Tensor loss = loss_of(net, {input});
  NetModule::Named leaves = net.named_parameters();
  leaves.emplace_back("input", input);
  for (auto& [name, leaf] : leaves) leaf.mutable_grad() = torch::Tensor();
  loss.backward();
  const torch::NoGradGuard no_grad;
  for (auto& [name, leaf] : leaves) {
    ASSERT_TRUE(leaf.grad().defined()) << name;
    const torch::Tensor flat = leaf.view({-1}), gradient = leaf.grad().reshape({-1});
    for (int k = 0; k < 4; ++k) {
      const auto i = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(flat.numel())));
      const double old = flat[i].item<double>(), step = 1e-6;
      flat[i] = old + step;
      const double up = loss_of(net, {input}).item<double>();
      flat[i] = old - step;
      const double down = loss_of(net, {input}).item<double>();
      flat[i] = old;
      const double expected = (up - down) / (2 * step), got = gradient[i].item<double>();
      EXPECT_NEAR(got, expected, 1e-5 * std::max(1.0, std::fabs(expected))) << name << " " << i;
    }
  }
}

torch::Tensor random_input(const Ints& dims, std::uint64_t seed) {
  Rng rng(seed);
  torch::Tensor x = at::empty(dims, at::kDouble);
  double* data = x.data_ptr<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) data[i] = rng.normal();
  return x;
}

Graph relu_graph(const Ints& dims) {
  OnnxBuilder b(13);
  b.input("x", dims).output("y", dims);
  b.node("Relu", {"x"}, {"y"});
  const TempDir folder;
  return import_onnx(b.save(folder / "a.onnx"));
}

TEST(NetModule, GradientsOfTheTableAgreeWithFiniteDifferences) {
  constexpr std::uint64_t kSeed = 17;
  std::cout << "seed " << kSeed << "\n";
  auto check = [&](const Ints& dims, const std::vector<Sample>& samples) {
    const Graph base = relu_graph(dims);
    for (const Sample& sample : samples) {
      if (sample.since > 13) continue;  // the opset of what is made without a file
      SCOPED_TRACE(sample.name);
      const Program program = lower(with_new_node(base, sample));
      for (const bool training : {false, true}) {
        NetworkOptions options = in_double();
        options.weights = WeightSource::kRandom;
        NetModule net(program, options);
        net.train(training);
        torch::Tensor x = random_input(dims, kSeed);
        if (sample.op == OpKind::kDiv) x = at::abs(x) + 0.5;  // 0 by 0 has no gradient
        check_gradients(net, x, Rng(kSeed));
      }
    }
  };
  check({1, 8, 15, 15}, map_samples());
  check({1, 6, 8}, token_samples());
}

/// conv -> batch norm -> relu -> mean -> dense.
OnnxBuilder small_network(std::int64_t batch) {
  OnnxBuilder b(13);
  b.input("x", {batch, 3, 6, 6}).output("y", {batch, 5});
  b.weight("w", {4, 3, 3, 3}).weight("s", {4}).weight("c", {4}).weight("m", {4});
  b.weight("v", {4}).weight("fc", {5, 4}).weight("fb", {5});
  b.node("Conv", {"x", "w"}, {"conv"});
  auto& n = b.node("BatchNormalization", {"conv", "s", "c", "m", "v"}, {"norm"});
  set_attribute(n, "momentum", 0.8F);
  set_attribute(n, "epsilon", 1e-3F);
  b.node("Relu", {"norm"}, {"relu"});
  b.node("GlobalAveragePool", {"relu"}, {"mean"});
  b.node("Flatten", {"mean"}, {"flat"});
  set_attribute(b.node("Gemm", {"flat", "fc", "fb"}, {"y"}), "transB", std::int64_t{1});
  return b;
}

TEST(NetModule, TrainingModeNormalisesByTheBatchAndMovesTheStatistics) {
  const Program program = program_of(small_network(1));
  NetModule net(program, in_double());
  net.set_taps({"conv", "norm"});
  net.taps_only(true);
  net.train(true);
  const auto before = net.state();
  const torch::Tensor x = random_input({7, 3, 6, 6}, 2);
  const auto values = net.forward({x});
  ASSERT_EQ(values.size(), 2U);
  const torch::Tensor& conv = values[0];
  const torch::Tensor mean = conv.mean({0, 2, 3}), n = at::scalar_tensor(7 * 4 * 4, at::kDouble);
  const torch::Tensor variance = (conv * conv).mean({0, 2, 3}) - mean * mean;
  const Ints wide{1, 4, 1, 1};
  const torch::Tensor expected =
      (conv - mean.view(wide)) / at::sqrt(variance.view(wide) + 1e-3) * before.at("s").view(wide) +
      before.at("c").view(wide);
  EXPECT_LT((values[1] - expected).abs().max().item<double>(), 1e-6);
  const auto after = net.state();  // momentum is a float in the file
  EXPECT_LT((after.at("m") - (before.at("m") * 0.8 + mean * 0.2)).abs().max().item<double>(), 1e-6);
  const torch::Tensor unbiased = variance * n / (n - 1);
  EXPECT_LT((after.at("v") - (before.at("v") * 0.8 + unbiased * 0.2)).abs().max().item<double>(),
            1e-6);
  net.train(false);
  net.forward({x});
  EXPECT_TRUE(at::equal(net.state().at("m"), after.at("m")));
}

TEST(NetModule, GradientsThroughBatchStatistics) {
  const Program program = program_of(small_network(-1));
  NetModule net(program, in_double());
  net.train(true);
  check_gradients(net, random_input({5, 3, 6, 6}, 4), Rng(4));
}

TEST(NetModule, BatchNormalisationOfOneValueIsRefused) {
  OnnxBuilder b(13);
  b.input("x", {-1, 4, 1, 1}).output("y", {-1, 4, 1, 1});
  b.weight("s", {4}).weight("c", {4}).weight("m", {4}).weight("v", {4});
  b.node("BatchNormalization", {"x", "s", "c", "m", "v"}, {"y"});
  NetModule net(program_of(b), {});
  net.train(true);
  try {
    net.forward({at::ones({1, 4, 1, 1})});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "node 'y_BatchNormalization' (BatchNormalization): batch normalisation cannot be "
                 "trained on one value a channel; use a batch of at least 2");
  }
}

TEST(NetModule, DropoutDropsInTrainingOnly) {
  OnnxBuilder b(13);
  b.input("x", {1, 4000}).output("y", {1, 4000}).scalar("r", 0.25);
  b.node("Relu", {"x"}, {"a"});
  b.node("Dropout", {"a", "r"}, {"d"});
  b.node("Relu", {"d"}, {"y"});
  // Import removes dropout; a program of its own has it.
  Program program = program_of(b);
  ProgramNode drop{"Dropout", "", "drop", {program.nodes.front().outputs[0]}, {}, {}, kNoNode};
  drop.attributes["ratio"] = 0.25F;
  program.opset = 11;
  drop.outputs = {static_cast<int>(program.values.size())};
  program.values.push_back({"dropped", DType::kFloat32, Shape{1, 4000}, -1});
  program.nodes.push_back(drop);
  program.outputs = drop.outputs;
  NetModule net(program, {});
  const torch::Tensor x = at::ones({1, 4000});
  EXPECT_TRUE(at::equal(net.forward({x})[0], x));
  net.train(true);
  const torch::Tensor y = net.forward({x})[0];
  EXPECT_NEAR((y == 0).to(at::kFloat).mean().item<double>(), 0.25, 0.05);
  EXPECT_NEAR(y.max().item<double>(), 1 / 0.75, 1e-5);
}

TEST(NetModule, LearnsByGradientDescent) {
  NetworkOptions options;
  options.weights = WeightSource::kRandom;
  NetModule net(program_of(small_network(1)), options);
  net.train(true);
  const torch::Tensor x = random_input({16, 3, 6, 6}, 6).to(at::kFloat);
  const torch::Tensor labels = at::arange(16, at::kLong).remainder(5);
  double first = 0, last = 0;
  for (int step = 0; step < 300; ++step) {
    const torch::Tensor loss = at::cross_entropy_loss(net.forward({x})[0], labels);
    loss.backward();
    const torch::NoGradGuard no_grad;
    for (torch::Tensor p : net.parameters()) {
      p.sub_(p.grad() * 0.3);
      p.mutable_grad() = torch::Tensor();
    }
    (step == 0 ? first : last) = loss.item<double>();
  }
  EXPECT_LT(last, 0.5 * first);
}

TEST(NetModule, StateGoesThereAndBack) {
  const Program program = program_of(small_network(1));
  NetModule a(program, {});
  NetworkOptions random;
  random.weights = WeightSource::kRandom;
  NetModule b(program, random);
  const torch::Tensor x = random_input({2, 3, 6, 6}, 8).to(at::kFloat);
  EXPECT_FALSE(at::allclose(a.forward({x})[0], b.forward({x})[0]));
  auto positive = a.state();
  positive.at("v").abs_();  // a variance
  a.load_state(positive);
  b.load_state(a.state());
  EXPECT_TRUE(at::equal(a.forward({x})[0], b.forward({x})[0]));
  auto state = a.state();
  state.erase("w");
  try {
    b.load_state(state);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "has 6 weights, the network has 7");
  }
  state["w"] = at::ones({1});
  try {
    b.load_state(state);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "weight 'w' has shape 1, the network's is 4x3x3x3");
  }
}

TEST(NetModule, WeightsFromASeedDependOnSeedAndNameOnly) {
  const Program program = program_of(small_network(1));
  auto weights = [&](WeightSource source, std::uint64_t seed) {
    NetworkOptions options;
    options.weights = source;
    options.seed = seed;
    return NetModule(program, options).state();
  };
  const auto one = weights(WeightSource::kRandom, 1), two = weights(WeightSource::kRandom, 2);
  EXPECT_TRUE(at::equal(one.at("w"), weights(WeightSource::kRandom, 1).at("w")));
  EXPECT_FALSE(at::equal(one.at("w"), two.at("w")));
  EXPECT_TRUE(at::equal(one.at("s"), at::ones({4})));
  EXPECT_TRUE(at::equal(one.at("fb"), at::zeros({5})));
  const double expected = std::sqrt(2.0 / (4 * 9));
  EXPECT_NEAR(one.at("w").std().item<double>(), expected, 0.2 * expected);
  // No splat here: mixed leaves the file's.
  EXPECT_TRUE(
      at::equal(weights(WeightSource::kMixed, 1).at("w"), weights(WeightSource::kFile, 1).at("w")));
}

TEST(NetModule, ABatchIsManyRunsOfOne) {
  // Reshapes with the batch in them: attention as frameworks export it with a batch of 1.
  OnnxBuilder b(13);
  b.input("x", {1, 6, 8}).output("y", {1, 6, 8});
  b.weight("wq", {8, 8}).weight("token", {1, 1, 8});
  b.ints("split", {6, 4, 2}).ints("rows", {6, 8}).ints("back", {6, 1, 8});
  b.ints("heads", {6, 1, 8});
  auto permute = [&](const char* from, const char* to, const Ints& order) {
    set_attribute(b.node("Transpose", {from}, {to}), "perm", order);
  };
  b.node("MatMul", {"x", "wq"}, {"p"});
  permute("p", "t", {1, 0, 2});              // 6,1,8
  b.node("Reshape", {"t", "split"}, {"h"});  // 6,4,2: batch with the heads
  permute("h", "q", {1, 0, 2});              // 4,6,2
  permute("q", "k", {0, 2, 1});
  b.node("MatMul", {"q", "k"}, {"a"});
  set_attribute(b.node("Softmax", {"a"}, {"s"}), "axis", std::int64_t{-1});
  b.node("MatMul", {"s", "q"}, {"o"});      // 4,6,2
  permute("o", "u", {1, 0, 2});             // 6,4,2
  b.node("Reshape", {"u", "rows"}, {"r"});  // 6,8: batch with the tokens
  set_attribute(b.node("Gemm", {"r", "wq"}, {"g"}), "transB", std::int64_t{1});
  b.node("Reshape", {"g", "back"}, {"z"});  // 6,1,8
  permute("z", "y", {1, 0, 2});
  NetModule net(program_of(b), {});
  const torch::Tensor x = random_input({3, 6, 8}, 9).to(at::kFloat);
  const torch::Tensor all = net.forward({x})[0];
  for (std::int64_t i = 0; i < 3; ++i) {
    const torch::Tensor one = net.forward({x.narrow(0, i, 1)})[0];
    EXPECT_LT((all.narrow(0, i, 1) - one).abs().max().item<double>(), 1e-5) << i;
  }
}

TEST(NetModule, TheVisionTransformerTakesABatch) {
  const std::string path = AUTOGO_SOURCE_DIR "/../shared/models/vit_b_16.onnx";
  if (!std::ifstream(path)) GTEST_SKIP() << path << " is not there";
  NetworkOptions options;
  options.weights = WeightSource::kRandom;
  NetModule net(lower(import_onnx(path)), options);
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = random_input({2, 3, 224, 224}, 10).to(at::kFloat);
  const torch::Tensor both = net.forward({x})[0];
  for (std::int64_t i = 0; i < 2; ++i) {
    const torch::Tensor one = net.forward({x.narrow(0, i, 1)})[0];
    EXPECT_LT((both.narrow(0, i, 1) - one).abs().max().item<double>(),
              1e-4 * one.abs().max().item<double>());
  }
}

TEST(NetModule, WrongInputsAreRefused) {
  NetModule net(program_of(small_network(1)), {});
  auto message = [&](const NetModule::Tensors& inputs) {
    try {
      net.forward(inputs);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kInput);
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(message({}), "the network has 1 inputs, 0 were given");
  EXPECT_EQ(message({at::ones({2, 3, 6, 7})}),
            "input 'x' has shape 2x3x6x7, the network wants 1x3x6x6 with any batch");
  EXPECT_THROW(net.set_taps({"nothing"}), Error);
}

TEST(NetModule, ContradictingOptionsAreRefused) {
  const Program program = program_of(small_network(1));
  auto message = [&](const NetworkOptions& options) {
    try {
      const NetModule net(program, options);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  NetworkOptions mixed;
  mixed.mixed_precision = true;
  EXPECT_EQ(message(mixed), "mixed precision needs a GPU: leave it out or choose the device cuda");
  NetworkOptions cuda;
  cuda.device = Device::kCuda;
  if (!at::hasCUDA()) {
    EXPECT_EQ(message(cuda), "device cuda: this LibTorch has no CUDA, or no GPU is there");
  }
}

}  // namespace
}  // namespace autogo
