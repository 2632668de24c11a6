#include "autogo/graph/graph.h"

#include <algorithm>
#include <array>

#include "autogo/base/error.h"

namespace autogo {
namespace {

void require_arity(OpKind op, std::size_t found) {
  const OpInfo& info = op_info(op);
  const bool enough = found >= static_cast<std::size_t>(info.min_inputs);
  const bool fits = info.max_inputs < 0 || found <= static_cast<std::size_t>(info.max_inputs);
  if (enough && fits) return;
  std::string expected = std::to_string(info.min_inputs);
  if (info.max_inputs < 0) expected += " or more";
  throw Error(ErrorKind::kInput, std::string(info.name) + " has " + std::to_string(found) +
                                     " computed inputs, expected " + expected);
}

}  // namespace

ValueId Graph::add_input(const TensorType& type, std::uint32_t node_origin,
                         std::uint32_t value_origin) {
  const std::array<Value, 1> outputs{Value{type, NodeId{}, value_origin}};
  return output(add_typed(OpKind::kInput, {}, {}, outputs, node_origin));
}

NodeId Graph::add_output(ValueId value, std::uint32_t node_origin) {
  const std::array<ValueId, 1> inputs{value};
  return add_typed(OpKind::kOutput, {}, inputs, {}, node_origin);
}

ValueId Graph::add(OpKind op, Attrs attrs, std::span<const ValueId> inputs,
                   std::uint32_t node_origin, std::uint32_t value_origin) {
  require_arity(op, inputs.size());
  std::array<TensorType, 4> few;
  std::vector<TensorType> many;
  std::span<TensorType> types(few.data(), std::min(inputs.size(), few.size()));
  if (inputs.size() > few.size()) {
    many.resize(inputs.size());
    types = many;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) types[i] = type(inputs[i]);
  const std::array<Value, 1> outputs{Value{infer_type(op, attrs, types), NodeId{}, value_origin}};
  return output(add_typed(op, std::move(attrs), inputs, outputs, node_origin));
}

NodeId Graph::add_typed(OpKind op, Attrs attrs, std::span<const ValueId> inputs,
                        std::span<const Value> outputs, std::uint32_t node_origin) {
  const NodeId id{static_cast<std::uint32_t>(nodes_.size())};
  Node node;
  node.op = op;
  node.attrs = std::move(attrs);
  node.first_input = static_cast<std::uint32_t>(inputs_.size());
  node.num_inputs = static_cast<std::uint32_t>(inputs.size());
  node.first_output = static_cast<std::uint32_t>(values_.size());
  node.num_outputs = static_cast<std::uint32_t>(outputs.size());
  node.origin = node_origin;
  for (const ValueId value : inputs) AUTOGO_CHECK(index(value) < values_.size());
  inputs_.insert(inputs_.end(), inputs.begin(), inputs.end());
  for (const Value& value : outputs) values_.push_back({value.type, id, value.origin});
  nodes_.push_back(std::move(node));
  return id;
}

const TensorType& Graph::output_type(NodeId id) const {
  const Node& n = node(id);
  if (n.num_outputs > 0) return type(output(id));
  AUTOGO_CHECK(n.num_inputs > 0);
  return type(inputs(id)[0]);
}

namespace {

std::vector<NodeId> nodes_of(std::span<const Node> nodes, OpKind op) {
  std::vector<NodeId> ids;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].op == op) ids.push_back(NodeId{i});
  }
  return ids;
}

}  // namespace

std::vector<NodeId> Graph::input_nodes() const { return nodes_of(nodes_, OpKind::kInput); }
std::vector<NodeId> Graph::output_nodes() const { return nodes_of(nodes_, OpKind::kOutput); }

std::string Graph::node_name(NodeId id) const {
  const std::uint32_t origin = node(id).origin;
  if (source_ && origin < source_->node_names.size()) return source_->node_names[origin];
  return std::string(op_name(node(id).op)) + "_" + std::to_string(index(id));
}

std::string Graph::value_name(ValueId id) const {
  const std::uint32_t origin = value(id).origin;
  if (source_ && origin < source_->value_names.size()) return source_->value_names[origin];
  const NodeId producer = value(id).producer;
  const std::size_t port = index(id) - node(producer).first_output;
  return node_name(producer) + (port == 0 ? "" : "." + std::to_string(port));
}

Uses::Uses(const Graph& graph) : first_(graph.num_values() + 1), uses_(graph.num_edges()) {
  const auto num_nodes = static_cast<std::uint32_t>(graph.num_nodes());
  for (std::uint32_t n = 0; n < num_nodes; ++n) {
    for (const ValueId v : graph.inputs(NodeId{n})) ++first_[index(v) + 1];
  }
  for (std::size_t v = 1; v < first_.size(); ++v) first_[v] += first_[v - 1];
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (std::uint32_t n = 0; n < num_nodes; ++n) {
    const std::span<const ValueId> inputs = graph.inputs(NodeId{n});
    for (std::uint32_t slot = 0; slot < inputs.size(); ++slot) {
      uses_[next[index(inputs[slot])]++] = {NodeId{n}, slot};
    }
  }
}

}  // namespace autogo
