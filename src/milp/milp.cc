// Linear models with integers. The solver, CBC, is a module of its own (base/module.h): with its
// BLAS it takes 10 ms to start, which most commands need not spend.
//
// Tested by tests/milp/milp_test.cc against brute force.

#include "autogo/milp/milp.h"

#include "autogo/base/error.h"
#include "autogo/base/module.h"
#include "solver_module.h"

namespace autogo {
namespace {

const SolverModule& solver() {
  static const SolverModule& module = []() -> const SolverModule& {
    const auto entry = reinterpret_cast<SolverModuleEntry>(
        module_entry(Module::kSolver, kSolverModuleEntry, "shapes are solved by CBC"));
    if (entry()->version != kSolverModuleVersion) refuse_module(Module::kSolver);
    return *entry();
  }();
  return module;
}

}  // namespace

int LinearModel::add_column(double lo, double hi, double cost, bool integer) {
  const int column = static_cast<int>(columns_.size());
  columns_.push_back({lo, hi});
  costs_.push_back(cost);
  if (integer) integers_.push_back(column);
  return column;
}

int LinearModel::add_row(double lo, double hi) {
  rows_.push_back({lo, hi});
  return static_cast<int>(rows_.size()) - 1;
}

void LinearModel::set_coefficient(int row, int column, double value) {
  entries_.push_back({row, column, value});
}

std::optional<std::vector<double>> solve(const LinearModel& model, MilpTrace* trace) {
  SolvedModel solved = solver().solve(model, trace);
  AUTOGO_CHECK(solved.proven);
  return std::move(solved.columns);
}

}  // namespace autogo
