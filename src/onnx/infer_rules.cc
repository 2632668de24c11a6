// Types and dimensions by rules of our own. They serve every opset that we read, where the schemas
// of Debian's ONNX end at 17, and they use the constants that folding.cc knows, where the schemas'
// own data propagation gives up (a Div in a chain of shape arithmetic is enough).
//
// A rule must be right or silent: an operator without one goes to the schema (infer.cc), and what
// that cannot tell stays unknown. Where operators changed between opsets the rule looks at the
// node's form: axes as an attribute or as an input.
//
// Tested by tests/onnx/infer_test.cc, and for whole networks by tests/onnx/import_test.cc.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string_view>

#include "autogo/base/error.h"
#include "infer.h"

namespace autogo {
namespace {

using Values = std::vector<InferredValue>;
using Ints = std::vector<std::int64_t>;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

void require_input(const NodeView& n, std::size_t i) {
  if (!n.has(i)) fail("input " + std::to_string(i) + " is missing");
}

Values one(DType type, Dims dims) { return {{type, std::move(dims), nullptr}}; }

std::int64_t multiply(std::int64_t a, std::int64_t b) {
  if (a < 0 || b < 0) return -1;
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) fail("a dimension is too large");
  return product;
}

std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) fail("a dimension is too large");
  return sum;
}

std::string dims_text(const Dims& dims) {
  if (!dims) return "unknown";
  if (dims->empty()) return "scalar";
  std::string text;
  for (const std::int64_t d : *dims) {
    text += (text.empty() ? "" : "x") + (d < 0 ? std::string("?") : std::to_string(d));
  }
  return text;
}

Values same(const NodeView& n) { return one(n.dtype(0), n.dims(0)); }

Values same_with_type(const NodeView& n, DType type) { return one(type, n.dims(0)); }

Values dropout(const NodeView& n) {
  Values out = same(n);
  out.push_back({n.opset() >= 10 ? DType::kBool : n.dtype(0), n.dims(0), nullptr});
  return out;
}

Values elementwise(const NodeView& n, DType type) {
  Dims dims = n.dims(0);
  for (std::size_t i = 1; i < n.num_inputs(); ++i) {
    if (n.has(i)) dims = broadcast(dims, n.dims(i));
  }
  return one(type, dims);
}

Values matmul(const NodeView& n) {
  require_input(n, 1);
  const Dims &a = n.dims(0), &b = n.dims(1);
  if (!a || !b) return one(n.dtype(0), std::nullopt);
  if (a->empty() || b->empty()) fail("MatMul of a scalar");
  Ints left = *a, right = *b;
  if (left.size() == 1) left.insert(left.begin(), 1);
  if (right.size() == 1) right.push_back(1);
  const std::int64_t inner_a = left.back(), inner_b = right[right.size() - 2];
  if (inner_a >= 0 && inner_b >= 0 && inner_a != inner_b) {
    fail("MatMul of " + dims_text(a) + " and " + dims_text(b) + ": inner dimensions differ");
  }
  Dims dims = broadcast(Ints(left.begin(), left.end() - 2), Ints(right.begin(), right.end() - 2));
  if (a->size() > 1) dims->push_back(left[left.size() - 2]);
  if (b->size() > 1) dims->push_back(right.back());
  return one(n.dtype(0), dims);
}

Values gemm(const NodeView& n) {
  require_input(n, 1);
  const Dims &a = n.dims(0), &b = n.dims(1);
  if (!a || !b) return one(n.dtype(0), std::nullopt);
  if (a->size() != 2 || b->size() != 2) {
    fail("Gemm of " + dims_text(a) + " and " + dims_text(b) + ": expected two matrices");
  }
  const bool ta = attribute_int(n.proto(), "transA", 0) != 0;
  const bool tb = attribute_int(n.proto(), "transB", 0) != 0;
  const std::int64_t inner_a = (*a)[ta ? 0 : 1], inner_b = (*b)[tb ? 1 : 0];
  if (inner_a >= 0 && inner_b >= 0 && inner_a != inner_b) {
    fail("Gemm of " + dims_text(a) + " and " + dims_text(b) + ": inner dimensions differ");
  }
  return one(n.dtype(0), Ints{(*a)[ta ? 1 : 0], (*b)[tb ? 0 : 1]});
}

