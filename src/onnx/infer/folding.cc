// Computing with small constants: the shape arithmetic that exporters write (Shape, Gather, Div,
// Concat, Slice, ... into a Reshape, Expand or Resize). Only operations whose result is exact in
// every implementation are here: integers, comparisons, data movement, and the float operations
// that IEEE 754 rounds correctly (a double computation rounded to the type gives the same bits), so
// that replacing nodes by the numbers cannot change what a network computes.
//
// A result of more than kSmallLimit elements is not computed, and one of none is at once: so every
// loop below is bounded by the elements that it produces, whatever the dimensions before a 0 are.
// The dimensions are those that inference found before; they must be known.
//
// Tested by tests/onnx/folding_test.cc.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string_view>

#include "infer.h"
#include "onnx/tensor_data.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;
using Results = std::optional<std::vector<SmallTensor>>;

std::size_t count_of(const Ints& dims) {
  std::size_t product = 1;
  for (const std::int64_t d : dims) product *= static_cast<std::size_t>(d);
  return product;
}

/// Row-major strides; 0 along broadcast dimensions, aligned to the right of `out`.
Ints broadcast_strides(const Ints& dims, const Ints& out) {
  Ints strides(out.size(), 0);
  std::int64_t step = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    const std::size_t at = out.size() - dims.size() + i;
    if (dims[i] != 1) strides[at] = step;
    step *= dims[i];
  }
  return strides;
}

/// For every element of `out` in row-major order the index start + sum position x stride.
std::vector<std::size_t> walk(const Ints& out, const Ints& strides, std::int64_t start = 0) {
  const std::size_t count = count_of(out);
  std::vector<std::size_t> indices;
  indices.reserve(count);
  Ints position(out.size(), 0);
  std::int64_t at = start;
  for (std::size_t n = 0; n < count; ++n) {
    indices.push_back(static_cast<std::size_t>(at));
    for (std::size_t i = out.size(); i-- > 0;) {
      at += strides[i];
      if (++position[i] < out[i]) break;
      at -= strides[i] * out[i];
      position[i] = 0;
    }
  }
  return indices;
}

SmallTensor pick(const SmallTensor& in, const Ints& dims, const std::vector<std::size_t>& indices) {
  SmallTensor out{in.dtype, dims, {}, {}};
  for (const std::size_t i : indices) {
    if (in.floating()) {
      out.reals.push_back(in.reals[i]);
    } else {
      out.ints.push_back(in.ints[i]);
    }
  }
  return out;
}

Results single(SmallTensor tensor) {
  std::vector<SmallTensor> results;
  results.push_back(std::move(tensor));
  return results;
}

/// `value` wrapped into an integer type, as two's complement arithmetic in that type gives it.
std::int64_t wrap(DType type, std::int64_t value) {
  switch (type) {
    case DType::kInt8:
      return static_cast<std::int8_t>(value);
    case DType::kUint8:
      return static_cast<std::uint8_t>(value);
    case DType::kInt16:
      return static_cast<std::int16_t>(value);
    case DType::kUint16:
      return static_cast<std::uint16_t>(value);
    case DType::kInt32:
      return static_cast<std::int32_t>(value);
    case DType::kUint32:
      return static_cast<std::uint32_t>(value);
    case DType::kBool:
      return value != 0 ? 1 : 0;
    default:
      return value;
  }
}

std::int64_t unsigned_op(std::int64_t a, std::int64_t b, char op) {
  const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
  return static_cast<std::int64_t>(op == '+' ? x + y : op == '-' ? x - y : x * y);
}

