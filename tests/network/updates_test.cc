#include "network/training/updates.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "autogo/program/program.h"
#include "network/heads/task_loss.h"

namespace autogo {
namespace {

// A dense layer of two numbers, as PyTorch has it below: weight (out x in) and bias.
//
//   p = torch.tensor([[1., -2.], [.5, 3.]], requires_grad=True); b = torch.tensor([.1, -.2], ...)
//   for i in range(4): x = torch.tensor([[.5, -1.], [2., .3]]) * (i + 1)
//                      (((x @ p.t() + b) ** 2).sum() * .1).backward(); optimizer.step()
//
// The expected numbers were printed by PyTorch 1.13.
class Layer {
 public:
  Layer() : net_(program(), {}) {
    const at::NoGradGuard no_grad;
    std::map<std::string, torch::Tensor> state = net_.state();
    for (auto& [name, tensor] : state) {
      if (tensor.dim() == 2) {
        weight_ = name;
        tensor = torch::tensor({1.0F, -2.0F, 0.5F, 3.0F}).view({2, 2});  // out x in
      } else {
        bias_ = name;
        tensor = torch::tensor({0.1F, -0.2F});
      }
    }
    net_.load_state(state);
    net_.train(true);
  }

  std::vector<float> after_four_steps(const TrainingRecipe& recipe) {
    Updates updates(net_, recipe);
    for (int i = 0; i < 4; ++i) step(updates, recipe, i);
    return values();
  }
  void step(Updates& updates, const TrainingRecipe& recipe, int i) {
    const torch::Tensor x =
        torch::tensor({0.5F, -1.0F, 2.0F, 0.3F}).view({2, 2}) * static_cast<float>(i + 1);
    updates.clear_gradients();
    (net_.forward({x})[0].square().sum() * 0.1).backward();
    EXPECT_TRUE(updates.step(recipe.learning_rate));
  }
  /// p (out x in), b.
  std::vector<float> values() const {
    const auto state = net_.state();
    const torch::Tensor all = at::cat({state.at(weight_).reshape({-1}), state.at(bias_)});
    return {all.data_ptr<float>(), all.data_ptr<float>() + all.numel()};
  }
  NetModule& net() { return net_; }

 private:
  static Program program() {
    Graph graph;
    const ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsLast, Shape{2, 2}});
    Attrs dense;
    dense.out_channels = 2;
    dense.bias = true;
    graph.add_output(graph.add(OpKind::kDense, dense, {x}));
    return lower(graph);
  }
  NetModule net_;
  std::string weight_, bias_;
};

void expect_near(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 2e-6) << i;
}

TrainingRecipe recipe(Optimizer optimizer) {
  TrainingRecipe r;
  r.optimizer = optimizer;
  r.learning_rate = 0.01;
  return r;
}

TEST(Updates, SgdIsPyTorchs) {
  expect_near(Layer().after_four_steps(recipe(Optimizer::kSgd)),
              {0.7719352, -1.8762418, 0.3744229, 2.8023400, 0.0241072, -0.1790156});
}

TEST(Updates, NesterovWithDecayOfWeightsOnlyIsPyTorchs) {
  TrainingRecipe r = recipe(Optimizer::kSgd);
  r.momentum = 0.9;
  r.nesterov = true;
  r.weight_decay = 0.1;
  expect_near(Layer().after_four_steps(r),
              {0.4787527, -1.6830096, 0.2137265, 2.4965236, -0.0953478, -0.1417300});
}

TEST(Updates, RmspropIsPyTorchs) {
  TrainingRecipe r = recipe(Optimizer::kRmsprop);
  r.momentum = 0.9;
  r.epsilon = 1e-7;
  expect_near(Layer().after_four_steps(r),
              {0.7274981, -1.7263373, 0.2270042, 2.7261577, -0.1558796, 0.0573225});
}

TEST(Updates, AdamIsPyTorchs) {
  expect_near(Layer().after_four_steps(recipe(Optimizer::kAdam)),
              {0.9636926, -1.9637592, 0.4640644, 2.9637554, 0.0610445, -0.1606965});
}

TEST(Updates, ClippingIsPyTorchs) {
  TrainingRecipe r = recipe(Optimizer::kSgd);
  r.clip_norm = 0.5;
  expect_near(Layer().after_four_steps(r),
              {0.9874009, -1.9935911, 0.4934271, 2.9897277, 0.0939146, -0.1983143});
}

TEST(Updates, StateGoesOnBitForBit) {
  for (const Optimizer kind : {Optimizer::kSgd, Optimizer::kRmsprop, Optimizer::kAdam}) {
    TrainingRecipe r = recipe(kind);
    r.momentum = 0.9;
    const std::vector<float> expected = Layer().after_four_steps(r);
    Layer first, second;
    std::map<std::string, torch::Tensor> saved;
    {
      Updates updates(first.net(), r);
      first.step(updates, r, 0);
      first.step(updates, r, 1);
      saved = updates.state();
    }
    second.net().load_state(first.net().state());
    Updates updates(second.net(), r);
    updates.restore(saved);
    second.step(updates, r, 2);
    second.step(updates, r, 3);
    EXPECT_EQ(second.values(), expected) << optimizer_name(kind);
  }
}

TEST(Updates, AnOverflowSkipsTheStep) {
  Layer layer;
  const std::vector<float> before = layer.values();
  const TrainingRecipe r = recipe(Optimizer::kSgd);
  Updates updates(layer.net(), r);
  updates.clear_gradients();
  (layer.net().forward({torch::ones({2, 2})})[0].sum() * std::numeric_limits<float>::infinity())
      .backward();
  EXPECT_FALSE(updates.step(0.01, 1024));
  EXPECT_EQ(layer.values(), before);
}

}  // namespace
}  // namespace autogo
