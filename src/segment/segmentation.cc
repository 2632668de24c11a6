// A network as a list of segments with their classes: for people and for other programs. The search
// itself works on sizes along the order and cuts out only what it replaces.
//
// Tested by tests/segment/database_test.cc and tests/cli.

#include "autogo/segment/segmentation.h"

#include "autogo/graph/canonical.h"

namespace autogo {

std::vector<NetworkSegment> segment_network(const SegmentDatabase& database, const Graph& graph,
                                            double keep, Rng& rng) {
  const std::vector<NodeId> order = canonical_order(graph, NodeIdentity::kSegment);
  const Uses uses(graph);
  std::vector<NetworkSegment> segments;
  std::size_t begin = 0;
  for (const std::uint32_t size : database.segment(graph, order, keep, rng)) {
    const Cut cut{order, begin, begin + size};
    const Ports ports = segment_ports(graph, uses, cut);
    NetworkSegment segment;
    for (std::size_t p = cut.begin; p < cut.end; ++p) segment.nodes.push_back(order[p]);
    segment.num_inputs = static_cast<std::uint32_t>(ports.inputs.size());
    segment.num_outputs = static_cast<std::uint32_t>(ports.outputs.size());
    segment.id = canonical_hash(extract_segment(graph, ports, cut), NodeIdentity::kSegment);
    segment.known = database.find(segment.id) != nullptr;
    segments.push_back(std::move(segment));
    begin += size;
  }
  return segments;
}

}  // namespace autogo