/// Integer results; no value where the operation is undefined (a division by zero).
std::optional<std::int64_t> integer_op(std::string_view op, std::int64_t a, std::int64_t b) {
  if (op == "Add" || op == "Sum") return unsigned_op(a, b, '+');
  if (op == "Sub") return unsigned_op(a, b, '-');
  if (op == "Mul") return unsigned_op(a, b, '*');
  if (op == "Min") return std::min(a, b);
  if (op == "Max") return std::max(a, b);
  if (op == "And") return a != 0 && b != 0;
  if (op == "Or") return a != 0 || b != 0;
  if (op == "Equal") return a == b;
  if (op == "Less") return a < b;
  if (op == "Greater") return a > b;
  if (op == "LessOrEqual") return a <= b;
  if (op == "GreaterOrEqual") return a >= b;
  if (b == 0 || (a == INT64_MIN && b == -1)) return std::nullopt;
  if (op == "Div") return a / b;  // towards zero, as C++
  if (op == "Mod") {              // the sign of the divisor, as Python (fmod = 0)
    const std::int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  return std::nullopt;
}

std::optional<double> real_op(std::string_view op, double a, double b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Div") return a / b;
  if (op == "Min") return std::min(a, b);
  if (op == "Max") return std::max(a, b);
  return std::nullopt;
}

std::optional<bool> real_compare(std::string_view op, double a, double b) {
  if (op == "Equal") return a == b;
  if (op == "Less") return a < b;
  if (op == "Greater") return a > b;
  if (op == "LessOrEqual") return a <= b;
  if (op == "GreaterOrEqual") return a >= b;
  return std::nullopt;
}

Results binary(const NodeView& n, const InferredValue& type) {
  const SmallTensor *a = n.data(0), *b = n.data(1);
  if (n.num_inputs() != 2 || a == nullptr || b == nullptr || a->dtype != b->dtype) {
    return std::nullopt;
  }
  if (n.op() == "Mod" && attribute_int(n.proto(), "fmod", 0) != 0) return std::nullopt;
  if (a->dtype == DType::kUint64) return std::nullopt;  // its order is not that of our integers
  SmallTensor out{type.dtype, *type.dims, {}, {}};
  const auto left = walk(out.dims, broadcast_strides(a->dims, out.dims));
  const auto right = walk(out.dims, broadcast_strides(b->dims, out.dims));
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!a->floating()) {
      const auto value = integer_op(n.op(), a->ints[left[i]], b->ints[right[i]]);
      if (!value) return std::nullopt;
      out.ints.push_back(wrap(out.dtype, *value));
    } else if (out.dtype == DType::kBool) {
      const auto value = real_compare(n.op(), a->reals[left[i]], b->reals[right[i]]);
      if (!value) return std::nullopt;
      out.ints.push_back(*value ? 1 : 0);
    } else {
      const auto value = real_op(n.op(), a->reals[left[i]], b->reals[right[i]]);
      if (!value) return std::nullopt;
      out.reals.push_back(round_to(out.dtype, *value));
    }
  }
  return single(std::move(out));
}

Results unary(const NodeView& n, const InferredValue&) {
  const SmallTensor* in = n.data(0);
  if (in == nullptr) return std::nullopt;
  SmallTensor out = *in;
  for (std::int64_t& v : out.ints) {
    if (n.op() == "Neg") v = wrap(out.dtype, unsigned_op(0, v, '-'));
    if (n.op() == "Abs") v = wrap(out.dtype, v < 0 ? unsigned_op(0, v, '-') : v);
    if (n.op() == "Not") v = v == 0 ? 1 : 0;
  }
  for (double& v : out.reals) {
    if (n.op() == "Neg") v = -v;
    if (n.op() == "Abs") v = std::fabs(v);
    if (n.op() == "Floor") v = std::floor(v);
    if (n.op() == "Ceil") v = std::ceil(v);
    if (n.op() == "Sqrt") v = round_to(out.dtype, std::sqrt(v));
  }
  return single(std::move(out));
}

/// The same elements in another shape.
Results reshaped(const NodeView& n, const InferredValue& type) {
  const SmallTensor* in = n.data(0);
  if (in == nullptr || in->size() != count_of(*type.dims)) return std::nullopt;
  SmallTensor out = *in;
  out.dims = *type.dims;
  return single(std::move(out));
}

