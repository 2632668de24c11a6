// Which constants of a program are trained: the operators that read them say so (operand_roles.cc).
//
// A weight is often stored otherwise than it is used: transposed, cast, reshaped by nodes that read
// constants only. The role goes back through those to the constant behind, so nodes are visited
// from the last to the first. Where two readers disagree, being a weight wins.
//
// Tested by tests/program/program_test.cc.

#include "roles.h"

#include <algorithm>

#include "autogo/onnx/operand_roles.h"

namespace autogo {
namespace {

constexpr auto kFixed = ConstantRole::kFixed;
constexpr auto kWeight = ConstantRole::kWeight;

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
    return operand_role(node.domain, node.op_type, slot, elements(node, slot));
  }

  /// Through a node that reads constants only: its operand has the role of its outputs.
  ConstantRole passed_on(const ProgramNode& node, std::size_t slot) const {
    ConstantRole role = kFixed;
    if (!passes_role(node.op_type, slot, elements(node, slot))) return role;
    for (const int output : node.outputs) {
      if (output >= 0 && role != kWeight && roles_[at(output)] != kFixed) role = roles_[at(output)];
    }
    return role;
  }

  /// Of a constant operand; -1: computed from constants.
  std::int64_t elements(const ProgramNode& node, std::size_t slot) const {
    const int constant = program_.values[at(node.inputs[slot])].constant;
    return constant < 0 ? -1 : program_.constants[at(constant)].tensor.elements();
  }

  Program& program_;
  std::vector<bool> computed_;  // by value: depends on an input of the network
  std::vector<ConstantRole> roles_;
};

}  // namespace

void assign_roles(Program& program) { Roles(program).assign(); }

}  // namespace autogo
