#pragma once

#include <torch/types.h>

#include <map>
#include <memory>
#include <string>

#include "autogo/network/recipe.h"
#include "network/net_module.h"

namespace autogo {

/// The updates of a network's parameters under a recipe. The constructor moves the parameters into
/// one flat tensor (a second one for what does not decay), of which they are views, and so are
/// their gradients: an update then costs a few operations, not a few a parameter.
class Updates {
 public:
  /// @param net  must outlive this; its parameters stay the same tensors
  Updates(NetModule& net, const TrainingRecipe& recipe);
  ~Updates();
  Updates(const Updates&) = delete;
  Updates& operator=(const Updates&) = delete;

  void clear_gradients();
  /// Applies the gradients. @param gradient_scale  that they bear (mixed precision), 1: none
  /// @return false, and no update: a gradient is not finite
  bool step(double learning_rate, double gradient_scale = 1);

  /// What the next step depends on beside the parameters, for checkpoints.
  std::map<std::string, torch::Tensor> state() const;
  /// @throws Error kInput: of another optimiser or network
  void restore(const std::map<std::string, torch::Tensor>& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace autogo
