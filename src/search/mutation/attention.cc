// Attention is softmax(f(Q K^T)) V, where f scales, masks and adds biases, reshapes and transposes.
// From each softmax the graph is walked back and forth over such operators only; where both walks
// end in a product of two computed matrices, what lies on them is inside.
//
// Tested by tests/search/attention_test.cc.

#include "attention.h"

#include <algorithm>

namespace autogo {
namespace {

bool is_product(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  return node.op == OpKind::kMatMul ||
         (node.op == OpKind::kOpaque &&
          (node.attrs.text == "Einsum" || node.attrs.text == "MatMul"));
}

/// Neither a product nor a layer nor a port: element by element, or another view of the elements.
bool is_passed(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (is_product(graph, id) || op_info(node.op).weighted) return false;
  const ShapeClass shape = op_info(node.op).shape_class;
  return shape != ShapeClass::kPort && shape != ShapeClass::kConvLike;
}

class Walk {
 public:
  explicit Walk(const Graph& graph) : graph_(graph), uses_(graph) {}

  /// Marks what lies between the products around this softmax, if there are two.
  void mark(NodeId softmax, std::vector<bool>& inside) const {
    std::vector<bool> before = between(softmax, true), after = between(softmax, false);
    if (!before[index(softmax)] || !after[index(softmax)]) return;
    for (std::size_t n = 0; n < inside.size(); ++n) {
      if (before[n] || after[n]) inside[n] = true;
    }
  }

 private:
  std::vector<NodeId> neighbours(NodeId id, bool backwards) const {
    std::vector<NodeId> result;
    if (backwards) {
      for (const ValueId v : graph_.inputs(id)) result.push_back(graph_.value(v).producer);
    } else {
      for (std::uint32_t port = 0; port < graph_.node(id).num_outputs; ++port) {
        for (const Uses::Use& use : uses_.of(graph_.output(id, port))) result.push_back(use.node);
      }
    }
    return result;
  }

  /// Nodes on a path from `start` to a product, over nodes that are passed.
  std::vector<bool> between(NodeId start, bool backwards) const {
    std::vector<bool> visited(graph_.num_nodes(), false), result(graph_.num_nodes(), false);
    std::vector<NodeId> order{start};
    visited[index(start)] = true;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (const NodeId next : neighbours(order[i], backwards)) {
        if (visited[index(next)] || !is_passed(graph_, next)) continue;
        visited[index(next)] = true;
        order.push_back(next);
      }
    }
    // Ids are a topological order: those nearest to the products are decided first.
    std::ranges::sort(order, [&](NodeId a, NodeId b) { return backwards ? a < b : b < a; });
    for (const NodeId id : order) {
      result[index(id)] = std::ranges::any_of(neighbours(id, backwards), [&](NodeId next) {
        return is_product(graph_, next) || result[index(next)];
      });
    }
    return result;
  }

  const Graph& graph_;
  Uses uses_;
};

}  // namespace

std::vector<bool> inside_attention(const Graph& graph) {
  std::vector<bool> inside(graph.num_nodes(), false);
  const Walk walk(graph);
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    if (graph.node(NodeId{n}).op == OpKind::kSoftmax) walk.mark(NodeId{n}, inside);
  }
  return inside;
}

}  // namespace autogo
