#include "export_activations.h"

#include <cmath>

#include "autogo/base/error.h"
#include "onnx/attributes.h"

namespace autogo {

void ActivationWriter::clip(const std::string& input, const std::string& output, float low,
                            float high, const std::string& part) {
  if (w_.opset() >= 11) {
    node("Clip", part, {input, scalar("min", low), scalar("max", high)}, output);
    return;
  }
  onnx::NodeProto& proto = node("Clip", part, {input}, output);
  set_attribute(proto, "max", high);
  set_attribute(proto, "min", low);
}

void ActivationWriter::prelu() {
  Ints dims(static_cast<std::size_t>(in_.shape.rank()) - 1, 1);
  const bool last = in_.layout == Layout::kChannelsLast;
  const std::size_t channel = last ? dims.size() - 1 : 0;
  dims[channel] = in_.shape[channel + 1];
  node("PRelu", "", {x(), filled("slope", dims, 0.25)}, output_);
}

void ActivationWriter::hard_sigmoid(const std::string& input, const std::string& output,
                                    float alpha, float beta, const std::string& part) {
  onnx::NodeProto& proto = node("HardSigmoid", part, {input}, output);
  set_attribute(proto, "alpha", alpha);
  set_attribute(proto, "beta", beta);
}

void ActivationWriter::swish(const std::string& input, const std::string& output,
                             const std::string& part) {
  const std::string gate = step("Sigmoid", "sigmoid", {input});
  node("Mul", part, {input, gate}, output);
}

void ActivationWriter::hard_swish(const std::string& input, const std::string& output,
                                  const std::string& part) {
  if (w_.opset() >= 14) {
    node("HardSwish", part, {input}, output);
    return;
  }
  const std::string gate = value("gate");
  hard_sigmoid(input, gate, 1.0F / 6, 0.5F, "hard_sigmoid");
  node("Mul", part, {input, gate}, output);
}

void ActivationWriter::gelu(const std::string& input, const std::string& output,
                            const std::string& part) {
  const bool by_tanh = attrs_.text == "tanh";
  if (w_.opset() >= 20) {
    onnx::NodeProto& proto = node("Gelu", part, {input}, output);
    if (by_tanh) set_attribute(proto, "approximate", std::string("tanh"));
    return;
  }
  std::string inner;
  if (by_tanh) {
    const std::string square = step("Mul", "square", {input, input});
    const std::string cube = step("Mul", "cube", {square, input});
    const std::string small = step("Mul", "small", {cube, scalar("cubic", 0.044715)});
    const std::string sum = step("Add", "sum", {input, small});
    const std::string scaled = step("Mul", "scaled", {sum, scalar("scale", std::sqrt(2 / M_PI))});
    inner = step("Tanh", "tanh", {scaled});
  } else {
    if (w_.opset() < 9) refuse("a new gelu");
    const std::string scaled = step("Div", "scaled", {input, scalar("root", std::sqrt(2.0))});
    inner = step("Erf", "erf", {scaled});
  }
  const std::string shifted = step("Add", "shifted", {inner, scalar("one", 1)});
  const std::string product = step("Mul", "product", {input, shifted});
  node("Mul", part, {product, scalar("half", 0.5)}, output);
}

void ActivationWriter::mish() {
  const std::string soft = step("Softplus", "softplus", {x()});
  const std::string gate = step("Tanh", "tanh", {soft});
  node("Mul", "", {x(), gate}, output_);
}

void ActivationWriter::softmax(const std::string& onnx) {
  const std::int64_t rank = in_.shape.rank();
  const std::int64_t axis = attrs_.axis < 0 ? attrs_.axis + rank : attrs_.axis;
  for (std::int64_t i = axis + 1; w_.opset() < 13 && i < rank; ++i) {
    if (in_.shape[static_cast<std::size_t>(i)] != 1)
      refuse(std::string(op_name(op_)) + " over an inner axis");
  }
  set_attribute(emit(onnx), "axis", axis);
}

void ActivationWriter::activation(const std::string& act, const std::string& input,
                                  const std::string& output) {
  if (act == "relu") {
    node("Relu", "relu", {input}, output);
  } else if (act == "relu6") {
    clip(input, output, 0, 6, "relu6");
  } else if (act == "swish") {
    swish(input, output, "swish");
  } else if (act == "hard_swish") {
    hard_swish(input, output, "hard_swish");
  } else if (act == "gelu") {
    gelu(input, output, "gelu");
  } else {
    refuse("squeeze-excite with the activation '" + act + "'");
  }
}

}  // namespace autogo