Values concat(const NodeView& n) {
  require_input(n, 0);
  Dims out = n.dims(0);
  if (!out) return one(n.dtype(0), std::nullopt);
  if (find_attribute(n.proto(), "axis") == nullptr) fail("attribute 'axis' is missing");
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 1), out->size());
  for (std::size_t i = 1; i < n.num_inputs(); ++i) {
    const Dims& in = n.dims(i);
    if (!in) return one(n.dtype(0), std::nullopt);
    bool fits = in->size() == out->size();
    for (std::size_t d = 0; fits && d < in->size(); ++d) {
      if (d == axis) continue;
      fits = (*in)[d] < 0 || (*out)[d] < 0 || (*in)[d] == (*out)[d];
      if (fits && (*out)[d] < 0) (*out)[d] = (*in)[d];
    }
    if (!fits) {
      fail("Concat of " + dims_text(n.dims(0)) + " and " + dims_text(in) + " over axis " +
           std::to_string(axis) + ": the other dimensions differ");
    }
    std::int64_t& total = (*out)[axis];
    total = total < 0 || (*in)[axis] < 0 ? -1 : add(total, (*in)[axis]);
  }
  return one(n.dtype(0), out);
}

Values reshape(const NodeView& n) {
  require_input(n, 1);
  const auto wanted = n.ints(1);
  if (!wanted) {  // the length of the shape input still tells the rank
    const Dims& shape = n.dims(1);
    const bool rank_known = shape && shape->size() == 1 && (*shape)[0] >= 0 && (*shape)[0] < 64;
    return one(n.dtype(0),
               rank_known ? Dims(Ints(static_cast<std::size_t>((*shape)[0]), -1)) : std::nullopt);
  }
  const Dims& in = n.dims(0);
  const bool copy_zero = attribute_int(n.proto(), "allowzero", 0) == 0;
  Ints out = *wanted;
  std::int64_t known = 1;
  std::ptrdiff_t inferred = -1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && copy_zero) {
      if (in && i >= in->size()) {
        fail("Reshape copies dimension " + std::to_string(i) + " of " + dims_text(in));
      }
      out[i] = in ? (*in)[i] : -1;
      known = multiply(known, out[i]);
    } else if (out[i] == -1) {
      if (inferred >= 0) fail("Reshape with more than one -1");
      inferred = static_cast<std::ptrdiff_t>(i);
    } else {
      if (out[i] < 0) fail("Reshape to a dimension of " + std::to_string(out[i]));
      known = multiply(known, out[i]);
    }
  }
  const std::int64_t elements = num_elements(in);
  if (elements >= 0 && known >= 0) {
    const bool fits = inferred < 0 ? known == elements : known > 0 && elements % known == 0;
    if (!fits) {
      fail("Reshape of " + dims_text(in) + " to " + dims_text(*wanted) +
           ": the number of elements differs");
    }
    if (inferred >= 0) out[static_cast<std::size_t>(inferred)] = elements / known;
  }
  return one(n.dtype(0), out);
}

Values transpose(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return same(n);
  const auto given = attribute_ints(n.proto(), "perm");
  Ints out;
  std::vector<bool> seen(in->size(), false);
  if (given && given->size() != in->size())
    fail("Transpose of " + dims_text(in) + ": perm has " + std::to_string(given->size()) +
         " entries");
  for (std::size_t i = 0; i < in->size(); ++i) {
    const std::size_t from = given ? checked_axis((*given)[i], in->size()) : in->size() - 1 - i;
    if (seen[from]) fail("Transpose: perm names axis " + std::to_string(from) + " twice");
    seen[from] = true;
    out.push_back((*in)[from]);
  }
  return one(n.dtype(0), out);
}

