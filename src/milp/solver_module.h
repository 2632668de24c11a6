#pragma once

#include <cstdint>

#include "autogo/milp/milp.h"

namespace autogo {

/// Changes with every change of anything that crosses the border: this table, LinearModel.
inline constexpr std::uint32_t kSolverModuleVersion = 1;
inline constexpr const char* kSolverModuleEntry = "autogo_solver_module";

struct SolvedModel {
  bool proven = false;                         ///< optimal, or that there is no solution
  std::optional<std::vector<double>> columns;  ///< nothing: no choice keeps all bounds
};

/// What autogo_solver.so offers. Both sides are built from the same sources by the same compiler,
/// so C++ types cross; nothing is thrown across.
struct SolverModule {
  std::uint32_t version;  ///< kSolverModuleVersion
  SolvedModel (*solve)(const LinearModel& model, MilpTrace* trace);
};
using SolverModuleEntry = const SolverModule* (*)();

}  // namespace autogo
