// Operators that pick entries of a tensor, and those that compute entries between its own.
//
// PyTorch picks by int64 only, and only its index by brackets counts from the end: indices that are
// computed go through helpers. Of the many rules by which ONNX resizes it has those that networks
// use.
//
// Tested by tests/codegen/operators_test.cc and node_models_test.cc.

#include <cmath>
#include <set>

#include "torch_ops.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

PyExpr gather(Call& c) {
  const std::size_t rank = c.rank(0), axis = c.axis(c.op.integer("axis", 0), rank);
  const std::string a = std::to_string(axis);
  const auto index = c.constant(1);
  const PyExpr x = c.in(0);
  if (index && index->dims.size() < 2 && index->elements() > 0) {
    const Ints list = index->integers();
    if (index->dims.size() == 1 && list.size() == 1) {
      const std::string i = std::to_string(list[0]);
      return py_method(py_method(x, "select", {a, i}), "unsqueeze", {a});
    }
    std::string colons;
    for (std::size_t d = 0; d < axis; ++d) colons += ":, ";
    const std::string picked = index->dims.empty()                 ? std::to_string(list[0])
                               : index->elements() <= kMostNumbers ? py_list(list)
                                                                   : torch_index(c, 1).text;
    return {grouped(x) + "[" + colons + picked + "]"};
  }
  if (axis == 0 && rank == 2 && !index && !c.view.computed(c.operand(0))) {
    return py_call("F.embedding", {torch_index(c, 1).text, x.text});
  }
  return py_call(c.helper("gather"), {x.text, torch_index(c, 1).text, a});
}

PyExpr gather_elements(Call& c) {
  const std::string axis = std::to_string(c.axis(c.op.integer("axis", 0), c.rank(0)));
  const PyExpr x = c.in(0);
  return py_call(c.helper("gather_elements"), {x.text, torch_index(c, 1).text, axis});
}

PyExpr top_k(Call& c) {
  const PyExpr x = c.in(0);
  const std::string count = torch_count(c, 1), largest = py_bool(c.op.integer("largest", 1) != 0);
  PyExpr result = py_method(
      x, "topk", {count, "dim=" + std::to_string(c.op.integer("axis", -1)), "largest=" + largest});
  result.tuple = true;
  return result;
}

PyExpr non_zero(Call& c) { return py_method(py_method(c.in(0), "nonzero"), "t"); }

/// Whether a value is computed from shapes alone, as exporters compute factors from sizes.
bool comes_from_shapes(const NetworkView& view, int value) {
  std::vector<int> open{value};
  std::set<int> seen;
  while (!open.empty()) {
    const int v = open.back();
    open.pop_back();
    if (v < 0 || !view.computed(v) || !seen.insert(v).second) continue;
    const ProgramNode* node = view.producer(v);
    if (node == nullptr) return false;  // an input of the network
    if (node->op_type != "Shape") open.insert(open.end(), node->inputs.begin(), node->inputs.end());
  }
  return true;
}

/// The factors or the sizes of a resize, as F.interpolate takes them: whichever the file gives, for
/// positions are computed from it.
std::string resize_target(Call& c, bool old) {
  std::vector<double> factors;
  if (const auto given = c.op.reals("scales")) factors.assign(given->begin(), given->end());
  const std::size_t slot = old ? 1 : 2;
  if (factors.empty() && c.has(slot)) {
    const auto given = c.constant(slot);
    if (given) factors = real_values(given->read());
    if (!given && !comes_from_shapes(c.view, c.operand(slot))) {
      c.refuse("its scales are computed");
    }
  }
  const Shape& out = c.out_shape();
  if (factors.size() != 4) return "size=" + py_tuple(Ints{out[2], out[3]});
  auto text = [](double f) {
    return f == std::floor(f) ? std::to_string(static_cast<std::int64_t>(f)) : py_float(f);
  };
  const std::string h = text(factors[2]), w = text(factors[3]);
  const bool whole = (h + w).find('.') == std::string::npos;
  return "scale_factor=" + (h == w ? h
                            : whole
                                ? "(" + h + ", " + w + ")"
                                : "(" + py_float(factors[2]) + ", " + py_float(factors[3]) + ")");
}

/// PyTorch has some of ONNX's grid of rules: those that networks use.
PyExpr resize(Call& c) {
  const bool old = c.op.op_type == "Upsample" || c.view.program().opset < 11;
  std::string mode = c.op.text("mode", "nearest");
  if (mode == "bilinear") mode = "linear";
  const std::string rule =
      old ? "asymmetric" : c.op.text("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = old ? "floor" : c.op.text("nearest_mode", "round_prefer_floor");
  const Shape &in = c.in_shape(0), &out = c.out_shape();
  if (c.rank(0) != 4 || !in.known() || !out.known() || in[1] != out[1] || in.elements() == 0) {
    c.refuse("resizes other than maps of known size");
  }
  if (c.op.integer("antialias", 0) != 0 || c.op.integer("exclude_outside", 0) != 0) {
    c.refuse("resizing with antialias or exclude_outside has no form in PyTorch");
  }
  const bool whole = out[2] % in[2] == 0 && out[3] % in[3] == 0;
  const bool half =
      rule == "half_pixel" || (rule == "pytorch_half_pixel" && out[2] > 1 && out[3] > 1);
  const std::string x = c.in(0).text, target = resize_target(c, old);
  if (mode == "nearest") {
    const bool fits = (rule == "asymmetric" && rounding == "floor") ||
                      (half && whole && rounding.starts_with("round"));
    if (!fits) c.refuse("resizing by " + rule + " and " + rounding + " has no form in PyTorch");
    return py_call("F.interpolate", {x, target, "mode=\"nearest\""});
  }
  if (mode == "linear" && rule == "asymmetric" && whole) {
    return py_call(c.helper("resize_asymmetric"),
                   {x, py_tuple(Ints{out[2] / in[2], out[3] / in[3]})});
  }
  const bool fits = (half || rule == "align_corners") &&
                    (mode == "linear" || c.op.real("cubic_coeff_a", -0.75F) == -0.75F);
  if (!fits) c.refuse("resizing by " + rule + " has no form in PyTorch");
  return py_call("F.interpolate",
                 {x, target, mode == "linear" ? "mode=\"bilinear\"" : "mode=\"bicubic\"",
                  "align_corners=" + py_bool(rule == "align_corners")});
}

constexpr OperatorRow kRows[] = {
    {"Gather", gather},    {"GatherElements", gather_elements},
    {"NonZero", non_zero}, {"Resize", resize},
    {"TopK", top_k},       {"Upsample", resize},
};

}  // namespace

std::span<const OperatorRow> torch_sampling() { return kRows; }

}  // namespace autogo
