#include "optimizer_state.h"

#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <functional>
#include <memory>

#include "autogo/base/error.h"

namespace autogo {
namespace {

using OptimizerPointer = std::unique_ptr<torch::optim::Optimizer>;
using MakeOptimizer = std::function<OptimizerPointer(std::vector<torch::Tensor>)>;

const std::pair<const char*, MakeOptimizer> kOptimizers[] = {
    {"SGD",
     [](auto p) {
       return std::make_unique<torch::optim::SGD>(p, torch::optim::SGDOptions(0.1).momentum(0.9));
     }},
    {"plain SGD",
     [](auto p) { return std::make_unique<torch::optim::SGD>(p, torch::optim::SGDOptions(0.1)); }},
    {"RMSprop",
     [](auto p) {
       return std::make_unique<torch::optim::RMSprop>(
           p, torch::optim::RMSpropOptions(0.1).momentum(0.5).centered(true));
     }},
    {"Adam",
     [](auto p) {
       return std::make_unique<torch::optim::Adam>(p, torch::optim::AdamOptions(0.1).amsgrad(true));
     }},
};

/// Two parameters and their optimiser.
struct Toy {
  explicit Toy(const MakeOptimizer& make) : optimizer(make(parameters)) {}
  void step(int n) {
    for (torch::Tensor& p : parameters) p.mutable_grad() = (p.detach() - n).pow(3) / (n + 1);
    optimizer->step();
  }
  std::vector<torch::Tensor> parameters = {torch::ones({2, 3}), torch::full({4}, -0.5)};
  OptimizerPointer optimizer;
};

std::string refusal(Toy& toy, const std::map<std::string, torch::Tensor>& state) {
  try {
    restore_optimizer_state(*toy.optimizer, state);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    return e.what();
  }
  return "no error";
}

TEST(OptimizerState, GoesOnBitForBit) {
  for (const auto& [name, make] : kOptimizers) {
    Toy whole(make), second(make);
    for (int n = 0; n < 2; ++n) whole.step(n);
    const auto state = optimizer_state(*whole.optimizer);
    for (std::size_t i = 0; i < 2; ++i) second.parameters[i].copy_(whole.parameters[i]);
    restore_optimizer_state(*second.optimizer, state);
    for (int n = 2; n < 5; ++n) {
      whole.step(n);
      second.step(n);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(second.parameters[i].equal(whole.parameters[i])) << name;
    }
  }
}

TEST(OptimizerState, HasANameForEachMoment) {
  Toy toy(kOptimizers[3].second);
  EXPECT_TRUE(optimizer_state(*toy.optimizer).empty()) << "before the first step";
  toy.step(0);
  std::string names;
  for (const auto& [name, tensor] : optimizer_state(*toy.optimizer)) names += name + " ";
  EXPECT_EQ(names,
            "0/exp_avg 0/exp_avg_sq 0/max_exp_avg_sq 0/step "
            "1/exp_avg 1/exp_avg_sq 1/max_exp_avg_sq 1/step ");
}

TEST(OptimizerState, OfAnotherOptimiserIsRefused) {
  Toy toy(kOptimizers[3].second), plain(kOptimizers[1].second);
  toy.step(0);
  const auto good = optimizer_state(*toy.optimizer);
  EXPECT_EQ(refusal(plain, good), "the state is of another optimiser");
  auto bad = good;
  bad.erase("1/exp_avg");
  EXPECT_EQ(refusal(toy, bad), "the optimiser's state '1/exp_avg' is missing");
  bad = good;
  bad["0/other"] = torch::ones({1});
  EXPECT_EQ(refusal(toy, bad), "the state is of another optimiser");
  for (const torch::Tensor& wrong : {torch::ones({3, 2}), torch::ones({6}),
                                     torch::ones({2, 3}, torch::kDouble), torch::ones({})}) {
    bad = good;
    bad["0/exp_avg"] = wrong;
    EXPECT_EQ(refusal(toy, bad), "the optimiser's state '0/exp_avg' does not fit its parameter");
  }
  for (const torch::Tensor& wrong :
       {torch::full({1}, -1, torch::kInt64), torch::ones({1}), torch::ones({0}, torch::kInt64)}) {
    bad = good;
    bad["1/step"] = wrong;
    EXPECT_EQ(refusal(toy, bad), "the optimiser's state '1/step' is no number of steps");
  }
}

}  // namespace
}  // namespace autogo
