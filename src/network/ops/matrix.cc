// Products of matrices.

#include <ATen/ATen.h>

#include <algorithm>

#include "step.h"

namespace autogo {
namespace {

using at::Tensor;

Kernel matmul(const KernelNode&) {
  return [](KernelCall& c) { c.out(at::matmul(c.in(0), c.in(1))); };
}

/// alpha A' B' + beta C. The common case, a fully connected layer, is one call.
Kernel gemm(const KernelNode& view) {
  const bool flip_a = view.node.integer("transA", 0) != 0;
  const bool flip_b = view.node.integer("transB", 0) != 0;
  const double alpha = view.node.real("alpha", 1), beta = view.node.real("beta", 1);
  if (!flip_a && flip_b && alpha == 1 && beta == 1) {
    return [](KernelCall& c) {
      const bool vector = c.has(2) && c.in(2).dim() == 1 && c.in(2).size(0) == c.in(1).size(0);
      if (!c.has(2) || vector) {
        c.out(at::linear(c.in(0), c.in(1), c.optional(2)));
      } else {
        c.out(at::add(at::linear(c.in(0), c.in(1)), c.in(2)));
      }
    };
  }
  return [flip_a, flip_b, alpha, beta](KernelCall& c) {
    const Tensor a = flip_a ? c.in(0).t() : c.in(0), b = flip_b ? c.in(1).t() : c.in(1);
    if (c.has(2)) {
      c.out(at::addmm(c.in(2), a, b, beta, alpha));
    } else {
      c.out(alpha == 1 ? at::mm(a, b) : at::mul(at::mm(a, b), alpha));
    }
  };
}

Kernel einsum(const KernelNode& view) {
  std::string equation = view.node.text("equation", "");
  std::erase(equation, ' ');
  return [equation](KernelCall& c) {
    std::vector<Tensor> operands;
    for (std::size_t i = 0; i < c.num_inputs(); ++i) operands.push_back(c.in(i));
    c.out(at::einsum(equation, operands));
  };
}

constexpr KernelRow kRows[] = {
    {"Einsum", einsum},
    {"Gemm", gemm},
    {"MatMul", matmul},
};

}  // namespace

std::span<const KernelRow> matrix_operators() { return kRows; }

}  // namespace autogo
