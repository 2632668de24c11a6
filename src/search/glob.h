#pragma once

#include <span>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// Which nodes must stay: by Node::origin, 1 for frozen. Only imported nodes can be frozen, so the
/// answer holds for every network that derives from `input`.
/// @param patterns  shell globs over node names: *, ?, [a-z]
/// @throws Error kUsage: a pattern that matches no node, with the closest names
std::vector<char> frozen_origins(const Graph& input, std::span<const std::string> patterns);

/// The `count` names with the least edit distance to `text`, closest first, ties as given.
std::vector<std::string> closest_names(const std::string& text, std::span<const std::string> names,
                                       std::size_t count);

}  // namespace autogo
