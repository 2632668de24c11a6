#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/program/batch_axis.h"
#include "autogo/program/program.h"

namespace autogo {

/// A constant operand, behind the operators that only move or cast its numbers.
struct ConstantView {
  DType dtype = DType::kUndefined;
  std::vector<std::int64_t> dims;
  ConstantRole role = ConstantRole::kFixed;
  bool splat = false;                   ///< all elements are `first`
  std::function<ProgramTensor()> read;  ///< of these dims

  std::int64_t elements() const;
  bool floating() const;
  /// One element, or all alike.
  bool single() const { return splat || elements() == 1; }
  double number() const;  ///< of a single one
  /// Python's text of it: "0.5", "-3", "True".
  std::string number_text() const;
  std::vector<float> floats() const;
  std::vector<std::int64_t> integers() const;
};

/// A weight of a layer, made when it is written: no more than one is in memory.
struct LayerWeight {
  std::string name;  ///< within the layer: "weight", "running_mean"
  std::vector<std::int64_t> dims;
  std::function<std::vector<float>()> make;
  bool trained = true;
  std::function<std::vector<std::int64_t>()> integers = nullptr;  ///< instead of `make`
};

/// The constant as it is.
LayerWeight plain_weight(const std::string& name, const ConstantView& constant);
/// The same numbers in the same order with other dimensions.
LayerWeight reshaped_weight(const std::string& name, const ConstantView& constant,
                            std::vector<std::int64_t> dims);
/// With permuted axes: axis i of the result is axis `axes[i]` of the constant.
LayerWeight permuted_weight(const std::string& name, const ConstantView& constant,
                            const std::vector<std::size_t>& axes);
/// A table of integers or truth values; it is stored as int64.
LayerWeight integer_table(const std::string& name, const ConstantView& constant);
/// `size` equal numbers.
LayerWeight filled_weight(const std::string& name, std::int64_t size, float value);

/// What becomes one expression: an operator of the program, or an idiom of several.
struct Unit {
  /// kOpaque: the one operator; else the idiom: swish, hard swish, GELU, mish, layer norm, dense.
  OpKind idiom = OpKind::kOpaque;
  NodeId node = kNoNode;
  std::vector<const ProgramNode*> operators;  ///< in order, without those of constants alone
  std::vector<int> inputs;                    ///< computed values that it reads, each once
  std::vector<int> outputs;                   ///< values that others need; not empty

  const ProgramNode& last() const { return *operators.back(); }
};

/// A convolution or a product with a matrix of weights.
bool is_weighted(const Unit& unit);

/// A program as units in topological order. Units that nothing needs are left out: a reshape whose
/// result has a known shape does not need the arithmetic that computes it.
class NetworkView {
 public:
  /// @param graph  that `program` was lowered from
  NetworkView(const Graph& graph, Program program);

  const Graph& graph() const { return graph_; }
  const Program& program() const { return program_; }
  const std::vector<Unit>& units() const { return units_; }
  const ProgramValue& value(int v) const { return program_.values[static_cast<std::size_t>(v)]; }
  const Shape& shape(int v) const { return value(v).shape; }
  /// Depends on the network's inputs.
  bool computed(int v) const { return computed_[static_cast<std::size_t>(v)]; }
  /// The operator that makes a value; nullptr for inputs and stored constants.
  const ProgramNode* producer(int v) const;
  /// Nothing when the value is computed, or made from constants by arithmetic.
  std::optional<ConstantView> constant(int v) const;
  /// The axis that carries the batch; -1 when there is none or it is not known.
  int batch_axis(int v) const { return batch_.axis[static_cast<std::size_t>(v)]; }
  /// The operator reads its first operand only, because its result's shape is known (Reshape).
  bool shape_is_known(const ProgramNode& node) const;

 private:
  void find_computed();
  void make_units();
  void drop_unneeded();
  bool fuse(Unit& unit) const;

  const Graph& graph_;
  Program program_;
  BatchAxes batch_;
  std::vector<bool> computed_;
  std::vector<int> producer_;  ///< by value: index of the node, -1
  std::vector<Unit> units_;
};

}  // namespace autogo
