// The histograms of Figure 5 and the operator lists of section A.1. The paper's "input and output
// nodes" of a segment are the nodes at its border: those that ports feed and those that feed ports;
// ports themselves are counted beside them, because one port may feed several nodes.
//
// Tested by tests/segment/mine_test.cc.

#include <algorithm>
#include <map>
#include <utility>

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

/// How a body is wired, ports told apart from inner nodes.
struct Wiring {
  std::uint64_t edges = 0;  ///< between inner nodes
  std::uint64_t input_nodes = 0, output_nodes = 0;
  SegmentStatistics::Histogram in_degrees, out_degrees;
};

Wiring wiring(const Graph& body) {
  Wiring result;
  const Uses uses(body);
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    const Node& node = body.node(NodeId{n});
    if (is_port(node)) continue;
    bool reads_port = false, feeds_port = false;
    for (const ValueId v : body.inputs(NodeId{n})) {
      const bool port = is_port(body.node(body.value(v).producer));
      reads_port |= port;
      result.edges += port ? 0 : 1;
    }
    std::uint64_t out_degree = 0;
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      for (const Uses::Use& use : uses.of(body.output(NodeId{n}, port))) {
        feeds_port |= is_port(body.node(use.node));
        ++out_degree;
      }
    }
    result.input_nodes += reads_port ? 1 : 0;
    result.output_nodes += feeds_port ? 1 : 0;
    ++result.in_degrees[node.num_inputs];
    ++result.out_degrees[out_degree];
  }
  return result;
}

void add_to(SegmentStatistics::Histogram& sum, const SegmentStatistics::Histogram& part) {
  for (const auto& [value, count] : part) sum[value] += count;
}

void add_operators(SegmentStatistics& statistics, const SegmentDatabase& database,
                   const SegmentEntry& entry) {
  for (const OpInfo& info : op_table()) {
    if (!entry.ops.contains(info.kind)) continue;
    ++statistics.operators[info.name];
    if (entry.num_nodes > 1) continue;
    for (std::size_t c = 0; c < entry.counts.size(); ++c) {
      if (entry.counts[c] > 0) {
        statistics.corpora[database.corpora()[c]][info.name] += entry.counts[c];
      }
    }
  }
}

void find_exclusive(SegmentStatistics& statistics) {
  for (const auto& [name, count] : statistics.operators) {
    std::vector<std::string> having;
    for (const auto& [corpus, operators] : statistics.corpora) {
      if (operators.contains(name)) having.push_back(corpus);
    }
    if (having.size() < statistics.corpora.size()) statistics.exclusive[name] = having;
  }
}

}  // namespace

SegmentStatistics segment_statistics(const SegmentDatabase& database) {
  SegmentStatistics statistics;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> topologies;  // nodes, segments
  for (const std::string& name : database.corpora()) statistics.corpora[name];
  for (const SegmentEntry& entry : database.entries()) {
    const Wiring wired = wiring(entry.body);
    ++statistics.entries;
    statistics.insertable += entry.insertable ? 1 : 0;
    statistics.multi_node += entry.num_nodes > 1 ? 1 : 0;
    statistics.disconnected += entry.connected ? 0 : 1;
    ++statistics.nodes[entry.num_nodes];
    ++statistics.edges[wired.edges];
    ++statistics.inputs[entry.num_inputs];
    ++statistics.outputs[entry.num_outputs];
    ++statistics.input_nodes[wired.input_nodes];
    ++statistics.output_nodes[wired.output_nodes];
    add_to(statistics.in_degrees, wired.in_degrees);
    add_to(statistics.out_degrees, wired.out_degrees);
    statistics.mean_nodes += static_cast<double>(entry.num_nodes);
    statistics.mean_edges += static_cast<double>(wired.edges);
    auto& [nodes, segments] = topologies[topology(entry.body)];
    nodes = entry.num_nodes;
    ++segments;
    add_operators(statistics, database, entry);
  }
  const auto count = static_cast<double>(std::max<std::uint64_t>(statistics.entries, 1));
  statistics.mean_nodes /= count;
  statistics.mean_edges /= count;
  statistics.topologies = topologies.size();
  for (const auto& [hash, shape] : topologies) {
    ++statistics.topology_nodes[shape.first];
    ++statistics.topology_segments[shape.second];
  }
  find_exclusive(statistics);
  return statistics;
}

}  // namespace autogo
