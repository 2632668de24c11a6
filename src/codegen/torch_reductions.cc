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

template <const char* kBefore, const char* kMethod, const char* kAfter>
PyExpr reduce(Call& c) {
  const Reduction r = reduction(c);
  PyExpr x = c.in(0);
  if (r.nothing) return x;
  if (*kBefore != '\0') x = py_method(x, kBefore);
  x = py_method(x, kMethod, r.arguments);
  return *kAfter == '\0' ? x : py_method(x, kAfter);
}

PyExpr reduce_product(Call& c) {
  const Reduction r = reduction(c);
  PyExpr x = c.in(0);
  Ints axes = r.axes;
  std::ranges::sort(axes, std::greater<>());
  for (const std::int64_t a : axes) {
    std::vector<std::string> arguments{"dim=" + std::to_string(a)};
    if (r.keep) arguments.push_back("keepdim=True");
    x = py_method(x, "prod", arguments);
  }
  return x;
}

template <const char* kMethod>
PyExpr arg_extreme(Call& c) {
  if (c.op.integer("select_last_index", 0) != 0) c.refuse("select_last_index");
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
  return py_call("torch.tensor", {x});
}

PyExpr constant_of_shape(Call& c) {
  double value = 0;
  if (const auto it = c.op.attributes.find("value"); it != c.op.attributes.end()) {
    if (const auto* tensor = std::get_if<ProgramTensor>(&it->second)) {
      value = real_values(*tensor).at(0);
    }
  }
  const bool whole = c.view.value(c.op.outputs[0]).dtype == DType::kInt64;
  const std::string number =
      whole ? std::to_string(static_cast<std::int64_t>(value)) : py_float(value);
  return py_call("torch.full", {grouped(c.in(0)) + ".tolist()", number});
}

PyExpr range(Call& c) {
  const std::string from = c.in(0).text, to = c.in(1).text;
  return py_call("torch.arange", {from, to, c.in(2).text});
}

PyExpr cumulative_sum(Call& c) {
  const auto axis = c.number(1);
  if (!axis || c.op.integer("exclusive", 0) != 0 || c.op.integer("reverse", 0) != 0) {
    c.refuse("a cumulative sum that is exclusive or reversed has no form in PyTorch");
  }
  return py_method(c.in(0), "cumsum", {std::to_string(static_cast<int>(*axis))});
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
};

}  // namespace

std::span<const OperatorRow> torch_reductions() { return kRows; }

}  // namespace autogo
