// Reshapes, joins, slices and pads in PyTorch.
//
// A reshape whose result has a known shape is written with its numbers, the batch as -1, whatever
// arithmetic the file computes them with.
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>

#include "torch_ops.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

PyExpr reshape(Call& c) {
  const int v = c.op.outputs[0];
  const int batch = c.view.batch_axis(v);
  if (c.out_shape().known() && c.out_shape().elements() == 0) {  // nothing to compute a -1 from
    return py_method(c.in(0), "reshape", {py_dims(c.out_shape().dims())});
  }
  if (c.view.shape_is_known(c.op) && batch >= 0) {
    Ints dims(c.out_shape().dims().begin(), c.out_shape().dims().end());
    dims[static_cast<std::size_t>(batch)] = -1;
    const bool kept =
        batch == 0 && c.view.batch_axis(c.operand(0)) == 0 && c.out_shape()[0] == c.in_shape(0)[0];
    if (dims.size() == 2 && kept && c.in_shape(0).rank() > 2) {
      return py_method(c.in(0), "flatten", {"1"});
    }
    return py_method(c.in(0), "reshape", {py_items(dims)});
  }
  const bool zero_is_zero = c.op.integer("allowzero", 0) != 0;
  if (const auto target = c.constant(1)) {
    Ints dims = target->integers();
    for (std::size_t i = 0; i < dims.size() && !zero_is_zero; ++i) {
      if (dims[i] == 0) dims[i] = c.rank(0) > i ? c.in_shape(0)[i] : -1;
    }
    return py_method(c.in(0), "reshape", {py_dims(dims)});
  }
  if (zero_is_zero) c.refuse("allowzero with a shape that is computed");
  const std::string x = c.in(0).text;
  return py_call(c.helper("reshape"), {x, c.in(1).text});
}

PyExpr flatten(Call& c) {
  const std::size_t rank = c.rank(0);
  const std::int64_t given = c.op.integer("axis", 1);
  const std::size_t axis = given == static_cast<std::int64_t>(rank) ? rank : c.axis(given, rank);
  const PyExpr x = c.in(0);
  if (axis == 0) return py_method(x, "reshape", {"1", "-1"});
  if (axis == rank) return py_method(x, "reshape", {"-1", "1"});
  const PyExpr tail = axis + 1 == rank ? x : py_method(x, "flatten", {std::to_string(axis)});
  return axis == 1 ? tail : py_method(tail, "flatten", {"0", std::to_string(axis - 1)});
}

PyExpr transpose(Call& c) {
  const std::size_t rank = c.rank(0);
  Ints perm = c.op.integers("perm").value_or(Ints{});
  if (perm.empty()) {
    for (std::size_t i = rank; i-- > 0;) perm.push_back(static_cast<std::int64_t>(i));
  }
  Ints moved;
  for (std::size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<std::int64_t>(i)) moved.push_back(static_cast<std::int64_t>(i));
  }
  if (moved.empty()) return c.in(0);
  if (moved.size() == 2) return py_method(c.in(0), "transpose", {py_items(moved)});
  return py_method(c.in(0), "permute", {py_items(perm)});
}

PyExpr squeeze(Call& c) {
  const auto axes = c.integers("axes", 1);
  const std::size_t rank = c.rank(0);
  std::vector<std::size_t> over;
  if (axes) {
    for (const std::int64_t a : *axes) over.push_back(c.axis(a, rank));
  } else {
    for (std::size_t d = 0; d < rank; ++d) {
      if (c.in_shape(0)[d] == 1) over.push_back(d);
    }
  }
  std::ranges::sort(over, std::greater<>());
  PyExpr x = c.in(0);
  for (const std::size_t a : over) x = py_method(x, "squeeze", {std::to_string(a)});
  return x;
}

PyExpr unsqueeze(Call& c) {
  const auto axes = c.integers("axes", 1);
  if (!axes) c.refuse("axes are missing");
  const std::size_t rank = c.rank(0) + axes->size();
  std::vector<std::size_t> added;
  for (const std::int64_t a : *axes) added.push_back(c.axis(a, rank));
  std::ranges::sort(added);
  PyExpr x = c.in(0);
  for (const std::size_t a : added) x = py_method(x, "unsqueeze", {std::to_string(a)});
  return x;
}

/// A weight among the operands, such as a class token, is repeated for the batch.
PyExpr concat(Call& c) {
  const std::size_t count = c.op.inputs.size(), axis = c.axis(c.op.integer("axis", 1), c.rank(0));
  auto repeated = [&](std::size_t i) {
    const Shape& shape = c.in_shape(i);
    return !c.view.computed(c.operand(i)) && axis != 0 && shape.rank() > 1 && shape[0] == 1;
  };
  std::size_t leader = count;  // an operand that has the batch in its first axis
  bool any = false;
  for (std::size_t i = 0; i < count; ++i) {
    const int v = c.operand(i);
    if (leader == count && c.view.computed(v) && c.view.batch_axis(v) == 0) leader = i;
    any = any || repeated(i);
  }
  const std::string batch = any && leader < count ? c.variable(leader).text : "";
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    const PyExpr operand = c.in(i);
    std::string text = operand.text;
    if (!batch.empty() && repeated(i)) {
      std::string dims = "len(" + batch + ")";
      for (int d = 1; d < c.in_shape(i).rank(); ++d) dims += ", -1";
      text = py_method(operand, "expand", {dims}).text;
    }
    list += (list.empty() ? "" : ", ") + text;
  }
  return py_call("torch.cat", {"[" + list + "]", "dim=" + std::to_string(axis)});
}

