// Elementwise operators in Keras, and how operands find a common order of dimensions.
//
// Tested by tests/codegen/operators_test.cc.

#include <cmath>

#include "keras_ops.h"

namespace autogo {

using Ints = std::vector<std::int64_t>;

bool is_channels_last(Call& c, int v) {
  const auto& known = c.file().channels_last;
  const auto it = known.find(v);
  return it != known.end() && it->second;
}

PyExpr last_operand(Call& c, std::size_t i) {
  if (c.rank(i) != 4)
    c.refuse("Keras has it for maps only, not for rank " + std::to_string(c.rank(i)));
  if (is_channels_last(c, c.operand(i))) return c.in(i);
  return py_call("ops.transpose", {c.in(i).text, "(0, 2, 3, 1)"});
}

PyExpr plain_operand(Call& c, std::size_t i) {
  if (!is_channels_last(c, c.operand(i))) return c.in(i);
  return py_call("ops.transpose", {c.in(i).text, "(0, 3, 1, 2)"});
}

void set_channels_last(Call& c, bool last) { c.file().channels_last[c.unit.outputs[0]] = last; }

PyExpr applied(const std::string& layer, const PyExpr& x) { return {layer + "(" + x.text + ")"}; }

namespace {

/// A weight as an operand. `x` is any value of the network: a layer has to be called on one.
PyExpr weight_operand(Call& c, std::size_t i, bool last, const std::string& x) {
  const auto view = c.constant(i);
  if (!view || !view->floating()) c.refuse("operand " + std::to_string(i) + " is no weight");
  LayerWeight weight = plain_weight("value", *view);
  if (last) {
    ConstantView wide = *view;
    while (wide.dims.size() < 4) wide.dims.insert(wide.dims.begin(), 1);
    wide.read = [view = *view, dims = wide.dims] {
      ProgramTensor tensor = view.read();
      tensor.dims = dims;
      return tensor;
    };
    weight = permuted_weight("value", wide, {0, 2, 3, 1});
  }
  weight.trained = view->role == ConstantRole::kWeight;
  c.helper("Weight");
  std::vector<std::string> arguments{py_tuple(weight.dims)};
  if (!weight.trained) arguments.push_back("trainable=False");
  const std::string made = py_call("Weight", arguments).text;
  return applied(c.layer("weight", made, {weight}), {x});
}

}  // namespace

std::vector<PyExpr> joined_operands(Call& c) {
  const std::size_t count = c.op.inputs.size();
  bool last = false, lower = false;
  std::size_t leader = count;
  bool weights = false;
  for (std::size_t i = 0; i < count; ++i) {
    const int v = c.operand(i);
    if (!c.view.computed(v)) {
      const auto view = c.constant(i);
      weights = weights || !view || view->elements() != 1;
      continue;
    }
    if (leader == count) leader = i;
    last = last || is_channels_last(c, v);
    lower = lower || c.rank(i) != 4;
  }
  if (leader == count) c.refuse("all operands are constants");
  last = last && !lower;  // an operand of lower rank lies along ONNX's last dimensions
  const std::string any = weights ? c.variable(leader).text : "";
  std::vector<PyExpr> operands;
  for (std::size_t i = 0; i < count; ++i) {
    if (c.view.computed(c.operand(i))) {
      operands.push_back(last ? last_operand(c, i) : plain_operand(c, i));
    } else if (const auto view = c.constant(i); view && view->elements() == 1) {
      operands.push_back(c.in(i));
    } else {
      operands.push_back(weight_operand(c, i, last, any));
    }
  }
  set_channels_last(c, last);
  return operands;
}

namespace {

/// Keeps the order of its operand.
PyExpr same_order(Call& c) {
  set_channels_last(c, is_channels_last(c, c.operand(0)));
  return c.in(0);
}

template <const char* kFunction>
PyExpr unary(Call& c) {
  return py_call(kFunction, {same_order(c).text});
}

template <const char* kSign>
PyExpr infix(Call& c) {
  const std::vector<PyExpr> operands = joined_operands(c);
  return operands.size() == 1 ? operands[0] : py_infix(operands, kSign);
}

template <const char* kFunction>
PyExpr chain(Call& c) {
  const std::vector<PyExpr> operands = joined_operands(c);
  PyExpr result = operands[0];
  for (std::size_t i = 1; i < operands.size(); ++i) {
    result = py_call(kFunction, {result.text, operands[i].text});
  }
  return result;
}

PyExpr mean(Call& c) {
  const std::vector<PyExpr> operands = joined_operands(c);
  if (operands.size() == 1) return operands[0];
  return {"(" + py_infix(operands, "+").text + ") / " + std::to_string(operands.size()), false};
}

PyExpr clip(Call& c) {
  double low = -INFINITY, high = INFINITY;
  if (c.op.attributes.contains("min") || c.op.attributes.contains("max")) {
    low = static_cast<double>(c.op.real("min", -INFINITY));
    high = static_cast<double>(c.op.real("max", INFINITY));
  } else {
    for (const std::size_t i : {1U, 2U}) {
      if (!c.has(i)) continue;
      const auto number = c.number(i);
      if (!number) c.refuse("a bound is computed");
      (i == 1 ? low : high) = *number;
    }
  }
  const PyExpr x = same_order(c);
  if (low == 0.0 && high == 6.0) return py_call("ops.relu6", {x.text});
  return py_call("ops.clip", {x.text, py_float(low), py_float(high)});
}

PyExpr leaky_relu(Call& c) {
  return py_call("ops.leaky_relu",
                 {same_order(c).text, "negative_slope=" + py_float(c.op.real("alpha", 0.01F))});
}
PyExpr elu(Call& c) {
  return py_call("ops.elu", {same_order(c).text, "alpha=" + py_float(c.op.real("alpha", 1))});
}
/// By elu: Keras has celu only since 3.6.
PyExpr celu(Call& c) {
  const std::string alpha = py_float(c.op.real("alpha", 1));
  return {alpha + " * ops.elu(" + grouped(same_order(c)) + " / " + alpha + ", alpha=1.0)", false};
}
PyExpr selu(Call& c) {
  const float alpha = c.op.real("alpha", 1.67326319F), gamma = c.op.real("gamma", 1.05070102F);
  if (std::fabs(alpha - 1.67326319F) > 1e-5F || std::fabs(gamma - 1.05070102F) > 1e-5F) {
    c.refuse("a SELU of other constants has no form in Keras");
  }
  return py_call("ops.selu", {same_order(c).text});
}
PyExpr hard_sigmoid(Call& c) {
  const float alpha = c.op.real("alpha", 0.2F), beta = c.op.real("beta", 0.5F);
  const PyExpr x = same_order(c);
  if (std::fabs(alpha - 1.0F / 6) < 1e-6F && beta == 0.5F) {
    return py_call("ops.hard_sigmoid", {x.text});
  }
  const PyExpr line = py_infix({{py_float(alpha) + " * " + grouped(x)}, {py_float(beta)}}, "+");
  return py_call("ops.clip", {line.text, "0.0", "1.0"});
}
PyExpr gelu(Call& c) {
  const bool tanh = c.op.text("approximate", "none") == "tanh";
  return py_call("ops.gelu", {same_order(c).text, "approximate=" + py_bool(tanh)});
}

PyExpr prelu(Call& c) {
  const auto slope = c.constant(1);
  if (c.rank(0) < 2) c.refuse("a slope for a tensor without channels");
  const bool map = c.rank(0) == 4;
  const std::int64_t size = slope ? slope->elements() : 0;
  const std::int64_t channels = c.in_shape(0)[map ? 1 : c.rank(0) - 1];
  const bool fits = slope && (size == channels || size == 1) &&
                    (size == 1 || slope->dims.size() + (map ? 1U : 0U) >= (map ? 4U : 1U));
  const bool along = !fits || !map || size == 1 || slope->dims[slope->dims.size() - 3] == channels;
  if (!fits || !along) c.refuse("a slope that is neither one nor one for a channel");
  Ints dims(c.rank(0) - 1, 1), shared;  // one slope stays one: it is shared by the channels, too
  dims.back() = size;
  for (std::size_t d = 1; d < dims.size() + (size == 1 ? 1U : 0U); ++d) {
    shared.push_back(static_cast<std::int64_t>(d));
  }
  const LayerWeight weight = reshaped_weight("alpha", *slope, dims);
  std::vector<std::string> arguments;
  if (!shared.empty()) arguments.push_back("shared_axes=" + py_list(shared));
  const std::string layer = c.layer("prelu", py_call("layers.PReLU", arguments).text, {weight});
  set_channels_last(c, map);
  return applied(layer, map ? last_operand(c, 0) : c.in(0));
}

PyExpr where(Call& c) {
  const std::vector<PyExpr> operands = joined_operands(c);
  return py_call("ops.where", {operands[0].text, operands[1].text, operands[2].text});
}

PyExpr cast(Call& c) {
  const auto to = static_cast<DType>(c.op.integer("to", 0));
  const char* name = to == DType::kFloat32 || to == DType::kFloat64 || to == DType::kFloat16
                         ? "float32"
                     : to == DType::kInt32 || to == DType::kInt64 ? "int32"
                     : to == DType::kBool                         ? "bool"
                                                                  : nullptr;
  if (name == nullptr) c.refuse("a cast to this type has no form here");
  return py_call("ops.cast", {same_order(c).text, py_string(name)});
}

PyExpr divide(Call& c) {
  if (is_whole(c.type())) c.refuse("a division of integers has no form in Keras");
  const std::vector<PyExpr> operands = joined_operands(c);
  return py_infix(operands, "/");
}

PyExpr reciprocal(Call& c) { return {"1.0 / " + grouped(same_order(c)), false}; }

#define AUTOGO_TEXT(name, text) constexpr char k##name[] = text
AUTOGO_TEXT(Abs, "ops.abs");
AUTOGO_TEXT(Ceil, "ops.ceil");
AUTOGO_TEXT(Cos, "ops.cos");
AUTOGO_TEXT(Erf, "ops.erf");
AUTOGO_TEXT(Exp, "ops.exp");
AUTOGO_TEXT(Floor, "ops.floor");
AUTOGO_TEXT(HardSwish, "ops.hard_silu");
AUTOGO_TEXT(Log, "ops.log");
AUTOGO_TEXT(Maximum, "ops.maximum");
AUTOGO_TEXT(Minimum, "ops.minimum");
AUTOGO_TEXT(Mish, "keras.activations.mish");
AUTOGO_TEXT(Neg, "ops.negative");
AUTOGO_TEXT(Relu, "ops.relu");
AUTOGO_TEXT(Sigmoid, "ops.sigmoid");
AUTOGO_TEXT(Sign, "ops.sign");
AUTOGO_TEXT(Sin, "ops.sin");
AUTOGO_TEXT(Softplus, "ops.softplus");
AUTOGO_TEXT(Softsign, "ops.softsign");
AUTOGO_TEXT(Sqrt, "ops.sqrt");
AUTOGO_TEXT(Tanh, "ops.tanh");
AUTOGO_TEXT(Plus, "+");
AUTOGO_TEXT(Minus, "-");
AUTOGO_TEXT(Times, "*");
AUTOGO_TEXT(Power, "**");
AUTOGO_TEXT(Greater, ">");
AUTOGO_TEXT(Less, "<");
#undef AUTOGO_TEXT

constexpr OperatorRow kRows[] = {
    {"Abs", unary<kAbs>},
    {"Add", infix<kPlus>},
    {"Cast", cast},
    {"Ceil", unary<kCeil>},
    {"Celu", celu},
    {"Clip", clip},
    {"Cos", unary<kCos>},
    {"Div", divide},
    {"Elu", elu},
    {"Erf", unary<kErf>},
    {"Exp", unary<kExp>},
    {"Floor", unary<kFloor>},
    {"Gelu", gelu},
    {"Greater", infix<kGreater>},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", unary<kHardSwish>},
    {"Identity", same_order},
    {"LeakyRelu", leaky_relu},
    {"Less", infix<kLess>},
    {"Log", unary<kLog>},
    {"Max", chain<kMaximum>},
    {"Mean", mean},
    {"Min", chain<kMinimum>},
    {"Mish", unary<kMish>},
    {"Mul", infix<kTimes>},
    {"Neg", unary<kNeg>},
    {"PRelu", prelu},
    {"Pow", infix<kPower>},
    {"Reciprocal", reciprocal},
    {"Relu", unary<kRelu>},
    {"Selu", selu},
    {"Sigmoid", unary<kSigmoid>},
    {"Sign", unary<kSign>},
    {"Sin", unary<kSin>},
    {"Softplus", unary<kSoftplus>},
    {"Softsign", unary<kSoftsign>},
    {"Sqrt", unary<kSqrt>},
    {"Sub", infix<kMinus>},
    {"Sum", infix<kPlus>},
    {"Tanh", unary<kTanh>},
    {"Where", where},
};

}  // namespace

std::span<const OperatorRow> keras_elementwise() { return kRows; }

}  // namespace autogo