Values flatten(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return one(n.dtype(0), Ints{-1, -1});
  const std::int64_t rank = static_cast<std::int64_t>(in->size());
  std::int64_t axis = attribute_int(n.proto(), "axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) fail("Flatten axis is outside the rank of " + dims_text(in));
  std::int64_t rows = 1, columns = 1;
  for (std::int64_t i = 0; i < rank; ++i) {
    std::int64_t& side = i < axis ? rows : columns;
    side = multiply(side, (*in)[static_cast<std::size_t>(i)]);
  }
  return one(n.dtype(0), Ints{rows, columns});
}

Values shape_of(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return one(DType::kInt64, Ints{-1});
  const std::int64_t rank = static_cast<std::int64_t>(in->size());
  auto clamp = [rank](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank);
  };
  const std::int64_t start = clamp(attribute_int(n.proto(), "start", 0));
  const std::int64_t end = clamp(attribute_int(n.proto(), "end", rank));
  return one(DType::kInt64, Ints{std::max<std::int64_t>(end - start, 0)});
}

Values gather(const NodeView& n) {
  require_input(n, 1);
  const Dims &in = n.dims(0), &indices = n.dims(1);
  if (!in || !indices) return one(n.dtype(0), std::nullopt);
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 0), in->size());
  Ints out(in->begin(), in->begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), in->begin() + static_cast<std::ptrdiff_t>(axis) + 1, in->end());
  return one(n.dtype(0), out);
}

Values slice(const NodeView& n) {
  Dims out = n.dims(0);
  if (!out) return same(n);
  const auto spec = slice_spec(n, out->size());
  if (!spec) return one(n.dtype(0), Ints(out->size(), -1));
  for (std::size_t i = 0; i < spec->axes.size(); ++i) {
    std::int64_t& size = (*out)[static_cast<std::size_t>(spec->axes[i])];
    if (size >= 0) size = slice_range(size, spec->starts[i], spec->ends[i], spec->steps[i]).count;
  }
  return one(n.dtype(0), out);
}

Values squeeze(const NodeView& n) {
  const Dims& in = n.dims(0);
  bool absent = false;
  const auto axes = axes_of(n, 1, &absent);
  if (!in || (!axes && !absent)) return one(n.dtype(0), std::nullopt);
  std::set<std::size_t> drop;
  if (absent) {
    if (!all_known(in)) return one(n.dtype(0), std::nullopt);
    for (std::size_t i = 0; i < in->size(); ++i) {
      if ((*in)[i] == 1) drop.insert(i);
    }
  } else {
    for (const std::int64_t axis : *axes) {
      const std::size_t at = checked_axis(axis, in->size());
      if ((*in)[at] > 1 || (*in)[at] == 0) {
        fail("Squeeze of axis " + std::to_string(at) + " of " + dims_text(in) + ", which is not 1");
      }
      drop.insert(at);
    }
  }
  Ints out;
  for (std::size_t i = 0; i < in->size(); ++i) {
    if (!drop.contains(i)) out.push_back((*in)[i]);
  }
  return one(n.dtype(0), out);
}

Values unsqueeze(const NodeView& n) {
  const Dims& in = n.dims(0);
  bool absent = false;
  const auto axes = axes_of(n, 1, &absent);
  if (absent) fail("Unsqueeze without axes");
  if (!in || !axes) return one(n.dtype(0), std::nullopt);
  const std::size_t rank = in->size() + axes->size();
  std::set<std::size_t> added;
  for (const std::int64_t axis : *axes) {
    if (!added.insert(checked_axis(axis, rank)).second) fail("Unsqueeze names an axis twice");
  }
  Ints out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) out.push_back(added.contains(i) ? 1 : (*in)[next++]);
  return one(n.dtype(0), out);
}

Values split(const NodeView& n) {
  const Dims& in = n.dims(0);
  Values out(n.num_outputs(), {n.dtype(0), std::nullopt, nullptr});
  if (!in) return out;
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 0), in->size());
  const auto sizes = split_sizes(n, (*in)[axis]);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].dims = *in;
    (*out[i].dims)[axis] = sizes && i < sizes->size() ? (*sizes)[i] : -1;
  }
  return out;
}

