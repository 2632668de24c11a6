#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autogo/milp/milp.h"
#include "problem.h"

namespace autogo {

enum class Verdict : std::uint8_t { kSolved, kInfeasible, kUndecided };

/// What a direct solver found. kSolved: the values are optimal.
struct Outcome {
  Verdict verdict = Verdict::kUndecided;
  std::vector<std::int64_t> values;  ///< by class
  std::int64_t cost = 0;             ///< in kCostUnit
  std::string reason;                ///< kInfeasible
};

/// Bounds, divisibility, separable minima, one sum at a time. Never wrong, sometimes kUndecided.
Outcome solve_direct(ChannelProblem problem);
/// Arc consistency, then branch and bound within `max_steps`; kUndecided when that was too few.
/// @param dim_name  "height" or "width", for the reason
Outcome solve_direct(SizeProblem problem, const char* dim_name, int max_steps = 2000);

/// The same problems as mixed-integer programs, complete in themselves. kSolved or kInfeasible.
Outcome solve_milp(const ChannelProblem& problem, MilpTrace* trace = nullptr);
Outcome solve_milp(const SizeProblem& problem, const char* dim_name, MilpTrace* trace = nullptr);

/// Cost of an assignment by class; the values must satisfy the problem.
std::int64_t channel_cost(const ChannelProblem& problem, std::span<const std::int64_t> values);

enum class SolvePath : std::uint8_t {
  kAuto,  ///< direct first, the MILP for what it leaves undecided
  kMilp,  ///< the MILP always: for tests and benchmarks
};

/// `propagate` with a choice of the path.
Propagation propagate_by(SolvePath path, const Graph& body, std::span<const TensorType> inputs,
                         std::span<const TensorType> outputs, const PropagateOptions& options,
                         MilpTrace* trace = nullptr);

}  // namespace autogo
