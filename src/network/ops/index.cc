// Shapes as numbers, indices, searches.

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "step.h"

namespace autogo {
namespace {

using at::Tensor;
using Ints = std::vector<std::int64_t>;

Tensor integers(const Ints& values) { return at::tensor(values, at::kLong); }

Kernel shape(const KernelNode& view) {
  const std::int64_t start = view.node.integer("start", 0);
  const std::int64_t end = view.node.integer("end", std::numeric_limits<std::int64_t>::max());
  return [start, end](KernelCall& c) {
    const Ints sizes(c.in(0).sizes().begin(), c.in(0).sizes().end());
    c.out(at::slice(integers(sizes), 0, start, end));
  };
}

Kernel size(const KernelNode&) {
  return [](KernelCall& c) { c.out(at::scalar_tensor(c.in(0).numel(), at::kLong)); };
}

Kernel constant_of_shape(const KernelNode& view) {
  ProgramTensor value = make_tensor({}, {0.0F});
  if (const auto it = view.node.attributes.find("value"); it != view.node.attributes.end()) {
    value = std::get<ProgramTensor>(it->second);
  }
  value.dims.clear();
  const Tensor one = to_torch(value, view.float_type);
  const at::Device device = one.is_floating_point() ? view.device : at::Device(at::kCPU);
  const Integers dims(view, nullptr, 0);
  return [one = one.to(device), dims](KernelCall& c) {
    c.out(at::full(dims.get(c), one.item(), one.options()));
  };
}

/// A Constant that lower() did not take: only strings and sparse tensors are left.
Kernel constant(const KernelNode& view) {
  view.refuse("a constant that is no plain tensor cannot be computed with");
}

Kernel range(const KernelNode&) {
  return [](KernelCall& c) {
    c.out(at::arange(c.in(0).item(), c.in(1).item(), c.in(2).item(), c.in(0).options()));
  };
}

/// Indices on the data's device, counted from the start.
Tensor usable_indices(const Tensor& indices, const Tensor& data, std::int64_t axis) {
  const Tensor index = indices.to(data.device(), at::kLong);
  return at::where(at::lt(index, 0), at::add(index, data.size(axis)), index);
}

Kernel gather(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", 0);
  if (const ProgramTensor* constant = view.constant(1);
      constant != nullptr && constant->dims.empty()) {  // one position: a view
    const std::int64_t at = integer_values(*constant)[0];
    return [axis, at](KernelCall& c) { c.out(c.in(0).select(axis, at)); };
  }
  return [axis](KernelCall& c) {
    const Tensor& data = c.in(0);
    const std::int64_t a = positive_axis(axis, data.dim());
    const Tensor index = usable_indices(c.in(1), data, a);
    Ints dims(data.sizes().begin(), data.sizes().begin() + a);
    dims.insert(dims.end(), index.sizes().begin(), index.sizes().end());
    dims.insert(dims.end(), data.sizes().begin() + a + 1, data.sizes().end());
    c.out(data.index_select(a, index.reshape({-1})).reshape(dims));
  };
}

Kernel gather_elements(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", 0);
  return [axis](KernelCall& c) {
    const std::int64_t a = positive_axis(axis, c.in(0).dim());
    c.out(at::gather(c.in(0), a, usable_indices(c.in(1), c.in(0), a)));
  };
}

Kernel arg(const KernelNode& view, bool largest) {
  const std::int64_t axis = view.node.integer("axis", 0);
  const bool keep = view.node.integer("keepdims", 1) != 0;
  if (view.node.integer("select_last_index", 0) != 0) {
    view.refuse("the last index of a maximum cannot be computed here");
  }
  return [axis, keep, largest](KernelCall& c) {
    c.out(largest ? at::argmax(c.in(0), axis, keep) : at::argmin(c.in(0), axis, keep));
  };
}

Kernel arg_max(const KernelNode& view) { return arg(view, true); }
Kernel arg_min(const KernelNode& view) { return arg(view, false); }

Kernel top_k(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", -1);
  const bool largest = view.node.integer("largest", 1) != 0;
  const bool sorted = view.node.integer("sorted", 1) != 0;
  const Integers count(view, view.opset() < 10 ? "k" : nullptr, 1);
  return [axis, largest, sorted, count](KernelCall& c) {
    auto [values, indices] = at::topk(c.in(0), count.get(c).at(0), axis, largest, sorted);
    c.out(values, 0);
    c.out(indices, 1);
  };
}

Kernel cumulative_sum(const KernelNode& view) {
  const bool exclusive = view.node.integer("exclusive", 0) != 0;
  const bool reverse = view.node.integer("reverse", 0) != 0;
  const Integers axis(view, nullptr, 1);
  return [exclusive, reverse, axis](KernelCall& c) {
    const Tensor& x = c.in(0);
    const std::int64_t a = positive_axis(axis.get(c).at(0), x.dim());
    const Tensor data = reverse ? x.flip(a) : x;
    Tensor sum = at::cumsum(data, a, x.scalar_type());
    if (exclusive) sum = at::sub(sum, data);
    c.out(reverse ? sum.flip(a) : sum);
  };
}

Kernel one_hot(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", -1);
  const Integers depth(view, nullptr, 1);
  return [axis, depth](KernelCall& c) {
    const std::int64_t n = depth.get(c).at(0);
    const Tensor raw = c.in(0).to(at::kLong);
    const Tensor index = at::where(at::lt(raw, 0), at::add(raw, n), raw);
    const std::int64_t a = positive_axis(axis, raw.dim() + 1);
    Ints dims(static_cast<std::size_t>(raw.dim()) + 1, 1);
    dims[static_cast<std::size_t>(a)] = n;
    const Tensor all = at::arange(n, index.options()).reshape(dims);
    const Tensor values = c.in(2).to(index.device());
    c.out(at::where(at::eq(index.unsqueeze(a), all), values[1], values[0]));
  };
}

Kernel trilu(const KernelNode& view) {
  const bool upper = view.node.integer("upper", 1) != 0;
  const Integers offset(view, nullptr, 1);
  return [upper, offset](KernelCall& c) {
    const std::int64_t k = offset.given() ? offset.get(c).at(0) : 0;
    c.out(upper ? at::triu(c.in(0), k) : at::tril(c.in(0), k));
  };
}

Kernel non_zero(const KernelNode&) {
  return [](KernelCall& c) { c.out(at::nonzero(c.in(0)).t()); };
}

Kernel eye_like(const KernelNode& view) {
  const std::int64_t k = view.node.integer("k", 0);
  const std::int64_t to = view.node.integer("dtype", 0);
  return [k, to, float_type = view.float_type](KernelCall& c) {
    const Tensor& x = c.in(0);
    const at::ScalarType type =
        to == 0 ? x.scalar_type() : torch_type(static_cast<DType>(to), float_type);
    const auto options = x.options().dtype(at::kLong);
    const Tensor rows = at::arange(x.size(0), options).unsqueeze(1);
    const Tensor columns = at::arange(x.size(1), options).unsqueeze(0);
    c.out(at::eq(at::add(rows, k), columns).to(type));
  };
}

constexpr KernelRow kRows[] = {
    {"ArgMax", arg_max},
    {"ArgMin", arg_min},
    {"Constant", constant},
    {"ConstantOfShape", constant_of_shape},
    {"CumSum", cumulative_sum},
    {"EyeLike", eye_like},
    {"Gather", gather},
    {"GatherElements", gather_elements},
    {"NonZero", non_zero},
    {"OneHot", one_hot},
    {"Range", range},
    {"Shape", shape},
    {"Size", size},
    {"TopK", top_k},
    {"Trilu", trilu},
};

}  // namespace

std::span<const KernelRow> index_operators() { return kRows; }

}  // namespace autogo
