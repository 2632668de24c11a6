// Dimensions of convolutions and pooling, of any rank, every attribute checked; the arithmetic is
// WindowAxis'. (The schema's own functions divide by a stride of zero.)
//
// Tested by tests/onnx/infer_test.cc.

#include <algorithm>

#include "autogo/base/error.h"
#include "autogo/graph/window.h"
#include "infer.h"
#include "infer_detail.h"

namespace autogo {
namespace {

using namespace infer_detail;

constexpr std::int64_t kMaxAttribute = 1 << 30;

/// A list attribute with one entry (or `per_axis`) for each spatial axis.
Ints window_list(const NodeView& n, const char* name, std::size_t count, std::int64_t other,
                 std::int64_t lowest) {
  auto values = attribute_ints(n.proto(), name);
  if (!values || values->empty()) return Ints(count, other);
  if (values->size() != count) {
    fail(std::string(name) + " has " + std::to_string(values->size()) + " entries, expected " +
         std::to_string(count));
  }
  for (const std::int64_t v : *values) {
    if (v < lowest || v > kMaxAttribute) {
      fail(std::string(name) + " has an entry of " + std::to_string(v));
    }
  }
  return *values;
}

/// One window an axis, attributes checked.
std::vector<WindowAxis> read_window(const NodeView& n, std::size_t spatial, const Ints& given) {
  Ints kernel = window_list(n, "kernel_shape", spatial, 0, 1);
  if (!given.empty() && kernel[0] == 0) kernel = given;
  for (const std::int64_t k : kernel) {
    if (k < 1) fail("kernel_shape is missing or 0");
    if (k > kMaxAttribute) fail("the kernel has a size of " + std::to_string(k));
  }
  if (!given.empty() && given != kernel && std::ranges::min(given) >= 0) {
    fail("kernel_shape is " + dims_text(kernel) + ", the weights' is " + dims_text(given));
  }
  const Ints stride = window_list(n, "strides", spatial, 1, 1);
  const Ints dilation = window_list(n, "dilations", spatial, 1, 1);
  const Ints pads = window_list(n, "pads", 2 * spatial, 0, -kMaxAttribute);
  const Ints output_padding = window_list(n, "output_padding", spatial, 0, 0);
  const std::string auto_pad = attribute_string(n.proto(), "auto_pad", "NOTSET");
  const bool ceil = attribute_int(n.proto(), "ceil_mode", 0) != 0;
  const bool padded = auto_pad != "VALID";
  std::vector<WindowAxis> axes;
  for (std::size_t i = 0; i < spatial; ++i) {
    axes.push_back({kernel[i], stride[i], dilation[i], padded ? pads[i] : 0,
                    padded ? pads[i + spatial] : 0, output_padding[i], auto_pad.starts_with("SAME"),
                    ceil});
  }
  return axes;
}

std::int64_t forward_size(const WindowAxis& w, std::int64_t in) {
  if (in < 0) return -1;
  if (!w.same && in + w.begin + w.end < w.extent()) {
    fail("a window of " + std::to_string(w.extent()) + " does not fit a map of " +
         std::to_string(in) + " with " + std::to_string(w.begin + w.end) + " of padding");
  }
  return w.slide(in);
}

std::int64_t transposed_size(const WindowAxis& w, std::int64_t in) {
  if (in < 0) return -1;
  if (in > INT64_MAX / kMaxAttribute / 2) fail("a dimension is too large");
  const std::int64_t out = w.spread(in);
  if (out < 0) fail("the output would have a size of " + std::to_string(out));
  return out;
}

/// Slot of the weights, 0 for pooling; no value: no window operator.
std::optional<std::size_t> weight_slot(const std::string& op) {
  if (op == "Conv" || op == "ConvTranspose" || op == "ConvInteger") return 1;
  if (op == "QLinearConv") return 3;
  if (op == "MaxPool" || op == "AveragePool" || op == "LpPool") return 0;
  return std::nullopt;
}

void require_channels(const NodeView& n, const Ints& in, const Ints& weights) {
  const std::int64_t group = attribute_int(n.proto(), "group", 1);
  if (group < 1 || group > kMaxAttribute) fail("group is " + std::to_string(group));
  const bool transposed = n.op() == "ConvTranspose";
  const std::int64_t expected = transposed ? weights[0] : weights[1] * group;
  if (in[1] >= 0 && weights[0] >= 0 && weights[1] >= 0 && expected != in[1]) {
    fail("the input has " + std::to_string(in[1]) + " channels, the weights need " +
         std::to_string(expected));
  }
  if (weights[0] >= 0 && weights[0] % group != 0) {
    fail(std::to_string(weights[0]) + " channels do not divide into " + std::to_string(group) +
         " groups");
  }
}

}  // namespace

std::optional<InferredValue> infer_window(const NodeView& n) {
  const auto slot = weight_slot(n.op());
  if (!slot) return std::nullopt;
  DType type = n.op() == "ConvInteger" ? DType::kInt32 : n.dtype(0);
  if (n.op() == "QLinearConv") type = n.dtype(7);
  const Dims& in = n.dims(0);
  if (!in) return InferredValue{type, std::nullopt, nullptr};
  if (in->size() < 3)
    fail("the input has rank " + std::to_string(in->size()) + ", expected 3 or more");
  const std::size_t spatial = in->size() - 2;
  Ints out = *in, kernel;
  if (*slot > 0) {
    const Dims& weights = n.dims(*slot);
    if (!weights) return InferredValue{type, Ints(in->size(), -1), nullptr};
    if (weights->size() != in->size()) {
      fail("the weights have rank " + std::to_string(weights->size()) + ", expected " +
           std::to_string(in->size()));
    }
    require_channels(n, *in, *weights);
    kernel.assign(weights->begin() + 2, weights->end());
    const std::int64_t group = attribute_int(n.proto(), "group", 1);
    out[1] =
        n.op() == "ConvTranspose" && (*weights)[1] >= 0 ? (*weights)[1] * group : (*weights)[0];
  }
  const std::vector<WindowAxis> window = read_window(n, spatial, kernel);
  const auto output_shape =
      n.op() == "ConvTranspose" ? attribute_ints(n.proto(), "output_shape") : std::nullopt;
  for (std::size_t i = 0; i < spatial; ++i) {
    if (output_shape && output_shape->size() >= spatial) {
      out[i + 2] = (*output_shape)[output_shape->size() - spatial + i];
    } else {
      out[i + 2] = n.op() == "ConvTranspose" ? transposed_size(window[i], (*in)[i + 2])
                                             : forward_size(window[i], (*in)[i + 2]);
    }
  }
  return InferredValue{type, out, nullptr};
}

}  // namespace autogo
