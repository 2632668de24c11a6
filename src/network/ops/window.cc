// Convolution and pooling over any number of spatial dimensions.
//
// ONNX pads each side by its own amount and can round sizes by rule (auto_pad); LibTorch pads both
// sides alike. Where the sides differ the operand is padded first. Averages whose padding does not
// count then lose track of it, so they are computed as (sum of window) / (sum of window over ones),
// both as depthwise products with a filter of ones; dilated averages go the same way.
//
// Tested by tests/network/operators_test.cc against ONNX Runtime.

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "step.h"

namespace autogo {
namespace {

using at::Tensor;
using Ints = std::vector<std::int64_t>;

/// What convolutions and pools share.
struct Window {
  Ints kernel, strides, dilations;
  Ints pads;  ///< begins, then ends; ignored with `rule`
  enum class Rule { kExplicit, kUpper, kLower } rule = Rule::kExplicit;
  bool ceil = false;

  std::size_t rank() const { return strides.size(); }
  bool dilated() const {
    return std::ranges::any_of(dilations, [](std::int64_t d) { return d != 1; });
  }
};

Window::Rule rule_of(const KernelNode& view) {
  const std::string text = view.node.text("auto_pad", "NOTSET");
  if (text == "SAME_UPPER") return Window::Rule::kUpper;
  if (text == "SAME_LOWER") return Window::Rule::kLower;
  return Window::Rule::kExplicit;
}

/// @param kernel  spatial sizes; empty: the attribute
Window window_of(const KernelNode& view, Ints kernel) {
  Window w;
  if (kernel.empty()) kernel = view.node.integers("kernel_shape").value_or(Ints{});
  w.kernel = std::move(kernel);
  const std::size_t rank = w.kernel.size();
  w.strides = view.node.integers("strides").value_or(Ints(rank, 1));
  w.dilations = view.node.integers("dilations").value_or(Ints(rank, 1));
  w.pads = view.node.integers("pads").value_or(Ints(2 * rank, 0));
  w.rule = rule_of(view);
  if (view.node.text("auto_pad", "NOTSET") == "VALID") w.pads.assign(2 * rank, 0);
  w.ceil = view.node.integer("ceil_mode", 0) != 0;
  if (rank == 0 || w.strides.size() != rank || w.dilations.size() != rank ||
      w.pads.size() != 2 * rank) {
    throw Error(ErrorKind::kInput, "kernel_shape, strides, dilations and pads do not agree");
  }
  return w;
}

/// Begins and ends for these spatial sizes.
Ints resolved_pads(const Window& w, at::IntArrayRef sizes) {
  if (w.rule == Window::Rule::kExplicit) return w.pads;
  const std::size_t rank = w.rank();
  Ints pads(2 * rank);
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t in = sizes[d + 2];
    const std::int64_t out = (in + w.strides[d] - 1) / w.strides[d];
    const std::int64_t extent = w.dilations[d] * (w.kernel[d] - 1) + 1;
    const std::int64_t total = std::max<std::int64_t>((out - 1) * w.strides[d] + extent - in, 0);
    pads[d] = w.rule == Window::Rule::kUpper ? total / 2 : total - total / 2;
    pads[d + rank] = total - pads[d];
  }
  return pads;
}

bool symmetric(const Ints& pads) {
  const std::size_t rank = pads.size() / 2;
  for (std::size_t d = 0; d < rank; ++d) {
    if (pads[d] != pads[d + rank]) return false;
  }
  return true;
}

Ints begins(const Ints& pads) {
  return Ints(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2));
}

/// Pads spatial dimensions; LibTorch lists them from the last to the first.
Tensor padded(const Tensor& x, const Ints& pads, double value) {
  const std::size_t rank = pads.size() / 2;
  Ints order;
  for (std::size_t d = rank; d-- > 0;) {
    order.push_back(pads[d]);
    order.push_back(pads[d + rank]);
  }
  return at::constant_pad_nd(x, order, value);
}

Ints spatial_sizes(const KernelNode& view, std::size_t slot) {
  const Shape shape = view.input_shape(slot);
  if (!shape.has_rank() || shape.rank() < 3) return {};
  const auto dims = shape.dims();
  Ints sizes(dims.begin() + 2, dims.end());
  return std::ranges::all_of(sizes, [](std::int64_t d) { return d > 0; }) ? sizes : Ints{};
}

Ints kernel_of(const KernelNode& view) {
  if (const auto given = view.node.integers("kernel_shape")) return *given;
  Ints kernel = spatial_sizes(view, 1);
  if (kernel.empty()) view.refuse("a convolution whose filter has no known size cannot run here");
  return kernel;
}

