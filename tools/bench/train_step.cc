// autogo_train_bench: a training step and an evaluation of a ResNet-20 (CIFAR-10 sizes) as autogo
// runs it, beside the same network written by hand with LibTorch's modules. Both take turns, so
// that a busy machine treats them alike; medians are compared. tools/bench.sh builds and calls it.
//
// usage: autogo_train_bench [BATCH [ROUNDS]]

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "network/net_module.h"
#include "network/training/updates.h"

namespace autogo::bench {
namespace {

constexpr std::int64_t kClasses = 10;
constexpr int kBlocks = 3;  ///< in each of three stages: 6 x 3 + 2 = 20 weighted layers

/// The network as a Graph.
class GraphMaker {
 public:
  Graph make() {
    ValueId x = graph_.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, 3, 32, 32}});
    x = relu(conv_norm(x, 16, 1, 3));
    for (const std::int32_t channels : {16, 32, 64}) {
      for (int b = 0; b < kBlocks; ++b) {
        const std::int32_t stride = channels > 16 && b == 0 ? 2 : 1;
        ValueId y = relu(conv_norm(x, channels, stride, 3));
        y = conv_norm(y, channels, 1, 3);
        const ValueId same = stride == 1 ? x : conv_norm(x, channels, stride, 1);
        x = relu(graph_.add(OpKind::kAdd, {}, {y, same}));
      }
    }
    x = graph_.add(OpKind::kGlobalAvgPool, {}, {x});
    x = graph_.add(OpKind::kFlatten, {}, {x});
    Attrs dense;
    dense.out_channels = kClasses;
    dense.bias = true;
    graph_.add_output(graph_.add(OpKind::kDense, dense, {x}));
    return std::move(graph_);
  }

 private:
  ValueId conv_norm(ValueId x, std::int32_t channels, std::int32_t stride, std::int32_t kernel) {
    Attrs conv, norm;
    conv.out_channels = channels;
    conv.kernel = {kernel, kernel};
    conv.stride = {stride, stride};
    conv.pads = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
    norm.epsilon = 1e-5F;
    return graph_.add(OpKind::kBatchNorm, norm, {graph_.add(OpKind::kConv, conv, {x})});
  }
  ValueId relu(ValueId x) { return graph_.add(OpKind::kRelu, {}, {x}); }
  Graph graph_;
};

torch::nn::Sequential conv_norm(std::int64_t from, std::int64_t to, std::int64_t stride,
                                std::int64_t kernel) {
  return torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, kernel)
                                                     .stride(stride)
                                                     .padding(kernel / 2)
                                                     .bias(false)),
                               torch::nn::BatchNorm2d(to));
}

struct BlockImpl : torch::nn::Module {
  BlockImpl(std::int64_t from, std::int64_t to, std::int64_t stride) {
    first = register_module("first", conv_norm(from, to, stride, 3));
    second = register_module("second", conv_norm(to, to, 1, 3));
    if (stride != 1) shortcut = register_module("shortcut", conv_norm(from, to, stride, 1));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = second->forward(torch::relu(first->forward(x)));
    return torch::relu(y + (shortcut ? shortcut->forward(x) : x));
  }
  torch::nn::Sequential first, second, shortcut{nullptr};
};
TORCH_MODULE(Block);

