#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/program/program.h"

namespace autogo {

/// A graph that grows from another one: its nodes are copied with their origins, so that their
/// weights and names stay, and new ones are put between or behind them.
class GraphCopy {
 public:
  /// Starts with the inputs of `from`. @param types  theirs; empty: as they are
  explicit GraphCopy(const Graph& from, const std::vector<TensorType>& types = {});

  /// Copies whatever the values need, as it is.
  void copy_cone(std::initializer_list<ValueId> values);
  /// Copies one node whose operands are there; the types follow from the shape rule.
  /// @throws Error kUnsupported: a node whose type the rules cannot tell, or whose weights are of
  ///         another size
  ValueId copy_adapted(NodeId id);
  /// Lets a value of `from` stand for a new one from here on.
  void replace(ValueId value, ValueId by) { map_[index(value)] = by; }
  ValueId at(ValueId value) const;
  bool has(ValueId value) const { return map_[index(value)].has_value(); }

  Graph& graph() { return graph_; }
  Graph take() { return std::move(graph_); }

 private:
  void copy_typed(NodeId id);

  const Graph& from_;
  Graph graph_;
  std::vector<std::optional<ValueId>> map_;  // values of from_ in graph_
};

/// The graph for inputs of another height and width. Every output follows from the shape rules.
/// @throws Error kUnsupported: a node that fixes the size, named
Graph with_input_size(const Graph& graph, std::int64_t height, std::int64_t width);

/// The name that a value of the graph has in lower(graph).
std::string program_name(const Graph& graph, const Program& program, ValueId value);

}  // namespace autogo
