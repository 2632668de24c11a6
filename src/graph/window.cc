// The ONNX definition (Conv, MaxPool): with d(k - 1) + 1 the extent of a dilated kernel,
//
//   explicit pads:  out = floor((in + begin + end - extent) / stride) + 1   (ceil when ceil_mode;
//                   a window that would start in the end padding is dropped)
//   same:           out = ceil(in / stride), pads = max((out - 1) stride + extent - in, 0)
//
// Tested by tests/graph/shape_rules_test.cc and, through the onnx layer, against the ONNX checker.

#include "autogo/graph/window.h"

#include <algorithm>

namespace autogo {

std::int64_t WindowAxis::slide(std::int64_t input) const {
  if (same) return (input + stride - 1) / stride;
  const std::int64_t room = input + begin + end - extent();
  if (room < 0) return 0;
  if (!ceil) return room / stride + 1;
  const std::int64_t out = (room + stride - 1) / stride + 1;
  return (out - 1) * stride >= input + begin ? out - 1 : out;
}

std::int64_t WindowAxis::spread(std::int64_t input) const {
  if (same) return input * stride;
  return stride * (input - 1) + output_padding + extent() - begin - end;
}

WindowAxis window_axis(const Attrs& a, int dim) {
  const auto d = static_cast<std::size_t>(dim);
  const bool same = a.padding != Padding::kExplicit;
  return {a.kernel[d], a.stride[d],           a.dilation[d], a.pads[d],
          a.pads[d + 2], a.output_padding[d], same,          a.ceil_mode};
}

std::int64_t window_output_size(std::int64_t input, const Attrs& attrs, int dim) {
  const WindowAxis axis = window_axis(attrs, dim);
  if (axis.stride < 1 || axis.kernel < 1 || axis.dilation < 1 || input < 1) return 0;
  return axis.slide(input);
}

std::array<std::int32_t, 2> window_pads(std::int64_t input, const Attrs& a, int dim) {
  const auto d = static_cast<std::size_t>(dim);
  if (a.padding == Padding::kExplicit) return {a.pads[d], a.pads[d + 2]};
  const std::int64_t out = window_output_size(input, a, dim);
  const std::int64_t total =
      std::max<std::int64_t>((out - 1) * a.stride[d] + window_axis(a, dim).extent() - input, 0);
  const auto less = static_cast<std::int32_t>(total / 2);
  const auto more = static_cast<std::int32_t>(total - total / 2);
  if (a.padding == Padding::kSame) return {less, more};
  return {more, less};
}

}  // namespace autogo
