#pragma once

#include <cstdint>

#include "autogo/graph/op.h"

namespace autogo::testing {

/// A square convolution that keeps the map's size at stride 1 and an odd kernel.
inline Attrs conv_attrs(std::int32_t channels, std::int32_t kernel = 3, std::int32_t stride = 1) {
  Attrs a;
  a.kernel = {kernel, kernel};
  a.stride = {stride, stride};
  a.pads = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
  a.out_channels = channels;
  return a;
}

}  // namespace autogo::testing
