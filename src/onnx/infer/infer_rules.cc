// Types and dimensions by rules of our own. They serve every opset that we read, where the schemas
// of Debian's ONNX end at 17, and they use the constants that folding.cc knows, where the schemas'
// own data propagation gives up (a Div in a chain of shape arithmetic is enough).
//
// A rule must be right or silent: an operator without one goes to the schema (infer.cc), and what
// that cannot tell stays unknown. Where operators changed between opsets the rule looks at the
// node's form: axes as an attribute or as an input.
//
// Tested by tests/onnx/infer_test.cc, and for whole networks by tests/onnx/import_test.cc.

#include <onnx/defs/schema.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "autogo/base/error.h"
#include "infer.h"
#include "infer_detail.h"

namespace autogo {
namespace {

using namespace infer_detail;

Values same(const NodeView& n) { return {{n.dtype(0), n.dims(0), nullptr, n.container(0)}}; }

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

Values where(const NodeView& n) {
  require_input(n, 2);
  return one(n.dtype(1), broadcast(broadcast(n.dims(0), n.dims(1)), n.dims(2)));
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
  if (value != nullptr && std::ranges::count(value->t().dims(), 1) != value->t().dims_size()) {
    fail("the value of a ConstantOfShape has more or fewer elements than one");
  }
  const auto shape = n.ints(0);
  if (!shape) return one(type, std::nullopt);
  for (const std::int64_t d : *shape) {
    if (d < 0) fail("ConstantOfShape with a dimension of " + std::to_string(d));
  }
  return one(type, *shape);
}

/// In training also the running statistics.
Values batch_norm(const NodeView& n) {
  Values out = same(n);
  for (std::size_t i = 1; i < n.num_outputs(); ++i) {
    out.push_back({n.dtype(3), n.dims(3), nullptr});
  }
  return out;
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

const std::map<std::string_view, InferRule>& rules() {
  static const std::map<std::string_view, InferRule> table = [] {
    std::map<std::string_view, InferRule> t = movement_rules();
    t.insert(recent_rules().begin(), recent_rules().end());
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
                           "CumProd",
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
                           "TensorScatter",
                           "ThresholdedRelu",
                           "Trilu"}) {
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
    t["BatchNormalization"] = batch_norm;
    t["BitCast"] = t["Cast"] = [](const NodeView& n) {
      return same_with_type(n, to_dtype(static_cast<int>(attribute_int(n.proto(), "to", 0))));
    };
    t["CastLike"] = [](const NodeView& n) { return same_with_type(n, n.dtype(1)); };
    t["Constant"] = constant;
    t["ConstantOfShape"] = constant_of_shape;
    t["DequantizeLinear"] = [](const NodeView& n) { return same_with_type(n, n.dtype(1)); };
    t["Dropout"] = dropout;
    t["Gemm"] = gemm;
    t["LayerNormalization"] = layer_norm;
    t["MatMul"] = matmul;
    t["QuantizeLinear"] = quantize;
    t["Size"] = [](const NodeView&) { return one(DType::kInt64, Ints{}); };
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

bool known_operator(const std::string& op) {
  return rules().contains(op) || onnx::OpSchemaRegistry::Schema(op, onnx::ONNX_DOMAIN) != nullptr;
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
