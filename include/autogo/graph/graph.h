#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "autogo/graph/op.h"
#include "autogo/graph/types.h"

namespace autogo {

enum class NodeId : std::uint32_t {};   ///< index into Graph's nodes
enum class ValueId : std::uint32_t {};  ///< index into Graph's values
inline constexpr NodeId kNoNode{0xffffffffU};

constexpr std::size_t index(NodeId id) { return static_cast<std::size_t>(id); }
constexpr std::size_t index(ValueId id) { return static_cast<std::size_t>(id); }

/// `Node::origin`, `Value::origin` of what was not imported.
inline constexpr std::uint32_t kNoOrigin = 0xffffffffU;

/// What a graph was imported from, shared by every graph derived from it and never copied with
/// them. The onnx layer derives from it and keeps the model's bytes and weights there.
struct Source {
  /// A node's part in a weight that other nodes read too.
  struct SharedWeight {
    std::uint32_t id = 0;  ///< the same for all its readers
    std::int64_t params = 0, bytes = 0;
  };
  /// What only the importer can know of a node, from its constants.
  struct NodeFacts {
    std::int64_t params = 0;        ///< elements of what is trained
    std::int64_t weight_bytes = 0;  ///< bytes of its weights and running statistics as stored
    std::int64_t macs = -1;         ///< kOpaque: multiply-accumulates, -1 when unknown
    std::vector<SharedWeight> shared = {};  ///< contained in the two sums above
  };
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  std::vector<std::string> node_names;   ///< by Node::origin
  std::vector<std::string> value_names;  ///< by Value::origin
  std::vector<NodeFacts> node_facts;     ///< by Node::origin
};

struct Node {
  OpKind op = OpKind::kOpaque;
  Attrs attrs;
  std::uint32_t first_input = 0, num_inputs = 0;    ///< range of Graph's input list
  std::uint32_t first_output = 0, num_outputs = 0;  ///< range of ValueIds
  std::uint32_t origin = kNoOrigin;                 ///< index into Source, or kNoOrigin: a new node
};

struct Value {
  TensorType type;
  NodeId producer{};
  std::uint32_t origin = kNoOrigin;  ///< whose name it bears; a replacement takes its port's over
};

/// A computation graph (AutoGO, section 3): nodes are primitive operations, edges are tensors.
/// A value type: contiguous arrays, no pointers between nodes; weights and names stay in the shared
/// Source. Node ids are a topological order, because a node can only use values that exist.
/// Weights are not values: a convolution has one input. Copying costs O(nodes).
class Graph {
 public:
  /// Adds a network or segment input.
  ValueId add_input(const TensorType& type, std::uint32_t node_origin = kNoOrigin,
                    std::uint32_t value_origin = kNoOrigin);
  /// Marks a value as an output. @return the kOutput node
  NodeId add_output(ValueId value, std::uint32_t node_origin = kNoOrigin);
  /// Adds a node of the operator table; its output type follows from the shape rule.
  /// @throws Error kInput: arity or shape rule broken (the operator is named, the node is not)
  ValueId add(OpKind op, Attrs attrs, std::span<const ValueId> inputs,
              std::uint32_t node_origin = kNoOrigin, std::uint32_t value_origin = kNoOrigin);
  ValueId add(OpKind op, Attrs attrs, std::initializer_list<ValueId> inputs) {
    return add(op, std::move(attrs), std::span(inputs.begin(), inputs.size()));
  }
  /// Adds a node whose output types the caller knows: an opaque one, or a table node with
  /// a type that the rule would compute anyway (splicing uses it).
  NodeId add_typed(OpKind op, Attrs attrs, std::span<const ValueId> inputs,
                   std::span<const Value> outputs, std::uint32_t node_origin = kNoOrigin);

  std::size_t num_nodes() const { return nodes_.size(); }
  std::size_t num_values() const { return values_.size(); }
  std::size_t num_edges() const { return inputs_.size(); }
  const Node& node(NodeId id) const { return nodes_[index(id)]; }
  const Value& value(ValueId id) const { return values_[index(id)]; }
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const Value> values() const { return values_; }
  std::span<const ValueId> inputs(NodeId id) const {
    const Node& n = node(id);
    return {inputs_.data() + n.first_input, n.num_inputs};
  }
  /// The `port`-th output of a node.
  ValueId output(NodeId id, std::uint32_t port = 0) const {
    return ValueId{node(id).first_output + port};
  }
  const TensorType& type(ValueId id) const { return value(id).type; }
  /// Type of the node's first output; of its input for kOutput.
  const TensorType& output_type(NodeId id) const;
  /// Ids of the kInput nodes, and of the kOutput nodes, in order.
  std::vector<NodeId> input_nodes() const;
  std::vector<NodeId> output_nodes() const;

  const std::shared_ptr<const Source>& source() const { return source_; }
  void set_source(std::shared_ptr<const Source> source) { source_ = std::move(source); }
  /// The imported name, or "<op>_<id>".
  std::string node_name(NodeId id) const;
  std::string value_name(ValueId id) const;

 private:
  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::vector<ValueId> inputs_;  ///< all nodes' inputs, concatenated
  std::shared_ptr<const Source> source_;  ///< shared: many graphs derive from one import
};

/// Who uses a value: CSR over values, built once per graph in O(edges).
class Uses {
 public:
  struct Use {
    NodeId node;
    std::uint32_t slot;  ///< index into inputs(node)
  };
  explicit Uses(const Graph& graph);
  std::span<const Use> of(ValueId id) const {
    return {uses_.data() + first_[index(id)], first_[index(id) + 1] - first_[index(id)]};
  }

 private:
  std::vector<std::uint32_t> first_;
  std::vector<Use> uses_;
};

/// Stable text: one line a node, "%3 = conv k3x3 s2x2 same c64 (%1) : 1x64x16x16". For debugging and
/// golden tests. `names` adds imported names.
std::string dump(const Graph& graph, bool names = false);

}  // namespace autogo
