#pragma once

#include <cstdint>
#include <optional>

#include "autogo/graph/graph.h"

namespace autogo {

/// The graph without nodes that do nothing: those that no output depends on, and those that give
/// what they get (an identity, a pool of single pixels, a reshape to the shape that is there, an
/// activation behind one that it cannot change, or before one that covers it). What is left
/// computes the same. Inputs and outputs stay, origins too. Empty when every node does something.
/// Cost O(nodes + edges).
std::optional<Graph> without_idle_nodes(const Graph& graph);

/// canonical_hash() of what is left of a graph without its idle nodes: equal hashes, equal results.
std::uint64_t computation_hash(const Graph& graph);

}  // namespace autogo
