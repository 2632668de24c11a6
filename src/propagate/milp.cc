// The propagation problems as mixed-integer programs for CBC (AutoGO, A.5.7, with exact arithmetic
// in place of halving and doubling).
//
// Channels. One integer t per class, C = step t within its bounds; one deviation d per choosing
// node with d >= C - ref and d >= ref - C; one equation per sum. Minimise sum of weight d.
//
// Heights, widths. One binary per class and size of its domain, one of them set; one variable per
// transition of a node, whose sum over the transitions from a size is that size's binary on the
// input side, and likewise on the output side. With the binaries fixed the rest is a choice of the
// cheapest, so the transitions may stay continuous. A concat along the dimension is one equation
// over the sizes that the binaries stand for. Minimise the strides' costs.
//
// The LP relaxation is solved first: it is integral for most segments and ten times cheaper than
// branch and bound. We use CBC's C++ classes: its C interface keeps global state and has given
// wrong answers with several threads. Costs are integers; a rounded solution is checked exactly.
//
// Tested by tests/propagate/oracle_test.cc, forced on every random case.

#include <CbcModel.hpp>
#include <CoinPackedMatrix.hpp>
#include <OsiClpSolverInterface.hpp>
#include <algorithm>
#include <cmath>
#include <string>

#include "autogo/base/error.h"
#include "solve.h"
#include "text.h"

namespace autogo {
namespace {

/// Columns and rows as they are written down.
class Program {
 public:
  int column(double lo, double hi, double cost, bool integer) {
    lower_.push_back(lo);
    upper_.push_back(hi);
    cost_.push_back(cost);
    if (integer) integers_.push_back(static_cast<int>(cost_.size()) - 1);
    return static_cast<int>(cost_.size()) - 1;
  }
  int row(double lo, double hi) {
    row_lower_.push_back(lo);
    row_upper_.push_back(hi);
    return static_cast<int>(row_lower_.size()) - 1;
  }
  void entry(int row, int column, double value) {
    rows_.push_back(row);
    columns_.push_back(column);
    values_.push_back(value);
  }

  /// The columns of an optimal solution, or nothing when there is no solution.
  std::optional<std::vector<double>> solve(MilpTrace* trace) const {
    OsiClpSolverInterface solver;
    silence(solver);
    CoinPackedMatrix matrix(false, rows_.data(), columns_.data(), values_.data(),
                            static_cast<CoinBigIndex>(values_.size()));
    matrix.setDimensions(static_cast<int>(row_lower_.size()), static_cast<int>(cost_.size()));
    solver.loadProblem(matrix, lower_.data(), upper_.data(), cost_.data(), row_lower_.data(),
                       row_upper_.data());
    for (const int c : integers_) solver.setInteger(c);
    solver.initialSolve();
    if (trace != nullptr) ++trace->solves;
    if (solver.isProvenPrimalInfeasible()) return std::nullopt;
    AUTOGO_CHECK(solver.isProvenOptimal());
    const double* relaxed = solver.getColSolution();
    const bool integral = std::ranges::all_of(integers_, [relaxed](int c) {
      return std::abs(relaxed[c] - std::round(relaxed[c])) < 1e-7;
    });
    if (integral) return std::vector<double>(relaxed, relaxed + cost_.size());
    if (trace != nullptr) ++trace->branched;
    return branch(solver);
  }

 private:
  static void silence(OsiClpSolverInterface& solver) {
    solver.messageHandler()->setLogLevel(0);
    solver.setHintParam(OsiDoReducePrint, true, OsiHintTry);
    solver.getModelPtr()->setLogLevel(0);
  }

  std::optional<std::vector<double>> branch(const OsiClpSolverInterface& relaxed) const {
    CbcModel model(relaxed);
    model.setLogLevel(0);
    model.messageHandler()->setLogLevel(0);
    model.solver()->messageHandler()->setLogLevel(0);
    model.setAllowableGap(0);
    model.branchAndBound();
    if (model.isProvenInfeasible()) return std::nullopt;
    AUTOGO_CHECK(model.isProvenOptimal());
    const double* best = model.bestSolution();
    return std::vector<double>(best, best + cost_.size());
  }

