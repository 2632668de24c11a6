// Reshapes, joins, slices and resizes in PyTorch.
//
// A reshape whose result has a known shape is written with its numbers, the batch as -1, whatever
// arithmetic the file computes them with.
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>
#include <cmath>
#include <limits>

#include "torch_ops.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

PyExpr reshape(Call& c) {
  const int v = c.op.outputs[0];
  const int batch = c.view.batch_axis(v);
  if (c.view.shape_is_known(c.op) && batch >= 0) {
    Ints dims(c.out_shape().dims().begin(), c.out_shape().dims().end());
    dims[static_cast<std::size_t>(batch)] = -1;
    const bool kept = batch == 0 && c.view.batch_axis(c.op.inputs[0]) == 0 &&
                      c.out_shape()[0] == c.in_shape(0)[0];
    if (dims.size() == 2 && kept && c.in_shape(0).rank() > 2) {
      return py_method(c.in(0), "flatten", {"1"});
    }
    return py_method(c.in(0), "reshape", {py_items(dims)});
  }
  if (const auto target = c.constant(1)) {
    Ints dims = target->integers();
    const bool zero_is_zero = c.op.integer("allowzero", 0) != 0;
    for (std::size_t i = 0; i < dims.size() && !zero_is_zero; ++i) {
      if (dims[i] == 0) dims[i] = c.in_shape(0)[i];
    }
    return py_method(c.in(0), "reshape", {py_items(dims)});
  }
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
  const std::int64_t axis = c.op.integer("axis", 1);
  const std::size_t count = c.op.inputs.size();
  auto repeated = [&](std::size_t i) {
    const Shape& shape = c.in_shape(i);
    return !c.view.computed(c.op.inputs[i]) && axis != 0 && shape.rank() > 1 && shape[0] == 1;
  };
  std::size_t leader = count;  // an operand that has the batch in its first axis
  bool any = false;
  for (std::size_t i = 0; i < count; ++i) {
    const int v = c.op.inputs[i];
    if (leader == count && c.view.computed(v) && c.view.batch_axis(v) == 0) leader = i;
    any = any || repeated(i);
  }
  const std::string batch = any && leader < count ? c.variable(leader).text : "";
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    const PyExpr operand = c.in(i);
    std::string text = operand.text;
    if (c.number(i) && c.constant(i)->elements() == 1) {
      text = py_call("torch.tensor", {"[" + text + "]"}).text;
    } else if (!batch.empty() && repeated(i)) {
      std::string dims = "len(" + batch + ")";
      for (int d = 1; d < c.in_shape(i).rank(); ++d) dims += ", -1";
      text = py_method(operand, "expand", {dims}).text;
    }
    list += (list.empty() ? "" : ", ") + text;
  }
  return py_call("torch.cat", {"[" + list + "]", "dim=" + std::to_string(axis)});
}

PyExpr split(Call& c) {
  const std::size_t rank = c.rank(0), axis = c.axis(c.op.integer("axis", 0), rank);
  const auto parts = static_cast<std::int64_t>(c.op.outputs.size());
  Ints sizes = c.integers("split", 1).value_or(Ints{});
  const std::int64_t whole = c.in_shape(0)[axis];
  if (sizes.empty()) {
    if (whole <= 0) c.refuse("the size of the axis that it splits is not known");
    const std::int64_t each = (whole + parts - 1) / parts;
    for (std::int64_t left = whole; left > 0; left -= each) sizes.push_back(std::min(each, left));
  }
  PyExpr pieces = py_method(c.in(0), "split", {py_list(sizes), "dim=" + std::to_string(axis)});
  pieces.tuple = parts > 1;
  if (parts == 1) pieces.text += "[0]";
  return pieces;
}

PyExpr slice(Call& c) {
  const bool attributes = c.view.program().opset < 10;
  const auto starts = c.integers(attributes ? "starts" : nullptr, 1);
  const auto ends = c.integers(attributes ? "ends" : nullptr, 2);
  const auto axes = c.integers(attributes ? "axes" : nullptr, 3);
  const auto steps = c.integers(nullptr, 4);
  if (!starts || !ends) c.refuse("starts and ends are missing");
  const std::size_t rank = c.rank(0);
  std::vector<std::string> index(rank, ":");
  std::size_t used = 0;
  PyExpr x = c.in(0);
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::size_t axis = axes ? c.axis((*axes)[i], rank) : i;
    const std::int64_t step = steps ? (*steps)[i] : 1, size = c.in_shape(0)[axis];
    const std::int64_t start = (*starts)[i], end = (*ends)[i];
    if (step < 0) {
      const bool whole = step == -1 && (start == -1 || start >= size - 1) && end < -size;
      if (!whole) c.refuse("a slice that runs backwards over a part has no form in PyTorch");
      x = py_method(x, "flip", {std::to_string(axis)});
      continue;
    }
    const bool open = end >= std::numeric_limits<std::int32_t>::max() || (size > 0 && end >= size);
    index[axis] = (start == 0 ? "" : std::to_string(start)) + ":" +
                  (open ? "" : std::to_string(end)) + (step == 1 ? "" : ":" + std::to_string(step));
    if (index[axis] != ":") used = std::max(used, axis + 1);
  }
  if (used == 0) return x;
  std::string text;
  for (std::size_t i = 0; i < used; ++i) text += (i > 0 ? ", " : "") + index[i];
  return {grouped(x) + "[" + text + "]"};
}