Kernel conv(const KernelNode& view) {
  const Window w = window_of(view, kernel_of(view));
  const std::int64_t group = view.node.integer("group", 1);
  const Ints none(w.rank(), 0);
  if (w.rule == Window::Rule::kExplicit && symmetric(w.pads)) {
    return [w, group, pads = begins(w.pads), none](KernelCall& c) {
      c.out(at::convolution(c.in(0), c.in(1), c.optional(2), w.strides, pads, w.dilations, false,
                            none, group));
    };
  }
  return [w, group, none](KernelCall& c) {
    const Ints pads = resolved_pads(w, c.in(0).sizes());
    const bool even = symmetric(pads);
    c.out(at::convolution(even ? c.in(0) : padded(c.in(0), pads, 0), c.in(1), c.optional(2),
                          w.strides, even ? begins(pads) : none, w.dilations, false, none, group));
  };
}

/// Pads of a transposed convolution cut its output. What LibTorch cannot cut is cut afterwards.
struct TransposedSizes {
  Ints cut;    ///< begins, ends
  Ints extra;  ///< output padding
};

TransposedSizes transposed_sizes(const Window& w, Ints extra, const std::optional<Ints>& wanted,
                                 at::IntArrayRef sizes) {
  const std::size_t rank = w.rank();
  TransposedSizes result{w.pads, std::move(extra)};
  for (std::size_t d = 0; d < rank; ++d) {
    if (!wanted && w.rule == Window::Rule::kExplicit) continue;
    const std::int64_t out =
        wanted ? (*wanted)[wanted->size() - rank + d] : sizes[d + 2] * w.strides[d];
    const std::int64_t extent = w.dilations[d] * (w.kernel[d] - 1) + 1;
    std::int64_t total = w.strides[d] * (sizes[d + 2] - 1) + result.extra[d] + extent - out;
    if (total < 0) {  // larger than what the windows reach
      result.extra[d] -= total;
      total = 0;
    }
    const bool upper = w.rule == Window::Rule::kUpper;
    result.cut[d] = upper ? total / 2 : total - total / 2;
    result.cut[d + rank] = total - result.cut[d];
  }
  return result;
}

Kernel conv_transpose(const KernelNode& view) {
  const Window w = window_of(view, kernel_of(view));
  const std::int64_t group = view.node.integer("group", 1);
  const Ints extra = view.node.integers("output_padding").value_or(Ints(w.rank(), 0));
  const auto wanted = view.node.integers("output_shape");
  return [w, group, extra, wanted](KernelCall& c) {
    const std::size_t rank = w.rank();
    const TransposedSizes sizes = transposed_sizes(w, extra, wanted, c.in(0).sizes());
    const bool fits = std::ranges::equal(
        sizes.extra, w.strides, [](std::int64_t e, std::int64_t s) { return e < s || e == 0; });
    if (symmetric(sizes.cut) && fits) {
      c.out(at::convolution(c.in(0), c.in(1), c.optional(2), w.strides, begins(sizes.cut),
                            w.dilations, true, sizes.extra, group));
      return;
    }
    const Ints none(rank, 0);
    const Tensor full =
        at::convolution(c.in(0), c.in(1), {}, w.strides, none, w.dilations, true, none, group);
    Ints change(2 * rank);  // negative padding cuts
    for (std::size_t d = 0; d < rank; ++d) {
      change[d] = -sizes.cut[d];
      change[d + rank] = sizes.extra[d] - sizes.cut[d + rank];
    }
    Tensor result = padded(full, change, 0);
    if (c.has(2)) {
      Ints shape(rank + 2, 1);
      shape[1] = -1;
      result = at::add(result, c.in(2).reshape(shape));
    }
    c.out(result);
  };
}

Tensor max_pool_nd(const Tensor& x, const Window& w, const Ints& pads) {
  switch (w.rank()) {
    case 1:
      return at::max_pool1d(x, w.kernel, w.strides, pads, w.dilations, w.ceil);
    case 2:
      return at::max_pool2d(x, w.kernel, w.strides, pads, w.dilations, w.ceil);
    default:
      return at::max_pool3d(x, w.kernel, w.strides, pads, w.dilations, w.ceil);
  }
}