Values pad(const NodeView& n) {
  Dims out = n.dims(0);
  auto pads = attribute_ints(n.proto(), "pads");
  if (!pads && n.has(1)) pads = n.ints(1);
  if (!out) return same(n);
  std::optional<Ints> axes;
  if (n.has(3)) {
    axes = n.ints(3);
    if (!axes) return one(n.dtype(0), Ints(out->size(), -1));
  }
  if (!pads) return one(n.dtype(0), Ints(out->size(), -1));
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < out->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (pads->size() != 2 * axes->size()) {
    fail("pads has " + std::to_string(pads->size()) + " entries, expected " +
         std::to_string(2 * axes->size()));
  }
  for (std::size_t i = 0; i < axes->size(); ++i) {
    std::int64_t& size = (*out)[checked_axis((*axes)[i], out->size())];
    if (size < 0) continue;
    size = add(add(size, (*pads)[i]), (*pads)[i + axes->size()]);
    if (size < 0) fail("Pad removes more than there is of " + dims_text(n.dims(0)));
  }
  return one(n.dtype(0), out);
}

Values reduce(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return same(n);
  const bool keep = attribute_int(n.proto(), "keepdims", 1) != 0;
  bool absent = false;
  const auto axes = axes_of(n, 1, &absent);
  if (!axes && !absent) return one(n.dtype(0), keep ? Dims(Ints(in->size(), -1)) : std::nullopt);
  if (absent && attribute_int(n.proto(), "noop_with_empty_axes", 0) != 0) return same(n);
  std::vector<bool> reduced(in->size(), absent);
  if (axes) {
    for (const std::int64_t axis : *axes) reduced[checked_axis(axis, in->size())] = true;
  }
  Ints out;
  for (std::size_t i = 0; i < in->size(); ++i) {
    if (!reduced[i]) out.push_back((*in)[i]);
    if (reduced[i] && keep) out.push_back(1);
  }
  return one(n.dtype(0), out);
}

Values arg_reduce(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return one(DType::kInt64, std::nullopt);
  Ints out = *in;
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 0), in->size());
  if (attribute_int(n.proto(), "keepdims", 1) != 0) {
    out[axis] = 1;
  } else {
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  return one(DType::kInt64, out);
}

Values expand(const NodeView& n) {
  require_input(n, 1);
  const auto shape = n.ints(1);
  if (!shape) return one(n.dtype(0), std::nullopt);
  for (const std::int64_t d : *shape) {
    if (d < 0) fail("Expand to a dimension of " + std::to_string(d));
  }
  return one(n.dtype(0), broadcast(n.dims(0), *shape));
}

Values tile(const NodeView& n) {
  require_input(n, 1);
  const auto repeats = n.ints(1);
  Dims out = n.dims(0);
  if (!out) return same(n);
  if (!repeats) return one(n.dtype(0), Ints(out->size(), -1));
  if (repeats->size() != out->size()) {
    fail("Tile of " + dims_text(out) + " with " + std::to_string(repeats->size()) + " repeats");
  }
  for (std::size_t i = 0; i < out->size(); ++i) (*out)[i] = multiply((*out)[i], (*repeats)[i]);
  return one(n.dtype(0), out);
}

Values where(const NodeView& n) {
  require_input(n, 2);
  return one(n.dtype(1), broadcast(broadcast(n.dims(0), n.dims(1)), n.dims(2)));
}

Values range(const NodeView& n) {
  const SmallTensor *start = n.data(0), *limit = n.data(1), *delta = n.data(2);
  auto number = [](const SmallTensor* t) -> std::optional<double> {
    if (t == nullptr || t->size() != 1) return std::nullopt;
    return t->floating() ? t->reals[0] : static_cast<double>(t->ints[0]);
  };
  const auto a = number(start), b = number(limit), d = number(delta);
  if (!a || !b || !d) return one(n.dtype(0), Ints{-1});
  if (*d == 0) fail("Range with a step of 0");
  const double count = std::ceil((*b - *a) / *d);
  if (!(count < 1e15)) fail("Range is too long");
  return one(n.dtype(0), Ints{static_cast<std::int64_t>(std::max(count, 0.0))});
}

