// Normalisations, softmax and reductions.
//
// Batch normalisation is the one operator with state. In training mode it uses the batch and moves
// the running statistics, which are buffers of the network, by 1 - momentum of ONNX; in evaluation
// mode it uses the running ones, whatever `training_mode` the file says: the caller decides.
//
// Tested by tests/network/operators_test.cc against ONNX Runtime and tests/network/train_test.cc.

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "step.h"

namespace autogo {
namespace {

using at::Tensor;
using Ints = std::vector<std::int64_t>;

Kernel batch_norm(const KernelNode& view) {
  const double epsilon = view.node.real("epsilon", 1e-5F);
  const double momentum = 1 - static_cast<double>(view.node.real("momentum", 0.9F));
  if (view.opset() < 9 && view.node.integer("spatial", 1) == 0) {
    view.refuse("batch normalisation with a statistic for every position cannot run here");
  }
  return [epsilon, momentum](KernelCall& c) {
    const Tensor& x = c.in(0);
    if (c.training()) {
      AUTOGO_REQUIRE(x.numel() > x.size(1), ErrorKind::kInput,
                     "batch normalisation cannot be trained on one value a channel; use a batch of "
                     "at least 2");
    }
    const bool cudnn = x.device().is_cuda();
    c.out(at::batch_norm(x, c.in(1), c.in(2), c.in(3), c.in(4), c.training(), momentum, epsilon,
                         cudnn));
  };
}

Kernel layer_norm(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", -1);
  const double epsilon = view.node.real("epsilon", 1e-5F);
  if (view.has_output(1) || view.has_output(2)) {
    view.refuse("statistics of a layer normalisation cannot be handed out here");
  }
  return [axis, epsilon](KernelCall& c) {
    const Tensor& x = c.in(0);
    const Ints shape(x.sizes().begin() + positive_axis(axis, x.dim()), x.sizes().end());
    // Scale and bias only need to broadcast to the normalised shape.
    auto whole = [&](const Tensor& t) {
      return t.defined() && t.sizes() != at::IntArrayRef(shape) ? t.expand(shape) : t;
    };
    c.out(at::layer_norm(x, shape, whole(c.in(1)), whole(c.optional(2)), epsilon));
  };
}

Kernel instance_norm(const KernelNode& view) {
  const double epsilon = view.node.real("epsilon", 1e-5F);
  return [epsilon](KernelCall& c) {
    c.out(at::instance_norm(c.in(0), c.in(1), c.in(2), {}, {}, true, 0, epsilon, false));
  };
}

/// Scale and bias: one for a group in opsets 18 to 20, one for a channel since.
Kernel group_norm(const KernelNode& view) {
  const double epsilon = view.node.real("epsilon", 1e-5F);
  const std::int64_t groups = view.node.integer("num_groups", 0);
  return [epsilon, groups](KernelCall& c) {
    const Tensor& x = c.in(0);
    auto by_channel = [&](const Tensor& t) {
      return t.numel() == x.size(1) ? t : t.repeat_interleave(x.size(1) / t.numel());
    };
    c.out(at::group_norm(x, groups, by_channel(c.in(1)), by_channel(c.in(2)), epsilon, false));
  };
}

Kernel mean_variance(const KernelNode& view) {
  const Ints axes = view.node.integers("axes").value_or(Ints{0, 2, 3});
  return [axes](KernelCall& c) {
    const Tensor centred = at::sub(c.in(0), at::mean(c.in(0), axes, true));
    const Tensor variance = at::mean(at::mul(centred, centred), axes, true);
    c.out(at::div(centred, at::add(at::sqrt(variance), 1e-9)));
  };
}

/// Sum over `size` neighbouring channels, (size - 1) / 2 of them before.
Kernel local_response(const KernelNode& view) {
  const double alpha = view.node.real("alpha", 1e-4F), beta = view.node.real("beta", 0.75F);
  const double bias = view.node.real("bias", 1);
  const std::int64_t size = view.node.integer("size", 1);
  return [alpha, beta, bias, size](KernelCall& c) {
    const Tensor& x = c.in(0);
    const Tensor square = at::mul(x, x).flatten(2).unsqueeze(1);  // N,1,C,S
    const std::int64_t before = (size - 1) / 2;
    const Tensor wide = at::constant_pad_nd(square, {0, 0, before, size - 1 - before}, 0);
    const Tensor mean = at::avg_pool2d(wide, {size, 1}, {1, 1}).squeeze(1).view_as(x);
    c.out(at::div(x, at::pow(at::add(at::mul(mean, alpha), bias), beta)));
  };
}

Kernel lp_normalization(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", -1), p = view.node.integer("p", 2);
  return [axis, p](KernelCall& c) {
    c.out(at::div(c.in(0), at::norm(c.in(0), p, {positive_axis(axis, c.in(0).dim())}, true)));
  };
}

using AxisFunction = Tensor (*)(const Tensor&, std::int64_t);
Tensor softmax_along(const Tensor& x, std::int64_t axis) { return at::softmax(x, axis); }
Tensor log_softmax_along(const Tensor& x, std::int64_t axis) { return at::log_softmax(x, axis); }

/// Since opset 13 over one axis; before, over all axes from `axis` on, taken as one.
template <AxisFunction kFunction>
Kernel softmax(const KernelNode& view) {
  const bool one_axis = view.opset() >= 13;
  const std::int64_t axis = view.node.integer("axis", one_axis ? -1 : 1);
  return [one_axis, axis](KernelCall& c) {
    const Tensor& x = c.in(0);
    const std::int64_t a = positive_axis(axis, x.dim());
    if (one_axis || a == x.dim() - 1) {
      c.out(kFunction(x, a));
    } else {
      c.out(kFunction(x.flatten(a), a).view_as(x));
    }
  };
}

using ReduceFunction = Tensor (*)(const Tensor&, at::IntArrayRef, bool);
Tensor mean_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::mean(x, axes, keep);
}
Tensor sum_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::sum(x, axes, keep, x.scalar_type());
}
Tensor max_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::amax(x, axes, keep);
}
Tensor min_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::amin(x, axes, keep);
}
Tensor l1_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return sum_over(at::abs(x), axes, keep);
}
Tensor squares_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return sum_over(at::mul(x, x), axes, keep);
}
Tensor l2_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::sqrt(squares_over(x, axes, keep));
}
Tensor log_sum_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::log(sum_over(x, axes, keep));
}
Tensor log_sum_exp_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  return at::logsumexp(x, axes, keep);
}
Tensor product_over(const Tensor& x, at::IntArrayRef axes, bool keep) {
  Tensor result = x;
  Ints order(axes.begin(), axes.end());
  std::ranges::sort(order, std::greater<>());
  for (const std::int64_t axis : order) result = at::prod(result, axis, keep, x.scalar_type());
  return result;
}

