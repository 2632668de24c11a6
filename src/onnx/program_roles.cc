// Which constants are trained.
//
// ONNX says nothing about it: a convolution's filter and the axes of a reshape are both
// initializers. The operator that reads a constant decides: filters, matrices, scales, biases,
// slopes and embeddings are weights, the statistics of batch normalisation are buffers. A constant
// operand of Add or Mul is a weight when it has more than one element (a bias written as a node of
// its own, a layer normalisation spelled out, a position embedding) and so is one of Concat or
// Expand (a class token); a single number is part of a formula, and Sub and Div by a constant are
// how pictures are normalised at the input.
//
// A weight is often stored otherwise than it is used: transposed, cast, reshaped by nodes that read
// constants only. The role goes back through those to the constant behind, so nodes are visited
// from the last to the first. Where two readers disagree, being a weight wins.
//
// Tested by tests/onnx/program_test.cc.

#include "program_roles.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace autogo {
namespace {

constexpr auto kFixed = ConstantRole::kFixed;
constexpr auto kWeight = ConstantRole::kWeight;
constexpr auto kBuffer = ConstantRole::kBuffer;

/// Roles of an operator's operands by slot; the last one counts for all that follow.
struct SlotRoles {
  std::string_view op;
  std::array<ConstantRole, 5> roles;
};

constexpr SlotRoles kSlotRoles[] = {
    {"BatchNormalization", {kFixed, kWeight, kWeight, kBuffer, kBuffer}},
    {"Conv", {kFixed, kWeight, kWeight, kFixed, kFixed}},
    {"ConvTranspose", {kFixed, kWeight, kWeight, kFixed, kFixed}},
    {"Einsum", {kWeight, kWeight, kWeight, kWeight, kWeight}},
    {"GRU", {kFixed, kWeight, kWeight, kWeight, kFixed}},
    {"Gather", {kWeight, kFixed, kFixed, kFixed, kFixed}},
    {"Gemm", {kWeight, kWeight, kWeight, kFixed, kFixed}},
    {"GroupNormalization", {kFixed, kWeight, kWeight, kFixed, kFixed}},
    {"InstanceNormalization", {kFixed, kWeight, kWeight, kFixed, kFixed}},
    {"LSTM", {kFixed, kWeight, kWeight, kWeight, kFixed}},
    {"LayerNormalization", {kFixed, kWeight, kWeight, kFixed, kFixed}},
    {"MatMul", {kWeight, kWeight, kFixed, kFixed, kFixed}},
    {"PRelu", {kFixed, kWeight, kFixed, kFixed, kFixed}},
    {"RNN", {kFixed, kWeight, kWeight, kWeight, kFixed}},
};

/// Operators whose constant operands are weights when they have several elements.
constexpr std::array<std::string_view, 5> kManyIsWeight = {"Add", "Concat", "Expand", "Mul", "Sum"};

bool floating(DType type) {
  return type == DType::kFloat32 || type == DType::kFloat16 || type == DType::kFloat64 ||
         type == DType::kBFloat16;
}

class Roles {
 public:
  explicit Roles(Program& program)
      : program_(program),
        computed_(program.values.size(), false),
        roles_(program.values.size(), kFixed) {}

  void assign() {
    for (const int input : program_.inputs) computed_[at(input)] = true;
    for (const ProgramNode& node : program_.nodes) {
      const bool computed = std::ranges::any_of(
          node.inputs, [&](int value) { return value >= 0 && computed_[at(value)]; });
      for (const int output : node.outputs) {
        if (output >= 0) computed_[at(output)] = computed;
      }
    }
    for (auto node = program_.nodes.rbegin(); node != program_.nodes.rend(); ++node) visit(*node);
    for (ProgramConstant& constant : program_.constants) {
      if (floating(constant.tensor.dtype)) constant.role = roles_[at(constant.value)];
    }
  }

 private:
  static std::size_t at(int value) { return static_cast<std::size_t>(value); }

  void visit(const ProgramNode& node) {
    if (!node.domain.empty()) return;
    const bool computed =
        std::ranges::any_of(node.outputs, [&](int v) { return v >= 0 && computed_[at(v)]; });
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const int value = node.inputs[slot];
      if (value < 0 || computed_[at(value)]) continue;
      const ConstantRole role = computed ? role_of(node, slot) : passed_on(node, slot);
      ConstantRole& known = roles_[at(value)];
      if (known != kWeight && role != kFixed) known = role;
    }
  }

  ConstantRole role_of(const ProgramNode& node, std::size_t slot) const {
    for (const SlotRoles& row : kSlotRoles) {
      if (row.op == node.op_type) return row.roles[std::min(slot, row.roles.size() - 1)];
    }
    if (std::ranges::find(kManyIsWeight, node.op_type) == kManyIsWeight.end()) return kFixed;
    const int constant = program_.values[at(node.inputs[slot])].constant;
    if (constant < 0) return kWeight;  // computed from constants
    const ProgramTensor& tensor = program_.constants[at(constant)].tensor;
    return tensor.elements() > 1 && floating(tensor.dtype) ? kWeight : kFixed;
  }

  /// Through a node that reads constants only: its operand has the role of its output.
  ConstantRole passed_on(const ProgramNode& node, std::size_t slot) const {
    const int output = node.outputs.empty() ? -1 : node.outputs[0];
    if (output < 0) return kFixed;
    const int constant = program_.values[at(node.inputs[slot])].constant;
    if (slot > 0 && constant >= 0 && program_.constants[at(constant)].tensor.elements() <= 1) {
      return kFixed;
    }
    return roles_[at(output)];
  }

  Program& program_;
  std::vector<bool> computed_;  // by value: depends on an input of the network
  std::vector<ConstantRole> roles_;
};

}  // namespace

void assign_roles(Program& program) { Roles(program).assign(); }

}  // namespace autogo
