// Elementwise operators, comparisons and activations in PyTorch.
//
// A constant of one element is a number where an operator's sign or a keyword takes one, else a
// tensor (Call::term, Call::in).
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>
#include <cmath>

#include "torch_ops.h"

namespace autogo {
namespace {

template <const char* kFunction>
PyExpr unary(Call& c) {
  return py_call(kFunction, {c.in(0).text});
}

template <const char* kSign>
PyExpr infix(Call& c) {
  std::vector<PyExpr> terms;
  for (std::size_t i = 0; i < c.op.inputs.size(); ++i) terms.push_back(c.term(i));
  return terms.size() == 1 ? terms[0] : py_infix(terms, kSign);
}

PyExpr identity(Call& c) { return c.in(0); }

/// Function of two tensors, or a bound where one of two operands is a number.
PyExpr extreme(Call& c, const std::string& function, const std::string& bound) {
  if (c.op.inputs.size() == 2) {
    for (const std::size_t i : {0U, 1U}) {
      if (c.is_number(i)) return py_method(c.in(1 - i), "clamp", {bound + "=" + c.term(i).text});
    }
  }
  PyExpr result = c.in(0);
  for (std::size_t i = 1; i < c.op.inputs.size(); ++i) {
    result = py_call(function, {result.text, c.in(i).text});
  }
  return result;
}

PyExpr maximum(Call& c) { return extreme(c, "torch.maximum", "min"); }
PyExpr minimum(Call& c) { return extreme(c, "torch.minimum", "max"); }

PyExpr mean(Call& c) {
  std::vector<PyExpr> terms;
  for (std::size_t i = 0; i < c.op.inputs.size(); ++i) terms.push_back(c.term(i));
  if (terms.size() == 1) return terms[0];
  return {"(" + py_infix(terms, "+").text + ") / " + std::to_string(terms.size()), false};
}

PyExpr mod(Call& c) {
  const bool as_c = c.op.integer("fmod", 0) != 0;
  const std::string a = c.in(0).text, b = c.term(1).text;
  return py_call(as_c ? "torch.fmod" : "torch.remainder", {a, b});
}

/// PyTorch takes its bounds as numbers or as tensors, not as one of each.
PyExpr clip(Call& c) {
  std::string low, high;
  const bool attributes = c.op.attributes.contains("min") || c.op.attributes.contains("max");
  if (attributes) {
    if (c.op.attributes.contains("min")) low = py_float(static_cast<double>(c.op.real("min", 0)));
    if (c.op.attributes.contains("max")) high = py_float(static_cast<double>(c.op.real("max", 0)));
  } else {
    const bool numbers = (!c.has(1) || c.number_text(1)) && (!c.has(2) || c.number_text(2));
    auto bound = [&](std::size_t i) {
      return !c.has(i) ? "" : numbers ? *c.number_text(i) : c.in(i).text;
    };
    low = bound(1);
    high = bound(2);
  }
  if (low == "0.0" && high == "6.0") return py_call("F.relu6", {c.in(0).text});
  std::vector<std::string> bounds;
  if (!low.empty()) bounds.push_back("min=" + low);
  if (!high.empty()) bounds.push_back("max=" + high);
  return bounds.empty() ? c.in(0) : py_method(c.in(0), "clamp", bounds);
}

PyExpr leaky_relu(Call& c) {
  return py_call("F.leaky_relu", {c.in(0).text, py_float(c.op.real("alpha", 0.01F))});
}
PyExpr elu(Call& c) {
  const float alpha = c.op.real("alpha", 1);
  std::vector<std::string> arguments{c.in(0).text};
  if (alpha != 1) arguments.push_back("alpha=" + py_float(alpha));
  return py_call("F.elu", arguments);
}
PyExpr celu(Call& c) {
  return py_call("F.celu", {c.in(0).text, "alpha=" + py_float(c.op.real("alpha", 1))});
}
/// PyTorch's has the usual constants; others are spelled out.
PyExpr selu(Call& c) {
  const float alpha = c.op.real("alpha", 1.67326319F), gamma = c.op.real("gamma", 1.05070102F);
  const bool usual =
      std::fabs(alpha - 1.67326319F) < 1e-5F && std::fabs(gamma - 1.05070102F) < 1e-5F;
  if (usual) return py_call("F.selu", {c.in(0).text});
  return {py_float(gamma) + " * F.elu(" + c.in(0).text + ", alpha=" + py_float(alpha) + ")", false};
}
PyExpr thresholded_relu(Call& c) {
  return py_call("F.threshold", {c.in(0).text, py_float(c.op.real("alpha", 1)), "0.0"});
}
PyExpr hard_sigmoid(Call& c) {
  const float alpha = c.op.real("alpha", 0.2F), beta = c.op.real("beta", 0.5F);
  if (std::fabs(alpha - 1.0F / 6) < 1e-6F && beta == 0.5F) {
    return py_call("F.hardsigmoid", {c.in(0).text});
  }
  const PyExpr line =
      py_infix({{py_float(alpha) + " * " + grouped(c.in(0))}, {py_float(beta)}}, "+");
  return py_method(line, "clamp", {"0.0", "1.0"});
}
PyExpr gelu(Call& c) {
  std::vector<std::string> arguments{c.in(0).text};
  if (c.op.text("approximate", "none") == "tanh") arguments.push_back("approximate=\"tanh\"");
  return py_call("F.gelu", arguments);
}

PyExpr prelu(Call& c) {
  const auto slope = c.constant(1);
  const auto size = slope ? slope->elements() : 0;
  const bool by_channel =
      slope && (size == 1 || (slope->dims.size() + 1 == c.rank(0) && slope->dims[0] == size));
  if (!by_channel) {
    const std::string x = c.in(0).text;
    return py_call(c.helper("prelu"), {x, c.in(1).text});
  }
  const std::string constructor = py_call("nn.PReLU", {std::to_string(size)}).text;
  const std::string layer =
      c.layer("prelu", constructor, {reshaped_weight("weight", *slope, {size})});
  return py_call(layer, {c.in(0).text});
}

PyExpr where(Call& c) {
  const std::string condition = c.in(0).text, yes = c.in(1).text;
  return py_call("torch.where", {condition, yes, c.in(2).text});
}

PyExpr cast(Call& c) {
  const auto to = static_cast<DType>(c.op.integer("to", 0));
  if (torch_type(to).empty()) c.refuse("a cast to this type has no form in PyTorch");
  return torch_as(c.in(0), to);
}

PyExpr cast_like(Call& c) {
  const DType to = c.in_type(1);
  if (torch_type(to).empty()) c.refuse("the type that it casts to is not known");
  return torch_as(c.in(0), to);
}

PyExpr reciprocal(Call& c) { return {"1.0 / " + grouped(c.in(0)), false}; }

/// The mask is that of evaluation: everything is kept.
PyExpr dropout(Call& c) {
  float ratio = c.op.real("ratio", 0.5F);
  const auto given = c.number(1);
  if (c.has(1) && !given) c.refuse("its ratio is computed");
  if (given) ratio = static_cast<float>(*given);
  const bool trains = c.has(2) && c.number(2) != 0.0;  // computed counts as true
  if (trains && ratio != 0) c.refuse("it drops in evaluation, too (training_mode)");
  const std::string layer =
      trains ? "" : c.layer("dropout", py_call("nn.Dropout", {py_float(ratio)}).text, {});
  auto kept = [&](const PyExpr& x) { return trains ? x : py_call(layer, {x.text}); };
  const int mask = c.op.outputs.size() > 1 ? c.op.outputs[1] : -1;
  if (std::ranges::find(c.unit.outputs, mask) == c.unit.outputs.end()) return kept(c.in(0));
  const PyExpr x = c.variable(0);
  std::vector<std::string> like{x.text};
  if (c.view.value(mask).dtype == DType::kBool) like.push_back("dtype=torch.bool");
  return {kept(x).text + ", " + py_call("torch.ones_like", like).text, false, true};
}

PyExpr is_inf(Call& c) {
  const bool positive = c.op.integer("detect_positive", 1) != 0;
  const bool negative = c.op.integer("detect_negative", 1) != 0;
  if (!positive && !negative) c.refuse("it looks for neither infinity");
  return py_call(positive && negative ? "torch.isinf"
                 : positive           ? "torch.isposinf"
                                      : "torch.isneginf",
                 {c.in(0).text});
}

#define AUTOGO_TEXT(name, text) constexpr char k##name[] = text
AUTOGO_TEXT(Abs, "torch.abs");
AUTOGO_TEXT(Acos, "torch.acos");
AUTOGO_TEXT(Asin, "torch.asin");
AUTOGO_TEXT(Asinh, "torch.asinh");
AUTOGO_TEXT(Atan, "torch.atan");
AUTOGO_TEXT(Atanh, "torch.atanh");
AUTOGO_TEXT(Ceil, "torch.ceil");
AUTOGO_TEXT(Cos, "torch.cos");
AUTOGO_TEXT(Cosh, "torch.cosh");
AUTOGO_TEXT(Erf, "torch.erf");
AUTOGO_TEXT(Exp, "torch.exp");
AUTOGO_TEXT(Floor, "torch.floor");
AUTOGO_TEXT(HardSwish, "F.hardswish");
AUTOGO_TEXT(IsNaN, "torch.isnan");
AUTOGO_TEXT(Log, "torch.log");
AUTOGO_TEXT(Mish, "F.mish");
AUTOGO_TEXT(Neg, "torch.neg");
AUTOGO_TEXT(Not, "torch.logical_not");
AUTOGO_TEXT(Relu, "F.relu");
AUTOGO_TEXT(Round, "torch.round");
AUTOGO_TEXT(Sigmoid, "torch.sigmoid");
AUTOGO_TEXT(Sign, "torch.sign");
AUTOGO_TEXT(Sin, "torch.sin");
AUTOGO_TEXT(Sinh, "torch.sinh");
AUTOGO_TEXT(Softplus, "F.softplus");
AUTOGO_TEXT(Softsign, "F.softsign");
AUTOGO_TEXT(Sqrt, "torch.sqrt");
AUTOGO_TEXT(Tan, "torch.tan");
AUTOGO_TEXT(Tanh, "torch.tanh");
AUTOGO_TEXT(Plus, "+");
AUTOGO_TEXT(Minus, "-");
AUTOGO_TEXT(Times, "*");
AUTOGO_TEXT(Over, "/");
AUTOGO_TEXT(Power, "**");
AUTOGO_TEXT(And, "&");
AUTOGO_TEXT(Or, "|");
AUTOGO_TEXT(Xor, "^");
AUTOGO_TEXT(Equal, "==");
AUTOGO_TEXT(Greater, ">");
AUTOGO_TEXT(GreaterOrEqual, ">=");
AUTOGO_TEXT(Less, "<");
AUTOGO_TEXT(LessOrEqual, "<=");
#undef AUTOGO_TEXT

/// Integers divide as in C.
PyExpr divide(Call& c) {
  if (!is_whole(c.type())) return infix<kOver>(c);
  const std::string a = c.in(0).text;
  return py_call("torch.div", {a, c.term(1).text, "rounding_mode=\"trunc\""});
}

/// The result has the base's type; PyTorch's has the wider of both.
PyExpr power(Call& c) {
  const DType base = c.in_type(0), exponent = c.in_type(1);
  if (!is_whole(base) || base == exponent) return infix<kPower>(c);
  const PyExpr x = is_whole(exponent) ? c.in(0) : py_method(c.in(0), "double");
  return torch_as(py_infix({x, c.term(1)}, "**"), base);
}

constexpr OperatorRow kRows[] = {
    {"Abs", unary<kAbs>},
    {"Acos", unary<kAcos>},
    {"Add", infix<kPlus>},
    {"And", infix<kAnd>},
    {"Asin", unary<kAsin>},
    {"Asinh", unary<kAsinh>},
    {"Atan", unary<kAtan>},
    {"Atanh", unary<kAtanh>},
    {"Cast", cast},
    {"CastLike", cast_like},
    {"Ceil", unary<kCeil>},
    {"Celu", celu},
    {"Clip", clip},
    {"Cos", unary<kCos>},
    {"Cosh", unary<kCosh>},
    {"Div", divide},
    {"Dropout", dropout},
    {"Elu", elu},
    {"Equal", infix<kEqual>},
    {"Erf", unary<kErf>},
    {"Exp", unary<kExp>},
    {"Floor", unary<kFloor>},
    {"Gelu", gelu},
    {"Greater", infix<kGreater>},
    {"GreaterOrEqual", infix<kGreaterOrEqual>},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", unary<kHardSwish>},
    {"Identity", identity},
    {"IsInf", is_inf},
    {"IsNaN", unary<kIsNaN>},
    {"LeakyRelu", leaky_relu},
    {"Less", infix<kLess>},
    {"LessOrEqual", infix<kLessOrEqual>},
    {"Log", unary<kLog>},
    {"Max", maximum},
    {"Mean", mean},
    {"Min", minimum},
    {"Mish", unary<kMish>},
    {"Mod", mod},
    {"Mul", infix<kTimes>},
    {"Neg", unary<kNeg>},
    {"Not", unary<kNot>},
    {"Or", infix<kOr>},
    {"PRelu", prelu},
    {"Pow", power},
    {"Reciprocal", reciprocal},
    {"Relu", unary<kRelu>},
    {"Round", unary<kRound>},
    {"Selu", selu},
    {"Sigmoid", unary<kSigmoid>},
    {"Sign", unary<kSign>},
    {"Sin", unary<kSin>},
    {"Sinh", unary<kSinh>},
    {"Softplus", unary<kSoftplus>},
    {"Softsign", unary<kSoftsign>},
    {"Sqrt", unary<kSqrt>},
    {"Sub", infix<kMinus>},
    {"Sum", infix<kPlus>},
    {"Tan", unary<kTan>},
    {"Tanh", unary<kTanh>},
    {"ThresholdedRelu", thresholded_relu},
    {"Where", where},
    {"Xor", infix<kXor>},
};

}  // namespace

std::span<const OperatorRow> torch_elementwise() { return kRows; }

}  // namespace autogo
