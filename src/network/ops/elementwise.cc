// Arithmetic and activations. Everything here maps elements to elements; the batch is of no
// concern.

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "step.h"

namespace autogo {
namespace {

using at::Tensor;

template <Tensor (*kFunction)(const Tensor&)>
Kernel unary(const KernelNode&) {
  return [](KernelCall& c) { c.out(kFunction(c.in(0))); };
}

template <Tensor (*kFunction)(const Tensor&, const Tensor&)>
Kernel binary(const KernelNode&) {
  return [](KernelCall& c) {
    const auto [a, b] = together(c.in(0), c.in(1));
    c.out(kFunction(a, b));
  };
}

/// Folds two or more operands from the left.
template <Tensor (*kFunction)(const Tensor&, const Tensor&)>
Kernel variadic(const KernelNode&) {
  return [](KernelCall& c) {
    Tensor result = c.in(0);
    for (std::size_t i = 1; i < c.num_inputs(); ++i) {
      const auto [a, b] = together(result, c.in(i));
      result = kFunction(a, b);
    }
    c.out(result);
  };
}

Tensor add(const Tensor& a, const Tensor& b) { return at::add(a, b); }
Tensor subtract(const Tensor& a, const Tensor& b) { return at::sub(a, b); }

Tensor divide(const Tensor& a, const Tensor& b) {
  return a.is_floating_point() ? at::div(a, b) : at::div(a, b, "trunc");
}

/// The exponent's type does not change the result's.
Tensor power(const Tensor& a, const Tensor& b) { return at::pow(a, b.to(a.scalar_type())); }

/// Pow by a constant number, most of all a square, is cheaper than by a tensor.
Kernel pow_kernel(const KernelNode& view) {
  const ProgramTensor* exponent = view.constant(1);
  if (exponent == nullptr || exponent->elements() != 1 || exponent->dims.size() > 0) {
    return binary<power>(view);
  }
  const double value = real_values(*exponent)[0];
  return [value](KernelCall& c) { c.out(at::pow(c.in(0), value)); };
}

Kernel mod_kernel(const KernelNode& view) {
  const bool like_c = view.node.integer("fmod", 0) != 0;
  return [like_c](KernelCall& c) {
    const auto [a, b] = together(c.in(0), c.in(1));
    c.out(like_c ? at::fmod(a, b) : at::remainder(a, b));
  };
}

Kernel mean_kernel(const KernelNode&) {
  return [](KernelCall& c) {
    Tensor result = c.in(0);
    for (std::size_t i = 1; i < c.num_inputs(); ++i) result = at::add(result, c.in(i));
    c.out(at::div(result, static_cast<double>(c.num_inputs())));
  };
}

Tensor sigmoid(const Tensor& x) { return at::sigmoid(x); }
Tensor softplus(const Tensor& x) { return at::softplus(x); }
Tensor softsign(const Tensor& x) { return at::div(x, at::add(at::abs(x), 1)); }
Tensor hard_swish(const Tensor& x) { return at::hardswish(x); }
Tensor round_even(const Tensor& x) { return at::round(x); }
Tensor is_inf(const Tensor& x) { return at::isinf(x); }
Tensor identity(const Tensor& x) { return x; }

Kernel leaky_relu(const KernelNode& view) {
  const double alpha = view.node.real("alpha", 0.01F);
  return [alpha](KernelCall& c) { c.out(at::leaky_relu(c.in(0), alpha)); };
}

Kernel elu(const KernelNode& view) {
  const double alpha = view.node.real("alpha", 1.0F);
  return [alpha](KernelCall& c) { c.out(at::elu(c.in(0), alpha)); };
}

Kernel celu(const KernelNode& view) {
  const double alpha = view.node.real("alpha", 1.0F);
  return [alpha](KernelCall& c) { c.out(at::celu(c.in(0), alpha)); };
}

Kernel selu(const KernelNode& view) {
  const double alpha = view.node.real("alpha", 1.67326319217681884765625F);
  const double gamma = view.node.real("gamma", 1.05070102214813232421875F);
  return [alpha, gamma](KernelCall& c) { c.out(at::elu(c.in(0), alpha, gamma)); };
}

Kernel thresholded_relu(const KernelNode& view) {
  const double alpha = view.node.real("alpha", 1.0F);
  return [alpha](KernelCall& c) { c.out(at::threshold(c.in(0), alpha, 0)); };
}

Kernel hard_sigmoid(const KernelNode& view) {
  const double alpha = view.node.real("alpha", 0.2F), beta = view.node.real("beta", 0.5F);
  return [alpha, beta](KernelCall& c) {
    c.out(at::clamp(at::add(at::mul(c.in(0), alpha), beta), 0, 1));
  };
}

Kernel gelu(const KernelNode& view) {
  const std::string approximate = view.node.text("approximate", "none");
  return [approximate](KernelCall& c) { c.out(at::gelu(c.in(0), approximate)); };
}

Kernel shrink(const KernelNode& view) {
  const double bias = view.node.real("bias", 0), lambda = view.node.real("lambd", 0.5F);
  return [bias, lambda](KernelCall& c) {
    const Tensor& x = c.in(0);
    const Tensor zero = at::zeros_like(x);
    c.out(at::where(at::gt(x, lambda), at::sub(x, bias),
                    at::where(at::lt(x, -lambda), at::add(x, bias), zero)));
  };
}

/// The slope broadcasts from the right: to the batch, height and width.
Kernel prelu(const KernelNode&) {
  return [](KernelCall& c) {
    const Tensor &x = c.in(0), &slope = c.in(1);
    const bool per_channel = slope.numel() == x.size(std::min<std::int64_t>(1, x.dim() - 1)) &&
                             slope.dim() == x.dim() - 1 && slope.size(0) == slope.numel();
    if (slope.numel() == 1 || per_channel) {
      c.out(at::prelu(x, slope.reshape({-1})));
    } else {
      c.out(at::where(at::lt(x, 0), at::mul(x, slope), x));
    }
  };
}

/// A bound of Clip: an attribute before opset 11, an input since; infinite when absent.
std::optional<double> constant_bound(const KernelNode& view, const char* attribute,
                                     std::size_t slot, double absent) {
  if (view.opset() < 11) return view.node.real(attribute, static_cast<float>(absent));
  if (!view.has(slot)) return absent;
  const ProgramTensor* constant = view.constant(slot);
  if (constant == nullptr) return std::nullopt;
  return real_values(*constant).at(0);
}

Kernel clip(const KernelNode& view) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto low = constant_bound(view, "min", 1, -kInfinity);
  const auto high = constant_bound(view, "max", 2, kInfinity);
  if (!low || !high) {
    return [](KernelCall& c) {
      Tensor x = c.in(0);
      if (c.has(1)) x = at::maximum(x, c.in(1).to(x.options()));
      if (c.has(2)) x = at::minimum(x, c.in(2).to(x.options()));
      c.out(x);
    };
  }
  // Bounds of integers stay integers.
  const c10::optional<at::Scalar> least =
      std::isinf(*low) ? c10::nullopt : c10::optional<at::Scalar>(*low);
  const c10::optional<at::Scalar> most =
      std::isinf(*high) ? c10::nullopt : c10::optional<at::Scalar>(*high);
  if (!least && !most) return unary<identity>(view);
  if (*low == 0 && !most) return unary<at::relu>(view);
  return [least, most](KernelCall& c) {
    const Tensor& x = c.in(0);
    const Tensor result = at::clamp(x, least, most);
    c.out(result.scalar_type() == x.scalar_type() ? result : result.to(x.scalar_type()));
  };
}

/// Drops in training mode, by the ratio that the file gives; the mask (output 1) says what stayed.
Kernel dropout(const KernelNode& view) {
  double ratio = view.node.real("ratio", 0.5F);
  if (view.opset() >= 12 && view.has(1)) {
    const ProgramTensor* constant = view.constant(1);
    if (constant == nullptr) view.refuse("a drop ratio that is computed cannot run here");
    ratio = real_values(*constant).at(0);
  }
  const bool mask = view.has_output(1);
  return [ratio, mask](KernelCall& c) {
    if (!c.training() || ratio <= 0) {
      if (mask) c.out(at::ones_like(c.in(0), at::kBool), 1);
      c.out(c.in(0));
      return;
    }
    const at::Tensor& x = c.in(0);
    const at::Tensor kept =
        at::empty_like(x, x.options().dtype(at::kBool)).bernoulli_(1 - ratio, c.frame().random);
    if (mask) c.out(kept, 1);
    c.out(x * kept * (ratio < 1 ? 1 / (1 - ratio) : 0));
  };
}

Kernel cast(const KernelNode& view) {
  const auto to = static_cast<DType>(view.node.integer("to", 1));
  const at::ScalarType type = torch_type(to, view.float_type);
  return [type](KernelCall& c) { c.out(c.in(0).to(type)); };
}

Kernel cast_like(const KernelNode&) {
  return [](KernelCall& c) { c.out(c.in(0).to(c.in(1).scalar_type())); };
}

constexpr KernelRow kRows[] = {
    {"Abs", unary<at::abs>},
    {"Acos", unary<at::acos>},
    {"Acosh", unary<at::acosh>},
    {"Add", binary<add>},
    {"Asin", unary<at::asin>},
    {"Asinh", unary<at::asinh>},
    {"Atan", unary<at::atan>},
    {"Atanh", unary<at::atanh>},
    {"Cast", cast},
    {"CastLike", cast_like},
    {"Ceil", unary<at::ceil>},
    {"Celu", celu},
    {"Clip", clip},
    {"Cos", unary<at::cos>},
    {"Cosh", unary<at::cosh>},
    {"Div", binary<divide>},
    {"Dropout", dropout},
    {"Elu", elu},
    {"Erf", unary<at::erf>},
    {"Exp", unary<at::exp>},
    {"Floor", unary<at::floor>},
    {"Gelu", gelu},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", unary<hard_swish>},
    {"Identity", unary<identity>},
    {"IsInf", unary<is_inf>},
    {"IsNaN", unary<at::isnan>},
    {"LeakyRelu", leaky_relu},
    {"Log", unary<at::log>},
    {"Max", variadic<at::maximum>},
    {"Mean", mean_kernel},
    {"Min", variadic<at::minimum>},
    {"Mish", unary<at::mish>},
    {"Mod", mod_kernel},
    {"Mul", binary<at::mul>},
    {"Neg", unary<at::neg>},
    {"PRelu", prelu},
    {"Pow", pow_kernel},
    {"Reciprocal", unary<at::reciprocal>},
    {"Relu", unary<at::relu>},
    {"Round", unary<round_even>},
    {"Selu", selu},
    {"Shrink", shrink},
    {"Sigmoid", unary<sigmoid>},
    {"Sign", unary<at::sign>},
    {"Sin", unary<at::sin>},
    {"Sinh", unary<at::sinh>},
    {"Softplus", unary<softplus>},
    {"Softsign", unary<softsign>},
    {"Sqrt", unary<at::sqrt>},
    {"Sub", binary<subtract>},
    {"Sum", variadic<add>},
    {"Tan", unary<at::tan>},
    {"Tanh", unary<at::tanh>},
    {"ThresholdedRelu", thresholded_relu},
};

}  // namespace

std::span<const KernelRow> elementwise_operators() { return kRows; }

}  // namespace autogo