Values constant(const NodeView& n) {
  const onnx::AttributeProto* value = find_attribute(n.proto(), "value");
  if (value != nullptr && value->has_t()) {
    return one(to_dtype(value->t().data_type()), tensor_dims(value->t()));
  }
  if (const auto* sparse = find_attribute(n.proto(), "sparse_value"); sparse != nullptr) {
    const auto& tensor = sparse->sparse_tensor();
    return one(to_dtype(tensor.values().data_type()),
               Ints(tensor.dims().begin(), tensor.dims().end()));
  }
  for (const onnx::AttributeProto& a : n.proto().attribute()) {
    if (a.name() == "value_float") return one(DType::kFloat32, Ints{});
    if (a.name() == "value_int") return one(DType::kInt64, Ints{});
    if (a.name() == "value_string") return one(DType::kString, Ints{});
    if (a.name() == "value_floats") return one(DType::kFloat32, Ints{a.floats_size()});
    if (a.name() == "value_ints") return one(DType::kInt64, Ints{a.ints_size()});
    if (a.name() == "value_strings") return one(DType::kString, Ints{a.strings_size()});
  }
  fail("Constant without a value");
}

Values constant_of_shape(const NodeView& n) {
  const onnx::AttributeProto* value = find_attribute(n.proto(), "value");
  const DType type =
      value != nullptr && value->has_t() ? to_dtype(value->t().data_type()) : DType::kFloat32;
  const auto shape = n.ints(0);
  if (!shape) return one(type, std::nullopt);
  for (const std::int64_t d : *shape) {
    if (d < 0) fail("ConstantOfShape with a dimension of " + std::to_string(d));
  }
  return one(type, *shape);
}

Values layer_norm(const NodeView& n) {
  Values out = same(n);
  Dims reduced = n.dims(0);
  if (reduced) {
    const std::size_t first = checked_axis(attribute_int(n.proto(), "axis", -1), reduced->size());
    std::fill(reduced->begin() + static_cast<std::ptrdiff_t>(first), reduced->end(), 1);
  }
  for (std::size_t i = 1; i < n.num_outputs(); ++i) {
    out.push_back({DType::kFloat32, reduced, nullptr});
  }
  return out;
}

/// "ij,jk->ik"; an equation with an ellipsis is left to nobody.
Values einsum(const NodeView& n) {
  std::string equation = attribute_string(n.proto(), "equation", "");
  std::erase(equation, ' ');
  const std::size_t arrow = equation.find("->");
  if (arrow == std::string::npos || equation.find('.') != std::string::npos) {
    return one(n.dtype(0), std::nullopt);
  }
  std::map<char, std::int64_t> sizes;
  std::size_t at = 0;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) {
    const std::size_t end = std::min(equation.find(',', at), arrow);
    if (!n.dims(i) || at > arrow) return one(n.dtype(0), std::nullopt);
    if (end - at != n.dims(i)->size())
      fail("Einsum: input " + std::to_string(i) + " is " + dims_text(n.dims(i)) +
           ", the equation " + equation);
    for (std::size_t k = at; k < end; ++k) {
      std::int64_t& size = sizes.emplace(equation[k], 1).first->second;
      if (size == 1) size = (*n.dims(i))[k - at];  // a 1 broadcasts
    }
    at = end + 1;
  }
  Ints out;
  for (std::size_t k = arrow + 2; k < equation.size(); ++k) {
    const auto it = sizes.find(equation[k]);
    if (it == sizes.end()) fail("Einsum: the equation " + equation + " is malformed");
    out.push_back(it->second);
  }
  return one(n.dtype(0), out);
}

Values blocks(const NodeView& n) {
  Dims out = n.dims(0);
  const std::int64_t b = attribute_int(n.proto(), "blocksize", 0);
  if (b < 1 || b > 1 << 15) fail("blocksize is " + std::to_string(b));
  if (!all_known(out)) return one(n.dtype(0), std::nullopt);
  if (out->size() != 4) fail(n.op() + " of " + dims_text(out) + ", expected N x C x H x W");
  const bool to_space = n.op() == "DepthToSpace";
  for (const std::size_t i : {1U, 2U, 3U}) {
    const bool divide = (i == 1) == to_space;
    const std::int64_t factor = i == 1 ? b * b : b;
    if (divide && (*out)[i] % factor != 0) {
      fail(n.op() + " of " + dims_text(n.dims(0)) + " by blocks of " + std::to_string(b));
    }
    (*out)[i] = divide ? (*out)[i] / factor : multiply((*out)[i], factor);
  }
  return one(n.dtype(0), out);
}

