// Networks whose maps have their channels last, as TensorFlow and Keras write them, with a
// Transpose before and after every convolution.
//
// Between two Transposes stand element-wise operators, sums, concatenations, means: they compute
// the same on N x C x H x W, and the two Transposes cancel. So the Graph gets the network that its
// twin from PyTorch would give, with convolutions next to their activations, and the search sees
// segments instead of single operators. The file's nodes stay what they are: a unit reads and
// writes N x H x W x C (OnnxUnit::channels_last), and the exporter writes the Transposes again
// where the order changes (stored_values.cc).
//
// A map comes into being behind a Transpose that moves channels to the back, and spreads along the
// nodes that carry over while all their operands are maps. A node that does not (a flatten, a
// product over the last axis, a network output) reads the value as the file has it, behind one
// transpose of the Graph.
//
// Tested by tests/onnx/layouts_test.cc.

#include "maps.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace autogo {
namespace {

/// Where an axis of N,H,W,C is in N,C,H,W.
constexpr std::array<std::int32_t, 4> kMoved{0, 2, 3, 1};

std::int32_t moved(std::int64_t axis) {
  return kMoved[static_cast<std::size_t>(axis < 0 ? axis + 4 : axis)];
}

bool elementwise(OpKind op) {
  const OpInfo& info = op_info(op);
  const bool keeps = info.shape_class == ShapeClass::kPreserve && !info.first_only &&
                     !info.last_only && !info.along_axis;
  return keeps || info.shape_class == ShapeClass::kJoin;
}

/// Operators on elements, and on heights and widths in their places, that the table has not or not
/// with a constant operand.
constexpr std::array<std::string_view, 30> kKeepAxes = {
    "Abs",    "Add",   "Cast", "Ceil",     "Celu",        "Clip",      "Cos",       "Div",
    "Elu",    "Erf",   "Exp",  "Floor",    "HardSigmoid", "HardSwish", "LeakyRelu", "Log",
    "Max",    "Min",   "Mul",  "Neg",      "Pad",         "Pow",       "PRelu",     "Reciprocal",
    "Resize", "Round", "Sin",  "Softsign", "Sqrt",        "Sub"};

}  // namespace

Shape channels_first(const Shape& last) {
  if (last.rank() != 4) return Shape();
  return Shape{last[0], last[3], last[1], last[2]};
}

std::optional<TableForm> channels_first_form(const TableForm& form) {
  TableForm result = form;
  // An idiom with a mean over the maps' own axes: the Transposes around its convolutions are in it.
  if (elementwise(form.op) || form.op == OpKind::kSqueezeExcite) return result;
  if (op_info(form.op).along_axis) {
    if (form.attrs.axis < -4 || form.attrs.axis > 3) return std::nullopt;
    result.attrs.axis = moved(form.attrs.axis);
    return result;
  }
  if (form.op != OpKind::kReduceMean || form.attrs.ints != std::vector<std::int64_t>{1, 2}) {
    return std::nullopt;
  }
  if (form.attrs.axis == 1) return TableForm{OpKind::kGlobalAvgPool, {}, form.inputs};
  result.attrs.ints = {2, 3};
  return result;
}

bool keeps_axes(const ImportView& view, int node) {
  const bool known =
      std::ranges::any_of(kKeepAxes, [&](std::string_view op) { return view.is(node, op); });
  if (!known || !view.node(node).captured.empty() || !view.only_first_output(node)) return false;
  const Dims& out = view.dims(view.output(node));
  if (!all_known(out) || out->size() != 4) return false;
  for (std::size_t i = 0; i < view.node(node).inputs.size(); ++i) {
    const int input = view.input(node, i);
    if (input < 0 || !view.computed(input)) continue;
    const Dims& dims = view.dims(input);
    if (!all_known(dims) || dims->size() != 4) return false;
  }
  return true;
}

bool Maps::has_all(const std::vector<int>& values) const {
  return std::ranges::all_of(values, [&](int value) { return has(value); });
}

}  // namespace autogo
