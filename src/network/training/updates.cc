// LibTorch's optimisers on flat parameters.
//
// A small network has a hundred parameters of a few hundred numbers. Updating each takes five to
// ten operations of LibTorch, microseconds each, which is several percent of a step. Here all
// parameters lie behind each other in one tensor; LibTorch's optimiser sees that one. Filters lie
// in memory as channels_last has them, because that is how convolutions are fastest (training.cc);
// an update does not care about order.
//
// Biases and the scales of normalisations, which do not decay, lie in a second tensor with a
// parameter group of its own.
//
// Tested by tests/network/updates_test.cc against PyTorch.

#include "updates.h"

#include <torch/optim/adam.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <vector>

#include "tensors/optimizer_state.h"

namespace autogo {
namespace {

using torch::Tensor;

torch::MemoryFormat format_of(const Tensor& t) {
  return t.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
}

/// Parameters behind each other.
struct Flat {
  Tensor values, gradients;
  std::vector<std::pair<Tensor, Tensor>> views;  ///< parameter, view of its gradient

  explicit Flat(std::vector<Tensor> parameters) {
    std::int64_t size = 0;
    for (const Tensor& p : parameters) size += p.numel();
    const auto like = parameters.empty() ? torch::TensorOptions() : parameters[0].options();
    values = torch::empty({size}, like.requires_grad(false));
    gradients = torch::zeros_like(values);
    std::int64_t at = 0;
    for (Tensor& p : parameters) {
      const auto strides =
          torch::empty_like(p, p.options().requires_grad(false), format_of(p)).strides().vec();
      const auto part = [&](const Tensor& flat) { return flat.as_strided(p.sizes(), strides, at); };
      Tensor view = part(values);
      view.copy_(p.detach());
      p.set_data(view);
      views.emplace_back(p, part(gradients));
      at += p.numel();
    }
    values.requires_grad_(true);
    values.mutable_grad() = gradients;
  }
};

std::unique_ptr<torch::optim::Optimizer> make_optimizer(
    const TrainingRecipe& r, std::vector<torch::optim::OptimizerParamGroup> groups) {
  if (r.optimizer == Optimizer::kSgd) {
    return std::make_unique<torch::optim::SGD>(
        std::move(groups),
        torch::optim::SGDOptions(r.learning_rate).momentum(r.momentum).nesterov(r.nesterov));
  }
  if (r.optimizer == Optimizer::kRmsprop) {
    return std::make_unique<torch::optim::RMSprop>(std::move(groups),
                                                   torch::optim::RMSpropOptions(r.learning_rate)
                                                       .alpha(r.alpha)
                                                       .eps(r.epsilon)
                                                       .momentum(r.momentum));
  }
  return std::make_unique<torch::optim::Adam>(
      std::move(groups),
      torch::optim::AdamOptions(r.learning_rate).betas({r.beta1, r.beta2}).eps(r.epsilon));
}

template <typename Function>
void with_options(Optimizer kind, torch::optim::OptimizerParamGroup& group, Function&& change) {
  switch (kind) {
    case Optimizer::kSgd:
      return change(static_cast<torch::optim::SGDOptions&>(group.options()));
    case Optimizer::kRmsprop:
      return change(static_cast<torch::optim::RMSpropOptions&>(group.options()));
    case Optimizer::kAdam:
      return change(static_cast<torch::optim::AdamOptions&>(group.options()));
  }
}

}  // namespace

struct Updates::Impl {
  Impl(const TrainingRecipe& r, std::vector<Tensor> decayed, std::vector<Tensor> rest)
      : recipe(r), parts{Flat(std::move(decayed)), Flat(std::move(rest))} {
    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const Flat& part : parts) groups.emplace_back(std::vector<Tensor>{part.values});
    optimizer = make_optimizer(recipe, std::move(groups));
    with_options(recipe.optimizer, optimizer->param_groups()[0],
                 [&](auto& options) { options.weight_decay(recipe.weight_decay); });
  }

  const TrainingRecipe recipe;
  Flat parts[2];  // with and without weight decay
  std::unique_ptr<torch::optim::Optimizer> optimizer;
};

Updates::Updates(NetModule& net, const TrainingRecipe& recipe) {
  const at::NoGradGuard no_grad;
  std::vector<Tensor> decayed, rest;
  for (const Tensor& p : net.parameters()) {
    (recipe.decay_all || p.dim() > 1 ? decayed : rest).push_back(p);
  }
  impl_ = std::make_unique<Impl>(recipe, std::move(decayed), std::move(rest));
}

Updates::~Updates() = default;

void Updates::clear_gradients() {
  for (Flat& part : impl_->parts) {
    part.gradients.zero_();
    for (auto& [parameter, gradient] : part.views) parameter.mutable_grad() = gradient;
  }
}

bool Updates::step(double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_grad;
  Impl& self = *impl_;
  if (gradient_scale != 1) {
    bool finite = true;
    for (Flat& part : self.parts) {
      part.gradients.mul_(1 / gradient_scale);
      finite = finite && std::isfinite(part.gradients.sum().item<double>());
    }
    if (!finite) return false;
  }
  if (self.recipe.clip_norm > 0) {
    double squares = 0;
    for (const Flat& part : self.parts) squares += part.gradients.square().sum().item<double>();
    const double norm = std::sqrt(squares);
    if (norm > self.recipe.clip_norm) {
      for (Flat& part : self.parts) part.gradients.mul_(self.recipe.clip_norm / norm);
    }
  }
  for (torch::optim::OptimizerParamGroup& group : self.optimizer->param_groups()) {
    with_options(self.recipe.optimizer, group, [&](auto& options) { options.lr(learning_rate); });
  }
  self.optimizer->step();
  return true;
}

std::map<std::string, Tensor> Updates::state() const { return optimizer_state(*impl_->optimizer); }

void Updates::restore(const std::map<std::string, Tensor>& state) {
  restore_optimizer_state(*impl_->optimizer, state);
}

}  // namespace autogo
