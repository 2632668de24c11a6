// Choosing strides: arc consistency, then branch and bound.
//
// A class of equal sizes has a handful of possible sizes and a node a handful of transitions, so
// removing what has no support on the other side (a size that no transition leads to, a transition
// from a size that is gone) settles most segments: an empty domain proves infeasibility, single
// sizes everywhere are the answer. Otherwise we split the first open class and recurse. The sum of
// each node's cheapest remaining transition is a lower bound; it is exact once every class is
// single, because the list has one transition for a pair of sizes.
//
// A sum (a concat along this dimension) is revised by the bounds of its terms, and exactly as soon
// as one term alone is open; once all are single the bounds are the equation itself.
//
// Ties: of equal cost, the fewest nodes with a changed stride; then the smaller size in the first
// open class, so that of two nodes the earlier shrinks the map, which is the cheaper network.
// Counting changed nodes in the low bits of the cost makes the first rule part of the minimum.
//
// The step limit keeps the worst case (many open classes, far from tree-shaped) away from the
// search's inner loop; what it leaves is solved as a MILP (milp.cc).
//
// Tested by tests/propagate/oracle_test.cc.

#include <algorithm>
#include <limits>

#include "autogo/base/error.h"
#include "solve.h"
#include "text.h"

namespace autogo {
namespace {

// Cost and number of changed nodes in one integer, compared in this order.
constexpr int kChangedBits = 12;
std::int64_t rank(const Transition& t) {
  return (t.cost << kChangedBits) + static_cast<std::int64_t>(t.changed);
}

class SizeSolver {
 public:
  SizeSolver(const SizeProblem& problem, int max_steps)
      : problem_(problem), steps_left_(max_steps) {}

  struct State {
    std::vector<std::vector<std::int64_t>> domains;
    std::vector<std::vector<Transition>> transitions;  // by node
  };

  /// Removes unsupported sizes and transitions until nothing changes. False when a domain empties.
  bool narrow(State& state) const {
    for (bool again = true; again;) {
      again = false;
      for (std::size_t n = 0; n < problem_.nodes.size(); ++n) {
        const int revised = revise(state, n);
        if (revised < 0) return false;
        again = again || revised > 0;
      }
      for (const SumRelation& sum : problem_.sums) {
        const int revised = revise(state, sum);
        if (revised < 0) return false;
        again = again || revised > 0;
      }
    }
    return true;
  }

  std::int64_t bound(const State& state) const {
    std::int64_t sum = 0;
    for (const auto& list : state.transitions) {
      std::int64_t least = std::numeric_limits<std::int64_t>::max();
      for (const Transition& t : list) least = std::min(least, rank(t));
      sum += least;
    }
    return sum;
  }

  void search(State state) {
    const std::int64_t lower = bound(state);
    if (lower >= best_rank_ || steps_left_-- <= 0) return;
    const auto open =
        std::ranges::find_if(state.domains, [](const auto& d) { return d.size() > 1; });
    if (open == state.domains.end()) {
      best_rank_ = lower;
      best_ = std::move(state);
      return;
    }
    const auto c = static_cast<std::size_t>(open - state.domains.begin());
    struct Branch {
      std::int64_t bound, size;
      State state;
    };
    std::vector<Branch> branches;
    for (const std::int64_t size : state.domains[c]) {
      State next = state;
      next.domains[c] = {size};
      if (!narrow(next)) continue;
      const std::int64_t b = bound(next);
      branches.push_back({b, size, std::move(next)});
    }
    std::ranges::sort(branches, [](const Branch& a, const Branch& b) {
      return a.bound != b.bound ? a.bound < b.bound : a.size < b.size;
    });
    for (Branch& branch : branches) search(std::move(branch.state));
  }

  bool exhausted() const { return steps_left_ <= 0; }
  bool found() const { return best_rank_ != std::numeric_limits<std::int64_t>::max(); }
  const State& best() const { return best_; }
  std::int64_t best_cost() const { return best_rank_ >> kChangedBits; }