Values global_pool(const NodeView& n) {
  Dims out = n.dims(0);
  if (!out) return same(n);
  if (out->size() < 3) fail(n.op() + " of " + dims_text(out) + ", expected N x C x ...");
  std::fill(out->begin() + 2, out->end(), 1);
  return one(n.dtype(0), out);
}

Values quantize(const NodeView& n) {
  DType type = n.has(2) ? n.dtype(2) : DType::kUint8;
  const std::int64_t declared = attribute_int(n.proto(), "output_dtype", 0);
  if (declared != 0) type = to_dtype(static_cast<int>(declared));
  return same_with_type(n, type);
}

Values resize(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return same(n);
  // Scales and sizes: (X, scales) in Upsample 9 and Resize 10, (X, roi, scales, sizes) since 11.
  const bool old = n.op() == "Upsample" || n.opset() < 11;
  const SmallTensor* scales = n.data(old ? 1 : 2);
  const auto sizes = old ? std::nullopt : n.ints(3);
  std::vector<double> factors;
  if (scales != nullptr && scales->floating()) factors = scales->reals;
  if (const auto* a = find_attribute(n.proto(), "scales"); a != nullptr && old) {
    factors.assign(a->floats().begin(), a->floats().end());
  }
  std::optional<Ints> axes = attribute_ints(n.proto(), "axes");
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < in->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  Ints out = *in;
  const bool by_size = sizes && !sizes->empty();
  if (!by_size && factors.empty()) return one(n.dtype(0), Ints(in->size(), -1));
  if (by_size && attribute_string(n.proto(), "keep_aspect_ratio_policy", "stretch") != "stretch") {
    return one(n.dtype(0), Ints(in->size(), -1));
  }
  const std::size_t given = by_size ? sizes->size() : factors.size();
  if (given != axes->size()) {
    fail(n.op() + " has " + std::to_string(given) + (by_size ? " sizes" : " scales") +
         ", expected " + std::to_string(axes->size()));
  }
  for (std::size_t i = 0; i < given; ++i) {
    std::int64_t& size = out[checked_axis((*axes)[i], out.size())];
    if (by_size) {
      size = (*sizes)[i];
    } else if (size >= 0) {
      const double scaled = std::floor(static_cast<double>(size) * factors[i]);
      if (!(scaled >= 0 && scaled < 1e15)) fail(n.op() + " by " + std::to_string(factors[i]));
      size = static_cast<std::int64_t>(scaled);
    }
  }
  return one(n.dtype(0), out);
}

using Rule = std::function<Values(const NodeView&)>;

