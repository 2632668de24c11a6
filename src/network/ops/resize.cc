// Resize and Upsample.
//
// ONNX has a grid of coordinate rules, LibTorch a few fixed ones. Where the two agree LibTorch's
// kernels run: nearest by asymmetric coordinates rounded down, linear and cubic (a = -0.75) over
// two axes by half pixels or aligned corners. Everything else is computed from the definition, one
// axis at a time: each output position has some source positions and weights (ONNX, operator
// Resize), so an axis is a product with a sparse matrix, here a gather and a weighted sum.
// Differentiable, and fast enough for what is rare.
//
// Tested by tests/network/operators_test.cc against ONNX Runtime.

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "step.h"

namespace autogo {
namespace {

using at::Tensor;
using Ints = std::vector<std::int64_t>;

struct Rules {
  std::string mode, coordinates, rounding;
  double cubic_a = -0.75;
  bool exclude_outside = false;
};

/// Source position of an output position. In single precision, as ONNX Runtime computes it: which
/// of two neighbours is the nearest can hang on the last bit.
float source_position(const Rules& rules, std::int64_t out, double real_scale, std::int64_t in_size,
                      std::int64_t out_size) {
  const auto x = static_cast<float>(out), scale = static_cast<float>(real_scale);
  const std::string& c = rules.coordinates;
  if (c == "asymmetric") return x / scale;
  if (c == "align_corners") {
    return out_size == 1 ? 0
                         : x * static_cast<float>(in_size - 1) / static_cast<float>(out_size - 1);
  }
  if (c == "pytorch_half_pixel") return out_size > 1 ? (x + 0.5F) / scale - 0.5F : 0;
  if (c == "tf_half_pixel_for_nn") return (x + 0.5F) / scale;
  return (x + 0.5F) / scale - 0.5F;  // half_pixel
}

std::int64_t nearest(const Rules& rules, double x) {
  if (rules.rounding == "floor") return static_cast<std::int64_t>(std::floor(x));
  if (rules.rounding == "ceil") return static_cast<std::int64_t>(std::ceil(x));
  if (rules.rounding == "round_prefer_ceil") return static_cast<std::int64_t>(std::floor(x + 0.5));
  return static_cast<std::int64_t>(std::ceil(x - 0.5));
}

/// Weights of the positions floor(x) - 1 ... floor(x) + 2.
std::vector<double> cubic_weights(double t, double a) {
  auto outer = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  auto inner = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  return {outer(t + 1), inner(t), inner(1 - t), outer(2 - t)};
}

/// Resizes one axis.
Tensor resize_axis(const Tensor& x, std::int64_t axis, double scale, std::int64_t out_size,
                   const Rules& rules) {
  const std::int64_t in_size = x.size(axis);
  const std::size_t taps = rules.mode == "nearest" ? 1 : rules.mode == "linear" ? 2 : 4;
  std::vector<Ints> positions(taps);
  std::vector<std::vector<double>> weights(taps);
  for (std::int64_t i = 0; i < out_size; ++i) {
    const double at = source_position(rules, i, scale, in_size, out_size);
    std::int64_t first = taps == 1 ? nearest(rules, at) : static_cast<std::int64_t>(std::floor(at));
    const double t = at - std::floor(at);
    std::vector<double> w{1.0};
    if (taps == 2) w = {1 - t, t};
    if (taps == 4) {
      w = cubic_weights(t, rules.cubic_a);
      --first;
    }
    double sum = 0;
    for (std::size_t k = 0; k < taps; ++k) {
      const std::int64_t p = first + static_cast<std::int64_t>(k);
      if (rules.exclude_outside && (p < 0 || p >= in_size)) w[k] = 0;
      positions[k].push_back(std::clamp<std::int64_t>(p, 0, in_size - 1));
      sum += w[k];
    }
    for (std::size_t k = 0; k < taps; ++k) {
      weights[k].push_back(rules.exclude_outside ? w[k] / sum : w[k]);
    }
  }
  Ints shape(static_cast<std::size_t>(x.dim()), 1);
  shape[static_cast<std::size_t>(axis)] = out_size;
  Tensor result;
  for (std::size_t k = 0; k < taps; ++k) {
    Tensor part = x.index_select(axis, at::tensor(positions[k], at::kLong).to(x.device()));
    if (taps > 1) part = at::mul(part, at::tensor(weights[k], x.options()).reshape(shape));
    result = k == 0 ? part : at::add(result, part);
  }
  return result;
}

/// LibTorch's own kernel, when all of its rules are those asked for; undefined otherwise.
Tensor resize_by_library(const Tensor& x, const Ints& sizes, const std::vector<double>& scales,
                         const Rules& rules) {
  if (x.dim() != 4 || sizes[0] != x.size(0) || sizes[1] != x.size(1)) return {};
  const Ints out{sizes[2], sizes[3]};
  // Sizes that the scale does not give exactly make coordinates that differ.
  for (const std::size_t d : {2U, 3U}) {
    const auto in = static_cast<double>(x.size(static_cast<std::int64_t>(d)));
    if (in * scales[d] != static_cast<double>(sizes[d])) return {};
  }
  const bool whole = scales[2] == std::floor(scales[2]) && scales[3] == std::floor(scales[3]);
  const std::string& c = rules.coordinates;
  const bool half = c == "half_pixel" || (c == "pytorch_half_pixel" && out[0] > 1 && out[1] > 1);
  const bool corners = c == "align_corners";
  if (rules.mode == "nearest") {
    const bool floor = c == "asymmetric" && rules.rounding == "floor";
    // By a whole factor, half pixels never stand on a border between two.
    return whole && (floor || half) ? at::upsample_nearest2d(x, out) : Tensor();
  }
  if (!half && !corners) return {};
  if (rules.mode == "linear") return at::upsample_bilinear2d(x, out, corners);
  if (rules.cubic_a != -0.75 || rules.exclude_outside) return {};
  return at::upsample_bicubic2d(x, out, corners);
}

Tensor resized(const Tensor& x, const Ints& sizes, const std::vector<double>& scales,
               const Rules& rules) {
  if (Tensor fast = resize_by_library(x, sizes, scales, rules); fast.defined()) return fast;
  Tensor result = x;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    const auto axis = static_cast<std::int64_t>(d);
    if (sizes[d] == x.size(axis) && scales[d] == 1) continue;
    result = resize_axis(result, axis, scales[d], sizes[d], rules);
  }
  return result;
}

Rules rules_of(const KernelNode& view) {
  Rules rules;
  rules.mode = view.node.text("mode", "nearest");
  if (rules.mode == "bilinear" || rules.mode == "trilinear") rules.mode = "linear";
  const bool old = view.node.op_type == "Upsample" || view.opset() < 11;
  rules.coordinates =
      old ? "asymmetric" : view.node.text("coordinate_transformation_mode", "half_pixel");
  rules.rounding = old ? "floor" : view.node.text("nearest_mode", "round_prefer_floor");
  rules.cubic_a = view.node.real("cubic_coeff_a", -0.75F);
  rules.exclude_outside = view.node.integer("exclude_outside", 0) != 0;
  if (rules.coordinates == "tf_crop_and_resize" || rules.coordinates == "half_pixel_symmetric") {
    view.refuse("resizing by " + rules.coordinates + " cannot run here");
  }
  if (view.node.integer("antialias", 0) != 0 ||
      view.node.text("keep_aspect_ratio_policy", "stretch") != "stretch") {
    view.refuse("resizing with antialias or a kept aspect ratio cannot run here");
  }
  return rules;
}

std::vector<double> numbers(const Tensor& tensor) {
  const Tensor plain = tensor.to(at::kCPU, at::kDouble).contiguous();
  return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

Kernel resize(const KernelNode& view) {
  const Rules rules = rules_of(view);
  const bool old = view.node.op_type == "Upsample" || view.opset() < 11;
  const auto attribute = view.node.reals("scales");
  const auto axes = view.node.integers("axes");
  const std::size_t scale_slot = old ? 1 : 2;
  return [rules, attribute, axes, scale_slot](KernelCall& c) {
    const Tensor& x = c.in(0);
    const auto rank = static_cast<std::size_t>(x.dim());
    std::vector<double> scales;
    if (attribute) scales.assign(attribute->begin(), attribute->end());
    if (scales.empty() && c.has(scale_slot)) scales = numbers(c.in(scale_slot));
    const bool by_size = scales.empty() && c.has(3);
    std::vector<double> given = by_size ? numbers(c.in(3)) : scales;
    std::vector<double> all(rank, 1);
    Ints sizes(x.sizes().begin(), x.sizes().end());
    for (std::size_t i = 0; i < given.size(); ++i) {
      const auto d = static_cast<std::size_t>(axes ? positive_axis((*axes)[i], x.dim())
                                                   : static_cast<std::int64_t>(i));
      const auto in = static_cast<double>(sizes[d]);
      const bool batch = d == 0 && c.frame().batch != c.frame().file_batch;
      if (batch) continue;  // the file's own batch
      all[d] = by_size ? given[i] / in : given[i];
      sizes[d] = static_cast<std::int64_t>(by_size ? given[i] : std::floor(in * given[i]));
    }
    c.out(resized(x, sizes, all, rules));
  };
}

constexpr KernelRow kRows[] = {
    {"Resize", resize},
    {"Upsample", resize},
};

}  // namespace

std::span<const KernelRow> resize_operators() { return kRows; }

}  // namespace autogo