PyExpr split(Call& c) {
  const SplitParts parts = split_parts(c);
  PyExpr pieces =
      py_method(c.in(0), "split", {py_list(parts.sizes), "dim=" + std::to_string(parts.axis)});
  pieces.tuple = parts.sizes.size() > 1;
  if (!pieces.tuple) pieces.text += "[0]";
  return pieces;
}

PyExpr slice(Call& c) {
  const std::size_t rank = c.rank(0);
  std::vector<std::string> index(rank, ":");
  PyExpr x = c.in(0);
  for (const PythonSlice& range : slice_ranges(c)) {
    if (range.step < 0) {
      if (!range.flips())
        c.refuse("a slice that runs backwards over a part has no form in PyTorch");
      x = py_method(x, "flip", {std::to_string(range.axis)});
    } else {
      index[range.axis] = py_slice(range);
    }
  }
  return py_sliced(x, index);
}

PyExpr expand(Call& c) {
  if (const auto target = c.constant(1)) {
    Ints dims = target->integers();
    const std::size_t rank = c.rank(0);
    if (dims.size() < rank) dims.insert(dims.begin(), rank - dims.size(), 1);
    const std::size_t added = dims.size() - rank;
    for (std::size_t i = added; i < dims.size(); ++i) {
      if (dims[i] == 1 || dims[i] == c.in_shape(0)[i - added]) dims[i] = -1;
    }
    return py_method(c.in(0), "expand", {py_dims(dims)});
  }
  const std::string x = c.in(0).text;
  return py_call(c.helper("expand"), {x, c.in(1).text});
}

PyExpr tile(Call& c) {
  const auto repeats = c.integers(nullptr, 1);
  if (!repeats) c.refuse("repeats are missing");
  return py_method(c.in(0), "repeat", {py_dims(*repeats)});
}

PyExpr triangle(Call& c) {
  const PyExpr x = c.in(0);
  const std::string diagonal = c.has(1) ? torch_count(c, 1) : "0";
  return py_method(x, c.op.integer("upper", 1) != 0 ? "triu" : "tril", {diagonal});
}

PyExpr depth_to_space(Call& c) {
  const std::string b = std::to_string(c.op.integer("blocksize", 1));
  const bool by_column = c.op.text("mode", "DCR") == "CRD";
  return py_call(by_column ? "F.pixel_shuffle" : c.helper("depth_to_space"), {c.in(0).text, b});
}

PyExpr space_to_depth(Call& c) {
  const std::string b = std::to_string(c.op.integer("blocksize", 1));
  return py_call(c.helper("space_to_depth"), {c.in(0).text, b});
}

/// PyTorch's name of a mode; nothing when it has none.
const char* torch_pads_by(const std::string& mode) {
  return mode == "edge"      ? "replicate"
         : mode == "wrap"    ? "circular"
         : mode == "reflect" ? "reflect"
                             : nullptr;
}

PyExpr pad(Call& c) {
  const bool attributes = c.view.program().opset < 11;
  const auto amounts = c.integers(attributes ? "pads" : nullptr, 1);
  const auto axes = c.integers(nullptr, 3);
  const std::size_t rank = c.rank(0);
  Ints pads(2 * rank, 0);
  const std::size_t count = axes && !attributes ? axes->size() : rank;
  if (!amounts || amounts->size() != 2 * count) c.refuse("pads do not fit its input");
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = axes && !attributes ? c.axis((*axes)[i], rank) : i;
    pads[axis] = (*amounts)[i];
    pads[axis + rank] = (*amounts)[i + count];
  }
  std::size_t first = 0;  // leading axes without pads
  while (first < rank && pads[first] == 0 && pads[first + rank] == 0) ++first;
  if (first == rank) return c.in(0);
  const std::string mode = c.op.text("mode", "constant");
  if (mode != "constant") first = std::min<std::size_t>(first, 2);
  if (mode != "constant" && (rank > 5 || !torch_pads_by(mode) || is_whole(c.in_type(0)))) {
    c.refuse("PyTorch does not pad this by " + mode);
  }
  if (mode != "constant" && first < 2) c.refuse("pads the batch or the channels by " + mode);
  Ints kept;
  for (const std::size_t side : {std::size_t{0}, rank}) {
    for (std::size_t d = first; d < rank; ++d) kept.push_back(pads[d + side]);
  }
  std::vector<std::string> arguments{c.in(0).text, torch_pads(kept)};
  if (mode != "constant") {
    arguments.push_back("mode=" + py_string(torch_pads_by(mode)));
  } else if (attributes) {
    const float value = c.op.real("value", 0);
    if (value != 0) arguments.push_back("value=" + py_float(static_cast<double>(value)));
  } else if (c.has(2)) {
    const auto value = c.number_text(2);
    if (!value) c.refuse("the value that it pads with is computed");
    if (c.number(2) != 0.0) arguments.push_back("value=" + *value);
  }
  return py_call("F.pad", arguments);
}

constexpr OperatorRow kRows[] = {
    {"Concat", concat},  {"DepthToSpace", depth_to_space},
    {"Expand", expand},  {"Flatten", flatten},
    {"Pad", pad},        {"Reshape", reshape},
    {"Slice", slice},    {"SpaceToDepth", space_to_depth},
    {"Split", split},    {"Squeeze", squeeze},
    {"Tile", tile},      {"Transpose", transpose},
    {"Trilu", triangle}, {"Unsqueeze", unsqueeze},
};

}  // namespace

std::span<const OperatorRow> torch_movement() { return kRows; }

}  // namespace autogo
