#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/onnx/model.h"
#include "autogo/onnx/operand_roles.h"

namespace autogo {

/// A tensor of numbers. Its bytes are shared, never copied with it; a splat holds one element that
/// stands for all, so that weights which ConstantOfShape makes cost nothing.
struct ProgramTensor {
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> dims;     ///< empty: a scalar
  bool splat = false;                 ///< `bytes` is one element, the value of every element
  std::string_view bytes;             ///< little-endian, row-major
  std::shared_ptr<const void> owner;  ///< keeps `bytes` alive; shared with the model's file

  std::int64_t elements() const;
};

/// A tensor with bytes of its own.
ProgramTensor make_tensor(DType dtype, std::vector<std::int64_t> dims, std::string bytes);
ProgramTensor make_tensor(std::vector<std::int64_t> dims, const std::vector<float>& values);
/// The elements, splats repeated. Any numeric type reads as double; bool as 0 and 1.
/// @throws Error kUnsupported for strings, complex numbers and types under a byte
std::vector<double> real_values(const ProgramTensor& tensor);
/// @throws Error kUnsupported unless the type is integral or bool
std::vector<std::int64_t> integer_values(const ProgramTensor& tensor);
/// The bytes of the tensor in another numeric type, splats repeated; rounds to nearest even.
std::string converted_bytes(const ProgramTensor& tensor, DType to);

struct ProgramConstant {
  int value = -1;  ///< index into Program::values
  ProgramTensor tensor;
  ConstantRole role = ConstantRole::kFixed;
  NodeId node = kNoNode;  ///< the Graph's node that reads it first
};

/// Where dimensions are static they are given; a dynamic batch is -1 in the program's inputs and
/// outputs and counts as 1 elsewhere. Inner values of new nodes have no shape and no type.
struct ProgramValue {
  std::string name;
  DType dtype = DType::kUndefined;
  Shape shape;
  int constant = -1;  ///< index into Program::constants, -1: computed
};

/// monostate: a subgraph or another kind that no operator outside control flow has.
using ProgramAttribute =
    std::variant<std::monostate, std::int64_t, float, std::string, std::vector<std::int64_t>,
                 std::vector<float>, std::vector<std::string>, ProgramTensor>;

/// One ONNX operator.
struct ProgramNode {
  std::string op_type;
  std::string domain;  ///< empty: ONNX's own
  std::string name;
  std::vector<int> inputs;   ///< value indices, -1: absent
  std::vector<int> outputs;  ///< value indices, -1: absent
  std::map<std::string, ProgramAttribute> attributes;
  NodeId node = kNoNode;  ///< the Graph's node that it was lowered from

  /// The attribute, or `other` when it is not there. @throws Error kInput: it has another type
  std::int64_t integer(const std::string& key, std::int64_t other) const;
  float real(const std::string& key, float other) const;
  std::string text(const std::string& key, const std::string& other) const;
  std::optional<std::vector<std::int64_t>> integers(const std::string& key) const;
  std::optional<std::vector<float>> reals(const std::string& key) const;
};

/// A Graph as the ONNX operators that export_onnx would write for it, in topological order: what a
/// back-end runs or translates. Initializers, Constant nodes and ConstantOfShape nodes of a known
/// shape are constants; everything else is a node.
struct Program {
  std::int64_t opset = 0;  ///< of ONNX's own domain
  std::vector<ProgramValue> values;
  std::vector<int> inputs, outputs;  ///< value indices, in the model's order
  std::vector<ProgramConstant> constants;
  std::vector<ProgramNode> nodes;
};

/// @throws Error kUnsupported: a new node that the opset cannot express, a sparse initializer.
/// Cost O(nodes); weights are shared with the Graph's source, new ones drawn from the seed.
Program lower(const Graph& graph, const ExportOptions& options = {});

/// Writes the Graph as export_onnx does, with other values for some constants: trained weights go
/// back into the file. Values are converted to the constant's element type.
/// @param weights  by the name of the constant's value, of its shape
/// @throws Error as export_onnx; kInput when a name is no constant of lower(graph, options), or the
///         shape differs
void replace_weights(const Graph& graph, const std::map<std::string, ProgramTensor>& weights,
                     const std::string& path, const ExportOptions& options = {});

/// "node 'conv1' (Conv)"; an unnamed node is named by its first output.
std::string describe(const Program& program, const ProgramNode& node);

}  // namespace autogo
