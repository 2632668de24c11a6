#include "graph_edit.h"

#include <algorithm>

#include "autogo/base/error.h"

namespace autogo {

GraphCopy::GraphCopy(const Graph& from, const std::vector<TensorType>& types)
    : from_(from), map_(from.num_values()) {
  graph_.set_source(from.source());
  const std::vector<NodeId> inputs = from.input_nodes();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ValueId value = from.output(inputs[i]);
    const TensorType& type = types.empty() ? from.type(value) : types[i];
    map_[index(value)] =
        graph_.add_input(type, from.node(inputs[i]).origin, from.value(value).origin);
  }
}

ValueId GraphCopy::at(ValueId value) const {
  AUTOGO_CHECK(has(value));
  return *map_[index(value)];
}

void GraphCopy::copy_typed(NodeId id) {
  const Node& node = from_.node(id);
  std::vector<ValueId> inputs;
  std::vector<Value> outputs;
  for (const ValueId v : from_.inputs(id)) inputs.push_back(at(v));
  for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
    outputs.push_back(from_.value(from_.output(id, port)));
  }
  const NodeId copy = graph_.add_typed(node.op, node.attrs, inputs, outputs, node.origin);
  for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
    map_[index(from_.output(id, port))] = graph_.output(copy, port);
  }
}

void GraphCopy::copy_cone(std::initializer_list<ValueId> values) {
  std::vector<bool> needed(from_.num_values(), false);
  for (const ValueId v : values) needed[index(v)] = true;
  std::vector<NodeId> nodes;
  for (std::size_t i = from_.num_nodes(); i-- > 0;) {
    const NodeId id{static_cast<std::uint32_t>(i)};
    const Node& node = from_.node(id);
    bool wanted = false, there = true;
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      wanted = wanted || needed[index(from_.output(id, port))];
      there = there && has(from_.output(id, port));
    }
    if (!wanted || there) continue;
    nodes.push_back(id);
    for (const ValueId v : from_.inputs(id)) needed[index(v)] = true;
  }
  for (auto id = nodes.rbegin(); id != nodes.rend(); ++id) copy_typed(*id);
}

ValueId GraphCopy::copy_adapted(NodeId id) {
  const Node& node = from_.node(id);
  const std::string who = "node '" + from_.node_name(id) + "' (" + op_name(node.op) + ")";
  bool same = true;
  std::vector<ValueId> inputs;
  for (const ValueId v : from_.inputs(id)) {
    inputs.push_back(at(v));
    same = same && from_.type(v) == graph_.type(inputs.back());
  }
  if (same) {
    copy_typed(id);
    return at(from_.output(id));
  }
  const Shape& before = from_.type(from_.inputs(id)[0]).shape;
  const Shape& after = graph_.type(inputs[0]).shape;
  const auto last = static_cast<std::size_t>(std::max(before.rank() - 1, 0));
  const bool fixed = node.op == OpKind::kOpaque || node.op == OpKind::kReshape ||
                     node.op == OpKind::kAttention ||
                     (node.op == OpKind::kDense && before[last] != after[last]);
  AUTOGO_REQUIRE(!fixed && node.num_outputs == 1, ErrorKind::kUnsupported,
                 who + ": is made for " + to_string(before) + ", not for " + to_string(after));
  const ValueId old = from_.output(id);
  try {
    const ValueId made =
        graph_.add(node.op, node.attrs, inputs, node.origin, from_.value(old).origin);
    map_[index(old)] = made;
    return made;
  } catch (Error& e) {
    e.prepend(who);
    throw;
  }
}

Graph with_input_size(const Graph& graph, std::int64_t height, std::int64_t width) {
  std::vector<TensorType> types;
  for (const NodeId id : graph.input_nodes()) {
    TensorType type = graph.output_type(id);
    if (type.shape.rank() == 4) {
      type = with_feature_map(type, {feature_map(type).c, height, width});
    }
    types.push_back(type);
  }
  GraphCopy copy(graph, types);
  for (std::uint32_t i = 0; i < graph.num_nodes(); ++i) {
    const Node& node = graph.node(NodeId{i});
    if (node.op == OpKind::kInput) continue;
    if (node.op == OpKind::kOutput) {
      copy.graph().add_output(copy.at(graph.inputs(NodeId{i})[0]), node.origin);
    } else {
      copy.copy_adapted(NodeId{i});
    }
  }
  return copy.take();
}

namespace {

/// A value of a file whose maps have their channels last has the same name as the Graph's value of
/// channels first (see the onnx layer): what reads by name would read other axes.
bool as_typed(const Shape& file, const Shape& graph) {
  if (!file.has_rank() || !graph.has_rank()) return true;
  if (file.rank() != graph.rank()) return false;
  for (std::size_t d = 0; d < file.dims().size(); ++d) {
    if (file[d] >= 0 && graph[d] >= 0 && file[d] != graph[d]) return false;
  }
  return true;
}

}  // namespace

std::string program_name(const Graph& graph, const Program& program, ValueId value) {
  const NodeId producer = graph.value(value).producer;
  const std::vector<NodeId> inputs = graph.input_nodes();
  if (const auto it = std::ranges::find(inputs, producer); it != inputs.end()) {
    const auto at = static_cast<std::size_t>(it - inputs.begin());
    return program.values[static_cast<std::size_t>(program.inputs[at])].name;
  }
  const std::size_t port = index(value) - index(graph.output(producer));
  for (auto node = program.nodes.rbegin(); node != program.nodes.rend(); ++node) {
    if (node->node == producer && port < node->outputs.size() && node->outputs[port] >= 0) {
      const ProgramValue& found = program.values[static_cast<std::size_t>(node->outputs[port])];
      AUTOGO_REQUIRE(
          as_typed(found.shape, graph.type(value).shape), ErrorKind::kUnsupported,
          "value '" + found.name + "' has its channels last in the file: no head can read it");
      return found.name;
    }
  }
  throw Error(ErrorKind::kUnsupported,
              "value '" + graph.value_name(value) + "' is constant: no head can read it");
}

}  // namespace autogo