Results shape(const NodeView& n, const InferredValue& type) {
  const Dims& in = n.dims(0);
  if (!all_known(in)) return std::nullopt;
  SmallTensor out{DType::kInt64, *type.dims, {}, {}};
  if (n.op() == "Size") {
    const std::int64_t elements = num_elements(in);
    if (elements < 0) return std::nullopt;
    out.ints = {elements};
    return single(std::move(out));
  }
  const auto rank = static_cast<std::int64_t>(in->size());
  std::int64_t start = attribute_int(n.proto(), "start", 0);
  start = std::clamp<std::int64_t>(start < 0 ? start + rank : start, 0, rank);
  out.ints.assign(in->begin() + start, in->begin() + start + (*type.dims)[0]);
  return single(std::move(out));
}

Results cast(const NodeView& n, const InferredValue& type) {
  const SmallTensor* in = n.data(0);
  if (in == nullptr || (!is_floating(type.dtype) && !is_integral(type.dtype))) return std::nullopt;
  SmallTensor out{type.dtype, in->dims, {}, {}};
  for (const double v : in->reals) {
    if (out.floating()) {
      out.reals.push_back(round_to(out.dtype, v));
      continue;
    }
    if (!(std::fabs(v) < 9e18)) return std::nullopt;  // no defined result
    const auto whole = static_cast<std::int64_t>(v);
    const std::int64_t wrapped = out.dtype == DType::kBool ? v != 0 : wrap(out.dtype, whole);
    if (out.dtype != DType::kBool && wrapped != whole) return std::nullopt;
    out.ints.push_back(wrapped);
  }
  for (const std::int64_t v : in->ints) {
    if (out.floating()) {
      out.reals.push_back(round_to(out.dtype, static_cast<double>(v)));
    } else {
      out.ints.push_back(wrap(out.dtype, v));
    }
  }
  return single(std::move(out));
}

Results constant(const NodeView& n, const InferredValue& type) {
  SmallTensor out{type.dtype, *type.dims, {}, {}};
  for (const onnx::AttributeProto& a : n.proto().attribute()) {
    if (a.name() == "value" && a.has_t()) {
      const auto data = read_small(n.source(), a.t());
      return data ? single(*data) : std::nullopt;
    }
    if (a.name() == "value_int") out.ints = {a.i()};
    if (a.name() == "value_ints") out.ints.assign(a.ints().begin(), a.ints().end());
    if (a.name() == "value_float") out.reals = {a.f()};
    if (a.name() == "value_floats") out.reals.assign(a.floats().begin(), a.floats().end());
  }
  if (out.size() != count_of(out.dims)) return std::nullopt;
  return single(std::move(out));
}

Results constant_of_shape(const NodeView& n, const InferredValue& type) {
  SmallTensor out{type.dtype, *type.dims, {}, {}};
  double real = 0;
  std::int64_t integer = 0;
  const onnx::AttributeProto* value = find_attribute(n.proto(), "value");
  if (value != nullptr && value->has_t()) {
    const auto data = read_small(n.source(), value->t());
    if (!data || data->size() != 1) return std::nullopt;
    if (data->floating()) real = data->reals[0];
    if (!data->floating()) integer = data->ints[0];
  }
  const std::size_t count = count_of(out.dims);
  if (out.floating()) {
    out.reals.assign(count, real);
  } else {
    out.ints.assign(count, integer);
  }
  return single(std::move(out));
}

Results gather(const NodeView& n, const InferredValue& type) {
  const SmallTensor *in = n.data(0), *at = n.data(1);
  if (in == nullptr || at == nullptr || at->floating()) return std::nullopt;
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 0), in->dims.size());
  const std::int64_t size = in->dims[axis];
  std::size_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < in->dims.size(); ++i) {
    if (i < axis) outer *= static_cast<std::size_t>(in->dims[i]);
    if (i > axis) inner *= static_cast<std::size_t>(in->dims[i]);
  }
  std::vector<std::size_t> indices;
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::int64_t i : at->ints) {
      if (i < -size || i >= size) return std::nullopt;
      const auto row = static_cast<std::size_t>(i < 0 ? i + size : i);
      for (std::size_t k = 0; k < inner; ++k) {
        indices.push_back((o * static_cast<std::size_t>(size) + row) * inner + k);
      }
    }
  }
  return single(pick(*in, *type.dims, indices));
}

