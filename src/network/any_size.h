#pragma once

#include <torch/types.h>

#include <cstdint>

#include "net_module.h"

namespace autogo {

/// Runs a network that makes images on images of any size. One that shrinks its maps inside and
/// widens them again makes images of a multiple of its factor only, larger than asked for, or
/// cannot join them with what went around: so the input is continued at its right and lower edge,
/// and the output is cut.
class AnySize {
 public:
  explicit AnySize(const Graph& graph);
  NetModule::Tensors forward(NetModule& net, const torch::Tensor& input) const;
  /// Height and width that the network divides by, at most.
  std::int64_t factor() const { return factor_; }

 private:
  std::int64_t factor_ = 1;
};

}  // namespace autogo