const std::map<std::string_view, Rule>& rules() {
  static const std::map<std::string_view, Rule> table = [] {
    std::map<std::string_view, Rule> t;
    for (const char* op : {"Abs",
                           "Acos",
                           "Acosh",
                           "Asin",
                           "Asinh",
                           "Atan",
                           "Atanh",
                           "BitwiseNot",
                           "Ceil",
                           "Celu",
                           "Clip",
                           "Cos",
                           "Cosh",
                           "CumSum",
                           "Elu",
                           "Erf",
                           "Exp",
                           "Floor",
                           "Gelu",
                           "GroupNormalization",
                           "HardSigmoid",
                           "HardSwish",
                           "Hardmax",
                           "Identity",
                           "InstanceNormalization",
                           "LRN",
                           "LeakyRelu",
                           "Log",
                           "LogSoftmax",
                           "LpNormalization",
                           "MeanVarianceNormalization",
                           "Mish",
                           "Neg",
                           "Not",
                           "PRelu",
                           "RMSNormalization",
                           "Reciprocal",
                           "Relu",
                           "Round",
                           "ScatterElements",
                           "ScatterND",
                           "Selu",
                           "Sigmoid",
                           "Sign",
                           "Sin",
                           "Sinh",
                           "Softmax",
                           "Softplus",
                           "Softsign",
                           "Sqrt",
                           "Swish",
                           "Tan",
                           "Tanh",
                           "ThresholdedRelu",
                           "Trilu",
                           "BatchNormalization"}) {
      t[op] = same;
    }
    for (const char* op : {"Add", "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div",
                           "Max", "Mean", "Min", "Mod", "Mul", "Or", "Pow", "Sub", "Sum", "Xor"}) {
      t[op] = [](const NodeView& n) { return elementwise(n, n.dtype(0)); };
    }
    for (const char* op : {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
      t[op] = [](const NodeView& n) { return elementwise(n, DType::kBool); };
    }
    for (const char* op : {"IsInf", "IsNaN"}) {
      t[op] = [](const NodeView& n) { return same_with_type(n, DType::kBool); };
    }
    for (const char* op :
         {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
          "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"}) {
      t[op] = reduce;
    }
    for (const char* op : {"GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"}) {
      t[op] = global_pool;
    }
    t["ArgMax"] = t["ArgMin"] = arg_reduce;
    t["Cast"] = [](const NodeView& n) {
      return same_with_type(n, to_dtype(static_cast<int>(attribute_int(n.proto(), "to", 0))));
    };
    t["CastLike"] = [](const NodeView& n) { return same_with_type(n, n.dtype(1)); };
    t["Concat"] = concat;
    t["Constant"] = constant;
    t["ConstantOfShape"] = constant_of_shape;
    t["DepthToSpace"] = t["SpaceToDepth"] = blocks;
    t["DequantizeLinear"] = [](const NodeView& n) { return same_with_type(n, n.dtype(1)); };
    t["Dropout"] = dropout;
    t["Einsum"] = einsum;
    t["Expand"] = expand;
    t["Flatten"] = flatten;
    t["Gather"] = gather;
    t["Gemm"] = gemm;
    t["LayerNormalization"] = layer_norm;
    t["MatMul"] = matmul;
    t["Pad"] = pad;
    t["QuantizeLinear"] = quantize;
    t["Range"] = range;
    t["Reshape"] = reshape;
    t["Resize"] = t["Upsample"] = resize;
    t["Shape"] = shape_of;
    t["Size"] = [](const NodeView&) { return one(DType::kInt64, Ints{}); };
    t["Slice"] = slice;
    t["Split"] = split;
    t["Squeeze"] = squeeze;
    t["Tile"] = tile;
    t["Transpose"] = transpose;
    t["Unsqueeze"] = unsqueeze;
    t["Where"] = where;
    return t;
  }();
  return table;
}

}  // namespace

std::size_t checked_axis(std::int64_t axis, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    fail("axis " + std::to_string(axis) + " is outside rank " + std::to_string(rank));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

Dims broadcast(const Dims& a, const Dims& b) {
  if (!a || !b) return std::nullopt;
  const Ints& longer = a->size() >= b->size() ? *a : *b;
  const Ints& shorter = a->size() >= b->size() ? *b : *a;
  Ints out = longer;
  const std::size_t skip = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& x = out[skip + i];
    const std::int64_t y = shorter[i];
    if (x == y || y == 1) continue;
    if (x == 1) {
      x = y;
    } else if (x < 0 || y < 0) {
      x = std::max(x, y);  // one is unknown: the other is above 1 and decides, or both unknown
    } else {
      fail("the shapes " + dims_text(a) + " and " + dims_text(b) + " do not broadcast");
    }
  }
  return out;
}

SliceRange slice_range(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  // Clamped before the sign is looked at: INT64_MIN and INT64_MAX stand for "to the end".
  const std::int64_t low = step > 0 ? 0 : -1;
  auto place = [&](std::int64_t i) {
    if (i < 0) i = std::max(i, -size - 1) + size;
    return std::clamp<std::int64_t>(i, low, step > 0 ? size : size - 1);
  };
  SliceRange range{place(start), step, 0};
  const std::int64_t stop = place(end);
  if (step > 0 && stop > range.start) range.count = (stop - range.start - 1) / step + 1;
  if (step < 0 && stop < range.start) {
    const std::int64_t stride = step == INT64_MIN ? INT64_MAX : -step;
    range.count = (range.start - stop - 1) / stride + 1;
  }
  return range;
}

