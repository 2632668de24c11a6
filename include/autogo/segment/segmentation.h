#pragma once

#include <cstdint>
#include <vector>

#include "autogo/segment/database.h"

namespace autogo {

/// One segment of a network, as `autogo segment` shows it.
struct NetworkSegment {
  std::vector<NodeId> nodes;  ///< in the order of the segmentation
  std::uint64_t id = 0;       ///< its isomorphism class: SegmentEntry::id
  std::uint32_t num_inputs = 0, num_outputs = 0;
  bool known = false;  ///< the database has an entry of that id
};

/// Splits a network along its canonical order; every node is in exactly one segment.
/// @param keep  as in SegmentDatabase::segment
std::vector<NetworkSegment> segment_network(const SegmentDatabase& database, const Graph& graph,
                                            double keep, Rng& rng);

}  // namespace autogo
