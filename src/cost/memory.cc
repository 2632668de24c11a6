// Activation memory. Nodes run in id order, a topological one. A value is held from the moment its
// producer runs until its last consumer has run; network inputs from the start, network outputs to
// the end. While a node runs, its operands and its results are both held. Nothing is reused in
// place and no reshape is a free view: an upper bound that any runtime can keep.
//
// Tested by tests/cost/memory_test.cc.

#include <algorithm>

#include "attention_counts.h"
#include "autogo/cost/cost.h"
#include "count.h"
#include "node_costs.h"

namespace autogo {
namespace {

/// 2 TB at most, so that a sum of millions is exact: what is held is taken away again.
std::int64_t bytes(const TensorType& type) {
  return std::min(value_bytes(type).value(), Count::kMost >> 20);
}

/// What a node holds besides its operands and results while it runs: an attention its scores before
/// and after the softmax, and the values that they are to mix.
std::int64_t bytes_inside(const Graph& graph, NodeId id) {
  if (graph.node(id).op != OpKind::kAttention) return 0;
  const AttentionCounts counts = attention_counts(graph, id);
  const auto width = static_cast<std::int64_t>(dtype_size(graph.output_type(id).dtype));
  const Count size = (Count(2) * counts.scores + counts.values) * width;
  return std::min(size.value(), Count::kMost >> 20);
}

std::vector<std::int64_t> live_bytes(const Graph& graph) {
  const auto num_nodes = static_cast<std::uint32_t>(graph.num_nodes());
  std::vector<std::uint32_t> last_use(graph.num_values());
  for (std::size_t v = 0; v < last_use.size(); ++v) {
    last_use[v] = static_cast<std::uint32_t>(index(graph.values()[v].producer));
  }
  std::int64_t held = 0;
  for (std::uint32_t n = 0; n < num_nodes; ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    const bool output = node.op == OpKind::kOutput;
    for (const ValueId v : graph.inputs(id)) {
      last_use[index(v)] = std::max(last_use[index(v)], output ? num_nodes : n);
    }
    if (node.op == OpKind::kInput) held += bytes(graph.output_type(id));
  }
  std::vector<std::vector<ValueId>> dying(num_nodes);
  for (std::uint32_t v = 0; v < graph.num_values(); ++v) {
    if (last_use[v] < num_nodes) dying[last_use[v]].push_back(ValueId{v});
  }
  std::vector<std::int64_t> live(num_nodes);
  for (std::uint32_t n = 0; n < num_nodes; ++n) {
    const Node& node = graph.node(NodeId{n});
    const std::int64_t inside = held + bytes_inside(graph, NodeId{n});
    for (std::uint32_t port = 0; port < node.num_outputs && node.op != OpKind::kInput; ++port) {
      held += bytes(graph.type(graph.output(NodeId{n}, port)));
    }
    live[n] = std::max(held, inside);
    for (const ValueId v : dying[n]) held -= bytes(graph.type(v));
  }
  return live;
}

}  // namespace

GraphCost graph_cost(const Graph& graph) {
  GraphCost result;
  result.nodes = node_costs(graph);
  for (const Cost& cost : result.nodes) result.total += cost;
  result.live_bytes = live_bytes(graph);
  for (const std::int64_t held : result.live_bytes) {
    result.peak_activation_bytes = std::max(result.peak_activation_bytes, held);
  }
  return result;
}

}  // namespace autogo
