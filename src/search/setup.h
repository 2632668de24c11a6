#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "autogo/cost/cost.h"
#include "autogo/cost/cost_model.h"
#include "autogo/graph/graph.h"
#include "autogo/search/search.h"
#include "constraints.h"

namespace autogo {

/// What can be known of a search before its first iteration; shared by run_search and plan_search.
struct SearchSetup {
  CostModels models;          ///< those that the objectives and bounds ask
  std::vector<double> costs;  ///< of the input, by place in models
  std::vector<Bound> bounds;
  std::vector<std::size_t> objectives;  ///< places
  std::vector<char> frozen;   ///< by Node::origin
  OpSet allowed;              ///< operators of replacements
  std::uint32_t nodes = 0;          ///< without inputs and outputs
  std::uint32_t mutable_nodes = 0;
  Cost fixed;                       ///< of nodes that are never replaced
  /// Of the measure of this name.
  double value(std::string_view measure, std::span<const double> by_place) const;
};
/// @throws Error kUsage, kUnsupported, kInfeasible: see run_search
SearchSetup set_up(const SearchOptions& options, const Graph& input, const CostModels& models);

}  // namespace autogo
