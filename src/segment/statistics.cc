// The histograms of Figure 5 and the operator lists of section A.1.
//
// Tested by tests/segment/mine_test.cc.

#include <set>

#include "autogo/graph/canonical.h"
#include "autogo/segment/mine.h"

namespace autogo {
namespace {

bool is_port(const Node& node) { return op_info(node.op).shape_class == ShapeClass::kPort; }

/// The wiring alone: every operator replaced by the same one.
std::uint64_t topology(const Graph& body) {
  Graph bare;
  std::vector<ValueId> inputs;
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = body.node(id);
    inputs.assign(body.inputs(id).begin(), body.inputs(id).end());
    const OpKind op = is_port(node) ? node.op : OpKind::kOpaque;
    bare.add_typed(op, Attrs{}, inputs, std::vector<Value>(node.num_outputs));
  }
  return canonical_hash(bare, NodeIdentity::kSegment);
}

std::uint64_t inner_edges(const Graph& body) {
  std::uint64_t edges = 0;
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    if (is_port(body.node(NodeId{n}))) continue;
    for (const ValueId v : body.inputs(NodeId{n})) {
      edges += is_port(body.node(body.value(v).producer)) ? 0 : 1;
    }
  }
  return edges;
}

}  // namespace

SegmentStatistics segment_statistics(const SegmentDatabase& database) {
  SegmentStatistics statistics;
  std::set<std::uint64_t> topologies;
  for (const std::string& name : database.corpora()) statistics.corpora[name];
  for (const SegmentEntry& entry : database.entries()) {
    ++statistics.entries;
    statistics.insertable += entry.insertable ? 1 : 0;
    statistics.multi_node += entry.num_nodes > 1 ? 1 : 0;
    ++statistics.nodes[entry.num_nodes];
    ++statistics.edges[inner_edges(entry.body)];
    ++statistics.inputs[entry.num_inputs];
    ++statistics.outputs[entry.num_outputs];
    topologies.insert(topology(entry.body));
    for (const OpInfo& info : op_table()) {
      if ((entry.op_mask >> static_cast<unsigned>(info.kind) & 1U) == 0) continue;
      ++statistics.operators[info.name];
      if (entry.num_nodes > 1) continue;
      for (std::size_t c = 0; c < entry.counts.size(); ++c) {
        if (entry.counts[c] > 0) {
          statistics.corpora[database.corpora()[c]][info.name] += entry.counts[c];
        }
      }
    }
  }
  statistics.topologies = topologies.size();
  return statistics;
}

}  // namespace autogo
