#pragma once

// Graphs that tests of the graph layer share: random ones, renumberings, and isomorphism by trying
// every permutation.

#include <algorithm>
#include <numeric>
#include <vector>

#include "autogo/base/rng.h"
#include "autogo/graph/canonical.h"
#include "autogo/graph/graph.h"
#include "support/attrs.h"

namespace autogo::testing {

inline TensorType map_type(std::int64_t c = 4, std::int64_t h = 8, std::int64_t w = 8) {
  const Shape shape{1, c, h, w};
  return {DType::kFloat32, default_layout(shape), shape};
}

/// A node that keeps the map type whatever its operator's arity is: structure without shape rules.
inline ValueId loose(Graph& g, OpKind op, const std::vector<ValueId>& inputs) {
  const std::array<Value, 1> outputs{Value{map_type()}};
  return g.output(g.add_typed(op, {}, inputs, outputs));
}

/// The graph with its nodes in the order given, which must be topological; operands of commutative
/// operators sorted by their new numbers, so that equal wiring gives equal graphs.
inline Graph in_order(const Graph& g, const std::vector<NodeId>& order) {
  Graph out;
  std::vector<ValueId> map(g.num_values());
  for (const NodeId id : order) {
    const Node& node = g.node(id);
    std::vector<ValueId> inputs;
    for (const ValueId v : g.inputs(id)) inputs.push_back(map[index(v)]);
    if (op_info(node.op).commutative) std::ranges::sort(inputs);
    std::vector<Value> outputs;
    for (std::uint32_t p = 0; p < node.num_outputs; ++p) {
      outputs.push_back(g.value(g.output(id, p)));
    }
    const NodeId copy = out.add_typed(node.op, node.attrs, inputs, outputs);
    for (std::uint32_t p = 0; p < node.num_outputs; ++p) {
      map[index(g.output(id, p))] = out.output(copy, p);
    }
  }
  return out;
}

/// A random topological order. `keep_ports`: inputs and outputs stay in their order.
inline std::vector<NodeId> random_order(const Graph& g, Rng& rng, bool keep_ports) {
  const auto n = static_cast<std::uint32_t>(g.num_nodes());
  const Uses uses(g);
  std::vector<std::size_t> waiting(n);
  std::vector<NodeId> ready, order;
  for (std::uint32_t v = 0; v < n; ++v) {
    waiting[v] = g.inputs(NodeId{v}).size();
    if (waiting[v] == 0) ready.push_back(NodeId{v});
  }
  while (!ready.empty()) {
    const std::size_t i = rng.below(ready.size());
    const NodeId id = ready[i];
    ready[i] = ready.back();
    ready.pop_back();
    order.push_back(id);
    for (std::uint32_t p = 0; p < g.node(id).num_outputs; ++p) {
      for (const Uses::Use& use : uses.of(g.output(id, p))) {
        if (--waiting[index(use.node)] == 0) ready.push_back(use.node);
      }
    }
  }
  if (keep_ports) {
    // Inputs to the front and outputs to the back, each in the order of their ids.
    const auto rank = [&](NodeId id) {
      const OpKind op = g.node(id).op;
      return op == OpKind::kInput ? 0 : op == OpKind::kOutput ? 2 : 1;
    };
    std::ranges::stable_sort(order, [&](NodeId a, NodeId b) {
      if (rank(a) != rank(b)) return rank(a) < rank(b);
      return rank(a) != 1 && a < b;
    });
  }
  return order;
}

/// The same graph under another node numbering, operands of commutative operators shuffled.
inline Graph renumbered(const Graph& g, Rng& rng, bool keep_ports = true) {
  const Graph sorted = in_order(g, random_order(g, rng, keep_ports));
  Graph out;
  for (std::uint32_t v = 0; v < sorted.num_nodes(); ++v) {
    const Node& node = sorted.node(NodeId{v});
    const auto span = sorted.inputs(NodeId{v});
    std::vector<ValueId> inputs(span.begin(), span.end());
    if (op_info(node.op).commutative) rng.shuffle(inputs);
    std::vector<Value> outputs;
    for (std::uint32_t p = 0; p < node.num_outputs; ++p) {
      outputs.push_back(sorted.value(sorted.output(NodeId{v}, p)));
    }
    out.add_typed(node.op, node.attrs, inputs, outputs);
  }
  return out;
}

/// Isomorphism by definition, for graphs without attributes: all assignments of nodes of `a` to
/// nodes of `b`, cut off at the first node that does not fit. `ports_ordered` as under kFull.
inline bool isomorphic_by_trial(const Graph& a, const Graph& b, bool ports_ordered) {
  const auto n = static_cast<std::uint32_t>(a.num_nodes());
  if (n != b.num_nodes() || a.num_edges() != b.num_edges()) return false;
  const auto port_rank = [](const Graph& g, std::uint32_t v) {
    std::uint32_t rank = 0;
    for (std::uint32_t u = 0; u < v; ++u) rank += g.nodes()[u].op == g.nodes()[v].op ? 1U : 0U;
    return rank;
  };
  std::vector<std::uint32_t> to(n);
  std::vector<char> taken(n, 0);
  const auto fits = [&](std::uint32_t v, std::uint32_t w) {
    const Node &x = a.nodes()[v], &y = b.nodes()[w];
    if (x.op != y.op || x.num_outputs != y.num_outputs || !(x.attrs == y.attrs)) return false;
    const bool port = op_info(x.op).shape_class == ShapeClass::kPort;
    if (ports_ordered && port && port_rank(a, v) != port_rank(b, w)) return false;
    std::vector<ValueId> left, right(b.inputs(NodeId{w}).begin(), b.inputs(NodeId{w}).end());
    for (const ValueId value : a.inputs(NodeId{v})) {
      const std::size_t producer = index(a.value(value).producer);
      const std::size_t output = index(value) - a.nodes()[producer].first_output;
      left.push_back(b.output(NodeId{to[producer]}, static_cast<std::uint32_t>(output)));
    }
    if (op_info(x.op).commutative) {
      std::ranges::sort(left);
      std::ranges::sort(right);
    }
    return left == right;
  };
  const auto assign = [&](const auto& self, std::uint32_t v) -> bool {
    if (v == n) return true;
    for (std::uint32_t w = 0; w < n; ++w) {
      if (taken[w] || !fits(v, w)) continue;
      taken[w] = 1;
      to[v] = w;
      if (self(self, v + 1)) return true;
      taken[w] = 0;
    }
    return false;
  };
  return assign(assign, 0);
}

}  // namespace autogo::testing
