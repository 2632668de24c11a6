#pragma once

#include <span>
#include <vector>

#include "autogo/cost/cost_model.h"

namespace autogo {

/// A model that is asked of every candidate and looks at one network at a time.
class CandidateModel : public CostModel {
 public:
  CostTier tier() const final { return CostTier::kEveryCandidate; }
  std::vector<std::vector<double>> measure(std::span<const Graph* const> graphs) const final {
    std::vector<std::vector<double>> result;
    for (const Graph* graph : graphs) result.push_back(measure_network(*graph));
    return result;
  }

 private:
  /// @return a number a measure
  virtual std::vector<double> measure_network(const Graph& graph) const = 0;
};

}  // namespace autogo