std::optional<SliceSpec> slice_spec(const NodeView& n, std::size_t rank) {
  SliceSpec spec;
  const bool by_attribute = find_attribute(n.proto(), "starts") != nullptr;
  auto read = [&](const char* name, std::size_t slot) {
    return by_attribute ? attribute_ints(n.proto(), name) : n.ints(slot);
  };
  const auto starts = read("starts", 1), ends = read("ends", 2);
  const bool has_axes = by_attribute ? find_attribute(n.proto(), "axes") != nullptr : n.has(3);
  const auto axes = has_axes ? read("axes", 3) : std::nullopt;
  const auto steps = !by_attribute && n.has(4) ? n.ints(4) : std::nullopt;
  if (!starts || !ends || (has_axes && !axes) || (!by_attribute && n.has(4) && !steps)) {
    return std::nullopt;
  }
  spec.starts = *starts;
  spec.ends = *ends;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::int64_t axis = axes && i < axes->size() ? (*axes)[i] : static_cast<std::int64_t>(i);
    spec.axes.push_back(static_cast<std::int64_t>(checked_axis(axis, rank)));
    if (std::ranges::count(spec.axes, spec.axes.back()) > 1) fail("Slice names an axis twice");
    spec.steps.push_back(steps && i < steps->size() ? (*steps)[i] : 1);
    if (spec.steps.back() == 0) fail("Slice with a step of 0");
  }
  const std::size_t count = starts->size();
  if (ends->size() != count || (axes && axes->size() != count) ||
      (steps && steps->size() != count)) {
    fail("Slice: starts, ends, axes and steps differ in length");
  }
  return spec;
}

std::optional<Ints> axes_of(const NodeView& n, std::size_t slot, bool* absent) {
  *absent = false;
  if (auto axes = attribute_ints(n.proto(), "axes")) {
    if (axes->empty()) *absent = true;
    return axes->empty() ? std::nullopt : axes;
  }
  if (!n.has(slot)) {
    *absent = true;
    return std::nullopt;
  }
  auto axes = n.ints(slot);
  if (axes && axes->empty()) {
    *absent = true;
    return std::nullopt;
  }
  return axes;
}

std::optional<Ints> split_sizes(const NodeView& n, std::int64_t size) {
  std::optional<Ints> sizes = attribute_ints(n.proto(), "split");
  if (!sizes && n.has(1)) {
    sizes = n.ints(1);
    if (!sizes) return std::nullopt;
  }
  const auto parts = static_cast<std::int64_t>(n.num_outputs());
  if (!sizes) {
    if (size < 0 || parts == 0) return std::nullopt;
    const std::int64_t each = (size + parts - 1) / parts;
    if (n.opset() < 18 && size % parts != 0) {
      fail("Split of " + std::to_string(size) + " into " + std::to_string(parts) + " equal parts");
    }
    sizes.emplace(n.num_outputs(), each);
    sizes->back() = size - each * (parts - 1);
    if (sizes->back() < 0) fail("Split of " + std::to_string(size) + " into too many parts");
  }
  std::int64_t total = 0;
  for (const std::int64_t part : *sizes) {
    if (part < 0) fail("Split into a part of " + std::to_string(part));
    total = add(total, part);
  }
  if (static_cast<std::int64_t>(sizes->size()) != parts) {
    fail("Split has " + std::to_string(sizes->size()) + " sizes for " + std::to_string(parts) +
         " outputs");
  }
  if (size >= 0 && total != size) {
    fail("Split of " + std::to_string(size) + " into parts of " + std::to_string(total) +
         " together");
  }
  return sizes;
}

std::optional<Values> infer_by_rule(const NodeView& n) {
  if (!standard_domain(n.proto())) return std::nullopt;
  if (auto window = infer_window(n)) {
    Values out{*window};
    if (n.op() == "MaxPool") out.push_back({DType::kInt64, window->dims, nullptr});  // indices
    return out;
  }
  const auto it = rules().find(n.op());
  if (it == rules().end()) return std::nullopt;
  return it->second(n);
}

}  // namespace autogo
