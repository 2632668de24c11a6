// Reductions over axes and the arithmetic of shapes in PyTorch.
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>
#include <numeric>

#include "torch_ops.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

struct Reduction {
  std::vector<std::string> arguments;
  Ints axes;
  bool keep, nothing;
};

Reduction reduction(Call& c) {
  Reduction r;
  const std::size_t rank = c.rank(0);
  const Ints given = c.integers("axes", 1).value_or(Ints{});
  r.nothing = given.empty() && c.op.integer("noop_with_empty_axes", 0) != 0;
  for (const std::int64_t a : given) {
    r.axes.push_back(static_cast<std::int64_t>(c.axis(a, rank)));
  }
  if (given.empty()) {
    r.axes.resize(rank);
    std::iota(r.axes.begin(), r.axes.end(), 0);
  }
  r.keep = c.op.integer("keepdims", 1) != 0;
  r.arguments = {"dim=" + (r.axes.size() == 1 ? std::to_string(r.axes[0]) : py_tuple(r.axes))};
  if (r.keep) r.arguments.push_back("keepdim=True");
  return r;
}

/// PyTorch has means, roots and logarithms of floating-point numbers only, and sums every type of
/// integers as int64.
template <const char* kBefore, const char* kMethod, const char* kAfter>
PyExpr reduce(Call& c) {
  Reduction r = reduction(c);
  const std::string method = kMethod;
  if (is_whole(c.type())) {
    if (method == "mean" || method == "logsumexp" || *kAfter != '\0') {
      c.refuse("a mean, root or logarithm of integers has no form in PyTorch");
    }
    if (method == "sum") add_type(r.arguments, c.type());
  }
  PyExpr x = c.in(0);
  if (r.nothing) return x;
  if (*kBefore != '\0') x = py_method(x, kBefore);
  x = py_method(x, kMethod, r.arguments);
  return *kAfter == '\0' ? x : py_method(x, kAfter);
}

PyExpr reduce_product(Call& c) {
  const Reduction r = reduction(c);
  PyExpr x = c.in(0);
  if (r.nothing) return x;
  Ints axes = r.axes;
  std::ranges::sort(axes, std::greater<>());
  for (const std::int64_t a : axes) {
    std::vector<std::string> arguments{"dim=" + std::to_string(a)};
    if (r.keep) arguments.push_back("keepdim=True");
    add_type(arguments, c.type());
    x = py_method(x, "prod", arguments);
  }
  return x;
}

template <const char* kMethod>
PyExpr arg_extreme(Call& c) {
  if (c.op.integer("select_last_index", 0) != 0) {
    c.refuse("the last of equal entries (select_last_index) has no form in PyTorch");
  }
  std::vector<std::string> arguments{"dim=" + std::to_string(c.op.integer("axis", 0))};
  if (c.op.integer("keepdims", 1) != 0) arguments.push_back("keepdim=True");
  return py_method(c.in(0), kMethod, arguments);
}

// Shape arithmetic ----------------------------------------------------------------------------

PyExpr shape(Call& c) {
  std::string x = grouped(c.in(0)) + ".shape";
  if (c.op.attributes.contains("start") || c.op.attributes.contains("end")) {
    const bool open = !c.op.attributes.contains("end");
    x += "[" + std::to_string(c.op.integer("start", 0)) + ":" +
         (open ? "" : std::to_string(c.op.integer("end", 0))) + "]";
  }
  std::vector<std::string> arguments{x};
  const Shape& out = c.out_shape();
  if (!out.known() || out[0] == 0) arguments.push_back("dtype=torch.int64");  // of an empty list
  return py_call("torch.tensor", arguments);
}

PyExpr size(Call& c) { return py_call("torch.tensor", {py_method(c.in(0), "numel").text}); }

PyExpr constant_of_shape(Call& c) {
  ConstantView value{
      DType::kFloat32, {}, ConstantRole::kFixed, false, [] { return make_tensor({}, {0.0F}); }};
  if (const auto it = c.op.attributes.find("value"); it != c.op.attributes.end()) {
    if (const auto* tensor = std::get_if<ProgramTensor>(&it->second)) {
      value = {tensor->dtype, tensor->dims, ConstantRole::kFixed, tensor->splat,
               [tensor = *tensor] { return tensor; }};
    }
  }
  std::vector<std::string> arguments{grouped(c.in(0)) + ".tolist()", value.number_text()};
  add_type(arguments, value.dtype);
  return py_call("torch.full", arguments);
}

/// A number where it is a constant: PyTorch would read it from a tensor.
PyExpr range(Call& c) {
  std::vector<std::string> arguments;
  for (const std::size_t i : {0U, 1U, 2U}) {
    const auto number = c.number_text(i);
    arguments.push_back(number ? *number : c.in(i).text);
  }
  add_type(arguments, c.type());
  return py_call("torch.arange", arguments);
}

PyExpr cumulative_sum(Call& c) {
  if (c.op.integer("exclusive", 0) != 0 || c.op.integer("reverse", 0) != 0) {
    c.refuse("a cumulative sum that is exclusive or reversed has no form in PyTorch");
  }
  const PyExpr x = c.in(0);
  std::vector<std::string> arguments{torch_count(c, 1)};
  add_type(arguments, c.type());
  return py_method(x, "cumsum", arguments);
}

#define AUTOGO_TEXT(name, text) constexpr char k##name[] = text
AUTOGO_TEXT(None, "");
AUTOGO_TEXT(Abs, "abs");
AUTOGO_TEXT(Square, "square");
AUTOGO_TEXT(Sqrt, "sqrt");
AUTOGO_TEXT(Log, "log");
AUTOGO_TEXT(Sum, "sum");
AUTOGO_TEXT(Mean, "mean");
AUTOGO_TEXT(Amax, "amax");
AUTOGO_TEXT(Amin, "amin");
AUTOGO_TEXT(LogSumExp, "logsumexp");
AUTOGO_TEXT(Argmax, "argmax");
AUTOGO_TEXT(Argmin, "argmin");
#undef AUTOGO_TEXT

constexpr OperatorRow kRows[] = {
    {"ArgMax", arg_extreme<kArgmax>},
    {"ArgMin", arg_extreme<kArgmin>},
    {"ConstantOfShape", constant_of_shape},
    {"CumSum", cumulative_sum},
    {"Range", range},
    {"ReduceL1", reduce<kAbs, kSum, kNone>},
    {"ReduceL2", reduce<kSquare, kSum, kSqrt>},
    {"ReduceLogSum", reduce<kNone, kSum, kLog>},
    {"ReduceLogSumExp", reduce<kNone, kLogSumExp, kNone>},
    {"ReduceMax", reduce<kNone, kAmax, kNone>},
    {"ReduceMean", reduce<kNone, kMean, kNone>},
    {"ReduceMin", reduce<kNone, kAmin, kNone>},
    {"ReduceProd", reduce_product},
    {"ReduceSum", reduce<kNone, kSum, kNone>},
    {"ReduceSumSquare", reduce<kSquare, kSum, kNone>},
    {"Shape", shape},
    {"Size", size},
};

}  // namespace

std::span<const OperatorRow> torch_reductions() { return kRows; }

}  // namespace autogo
