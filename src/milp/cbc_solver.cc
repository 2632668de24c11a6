// The part of the layer that owns COIN-OR's CBC, a module (solver_module.h).
//
// The LP relaxation is solved first: it is integral for most models of this library and ten times
// cheaper than branch and bound. We use CBC's C++ classes: its C interface keeps global state and
// has given wrong answers with several threads.
//
// Tested by tests/milp/milp_test.cc against brute force.

#include <CbcModel.hpp>
#include <CoinPackedMatrix.hpp>
#include <OsiClpSolverInterface.hpp>
#include <algorithm>
#include <cmath>

#include "solver_module.h"

namespace autogo {
namespace {

double coin_bound(double value) {
  return std::isinf(value) ? std::copysign(COIN_DBL_MAX, value) : value;
}

void load(const LinearModel& model, OsiClpSolverInterface& solver) {
  std::vector<int> rows, columns;
  std::vector<double> values;
  for (const LinearModel::Entry& entry : model.entries()) {
    rows.push_back(entry.row);
    columns.push_back(entry.column);
    values.push_back(entry.value);
  }
  CoinPackedMatrix matrix(false, rows.data(), columns.data(), values.data(),
                          static_cast<CoinBigIndex>(values.size()));
  matrix.setDimensions(static_cast<int>(model.rows().size()),
                       static_cast<int>(model.columns().size()));
  std::vector<double> lower, upper, row_lower, row_upper;
  for (const LinearModel::Bounds& b : model.columns()) {
    lower.push_back(coin_bound(b.lo));
    upper.push_back(coin_bound(b.hi));
  }
  for (const LinearModel::Bounds& b : model.rows()) {
    row_lower.push_back(coin_bound(b.lo));
    row_upper.push_back(coin_bound(b.hi));
  }
  solver.loadProblem(matrix, lower.data(), upper.data(), model.costs().data(), row_lower.data(),
                     row_upper.data());
  for (const int c : model.integers()) solver.setInteger(c);
}

void silence(OsiClpSolverInterface& solver) {
  solver.messageHandler()->setLogLevel(0);
  solver.setHintParam(OsiDoReducePrint, true, OsiHintTry);
  solver.getModelPtr()->setLogLevel(0);
}

std::vector<double> columns_of(const double* values, const LinearModel& model) {
  return {values, values + model.columns().size()};
}

SolvedModel branch(const OsiClpSolverInterface& relaxed,
                                          const LinearModel& model) {
  CbcModel cbc(relaxed);
  cbc.setLogLevel(0);
  cbc.messageHandler()->setLogLevel(0);
  cbc.solver()->messageHandler()->setLogLevel(0);
  cbc.setAllowableGap(0);
  // Strong branching needs Clp's hot starts, which assert on some models of a few columns (found by
  // brute force: 2 columns, 2 rows). Branching by fractions does without.
  cbc.setNumberBeforeTrust(0);
  cbc.setNumberStrong(0);
  cbc.branchAndBound();
  if (cbc.isProvenInfeasible()) return {true, std::nullopt};
  if (!cbc.isProvenOptimal()) return {};
  return {true, columns_of(cbc.bestSolution(), model)};
}

SolvedModel solve_by_cbc(const LinearModel& model, MilpTrace* trace) {
  OsiClpSolverInterface solver;
  silence(solver);
  load(model, solver);
  solver.initialSolve();
  if (trace != nullptr) ++trace->solves;
  if (solver.isProvenPrimalInfeasible()) return {true, std::nullopt};
  if (!solver.isProvenOptimal()) return {};
  const double* relaxed = solver.getColSolution();
  const bool integral = std::ranges::all_of(model.integers(), [relaxed](int c) {
    return std::abs(relaxed[c] - std::round(relaxed[c])) < 1e-7;
  });
  if (integral) return {true, columns_of(relaxed, model)};
  if (trace != nullptr) ++trace->branched;
  return branch(solver, model);
}

constexpr SolverModule kModule = {kSolverModuleVersion, solve_by_cbc};

}  // namespace
}  // namespace autogo

extern "C" __attribute__((visibility("default"))) const autogo::SolverModule*
autogo_solver_module() {
  return &autogo::kModule;
}