Results slice(const NodeView& n, const InferredValue& type) {
  const SmallTensor* in = n.data(0);
  if (in == nullptr) return std::nullopt;
  const auto spec = slice_spec(n, in->dims.size());
  if (!spec) return std::nullopt;
  Ints steps(in->dims.size());
  std::int64_t step = 1, start = 0;
  for (std::size_t i = in->dims.size(); i-- > 0;) {
    steps[i] = step;
    step *= in->dims[i];
  }
  Ints strides = steps;
  for (std::size_t i = 0; i < spec->axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(spec->axes[i]);
    const SliceRange range =
        slice_range(in->dims[axis], spec->starts[i], spec->ends[i], spec->steps[i]);
    if (range.count == 0) return single(SmallTensor{in->dtype, *type.dims, {}, {}});
    start += range.start * steps[axis];
    // The stride matters only where something is strided over.
    strides[axis] = range.count > 1 ? range.step * steps[axis] : 0;
  }
  return single(pick(*in, *type.dims, walk(*type.dims, strides, start)));
}

Results concat(const NodeView& n, const InferredValue& type) {
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 0), type.dims->size());
  std::size_t outer = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>((*type.dims)[i]);
  SmallTensor out{type.dtype, *type.dims, {}, {}};
  for (std::size_t i = 0; i < n.num_inputs(); ++i) {
    if (n.data(i) == nullptr || n.data(i)->dtype != out.dtype) return std::nullopt;
  }
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t i = 0; i < n.num_inputs(); ++i) {
      const SmallTensor& in = *n.data(i);
      const std::size_t run = in.size() / outer;
      for (std::size_t k = o * run; k < (o + 1) * run; ++k) {
        if (out.floating()) {
          out.reals.push_back(in.reals[k]);
        } else {
          out.ints.push_back(in.ints[k]);
        }
      }
    }
  }
  return single(std::move(out));
}

Results where(const NodeView& n, const InferredValue& type) {
  const SmallTensor *condition = n.data(0), *a = n.data(1), *b = n.data(2);
  if (condition == nullptr || a == nullptr || b == nullptr) return std::nullopt;
  if (condition->floating() || a->dtype != b->dtype) return std::nullopt;
  SmallTensor out{type.dtype, *type.dims, {}, {}};
  const auto c = walk(out.dims, broadcast_strides(condition->dims, out.dims));
  const auto left = walk(out.dims, broadcast_strides(a->dims, out.dims));
  const auto right = walk(out.dims, broadcast_strides(b->dims, out.dims));
  for (std::size_t i = 0; i < c.size(); ++i) {
    const bool yes = condition->ints[c[i]] != 0;
    const SmallTensor& from = yes ? *a : *b;
    const std::size_t at = yes ? left[i] : right[i];
    if (out.floating()) {
      out.reals.push_back(from.reals[at]);
    } else {
      out.ints.push_back(from.ints[at]);
    }
  }
  return single(std::move(out));
}

Results expand(const NodeView& n, const InferredValue& type) {
  const SmallTensor* in = n.data(0);
  if (in == nullptr) return std::nullopt;
  return single(pick(*in, *type.dims, walk(*type.dims, broadcast_strides(in->dims, *type.dims))));
}

Results transpose(const NodeView& n, const InferredValue& type) {
  const SmallTensor* in = n.data(0);
  if (in == nullptr) return std::nullopt;
  Ints steps(in->dims.size()), strides;
  std::int64_t step = 1;
  for (std::size_t i = in->dims.size(); i-- > 0;) {
    steps[i] = step;
    step *= in->dims[i];
  }
  const auto perm = attribute_ints(n.proto(), "perm");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    strides.push_back(steps[perm ? checked_axis((*perm)[i], steps.size()) : steps.size() - 1 - i]);
  }
  return single(pick(*in, *type.dims, walk(*type.dims, strides)));
}

