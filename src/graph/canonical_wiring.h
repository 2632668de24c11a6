#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "autogo/graph/canonical.h"
#include "autogo/graph/graph.h"

namespace autogo {

/// What the canonical search sees of a graph: nodes with an identity hash, and edges with the port
/// they leave and the slot they enter, as CSR in both directions. Nodes are numbered as in Graph.
struct Wiring {
  struct Edge {
    std::uint32_t node;   ///< at the other end
    std::uint32_t port;   ///< of the producer
    std::uint32_t label;  ///< mixes port, slot (the same for all when the consumer commutes) and
                          ///< direction; only refinement uses it, so a clash costs time, not truth
  };

  Wiring(const Graph& graph, NodeIdentity kind);

  std::uint32_t size() const { return static_cast<std::uint32_t>(identity.size()); }
  /// Edges from producers, in slot order.
  std::span<const Edge> in(std::uint32_t node) const {
    return {in_edges.data() + in_first[node], in_first[node + 1] - in_first[node]};
  }
  /// Edges to consumers, in no particular order.
  std::span<const Edge> out(std::uint32_t node) const {
    return {out_edges.data() + out_first[node], out_first[node + 1] - out_first[node]};
  }

  std::vector<std::uint64_t> identity;    ///< hash of what NodeIdentity keeps of the node itself
  std::vector<std::uint8_t> commutative;  ///< 1: the order of the in-edges does not matter
  std::vector<std::uint32_t> in_first, out_first;
  std::vector<Edge> in_edges, out_edges;
};

}  // namespace autogo
