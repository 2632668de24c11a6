#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autogo/base/log.h"
#include "autogo/graph/graph.h"
#include "autogo/predict/predictor.h"
#include "autogo/segment/database.h"

namespace autogo {

enum class MutationUnit { kSegment, kOperator };

/// Everything that decides a run's result; written resolved into config.json.
struct SearchOptions {
  std::string objective = "flops";   ///< what is minimised beside the predicted gain
  std::uint32_t iterations = 5;
  std::uint32_t parents = 10;        ///< k of Algorithm 1
  std::uint32_t sources = 10;        ///< m of A.5.5: source segments of a parent
  std::uint32_t replacements = 100;  ///< candidates of a source segment
  std::uint32_t max_segments = 3;    ///< consecutive segments replaced together
  double sparsity = 0.5;             ///< share of multi-node pieces kept in V'
  MutationUnit mutation = MutationUnit::kSegment;
  double max_flops_increase = 10;    ///< percent of the input's, A.5.6 and A.6
  double max_flops_decrease = 20;    ///< percent of the input's; 100 is no limit
  double min_gain = 0;               ///< members of the front have at least this predicted gain
  std::vector<std::string> allow_ops, deny_ops;  ///< operator names; allow empty: the input's own
  std::vector<std::string> freeze;   ///< glob patterns over node names
  std::uint64_t seed = 0;
  int jobs = 0;                      ///< 0: all cores; never changes the result
};

}  // namespace autogo
