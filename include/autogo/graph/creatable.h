#pragma once

#include "autogo/graph/graph.h"

namespace autogo {

/// Whether a new node of this kind and these attributes would be what this one is. Not an operator
/// that nothing can create (OpInfo::insertable), nor an attention with masks or with its tokens
/// first: a new one has neither, so that in its place it would compute something else.
bool is_creatable(const Graph& graph, NodeId id);

}  // namespace autogo
