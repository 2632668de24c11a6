#pragma once

#include <vector>

#include "autogo/cost/cost.h"

namespace autogo {

/// Costs by NodeId; a weight that several nodes read counts at the first.
std::vector<Cost> node_costs(const Graph& graph);

}  // namespace autogo