Tensor average_pool_nd(const Tensor& x, const Window& w, const Ints& pads, bool count_pads) {
  switch (w.rank()) {
    case 1:
      return at::avg_pool1d(x, w.kernel, w.strides, pads, w.ceil, count_pads);
    case 2:
      return at::avg_pool2d(x, w.kernel, w.strides, pads, w.ceil, count_pads);
    default:
      return at::avg_pool3d(x, w.kernel, w.strides, pads, w.ceil, count_pads);
  }
}

/// LibTorch pads pools by at most half a window, alike on both sides.
bool plain(const Window& w, const Ints& pads) {
  if (!symmetric(pads)) return false;
  for (std::size_t d = 0; d < w.rank(); ++d) {
    if (2 * pads[d] > w.kernel[d]) return false;
  }
  return true;
}

void require_pool_rank(const KernelNode& view, const Window& w) {
  if (w.rank() > 3) view.refuse("pooling over more than three dimensions cannot run here");
}

Kernel max_pool(const KernelNode& view) {
  if (view.has_output(1)) view.refuse("indices of a maximum pooling cannot be computed here");
  const Window w = window_of(view, {});
  require_pool_rank(view, w);
  return [w](KernelCall& c) {
    const Ints pads = resolved_pads(w, c.in(0).sizes());
    if (plain(w, pads)) {
      c.out(max_pool_nd(c.in(0), w, begins(pads)));
      return;
    }
    const double least = -std::numeric_limits<double>::infinity();
    c.out(max_pool_nd(padded(c.in(0), pads, least), w, Ints(w.rank(), 0)));
  };
}

/// Sum over windows, by a depthwise product with ones.
Tensor window_sum(const Tensor& x, const Window& w) {
  Ints dims{x.size(1), 1};
  dims.insert(dims.end(), w.kernel.begin(), w.kernel.end());
  const Ints none(w.rank(), 0);
  return at::convolution(x, at::ones(dims, x.options()), {}, w.strides, none, w.dilations, false,
                         none, x.size(1));
}

/// More padding at the ends, so that windows which ceil_mode adds fit.
Ints ceil_extra(const Window& w, const Ints& pads, at::IntArrayRef sizes) {
  const std::size_t rank = w.rank();
  Ints extra(2 * rank, 0);
  if (!w.ceil) return extra;
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t extent = w.dilations[d] * (w.kernel[d] - 1) + 1;
    const std::int64_t whole = sizes[d + 2] + pads[d] + pads[d + rank];
    std::int64_t last = (whole - extent + w.strides[d] - 1) / w.strides[d];
    if (last * w.strides[d] >= sizes[d + 2] + pads[d]) --last;  // would start in the padding
    extra[d + rank] = std::max<std::int64_t>(last * w.strides[d] + extent - whole, 0);
  }
  return extra;
}

Kernel average_pool(const KernelNode& view) {
  const Window w = window_of(view, {});
  require_pool_rank(view, w);
  const bool count_pads = view.node.integer("count_include_pad", 0) != 0;
  return [w, count_pads](KernelCall& c) {
    const Tensor& x = c.in(0);
    const Ints pads = resolved_pads(w, x.sizes());
    if (plain(w, pads) && !w.dilated()) {
      c.out(average_pool_nd(x, w, begins(pads), count_pads));
      return;
    }
    const Ints extra = ceil_extra(w, pads, x.sizes());
    Ints dims(x.sizes().begin(), x.sizes().end());
    dims[0] = 1;
    const Tensor ones = at::ones(dims, x.options());
    const Tensor counted = padded(padded(ones, pads, count_pads ? 1 : 0), extra, 0);
    c.out(at::div(window_sum(padded(padded(x, pads, 0), extra, 0), w), window_sum(counted, w)));
  };
}

Ints spatial_axes(const Tensor& x) {
  Ints axes(static_cast<std::size_t>(std::max<std::int64_t>(x.dim() - 2, 0)));
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

Kernel global_average_pool(const KernelNode&) {
  return [](KernelCall& c) { c.out(at::mean(c.in(0), spatial_axes(c.in(0)), true)); };
}

Kernel global_max_pool(const KernelNode&) {
  return [](KernelCall& c) { c.out(at::amax(c.in(0), spatial_axes(c.in(0)), true)); };
}

constexpr KernelRow kRows[] = {
    {"AveragePool", average_pool},      {"Conv", conv},
    {"ConvTranspose", conv_transpose},  {"GlobalAveragePool", global_average_pool},
    {"GlobalMaxPool", global_max_pool}, {"MaxPool", max_pool},
};

}  // namespace

std::span<const KernelRow> window_operators() { return kRows; }

}  // namespace autogo
