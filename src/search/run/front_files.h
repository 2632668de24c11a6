#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autogo/cost/cost_model.h"
#include "autogo/predict/predictor.h"
#include "autogo/search/search.h"
#include "run_directory.h"
#include "search/individual.h"

namespace autogo {

struct RunMember {
  std::uint32_t individual = 0;  ///< index into the history
  std::uint32_t rank = 1;        ///< 1: of the front; 2: of the front of the rest; ...
};

/// What a run found, as its files tell it.
struct FoundFront {
  const History& history;
  const CostModels& models;        ///< whose places the history's costs have
  std::vector<RunMember> members;  ///< by rank, then by the first objective
  std::vector<std::string> named;  ///< measures of objectives and constraints
  /// All measures of a network of the history.
  std::function<Measures(std::uint32_t individual, const Graph& graph)> measures;
  int jobs = 1;
};

/// The front as files: models/<hash>.onnx (missing ones are written, others removed), pareto.csv
/// and pareto.json, in this order, so that pareto.json never names a file that is not there.
void write_front(const std::string& directory, const SearchConfig& config,
                 const InputHashes& hashes, const FoundFront& front, const Knowledge& knowledge);

}  // namespace autogo