PyExpr expand(Call& c) {
  if (const auto target = c.constant(1)) {
    const int batch = c.view.batch_axis(c.op.outputs[0]);
    Ints dims = target->integers();
    const std::size_t rank = c.rank(0);
    if (dims.size() < rank) dims.insert(dims.begin(), rank - dims.size(), 1);
    const std::size_t added = dims.size() - rank;
    for (std::size_t i = added; i < dims.size(); ++i) {
      const bool keeps = dims[i] == 1 || dims[i] == c.in_shape(0)[i - added];
      if (keeps || static_cast<int>(i) == batch) dims[i] = -1;
    }
    return py_method(c.in(0), "expand", {py_items(dims)});
  }
  const std::string x = c.in(0).text;
  return py_call(c.helper("expand"), {x, c.in(1).text});
}

PyExpr tile(Call& c) {
  const auto repeats = c.integers(nullptr, 1);
  return py_method(c.in(0), "repeat", {py_items(*repeats)});
}

PyExpr gather(Call& c) {
  const std::size_t rank = c.rank(0), axis = c.axis(c.op.integer("axis", 0), rank);
  const std::string a = std::to_string(axis);
  const auto index = c.constant(1);
  if (index && index->elements() == 1) {
    const std::string i = std::to_string(index->integers()[0]);
    const PyExpr x = c.in(0);
    if (!index->dims.empty()) {
      return py_method(py_method(x, "select", {a, i}), "unsqueeze", {a});
    }
    return {grouped(x) + (axis == 0 ? "[" : axis == 1 ? "[:, " : "[:, :, ") + i + "]", true};
  }
  if (index && index->dims.size() == 1) {
    const PyExpr x = c.in(0);
    const std::string list = py_list(index->integers());
    if (index->elements() > 256) c.refuse("a table of more than 256 indices");
    std::string colons;
    for (std::size_t d = 0; d < axis; ++d) colons += ":, ";
    return {grouped(x) + "[" + colons + list + "]"};
  }
  const PyExpr x = c.in(0);
  if (axis == 0 && rank == 2 && !c.view.computed(c.op.inputs[0])) {
    return py_call("F.embedding", {c.in(1).text, x.text});
  }
  return py_call(c.helper("gather"), {x.text, c.in(1).text, a});
}

PyExpr gather_elements(Call& c) {
  const std::size_t axis = c.axis(c.op.integer("axis", 0), c.rank(0));
  const std::string size = std::to_string(c.in_shape(0)[axis]);
  const PyExpr x = c.in(0), index = py_infix({c.in(1), {size}}, "%");  // from the end, too
  return py_method(x, "gather", {std::to_string(axis), index.text});
}

PyExpr top_k(Call& c) {
  const auto k = c.number(1);
  if (!k) c.refuse("the number of entries is computed");
  const std::string largest = py_bool(c.op.integer("largest", 1) != 0);
  PyExpr result =
      py_method(c.in(0), "topk",
                {std::to_string(static_cast<int>(*k)),
                 "dim=" + std::to_string(c.op.integer("axis", -1)), "largest=" + largest});
  result.tuple = true;
  return result;
}

PyExpr triangle(Call& c) {
  std::string diagonal = "0";
  if (c.has(1)) {
    const auto k = c.number(1);
    if (!k) c.refuse("the diagonal is computed");
    diagonal = std::to_string(static_cast<int>(*k));
  }
  return py_method(c.in(0), c.op.integer("upper", 1) != 0 ? "triu" : "tril", {diagonal});
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
  if (mode != "constant" && first < 2) c.refuse("pads the batch or the channels by " + mode);
  Ints kept;
  for (const std::size_t side : {std::size_t{0}, rank}) {
    for (std::size_t d = first; d < rank; ++d) kept.push_back(pads[d + side]);
  }
  std::vector<std::string> arguments{c.in(0).text, torch_pads(kept)};
  if (mode == "reflect" || mode == "edge" || mode == "wrap") {
    arguments.push_back(std::string("mode=\"") +
                        (mode == "edge"   ? "replicate"
                         : mode == "wrap" ? "circular"
                                          : "reflect") +
                        "\"");
  } else {
    double value = static_cast<double>(c.op.real("value", 0));
    if (!attributes && c.has(2)) {
      const auto number = c.number(2);
      if (!number) c.refuse("the value that it pads with is computed");
      value = *number;
    }
    if (value != 0) arguments.push_back("value=" + py_float(value));
  }
  return py_call("F.pad", arguments);
}

/// The factors or the sizes of a resize, as F.interpolate takes them: whichever the file gives, for
/// positions are computed from it.
std::string resize_target(Call& c, bool old) {
  std::vector<double> factors;
  if (const auto given = c.op.reals("scales")) factors.assign(given->begin(), given->end());
  if (const auto given = c.constant(old ? 1 : 2); factors.empty() && given) {
    factors = real_values(given->read());
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
  if (c.rank(0) != 4 || !in.known() || !out.known() || in[1] != out[1]) {
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
    const bool fits = (rule == "asymmetric" && rounding == "floor") || (half && whole);
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
    {"Concat", concat},
    {"DepthToSpace", depth_to_space},
    {"Expand", expand},
    {"Flatten", flatten},
    {"Gather", gather},
    {"GatherElements", gather_elements},
    {"Pad", pad},
    {"Reshape", reshape},
    {"Resize", resize},
    {"Slice", slice},
    {"SpaceToDepth", space_to_depth},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Tile", tile},
    {"TopK", top_k},
    {"Transpose", transpose},
    {"Trilu", triangle},
    {"Unsqueeze", unsqueeze},
    {"Upsample", resize},
};

}  // namespace

std::span<const OperatorRow> torch_movement() { return kRows; }

}  // namespace autogo
