#pragma once

#include <cstdint>

#include "autogo/graph/graph.h"

namespace autogo {

/// Hash of all that an imported model consists of, as it was read: the parsed file and, of each
/// tensor with external data, the bytes it stands for. 0 for a graph that was not imported.
/// Reads external data through its mapping, page by page.
std::uint64_t hash_model(const Graph& graph);

/// Are most of the weights of an imported model none of its own: made by ConstantOfShape nodes, as
/// in files that hold an architecture alone? False for a graph that was not imported.
bool is_weightless(const Graph& graph);

}  // namespace autogo