  std::vector<double> lower_, upper_, cost_;
  std::vector<int> integers_;
  std::vector<double> row_lower_, row_upper_;
  std::vector<int> rows_, columns_;
  std::vector<double> values_;
};

Outcome infeasible(std::string reason) {
  Outcome outcome;
  outcome.verdict = Verdict::kInfeasible;
  outcome.reason = std::move(reason);
  return outcome;
}

bool satisfies(const ChannelProblem& problem, const std::vector<std::int64_t>& values) {
  for (std::size_t c = 0; c < values.size(); ++c) {
    const ChannelClass& range = problem.classes[c];
    if (values[c] < range.lo || values[c] > range.hi || values[c] % range.step != 0) return false;
  }
  for (const SumRelation& r : problem.relations) {
    std::int64_t sum = 0;
    for (const auto& [c, a] : r.ins) sum += a * values[static_cast<std::size_t>(c)];
    if (sum != r.scale * values[static_cast<std::size_t>(r.out)]) return false;
  }
  return true;
}

}  // namespace

Outcome solve_milp(const ChannelProblem& problem, MilpTrace* trace) {
  Program program;
  for (const ChannelClass& c : problem.classes) {
    const auto step = static_cast<double>(c.step);
    program.column(std::ceil(static_cast<double>(c.lo) / step),
                   std::floor(static_cast<double>(c.hi) / step), 0, true);
  }
  auto step_of = [&](int c) {
    return static_cast<double>(problem.classes[static_cast<std::size_t>(c)].step);
  };
  const double inf = COIN_DBL_MAX;
  for (const ChannelTerm& term : problem.terms) {
    const int deviation = program.column(0, inf, static_cast<double>(term.weight), false);
    const auto ref = static_cast<double>(term.ref);
    const int above = program.row(-ref, inf);  // d - C >= -ref
    program.entry(above, deviation, 1);
    program.entry(above, term.cls, -step_of(term.cls));
    const int below = program.row(ref, inf);  // d + C >= ref
    program.entry(below, deviation, 1);
    program.entry(below, term.cls, step_of(term.cls));
  }
  for (const SumRelation& r : problem.relations) {
    const int sum = program.row(0, 0);
    double out = -static_cast<double>(r.scale) * step_of(r.out);
    for (const auto& [c, a] : r.ins) {
      const double coefficient = static_cast<double>(a) * step_of(c);
      if (c == r.out) {
        out += coefficient;
      } else {
        program.entry(sum, c, coefficient);
      }
    }
    program.entry(sum, r.out, out);
  }
  const auto solution = program.solve(trace);
  if (!solution) return infeasible("channels: no choice meets all sums, joins and output ports");
  Outcome outcome;
  outcome.verdict = Verdict::kSolved;
  for (std::size_t c = 0; c < problem.classes.size(); ++c) {
    outcome.values.push_back(std::llround((*solution)[c]) * problem.classes[c].step);
  }
  AUTOGO_CHECK(satisfies(problem, outcome.values));
  outcome.cost = channel_cost(problem, outcome.values);
  return outcome;
}

namespace {

/// One equation: the sizes that the binaries of the classes stand for add up.
/// @param first_column  by class: of the binary of its first size
void add_sum(const SumRelation& sum, const SizeProblem& problem,
             const std::vector<int>& first_column, Program& program) {
  std::vector<SumRelation::Term> terms = sum.ins;
  add_to_sum(terms, sum.out, -sum.scale);
  const int row = program.row(0, 0);
  for (const auto& [c, coefficient] : terms) {
    const auto cls = static_cast<std::size_t>(c);
    for (std::size_t i = 0; i < problem.domains[cls].size(); ++i) {
      program.entry(row, first_column[cls] + static_cast<int>(i),
                    static_cast<double>(coefficient * problem.domains[cls][i]));
    }
  }
}

}  // namespace

Outcome solve_milp(const SizeProblem& problem, const char* dim_name, MilpTrace* trace) {
  Program program;
  std::vector<int> first_column;  // by class: of the binary of its first size
  for (const auto& domain : problem.domains) {
    const int one = program.row(1, 1);
    for (std::size_t i = 0; i < domain.size(); ++i) {
      const int column = program.column(0, 1, 0, true);
      if (i == 0) first_column.push_back(column);
      program.entry(one, column, 1);
    }
  }
  for (const SizeNode& node : problem.nodes) {
    std::vector<int> columns;
    for (const Transition& t : node.transitions) {
      const bool allowed = node.in != node.out || t.in == t.out;
      columns.push_back(program.column(0, allowed ? 1 : 0, static_cast<double>(t.cost), false));
    }
    for (const bool input_side : {true, false}) {
      const auto cls = static_cast<std::size_t>(input_side ? node.in : node.out);
      const auto& domain = problem.domains[cls];
      auto side = [&](const Transition& t) { return input_side ? t.in : t.out; };
      for (std::size_t i = 0; i < domain.size(); ++i) {
        const int row = program.row(0, 0);
        program.entry(row, first_column[cls] + static_cast<int>(i), -1);
        for (std::size_t t = 0; t < columns.size(); ++t) {
          if (side(node.transitions[t]) == domain[i]) program.entry(row, columns[t], 1);
        }
      }
      // Transitions to or from a size that a join or a demand has removed.
      for (std::size_t t = 0; t < columns.size(); ++t) {
        if (std::ranges::binary_search(domain, side(node.transitions[t]))) continue;
        program.entry(program.row(0, 0), columns[t], 1);
      }
    }
  }
  for (const SumRelation& sum : problem.sums) add_sum(sum, problem, first_column, program);
  const auto solution = program.solve(trace);
  if (!solution) return infeasible(infeasible_sizes_text(dim_name));
  Outcome outcome;
  outcome.verdict = Verdict::kSolved;
  for (std::size_t c = 0; c < problem.domains.size(); ++c) {
    const auto first = static_cast<std::size_t>(first_column[c]);
    std::size_t chosen = 0;
    while (std::llround((*solution)[first + chosen]) != 1) ++chosen;
    outcome.values.push_back(problem.domains[c].at(chosen));
  }
  for (const SizeNode& node : problem.nodes) {
    const auto chosen = std::ranges::find_if(node.transitions, [&](const Transition& t) {
      return t.in == outcome.values[static_cast<std::size_t>(node.in)] &&
             t.out == outcome.values[static_cast<std::size_t>(node.out)];
    });
    AUTOGO_CHECK(chosen != node.transitions.end());
    outcome.cost += chosen->cost;
  }
  return outcome;
}

}  // namespace autogo