struct HandWrittenImpl : torch::nn::Module {
  HandWrittenImpl() {
    stem = register_module("stem", conv_norm(3, 16, 1, 3));
    std::int64_t from = 16;
    for (const std::int64_t to : {16, 32, 64}) {
      for (int b = 0; b < kBlocks; ++b) {
        blocks->push_back(Block(from, to, to > 16 && b == 0 ? 2 : 1));
        from = to;
      }
    }
    register_module("blocks", blocks);
    dense = register_module("dense", torch::nn::Linear(64, kClasses));
  }
  torch::Tensor forward(torch::Tensor x) {
    x = blocks->forward(torch::relu(stem->forward(x)));
    return dense->forward(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }
  torch::nn::Sequential stem, blocks;
  torch::nn::Linear dense{nullptr};
};
TORCH_MODULE(HandWritten);

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Side {
  std::function<torch::Tensor(const torch::Tensor&)> forward;
  torch::optim::SGD optimizer;
};

void train_step(Side& side, const torch::Tensor& images, const torch::Tensor& labels) {
  side.optimizer.zero_grad();
  torch::nn::functional::cross_entropy(side.forward(images), labels).backward();
  side.optimizer.step();
}

bool print_row(const char* what, double ours, double theirs, double goal) {
  const double ratio = ours / theirs;
  std::printf("| %s | %.2f ms | %.2f ms | %.3f | at most %.2f | %s |\n", what, 1e3 * ours,
              1e3 * theirs, ratio, goal, ratio <= goal ? "" : "missed");
  return ratio <= goal;
}

int run(std::int64_t batch, int rounds) {
  NetworkOptions options;
  options.weights = WeightSource::kRandom;
  NetModule ours(lower(GraphMaker().make()), options);  // sets one thread
  HandWritten theirs;
  std::int64_t parameters = 0;
  for (const torch::Tensor& p : theirs->parameters()) parameters += p.numel();
  AUTOGO_CHECK(parameters == ours.num_parameters());

  const torch::optim::SGDOptions sgd = torch::optim::SGDOptions(0.01).momentum(0.9);
  Side a{[&](const torch::Tensor& x) { return ours.forward({x})[0]; },
         torch::optim::SGD(ours.parameters(), sgd)};
  Side b{[&](const torch::Tensor& x) { return theirs->forward(x); },
         torch::optim::SGD(theirs->parameters(), sgd)};
  const torch::Tensor images = torch::randn({batch, 3, 32, 32});
  const torch::Tensor labels = torch::arange(batch).remainder(kClasses);

  // As `autogo train network` does it: channels last, flat updates.
  NetModule tuned(lower(GraphMaker().make()), options);
  TrainingRecipe recipe;
  recipe.momentum = 0.9;
  Updates updates(tuned, recipe);
  const torch::Tensor ordered = images.contiguous(torch::MemoryFormat::ChannelsLast);
  const auto tuned_step = [&] {
    updates.clear_gradients();
    torch::nn::functional::cross_entropy(tuned.forward({ordered})[0], labels).backward();
    updates.step(0.01);
  };

  std::vector<double> times[6];
  for (int round = -2; round < rounds; ++round) {  // the first two warm up
    double now[6];
    ours.train(true);
    tuned.train(true);
    theirs->train(true);
    now[0] = seconds_of([&] { train_step(a, images, labels); });
    now[1] = seconds_of([&] { train_step(b, images, labels); });
    now[4] = seconds_of(tuned_step);
    const torch::NoGradGuard no_grad;
    ours.train(false);
    tuned.train(false);
    theirs->eval();
    now[2] = seconds_of([&] { a.forward(images); });
    now[3] = seconds_of([&] { b.forward(images); });
    now[5] = seconds_of([&] { tuned.forward({ordered}); });
    for (int i = 0; i < 6 && round >= 0; ++i) times[i].push_back(now[i]);
  }
  std::printf(
      "| ResNet-20, batch %lld | autogo | LibTorch modules | ratio | goal | |\n"
      "| --- | --- | --- | --- | --- | --- |\n",
      static_cast<long long>(batch));
  const bool step = print_row("training step", median(times[0]), median(times[1]), 1.1);
  const bool evaluation = print_row("evaluation", median(times[2]), median(times[3]), 1.15);
  print_row("training step of `train network`", median(times[4]), median(times[1]), 1.1);
  print_row("evaluation of `train network`", median(times[5]), median(times[3]), 1.15);
  return step && evaluation ? 0 : 1;
}

}  // namespace
}  // namespace autogo::bench

int main(int argc, char** argv) {
  try {
    const long batch = argc > 1 ? std::stol(argv[1]) : 32;
    const int rounds = argc > 2 ? std::stoi(argv[2]) : 21;
    return autogo::bench::run(batch, rounds);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "autogo_train_bench: %s\n", e.what());
    return 1;
  }
}
