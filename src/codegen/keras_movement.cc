// Reshapes, joins, slices, resizes and reductions in Keras.
//
// What moves elements across dimensions works in ONNX's order; what stays within a dimension works
// in the order that the map is stored in.
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>

#include "keras_ops.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

/// Where ONNX's axes of a map are when its channels are last.
constexpr std::size_t kMoved[] = {0, 3, 1, 2};

std::size_t stored_axis(std::size_t axis, bool last) { return last ? kMoved[axis] : axis; }

/// A shape with the batch as -1. @throws Error kUnsupported when it is not known
Ints target_shape(Call& c) {
  const Shape& out = c.out_shape();
  const int batch = c.view.batch_axis(c.op.outputs[0]);
  if (!out.known() || batch < 0) c.refuse("the batch of its output is not known");
  Ints dims(out.dims().begin(), out.dims().end());
  dims[static_cast<std::size_t>(batch)] = -1;
  return dims;
}

PyExpr reshape(Call& c) {
  const Ints dims = target_shape(c);
  const PyExpr x = plain_operand(c, 0);
  set_channels_last(c, false);
  const bool keeps_batch =
      c.view.batch_axis(c.operand(0)) == 0 && c.out_shape()[0] == c.in_shape(0)[0];
  if (dims.size() == 2 && dims[0] == -1 && keeps_batch) return applied("layers.Flatten()", x);
  return py_call("ops.reshape", {x.text, py_tuple(dims)});
}

bool is_point(Call& c) {
  const Shape& in = c.in_shape(0);
  return in.rank() == 4 && in[2] == 1 && in[3] == 1;
}

PyExpr flatten(Call& c) {
  if (c.op.integer("axis", 1) != 1) return reshape(c);
  const PyExpr x = is_point(c) ? c.in(0) : plain_operand(c, 0);
  set_channels_last(c, false);
  return applied("layers.Flatten()", x);
}

PyExpr transpose(Call& c) {
  const std::size_t rank = c.rank(0);
  Ints perm = c.op.integers("perm").value_or(Ints{});
  if (perm.empty()) {
    for (std::size_t i = rank; i-- > 0;) perm.push_back(static_cast<std::int64_t>(i));
  }
  if (is_channels_last(c, c.operand(0)) && perm == Ints{0, 2, 3, 1}) {
    set_channels_last(c, false);  // that is how it is stored
    return c.in(0);
  }
  const PyExpr x = plain_operand(c, 0);
  set_channels_last(c, false);
  return py_call("ops.transpose", {x.text, py_tuple(perm)});
}

PyExpr squeeze(Call& c) {
  const auto axes = c.integers("axes", 1);
  const std::size_t rank = c.rank(0);
  if (!axes) c.refuse("axes are missing");
  Ints over;
  for (const std::int64_t a : *axes) over.push_back(static_cast<std::int64_t>(c.axis(a, rank)));
  std::ranges::sort(over, std::greater<>());
  PyExpr x = plain_operand(c, 0);
  for (const std::int64_t a : over) {
    x = py_call("ops.squeeze", {x.text, "axis=" + std::to_string(a)});
  }
  set_channels_last(c, false);
  return x;
}

PyExpr unsqueeze(Call& c) {
  const auto axes = c.integers("axes", 1);
  if (!axes) c.refuse("axes are missing");
  Ints added;
  for (const std::int64_t a : *axes) {
    added.push_back(static_cast<std::int64_t>(c.axis(a, c.rank(0) + axes->size())));
  }
  std::ranges::sort(added);
  PyExpr x = plain_operand(c, 0);
  for (const std::int64_t a : added) {
    x = py_call("ops.expand_dims", {x.text, "axis=" + std::to_string(a)});
  }
  set_channels_last(c, false);
  return x;
}

