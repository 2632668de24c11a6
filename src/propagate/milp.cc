// The propagation problems as mixed-integer programs (AutoGO, A.5.7, with exact arithmetic
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
// Costs are integers; a rounded solution is checked exactly.
//
// Tested by tests/propagate/oracle_test.cc, forced on every random case.

#include "autogo/milp/milp.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "autogo/base/error.h"
#include "solve.h"
#include "text.h"

namespace autogo {
namespace {

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
  LinearModel model;
  for (const ChannelClass& c : problem.classes) {
    const auto step = static_cast<double>(c.step);
    model.add_column(std::ceil(static_cast<double>(c.lo) / step),
                     std::floor(static_cast<double>(c.hi) / step), 0, true);
  }
  auto step_of = [&](int c) {
    return static_cast<double>(problem.classes[static_cast<std::size_t>(c)].step);
  };
  for (const ChannelTerm& term : problem.terms) {
    const int deviation = model.add_column(0, kUnbounded, static_cast<double>(term.weight), false);
    const auto ref = static_cast<double>(term.ref);
    const int above = model.add_row(-ref, kUnbounded);  // d - C >= -ref
    model.set_coefficient(above, deviation, 1);
    model.set_coefficient(above, term.cls, -step_of(term.cls));
    const int below = model.add_row(ref, kUnbounded);  // d + C >= ref
    model.set_coefficient(below, deviation, 1);
    model.set_coefficient(below, term.cls, step_of(term.cls));
  }
  for (const SumRelation& r : problem.relations) {
    const int sum = model.add_row(0, 0);
    double out = -static_cast<double>(r.scale) * step_of(r.out);
    for (const auto& [c, a] : r.ins) {
      const double coefficient = static_cast<double>(a) * step_of(c);
      if (c == r.out) {
        out += coefficient;
      } else {
        model.set_coefficient(sum, c, coefficient);
      }
    }
    model.set_coefficient(sum, r.out, out);
  }
  const auto solution = solve(model, trace);
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
             const std::vector<int>& first_column, LinearModel& model) {
  std::vector<SumRelation::Term> terms = sum.ins;
  add_to_sum(terms, sum.out, -sum.scale);
  const int row = model.add_row(0, 0);
  for (const auto& [c, coefficient] : terms) {
    const auto cls = static_cast<std::size_t>(c);
    for (std::size_t i = 0; i < problem.domains[cls].size(); ++i) {
      model.set_coefficient(row, first_column[cls] + static_cast<int>(i),
                            static_cast<double>(coefficient * problem.domains[cls][i]));
    }
  }
}

}  // namespace

Outcome solve_milp(const SizeProblem& problem, const char* dim_name, MilpTrace* trace) {
  LinearModel model;
  std::vector<int> first_column;  // by class: of the binary of its first size
  for (const auto& domain : problem.domains) {
    const int one = model.add_row(1, 1);
    for (std::size_t i = 0; i < domain.size(); ++i) {
      const int column = model.add_column(0, 1, 0, true);
      if (i == 0) first_column.push_back(column);
      model.set_coefficient(one, column, 1);
    }
  }
  for (const SizeNode& node : problem.nodes) {
    std::vector<int> columns;
    for (const Transition& t : node.transitions) {
      const bool allowed = node.in != node.out || t.in == t.out;
      columns.push_back(model.add_column(0, allowed ? 1 : 0, static_cast<double>(t.cost), false));
    }
    for (const bool input_side : {true, false}) {
      const auto cls = static_cast<std::size_t>(input_side ? node.in : node.out);
      const auto& domain = problem.domains[cls];
      auto side = [&](const Transition& t) { return input_side ? t.in : t.out; };
      for (std::size_t i = 0; i < domain.size(); ++i) {
        const int row = model.add_row(0, 0);
        model.set_coefficient(row, first_column[cls] + static_cast<int>(i), -1);
        for (std::size_t t = 0; t < columns.size(); ++t) {
          if (side(node.transitions[t]) == domain[i]) model.set_coefficient(row, columns[t], 1);
        }
      }
      // Transitions to or from a size that a join or a demand has removed.
      for (std::size_t t = 0; t < columns.size(); ++t) {
        if (std::ranges::binary_search(domain, side(node.transitions[t]))) continue;
        model.set_coefficient(model.add_row(0, 0), columns[t], 1);
      }
    }
  }
  for (const SumRelation& sum : problem.sums) add_sum(sum, problem, first_column, model);
  const auto solution = solve(model, trace);
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