 private:
  /// -1: a domain emptied, 0: no change, 1: something was removed.
  int revise(State& state, std::size_t n) const {
    const SizeNode& node = problem_.nodes[n];
    auto& in = state.domains[static_cast<std::size_t>(node.in)];
    auto& out = state.domains[static_cast<std::size_t>(node.out)];
    auto& list = state.transitions[n];
    std::erase_if(list, [&](const Transition& t) {
      return !std::ranges::binary_search(in, t.in) || !std::ranges::binary_search(out, t.out) ||
             (node.in == node.out && t.in != t.out);
    });
    const std::size_t before = in.size() + out.size();
    std::erase_if(in, [&](std::int64_t size) {
      return std::ranges::none_of(list, [size](const Transition& t) { return t.in == size; });
    });
    std::erase_if(out, [&](std::int64_t size) {
      return std::ranges::none_of(list, [size](const Transition& t) { return t.out == size; });
    });
    if (in.empty() || out.empty()) return -1;
    return in.size() + out.size() != before ? 1 : 0;
  }

  /// The same for a sum: what lies outside the bounds that the other classes leave has no support.
  int revise(State& state, const SumRelation& sum) const {
    auto domain = [&](int c) -> std::vector<std::int64_t>& {
      return state.domains[static_cast<std::size_t>(c)];
    };
    int removed = 0;
    std::int64_t lo = 0, hi = 0;
    for (const auto& [c, a] : sum.ins) {
      lo += a * domain(c).front();
      hi += a * domain(c).back();
    }
    // False when nothing is left.
    auto keep = [&](std::vector<std::int64_t>& from, auto&& supported) {
      const std::size_t gone = std::erase_if(from, [&](std::int64_t x) { return !supported(x); });
      removed += gone > 0 ? 1 : 0;
      return !from.empty();
    };
    if (!keep(domain(sum.out), [&](std::int64_t x) { return x >= lo && x <= hi; })) return -1;
    for (const auto& [c, a] : sum.ins) {
      const std::int64_t rest_lo = lo - a * domain(c).front(), rest_hi = hi - a * domain(c).back();
      const std::vector<std::int64_t> out = domain(sum.out);
      const bool alone = rest_lo == rest_hi;
      const bool any = keep(domain(c), [&, coefficient = a](std::int64_t x) {
        const std::int64_t least = coefficient * x + rest_lo, most = coefficient * x + rest_hi;
        return alone ? std::ranges::binary_search(out, least)
                     : least <= out.back() && most >= out.front();
      });
      if (!any) return -1;
      lo = rest_lo + a * domain(c).front();
      hi = rest_hi + a * domain(c).back();
      if (!alone) continue;
      const std::vector<std::int64_t> in = domain(c);
      const bool reached = keep(domain(sum.out), [&, coefficient = a](std::int64_t x) {
        return (x - rest_lo) % coefficient == 0 &&
               std::ranges::binary_search(in, (x - rest_lo) / coefficient);
      });
      if (!reached) return -1;
    }
    return removed > 0 ? 1 : 0;
  }

  const SizeProblem& problem_;
  int steps_left_;
  std::int64_t best_rank_ = std::numeric_limits<std::int64_t>::max();
  State best_;
};

}  // namespace

Outcome solve_direct(SizeProblem problem, const char* dim_name, int max_steps) {
  Outcome outcome;
  SizeSolver solver(problem, max_steps);
  SizeSolver::State state{problem.domains, {}};
  state.transitions.reserve(problem.nodes.size());
  for (SizeNode& node : problem.nodes) state.transitions.push_back(std::move(node.transitions));
  const bool consistent = solver.narrow(state);
  if (consistent) solver.search(std::move(state));
  if (consistent && solver.exhausted()) return outcome;
  if (!solver.found()) {
    outcome.verdict = Verdict::kInfeasible;
    outcome.reason = infeasible_sizes_text(dim_name);
    return outcome;
  }
  outcome.verdict = Verdict::kSolved;
  outcome.cost = solver.best_cost();
  for (const auto& domain : solver.best().domains) outcome.values.push_back(domain.front());
  return outcome;
}

}  // namespace autogo