PyExpr concat(Call& c) {
  const std::size_t count = c.op.inputs.size();
  std::size_t leader = count;
  for (std::size_t i = count; i-- > 0;) {
    if (c.view.computed(c.operand(i))) leader = i;
  }
  if (leader == count) c.refuse("all operands are constants");
  const std::size_t axis = c.axis(c.op.integer("axis", 1), c.rank(leader));
  const bool tokens = std::ranges::any_of(c.op.inputs, [&](int v) { return !c.view.computed(v); });
  if (!tokens) {
    const std::vector<PyExpr> operands = joined_operands(c);
    const bool last = is_channels_last(c, c.unit.outputs[0]);
    std::string list;
    for (const PyExpr& x : operands) list += (list.empty() ? "" : ", ") + x.text;
    return applied(
        py_call("layers.Concatenate", {"axis=" + std::to_string(stored_axis(axis, last))}).text,
        {"[" + list + "]"});
  }
  // A class token: a weight, repeated for the batch by adding it to zeros.
  if (axis != 1 || c.rank(leader) != 3 || c.view.batch_axis(c.operand(leader)) != 0) {
    c.refuse("joins a weight to other than tokens");
  }
  const std::vector<PyExpr> operands = joined_operands(c);
  const std::string zeros = "ops.zeros_like(" + grouped(operands[leader]) + "[:, :1])";
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    const bool weight = !c.view.computed(c.operand(i));
    list +=
        (list.empty() ? "" : ", ") + (weight ? zeros + " + " + operands[i].text : operands[i].text);
  }
  set_channels_last(c, false);
  return applied("layers.Concatenate(axis=1)", {"[" + list + "]"});
}

PyExpr split(Call& c) {
  const SplitParts parts = split_parts(c);
  Ints ends;
  for (std::size_t i = 0; i + 1 < parts.sizes.size(); ++i) {
    ends.push_back((ends.empty() ? 0 : ends.back()) + parts.sizes[i]);
  }
  const bool last = is_channels_last(c, c.operand(0));
  for (const int v : c.unit.outputs) c.file().channels_last[v] = last;
  PyExpr pieces = py_call("ops.split", {c.in(0).text, py_list(ends),
                                        "axis=" + std::to_string(stored_axis(parts.axis, last))});
  pieces.tuple = parts.sizes.size() > 1;
  if (!pieces.tuple) pieces.text += "[0]";
  return pieces;
}

PyExpr slice(Call& c) {
  const bool last = is_channels_last(c, c.operand(0));
  std::vector<std::string> index(c.rank(0), ":");
  for (const PythonSlice& range : slice_ranges(c)) {
    if (range.step < 1) c.refuse("a slice that runs backwards");
    index[stored_axis(range.axis, last)] = py_slice(range);
  }
  set_channels_last(c, last);
  return py_sliced(c.in(0), index);
}

PyExpr gather(Call& c) {
  const auto index = c.constant(1);
  if (!index || index->elements() != 1 || !index->dims.empty()) {
    c.refuse("picks other than one entry of an axis");
  }
  const std::size_t axis = c.axis(c.op.integer("axis", 0), c.rank(0));
  if (axis > 2) c.refuse("picks an entry of axis " + std::to_string(axis));
  const PyExpr x = plain_operand(c, 0);
  set_channels_last(c, false);
  const std::string i = std::to_string(index->integers()[0]);
  return {grouped(x) + (axis == 0 ? "[" : axis == 1 ? "[:, " : "[:, :, ") + i + "]"};
}

PyExpr depth_to_space(Call& c) {
  const bool by_column = c.op.text("mode", "DCR") == "CRD";
  const PyExpr x = last_operand(c, 0);
  set_channels_last(c, true);
  return py_call(c.helper(by_column ? "pixel_shuffle" : "depth_to_space"),
                 {x.text, std::to_string(c.op.integer("blocksize", 1))});
}

PyExpr space_to_depth(Call& c) {
  const PyExpr x = last_operand(c, 0);
  set_channels_last(c, true);
  return py_call(c.helper("space_to_depth"),
                 {x.text, std::to_string(c.op.integer("blocksize", 1))});
}

PyExpr pad(Call& c) {
  const bool attributes = c.view.program().opset < 11;
  const auto amounts = c.integers(attributes ? "pads" : nullptr, 1);
  const std::size_t rank = c.rank(0);
  if (!amounts || amounts->size() != 2 * rank || c.has(3)) c.refuse("pads do not fit its input");
  if (std::ranges::any_of(*amounts, [](std::int64_t p) { return p < 0; })) {
    c.refuse("negative pads");
  }
  const bool last = is_channels_last(c, c.operand(0));
  std::vector<std::string> widths(rank);
  for (std::size_t d = 0; d < rank; ++d) {
    widths[stored_axis(d, last)] = "(" + py_items(Ints{(*amounts)[d], (*amounts)[d + rank]}) + ")";
  }
  std::string text;
  for (const std::string& width : widths) text += (text.empty() ? "" : ", ") + width;
  const std::string mode = c.op.text("mode", "constant");
  std::vector<std::string> arguments{c.in(0).text, "(" + text + ")"};
  if (mode == "reflect") {
    arguments.push_back("mode=\"reflect\"");
  } else if (mode != "constant") {
    c.refuse("Keras does not pad by " + mode);
  } else {
    double value = static_cast<double>(c.op.real("value", 0));
    if (!attributes && c.has(2)) {
      const auto number = c.number(2);
      if (!number) c.refuse("the value that it pads with is computed");
      value = *number;
    }
    if (value != 0) arguments.push_back("constant_values=" + py_float(value));
  }
  set_channels_last(c, last);
  return py_call("ops.pad", arguments);
}

