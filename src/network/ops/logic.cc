// Comparisons, choices and truth values.

#include <ATen/ATen.h>

#include "step.h"

namespace autogo {
namespace {

using at::Tensor;

template <Tensor (*kFunction)(const Tensor&, const Tensor&)>
Kernel compare(const KernelNode&) {
  return [](KernelCall& c) {
    const auto [a, b] = together(c.in(0), c.in(1));
    c.out(kFunction(a, b));
  };
}

Kernel logical_not(const KernelNode&) {
  return [](KernelCall& c) { c.out(at::logical_not(c.in(0))); };
}

Kernel bitwise_not(const KernelNode&) {
  return [](KernelCall& c) { c.out(at::bitwise_not(c.in(0))); };
}

Kernel where(const KernelNode&) {
  return [](KernelCall& c) {
    auto [a, b] = together(c.in(1), c.in(2));
    const auto [condition, first] = together(c.in(0), a);
    if (first.device() != b.device()) b = b.to(first.device());
    c.out(at::where(condition, first, b));
  };
}

constexpr KernelRow kRows[] = {
    {"And", compare<at::logical_and>},
    {"BitwiseAnd", compare<at::bitwise_and>},
    {"BitwiseNot", bitwise_not},
    {"BitwiseOr", compare<at::bitwise_or>},
    {"BitwiseXor", compare<at::bitwise_xor>},
    {"Equal", compare<at::eq>},
    {"Greater", compare<at::gt>},
    {"GreaterOrEqual", compare<at::ge>},
    {"Less", compare<at::lt>},
    {"LessOrEqual", compare<at::le>},
    {"Not", logical_not},
    {"Or", compare<at::logical_or>},
    {"Where", where},
    {"Xor", compare<at::logical_xor>},
};

}  // namespace

std::span<const KernelRow> logic_operators() { return kRows; }

}  // namespace autogo
