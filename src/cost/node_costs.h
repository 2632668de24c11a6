#pragma once

#include <span>
#include <vector>

#include "autogo/cost/cost.h"
#include "count.h"

namespace autogo {

/// What a value takes in memory.
inline Count value_bytes(const TensorType& type) {
  return Count(type.shape.elements()) * static_cast<std::int64_t>(dtype_size(type.dtype));
}

/// Costs by NodeId; a weight that several nodes read counts at the first.
/// @param left_out  by NodeId, nodes that cost nothing and read nothing; empty: none
std::vector<Cost> node_costs(const Graph& graph, std::span<const char> left_out = {});

}  // namespace autogo
