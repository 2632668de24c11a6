#pragma once

#include <cstdint>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// What two nodes must share to count as the same.
enum class NodeIdentity {
  kFull,     ///< operator, what its attributes mean at its sizes, input types: for duplicates
  kSegment,  ///< operator and the attributes that survive resizing (kernel, stride, dilation,
             ///< grouped or depthwise, padding kind, activation constants), no channels or sizes:
             ///< for the isomorphism classes of the segment database
};

/// A topological order of the nodes that depends on the isomorphism class only: isomorphic graphs
/// give the same sequence, whatever the node numbering. Branches are followed to their end before
/// the next begins, so that neighbours in the order are neighbours in the graph; kInput nodes come
/// first, kOutput nodes last. Node ids of the order follow from the graph, so nodes that an
/// automorphism exchanges may come in either order.
/// Colour refinement, then exact search over remaining ties. Near O((V + E) log V) on networks.
std::vector<NodeId> canonical_order(const Graph& graph,
                                    NodeIdentity identity = NodeIdentity::kFull);

/// What kSegment keeps of one node: operator, kernel, stride, dilation, padding (explicit pads that
/// amount to "same" count as such), whether it is grouped, the channel multiplier of a depthwise
/// convolution, rounding of pools, axis, block, mode, activation constants. Not: channels, group
/// count, bias, epsilon, the sizes of a reshape.
std::uint64_t segment_identity(const Graph& graph, NodeId id);

/// Equal for isomorphic graphs, and (64-bit collisions aside) only for them. Names, weights and
/// node numbering do not matter; the order of operands does, unless the operator commutes; inputs
/// and outputs may be permuted under kSegment and not under kFull.
std::uint64_t canonical_hash(const Graph& graph, NodeIdentity identity = NodeIdentity::kFull);

/// Both at once; the order costs nothing beyond the hash.
struct Canonical {
  std::vector<NodeId> order;
  std::uint64_t hash = 0;
};
Canonical canonicalize(const Graph& graph, NodeIdentity identity = NodeIdentity::kFull);

}  // namespace autogo
