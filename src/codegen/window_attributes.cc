// Kernels, strides, pads, slices, and the weights of idioms, as both frameworks need them.
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>
#include <limits>

#include "autogo/graph/window.h"
#include "torch_ops.h"

namespace autogo {

using Ints = std::vector<std::int64_t>;

Ints window_list(const Call& call, const char* name, std::size_t rank, std::int64_t other) {
  Ints list = call.op.integers(name).value_or(Ints(rank, other));
  if (list.size() != rank) call.refuse(std::string(name) + " does not fit the kernel");
  return list;
}

Ints window_pads_of(const Call& call, const Ints& kernel) {
  const std::size_t rank = kernel.size();
  const std::string rule = call.op.text("auto_pad", "NOTSET");
  if (rule == "VALID") return Ints(2 * rank, 0);
  if (rule == "NOTSET" || rule.empty()) {
    Ints pads = call.op.integers("pads").value_or(Ints(2 * rank, 0));
    if (pads.size() != 2 * rank) call.refuse("pads do not fit the kernel");
    return pads;
  }
  const Ints strides = window_list(call, "strides", rank, 1);
  const Ints dilations = window_list(call, "dilations", rank, 1);
  const Shape& shape = call.in_shape(0);
  Ints pads(2 * rank);
  for (std::size_t d = 0; d < rank; ++d) {
    if (!shape.has_rank() || shape[d + 2] <= 0) call.refuse("auto_pad needs a known input size");
    const WindowAxis axis{
        .kernel = kernel[d], .stride = strides[d], .dilation = dilations[d], .same = true};
    const std::int64_t out = axis.slide(shape[d + 2]);
    const std::int64_t total =
        std::max<std::int64_t>((out - 1) * axis.stride + axis.extent() - shape[d + 2], 0);
    pads[d] = rule == "SAME_UPPER" ? total / 2 : total - total / 2;
    pads[d + rank] = total - pads[d];
  }
  return pads;
}

bool symmetric_pads(const Ints& pads) {
  const std::size_t rank = pads.size() / 2;
  return std::equal(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank),
                    pads.begin() + static_cast<std::ptrdiff_t>(rank));
}

std::optional<ConstantView> idiom_weight(const Call& call, std::string_view op_type,
                                         std::int64_t elements) {
  std::optional<ConstantView> found;
  for (const ProgramNode* node : call.unit.operators) {
    if (node->op_type != op_type) continue;
    for (const int v : node->inputs) {
      const auto view = call.view.constant(v);
      if (view && view->floating() && view->elements() == elements) found = view;
    }
  }
  return found;
}

std::optional<ConstantView> idiom_matrix(const Call& call) {
  for (const ProgramNode* node : call.unit.operators) {
    if (node->op_type != "MatMul") continue;
    const auto view = call.view.constant(node->inputs[1]);
    if (view && view->dims.size() == 2) return view;
  }
  return std::nullopt;
}

std::string torch_pads(const Ints& pads) {
  const std::size_t rank = pads.size() / 2;
  Ints order;
  for (std::size_t d = rank; d-- > 0;) {
    order.push_back(pads[d]);
    order.push_back(pads[d + rank]);
  }
  return py_tuple(order);
}

bool PythonSlice::open() const {
  return end >= std::numeric_limits<std::int32_t>::max() || (size > 0 && end >= size);
}

bool PythonSlice::flips() const {
  if (step != -1) return false;
  const std::int64_t most = size > 0 ? size : std::numeric_limits<std::int32_t>::max();
  return (start == -1 || start >= most - 1) && end < -most;
}

std::vector<PythonSlice> slice_ranges(const Call& c) {
  const bool attributes = c.view.program().opset < 10;
  const auto starts = c.integers(attributes ? "starts" : nullptr, 1);
  const auto ends = c.integers(attributes ? "ends" : nullptr, 2);
  const auto axes = c.integers(attributes ? "axes" : nullptr, 3);
  const auto steps = c.integers(nullptr, 4);
  if (!starts || !ends) c.refuse("starts and ends are missing");
  const std::size_t rank = c.rank(0), count = starts->size();
  if (ends->size() != count || (axes && axes->size() != count) ||
      (steps && steps->size() != count) || (!axes && count > rank)) {
    c.refuse("starts, ends, axes and steps do not fit each other");
  }
  std::vector<PythonSlice> ranges;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = axes ? c.axis((*axes)[i], rank) : i;
    ranges.push_back(
        {axis, (*starts)[i], (*ends)[i], steps ? (*steps)[i] : 1, c.in_shape(0)[axis]});
  }
  return ranges;
}

std::string py_slice(const PythonSlice& range) {
  return (range.start == 0 ? "" : std::to_string(range.start)) + ":" +
         (range.open() ? "" : std::to_string(range.end)) +
         (range.step == 1 ? "" : ":" + std::to_string(range.step));
}

PyExpr py_sliced(const PyExpr& x, const std::vector<std::string>& index) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < index.size(); ++i) used = index[i] == ":" ? used : i + 1;
  if (used == 0) return x;
  std::string text;
  for (std::size_t i = 0; i < used; ++i) text += (i > 0 ? ", " : "") + index[i];
  return {grouped(x) + "[" + text + "]"};
}

SplitParts split_parts(const Call& c) {
  SplitParts parts;
  const std::size_t rank = c.rank(0), count = c.op.outputs.size();
  parts.axis = c.axis(c.op.integer("axis", 0), rank);
  parts.sizes = c.integers("split", 1).value_or(std::vector<std::int64_t>{});
  if (parts.sizes.empty()) {
    const std::int64_t whole = c.in_shape(0)[parts.axis], n = static_cast<std::int64_t>(count);
    if (whole < 0) c.refuse("the size of the axis that it splits is not known");
    const std::int64_t each = (whole + n - 1) / n;
    for (std::int64_t i = 0, left = whole; i < n; ++i, left -= parts.sizes.back()) {
      parts.sizes.push_back(std::min(each, left));
    }
  }
  if (parts.sizes.size() != count) c.refuse("its sizes do not fit its outputs");
  return parts;
}

}  // namespace autogo