Results range(const NodeView& n, const InferredValue& type) {
  const SmallTensor *start = n.data(0), *delta = n.data(2);
  if (start == nullptr || delta == nullptr || start->floating() || delta->floating() ||
      start->size() != 1 || delta->size() != 1) {
    return std::nullopt;
  }
  SmallTensor out{type.dtype, *type.dims, {}, {}};
  std::int64_t value = start->ints[0];
  for (std::int64_t i = 0; i < out.dims[0]; ++i) {
    out.ints.push_back(value);
    value = unsigned_op(value, delta->ints[0], '+');
  }
  return single(std::move(out));
}

/// Over all elements only: the number of elements, an index's maximum.
Results reduce(const NodeView& n, const InferredValue& type) {
  const SmallTensor* in = n.data(0);
  if (in == nullptr || in->floating() || count_of(*type.dims) != 1 || in->ints.empty()) {
    return std::nullopt;
  }
  const char* op = n.op() == "ReduceSum"    ? "Add"
                   : n.op() == "ReduceProd" ? "Mul"
                   : n.op() == "ReduceMax"  ? "Max"
                                            : "Min";
  std::int64_t value = in->ints[0];
  for (std::size_t i = 1; i < in->ints.size(); ++i) value = *integer_op(op, value, in->ints[i]);
  return single(SmallTensor{in->dtype, *type.dims, {wrap(in->dtype, value)}, {}});
}

using Folder = std::function<Results(const NodeView&, const InferredValue&)>;

const std::map<std::string_view, Folder>& folders() {
  static const std::map<std::string_view, Folder> table = [] {
    std::map<std::string_view, Folder> t;
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "And", "Or", "Equal",
                           "Less", "Greater", "LessOrEqual", "GreaterOrEqual"}) {
      t[op] = binary;
    }
    for (const char* op : {"Neg", "Abs", "Not", "Floor", "Ceil", "Sqrt"}) t[op] = unary;
    for (const char* op : {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}) {
      t[op] = reshaped;
    }
    for (const char* op : {"ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"}) t[op] = reduce;
    t["Shape"] = t["Size"] = shape;
    t["Cast"] = cast;
    t["Constant"] = constant;
    t["ConstantOfShape"] = constant_of_shape;
    t["Gather"] = gather;
    t["Slice"] = slice;
    t["Concat"] = concat;
    t["Where"] = where;
    t["Expand"] = expand;
    t["Transpose"] = transpose;
    t["Range"] = range;
    return t;
  }();
  return table;
}

Results fold_split(const NodeView& n, const std::vector<InferredValue>& types) {
  const SmallTensor* in = n.data(0);
  if (in == nullptr || in->dims.size() != 1) return std::nullopt;
  std::vector<SmallTensor> parts;
  std::size_t at = 0;
  for (const InferredValue& type : types) {
    std::vector<std::size_t> indices(count_of(*type.dims));
    for (std::size_t& i : indices) i = at++;
    parts.push_back(pick(*in, *type.dims, indices));
  }
  return parts;
}

/// Whether the numbers of every input that is there are known.
bool all_data(const NodeView& n) {
  for (std::size_t i = 0; i < n.num_inputs(); ++i) {
    if (n.has(i) && n.data(i) == nullptr) return false;
  }
  return true;
}

}  // namespace

Results fold(const NodeView& n, const std::vector<InferredValue>& types) {
  if (!standard_domain(n.proto()) || types.empty()) return std::nullopt;
  for (const InferredValue& type : types) {
    const std::int64_t elements = num_elements(type.dims);
    if (elements < 0 || elements > kSmallLimit) return std::nullopt;
  }
  if (n.op() == "Split") return fold_split(n, types);
  const auto it = folders().find(n.op());
  if (it == folders().end() || types.size() != 1) return std::nullopt;
  const DType dtype = types[0].dtype;
  if (num_elements(types[0].dims) == 0 && (is_floating(dtype) || is_integral(dtype))) {
    if (!all_data(n)) return std::nullopt;
    return single(SmallTensor{dtype, *types[0].dims, {}, {}});
  }
  return it->second(n, types[0]);
}

}  // namespace autogo
