#pragma once

#include <torch/optim/optimizer.h>

#include <map>
#include <string>

namespace autogo {

/// What the next step of an optimiser (SGD, RMSprop or Adam of LibTorch) depends on beside its
/// parameters, gradients and options: the moments and counts of each parameter, as "0/exp_avg".
/// Parameters are numbered through the groups; one that was never stepped has no entry.
std::map<std::string, torch::Tensor> optimizer_state(torch::optim::Optimizer& optimizer);

/// Gives an optimiser with the same parameters and options that state.
/// @throws Error kInput: it is another optimiser's, or of parameters of another size
void restore_optimizer_state(torch::optim::Optimizer& optimizer,
                             const std::map<std::string, torch::Tensor>& state);

}  // namespace autogo
