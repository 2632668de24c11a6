#pragma once

#include <span>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// Which nodes must stay: by Node::origin, 1 for frozen. Only imported nodes can be frozen, so the
/// answer holds for every network that derives from `input`.
/// @param patterns  shell globs (*, ?, [a-z]) or exact names, over the names of the graph's nodes
///                  and of the file's nodes behind them: a node that is joined with others stays
///                  when any of them is named, a constant with those that read it (decision 0012)
/// @throws Error kUsage: a pattern that matches no node, with the closest names; one that matches
///         only nodes that importing removes, by name
std::vector<char> frozen_origins(const Graph& input, std::span<const std::string> patterns);

}  // namespace autogo
