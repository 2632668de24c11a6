#pragma once

#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// By node id: whether it lies inside an attention, between the product of queries and keys and the
/// product with the values: the softmax, its scaling, mask and bias. Alone none of them may be
/// replaced: a softmax makes weights that sum to one, which no other operator does, and no
/// predictor was ever shown a network without it. Cost O(nodes + edges) for each softmax.
std::vector<bool> inside_attention(const Graph& graph);

}  // namespace autogo
