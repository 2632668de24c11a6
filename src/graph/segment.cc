// Cutting a segment out of a graph and putting another in its place.
//
// A cut is a run [begin, end) of a topological order, so P -> S -> C is acyclic as a whole: values
// of P and of the network inputs feed S, values of S feed C, and nothing runs backwards. Whatever
// body replaces S, wired from values of P to consumers in C, the result is acyclic again; no check
// for cycles is needed, and `splice` can emit P, the body, C in one pass.
//
// Tested by tests/graph/segment_test.cc.

#include "autogo/graph/segment.h"

#include <algorithm>

#include "autogo/base/error.h"
#include "autogo/graph/creatable.h"

namespace autogo {
namespace {

std::vector<char> membership(const Graph& graph, const Cut& cut) {
  std::vector<char> inside(graph.num_nodes(), 0);
  for (std::size_t i = cut.begin; i < cut.end; ++i) inside[index(cut.order[i])] = 1;
  return inside;
}

constexpr ValueId kUnset{0xffffffffU};

ValueId mapped(const std::vector<ValueId>& map, ValueId value) {
  const ValueId result = map[index(value)];
  AUTOGO_CHECK(result != kUnset);
  return result;
}

/// Appends a copy of a node, inputs renamed through `map`, outputs entered into it.
void copy_node(const Graph& from, NodeId id, Graph& to, std::vector<ValueId>& map,
               bool keep_origins) {
  const Node& node = from.node(id);
  std::vector<ValueId> inputs;
  inputs.reserve(node.num_inputs);
  for (const ValueId v : from.inputs(id)) inputs.push_back(mapped(map, v));
  std::vector<Value> outputs;
  outputs.reserve(node.num_outputs);
  for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
    outputs.push_back(from.value(from.output(id, port)));
    if (!keep_origins) outputs.back().origin = kNoOrigin;
  }
  const NodeId copy =
      to.add_typed(node.op, node.attrs, inputs, outputs, keep_origins ? node.origin : kNoOrigin);
  for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
    map[index(from.output(id, port))] = to.output(copy, port);
  }
}

}  // namespace

Ports segment_ports(const Graph& graph, const Uses& uses, const Cut& cut) {
  const std::vector<char> inside = membership(graph, cut);
  Ports ports;
  for (std::size_t i = cut.begin; i < cut.end; ++i) {
    const NodeId id = cut.order[i];
    for (const ValueId v : graph.inputs(id)) {
      if (inside[index(graph.value(v).producer)]) continue;
      if (std::ranges::find(ports.inputs, v) == ports.inputs.end()) ports.inputs.push_back(v);
    }
    for (std::uint32_t port = 0; port < graph.node(id).num_outputs; ++port) {
      const ValueId v = graph.output(id, port);
      if (std::ranges::any_of(uses.of(v),
                              [&](const Uses::Use& use) { return !inside[index(use.node)]; })) {
        ports.outputs.push_back(v);
      }
    }
  }
  return ports;
}

Graph extract_segment(const Graph& graph, const Ports& ports, const Cut& cut) {
  Graph body;
  body.set_source(graph.source());
  std::vector<ValueId> map(graph.num_values(), kUnset);
  for (const ValueId v : ports.inputs) map[index(v)] = body.add_input(graph.type(v));
  for (std::size_t i = cut.begin; i < cut.end; ++i) {
    copy_node(graph, cut.order[i], body, map, /*keep_origins=*/true);
  }
  for (const ValueId v : ports.outputs) body.add_output(mapped(map, v));
  return body;
}

bool is_creatable(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const OpInfo& info = op_info(node.op);
  if (!info.insertable) return false;
  if (info.new_inputs >= 0 && node.num_inputs > static_cast<std::uint32_t>(info.new_inputs)) {
    return false;
  }
  return node.op != OpKind::kAttention || node.attrs.axis == token_axis(graph.output_type(id));
}

Graph splice(const Graph& graph, const Cut& cut, const Graph& body, std::span<const ValueId> inputs,
             std::span<const ValueId> outputs) {
  Graph child;
  child.set_source(graph.source());
  std::vector<ValueId> map(graph.num_values(), kUnset);
  // Network inputs first and outputs last, in their own order: the order of the cut may permute
  // them, the network's signature must not change.
  for (const NodeId id : graph.input_nodes()) copy_node(graph, id, child, map, true);
  auto copy_rest = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      const OpKind op = graph.node(cut.order[i]).op;
      if (op == OpKind::kInput || op == OpKind::kOutput) continue;
      copy_node(graph, cut.order[i], child, map, true);
    }
  };
  copy_rest(0, cut.begin);

  std::vector<ValueId> body_map(body.num_values(), kUnset);
  std::vector<ValueId> body_outputs;
  std::size_t next_input = 0;
  const auto body_size = static_cast<std::uint32_t>(body.num_nodes());
  // The value that takes an output port's place takes its name over too.
  std::vector<std::uint32_t> name(body.num_values(), kNoOrigin);
  for (std::uint32_t n = 0, port = 0; n < body_size; ++n) {
    if (body.node(NodeId{n}).op != OpKind::kOutput) continue;
    AUTOGO_CHECK(port < outputs.size());
    const ValueId inner = body.inputs(NodeId{n})[0];
    AUTOGO_CHECK(body.node(body.value(inner).producer).op != OpKind::kInput);
    AUTOGO_CHECK(name[index(inner)] == kNoOrigin);
    name[index(inner)] = graph.value(outputs[port]).origin;
    ++port;
  }
  for (std::uint32_t n = 0; n < body_size; ++n) {
    const NodeId id{n};
    const Node& node = body.node(id);
    if (node.op == OpKind::kInput) {
      AUTOGO_CHECK(next_input < inputs.size());
      const ValueId outer = mapped(map, inputs[next_input++]);
      AUTOGO_CHECK(child.type(outer).shape == body.output_type(id).shape);
      body_map[index(body.output(id))] = outer;
    } else if (node.op == OpKind::kOutput) {
      body_outputs.push_back(mapped(body_map, body.inputs(id)[0]));
    } else {
      std::vector<ValueId> sources;
      sources.reserve(node.num_inputs);
      for (const ValueId v : body.inputs(id)) sources.push_back(mapped(body_map, v));
      std::vector<Value> values;
      for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
        const ValueId v = body.output(id, port);
        values.push_back({body.type(v), NodeId{}, name[index(v)]});
      }
      const NodeId copy = child.add_typed(node.op, node.attrs, sources, values);
      for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
        body_map[index(body.output(id, port))] = child.output(copy, port);
      }
    }
  }
  AUTOGO_CHECK(next_input == inputs.size() && body_outputs.size() == outputs.size());
  for (std::size_t j = 0; j < outputs.size(); ++j) {
    AUTOGO_CHECK(child.type(body_outputs[j]).shape == graph.type(outputs[j]).shape);
    map[index(outputs[j])] = body_outputs[j];
  }
  copy_rest(cut.end, cut.order.size());
  for (const NodeId id : graph.output_nodes()) copy_node(graph, id, child, map, true);
  return child;
}

}  // namespace autogo