PyExpr resize(Call& c) {
  const bool old = c.op.op_type == "Upsample" || c.view.program().opset < 11;
  std::string mode = c.op.text("mode", "nearest");
  if (mode == "bilinear") mode = "linear";
  const std::string rule =
      old ? "asymmetric" : c.op.text("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = old ? "floor" : c.op.text("nearest_mode", "round_prefer_floor");
  const Shape &in = c.in_shape(0), &out = c.out_shape();
  const bool known = c.rank(0) == 4 && in.known() && out.known() && in[1] == out[1] &&
                     in.elements() > 0;
  if (!known || out[2] % in[2] != 0 || out[3] % in[3] != 0) c.refuse("resizes by no whole factor");
  const bool half = rule == "half_pixel" || rule == "pytorch_half_pixel";
  const bool nearest = mode == "nearest" && ((half && rounding.starts_with("round")) ||
                                             (rule == "asymmetric" && rounding == "floor"));
  if (!nearest && !(mode == "linear" && half)) {
    c.refuse("resizing by " + mode + " and " + rule + " has no form in Keras");
  }
  std::vector<std::string> arguments{py_sizes(Ints{out[2] / in[2], out[3] / in[3]})};
  if (mode == "linear") arguments.push_back("interpolation=\"bilinear\"");
  const PyExpr x = last_operand(c, 0);
  set_channels_last(c, true);
  return applied(py_call("layers.UpSampling2D", arguments).text, x);
}

template <const char* kFunction>
PyExpr reduce(Call& c) {
  const std::size_t rank = c.rank(0);
  const Ints given = c.integers("axes", 1).value_or(Ints{});
  if (given.empty()) c.refuse("a reduction over all axes, the batch among them");
  const bool keep = c.op.integer("keepdims", 1) != 0;
  const bool last = is_channels_last(c, c.operand(0));
  Ints axes;
  bool spatial = true;  // where the channels stay behind, the order is of no matter
  for (const std::int64_t a : given) {
    const std::size_t axis = c.axis(a, rank);
    spatial = spatial && axis >= 2;
    axes.push_back(static_cast<std::int64_t>(axis));
  }
  const bool stored = last && (keep || (spatial && axes.size() == 2));
  PyExpr x = stored || !last ? c.in(0) : plain_operand(c, 0);
  for (std::int64_t& a : axes) {
    a = static_cast<std::int64_t>(stored_axis(static_cast<std::size_t>(a), stored));
  }
  std::ranges::sort(axes);
  std::vector<std::string> arguments{
      x.text, "axis=" + (axes.size() == 1 ? std::to_string(axes[0]) : py_tuple(axes))};
  if (keep) arguments.push_back("keepdims=True");
  set_channels_last(c, stored && keep);
  return py_call(kFunction, arguments);
}

constexpr char kMax[] = "ops.max", kMean[] = "ops.mean", kMin[] = "ops.min", kSum[] = "ops.sum";

constexpr OperatorRow kRows[] = {
    {"Concat", concat},
    {"DepthToSpace", depth_to_space},
    {"Flatten", flatten},
    {"Gather", gather},
    {"Pad", pad},
    {"ReduceMax", reduce<kMax>},
    {"ReduceMean", reduce<kMean>},
    {"ReduceMin", reduce<kMin>},
    {"ReduceSum", reduce<kSum>},
    {"Reshape", reshape},
    {"Resize", resize},
    {"Slice", slice},
    {"SpaceToDepth", space_to_depth},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
    {"Upsample", resize},
};

}  // namespace

std::span<const OperatorRow> keras_movement() { return kRows; }

}  // namespace autogo
