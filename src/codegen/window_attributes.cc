// Kernels, strides, pads, and the weights of idioms, as both frameworks need them.

#include <algorithm>

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
    const std::int64_t out = (shape[d + 2] + strides[d] - 1) / strides[d];
    const std::int64_t extent = dilations[d] * (kernel[d] - 1) + 1;
    const std::int64_t total =
        std::max<std::int64_t>((out - 1) * strides[d] + extent - shape[d + 2], 0);
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

}  // namespace autogo