template <ReduceFunction kFunction>
Kernel reduce(const KernelNode& view) {
  const Integers axes(view, "axes", 1);
  const bool keep = view.node.integer("keepdims", 1) != 0;
  const bool none_is_identity = view.node.integer("noop_with_empty_axes", 0) != 0;
  return [axes, keep, none_is_identity](KernelCall& c) {
    const Tensor& x = c.in(0);
    Ints over = axes.given() ? axes.get(c) : Ints{};
    if (over.empty() && none_is_identity) {
      c.out(x);
      return;
    }
    if (over.empty()) {
      over.resize(static_cast<std::size_t>(x.dim()));
      std::iota(over.begin(), over.end(), 0);
    }
    for (std::int64_t& axis : over) axis = positive_axis(axis, x.dim());
    c.out(kFunction(x, over, keep));
  };
}

constexpr KernelRow kRows[] = {
    {"BatchNormalization", batch_norm},
    {"GroupNormalization", group_norm},
    {"InstanceNormalization", instance_norm},
    {"LRN", local_response},
    {"LayerNormalization", layer_norm},
    {"LogSoftmax", softmax<log_softmax_along>},
    {"LpNormalization", lp_normalization},
    {"MeanVarianceNormalization", mean_variance},
    {"ReduceL1", reduce<l1_over>},
    {"ReduceL2", reduce<l2_over>},
    {"ReduceLogSum", reduce<log_sum_over>},
    {"ReduceLogSumExp", reduce<log_sum_exp_over>},
    {"ReduceMax", reduce<max_over>},
    {"ReduceMean", reduce<mean_over>},
    {"ReduceMin", reduce<min_over>},
    {"ReduceProd", reduce<product_over>},
    {"ReduceSum", reduce<sum_over>},
    {"ReduceSumSquare", reduce<squares_over>},
    {"Softmax", softmax<softmax_along>},
};

}  // namespace

std::span<const KernelRow> norm_operators() { return kRows; }

}  // namespace autogo
