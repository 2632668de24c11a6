// Choosing channels without a solver library, where that is possible.
//
// Three steps, each exact when it answers:
//   1. Bounds and divisibility run through the sums until nothing changes. An empty range proves
//      infeasibility. Most segments end here, with every class a single number.
//   2. Separable minimum: each class that no sum defines takes the cheapest value of its own convex
//      cost; the sums define the rest. If that satisfies everything at the sum of the single
//      minima, which is a lower bound, it is optimal.
//   3. Sums with a fixed total, each over classes of its own with one common step and coefficient
//      1 (the typical cell that ends in a concat): from the single minima, walk towards the total
//      along the cheapest slope first. The costs are convex and piecewise linear, so this greedy
//      allocation is optimal.
// Anything else (nested sums with free totals, mixed group steps) is left to the MILP.
//
// Ties: for one class, the value that leaves more nodes at their reference, then the smaller; for
// a sum, the earlier class moves first.
//
// Tested by tests/propagate/oracle_test.cc and tests/propagate/channel_test.cc.

#include <algorithm>
#include <limits>
#include <tuple>

#include "autogo/base/error.h"
#include "solve.h"

namespace autogo {
namespace {

constexpr int kMaxRounds = 64;  // of bound tightening; cyclic sums may creep

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0 ? 1 : 0); }

class ChannelSolver {
 public:
  explicit ChannelSolver(ChannelProblem problem)
      : p_(std::move(problem)), terms_of_(p_.classes.size()), values_(p_.classes.size(), 0) {
    for (std::size_t i = 0; i < p_.terms.size(); ++i) {
      terms_of_[static_cast<std::size_t>(p_.terms[i].cls)].push_back(i);
    }
  }

  Outcome solve() {
    Outcome outcome;
    outcome.reason = tighten();
    if (!outcome.reason.empty()) {
      outcome.verdict = Verdict::kInfeasible;
      return outcome;
    }
    if (separable() || allocate()) {
      outcome.verdict = Verdict::kSolved;
      outcome.cost = channel_cost(p_, values_);
      outcome.values = std::move(values_);
    }
    return outcome;
  }

 private:
  ChannelClass& at(int c) { return p_.classes[static_cast<std::size_t>(c)]; }
  std::int64_t& value(int c) { return values_[static_cast<std::size_t>(c)]; }
  bool fixed(int c) { return at(c).lo == at(c).hi; }

  // ---- 1. bounds

  /// The reason when a range empties.
  std::string tighten() {
    bool again = true;
    for (int round = 0; again && round < kMaxRounds; ++round) {
      again = false;
      for (const SumRelation& relation : p_.relations) {
        const int result = tighten(relation);
        if (result < 0) return reason(relation);
        again = again || result > 0;
      }
    }
    return {};
  }

  /// Narrows [lo, hi] of a class; -1: empty, 0: as before, 1: narrower.
  int clip(int c, std::int64_t lo, std::int64_t hi) {
    ChannelClass& range = at(c);
    if (hi < range.lo || lo > range.hi) return -1;
    const std::int64_t new_lo = round_up(std::max(lo, range.lo), range.step);
    const std::int64_t new_hi = round_down(std::min(hi, range.hi), range.step);
    if (new_lo > new_hi) return -1;
    const bool changed = new_lo != range.lo || new_hi != range.hi;
    range.lo = new_lo;
    range.hi = new_hi;
    return changed ? 1 : 0;
  }

  int tighten(const SumRelation& r) {
    std::int64_t lo = 0, hi = 0;
    for (const auto& [c, a] : r.ins) {
      lo += a * at(c).lo;
      hi += a * at(c).hi;
    }
    int result = clip(r.out, ceil_div(lo, r.scale), floor_div(hi, r.scale));
    for (const auto& [c, a] : r.ins) {
      if (result < 0) return -1;
      const std::int64_t rest_lo = lo - a * at(c).lo, rest_hi = hi - a * at(c).hi;
      const std::int64_t out_lo = r.scale * at(r.out).lo, out_hi = r.scale * at(r.out).hi;
      const int narrowed = clip(c, ceil_div(out_lo - rest_hi, a), floor_div(out_hi - rest_lo, a));
      if (narrowed < 0) return -1;
      if (narrowed == 0) continue;
      result = 1;
      lo = rest_lo + a * at(c).lo;
      hi = rest_hi + a * at(c).hi;
    }
    return result;
  }

  std::string reason(const SumRelation& r) {
    ChannelClass sum{0, 0, 1};
    for (const auto& [c, a] : r.ins) {
      sum.lo += a * at(c).lo;
      sum.hi += a * at(c).hi;
    }
    sum = {ceil_div(sum.lo, r.scale), floor_div(sum.hi, r.scale), 1};
    return std::string("channels: ") + r.op + " gives " + range_text(sum) + ", needed " +
           range_text(at(r.out));
  }

  // ---- 2. separable minimum

  std::int64_t cost_at(int c, std::int64_t x) const {
    std::int64_t sum = 0;
    for (const std::size_t i : terms_of_[static_cast<std::size_t>(c)]) {
      sum += p_.terms[i].weight * std::abs(x - p_.terms[i].ref);
    }
    return sum;
  }

  /// Where the convex cost of a class can bend, within its range, ascending.
  std::vector<std::int64_t> breakpoints(int c) {
    const ChannelClass& range = at(c);
    std::vector<std::int64_t> points{range.lo, range.hi};
    for (const std::size_t i : terms_of_[static_cast<std::size_t>(c)]) {
      const std::int64_t ref = p_.terms[i].ref;
      for (const std::int64_t x : {round_down(ref, range.step), round_up(ref, range.step)}) {
        if (x > range.lo && x < range.hi) points.push_back(x);
      }
    }
    std::ranges::sort(points);
    points.erase(std::unique(points.begin(), points.end()), points.end());
    return points;
  }

  std::int64_t cheapest(int c) {
    std::tuple<std::int64_t, std::int64_t, std::int64_t> best{
        std::numeric_limits<std::int64_t>::max(), 0, 0};
    for (const std::int64_t x : breakpoints(c)) {
      std::int64_t changed = 0;
      for (const std::size_t i : terms_of_[static_cast<std::size_t>(c)]) {
        changed += p_.terms[i].ref != x;
      }
      best = std::min(best, {cost_at(c, x), changed, x});
    }
    return std::get<2>(best);
  }

  bool separable() {
    std::vector<char> assigned(p_.classes.size(), 1);
    for (const SumRelation& r : p_.relations) assigned[static_cast<std::size_t>(r.out)] = 0;
    for (int c = 0; c < static_cast<int>(p_.classes.size()); ++c) {
      if (assigned[static_cast<std::size_t>(c)]) value(c) = cheapest(c);
    }
    for (const SumRelation& r : p_.relations) {
      std::int64_t sum = 0;
      for (const auto& [c, a] : r.ins) {
        if (!assigned[static_cast<std::size_t>(c)]) return false;
        sum += a * value(c);
      }
      if (sum % r.scale != 0) return false;
      const std::int64_t x = sum / r.scale;
      const ChannelClass& range = at(r.out);
      if (x < range.lo || x > range.hi || x % range.step != 0) return false;
      char& done = assigned[static_cast<std::size_t>(r.out)];
      if (done ? value(r.out) != x : cost_at(r.out, x) != cost_at(r.out, cheapest(r.out))) {
        return false;
      }
      value(r.out) = x;
      done = 1;
    }
    return true;
  }

  // ---- 3. sums with a fixed total

  bool allocate() {
    std::vector<int> uses(p_.classes.size(), 0);
    std::vector<const SumRelation*> active;
    for (const SumRelation& r : p_.relations) {
      bool open = false;
      for (const auto& [c, a] : r.ins) {
        if (fixed(c)) continue;
        open = true;
        if (a != 1 || ++uses[static_cast<std::size_t>(c)] > 1) return false;
      }
      if (!open && fixed(r.out)) continue;
      if (r.scale != 1 || !fixed(r.out)) return false;
      active.push_back(&r);
    }
    for (int c = 0; c < static_cast<int>(p_.classes.size()); ++c) value(c) = cheapest(c);
    for (const SumRelation* r : active) {
      if (!allocate(*r)) return false;
    }
    return std::ranges::all_of(p_.relations, [this](const SumRelation& r) { return holds(r); });
  }

  bool holds(const SumRelation& r) {
    std::int64_t sum = 0;
    for (const auto& [c, a] : r.ins) sum += a * value(c);
    return sum == r.scale * value(r.out);
  }

  /// A stretch of a class's cost with one slope, in the direction of the walk.
  struct Piece {
    std::size_t in;  // position in the relation
    std::int64_t rise, steps;
  };

  bool allocate(const SumRelation& r) {
    std::int64_t missing = at(r.out).lo, step = 0;
    for (const auto& [c, a] : r.ins) {
      missing -= a * value(c);
      if (fixed(c)) continue;
      if (step != 0 && at(c).step != step) return false;
      step = at(c).step;
    }
    if (missing == 0) return true;
    if (step == 0 || missing % step != 0) return false;
    const std::int64_t direction = missing > 0 ? 1 : -1;
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < r.ins.size(); ++i) add_pieces(r.ins[i].first, i, direction, pieces);
    // rise / steps ascending; equal slopes keep their order, and so does one class by convexity.
    std::ranges::stable_sort(
        pieces, [](const Piece& a, const Piece& b) { return a.rise * b.steps < b.rise * a.steps; });
    std::int64_t left = std::abs(missing) / step;
    for (const Piece& piece : pieces) {
      const std::int64_t taken = std::min(left, piece.steps);
      value(r.ins[piece.in].first) += direction * taken * step;
      left -= taken;
    }
    return left == 0;
  }

  void add_pieces(int c, std::size_t in, std::int64_t direction, std::vector<Piece>& pieces) {
    if (fixed(c)) return;
    std::vector<std::int64_t> points = breakpoints(c);
    if (direction < 0) std::ranges::reverse(points);
    std::int64_t from = value(c);
    for (const std::int64_t to : points) {
      if ((to - from) * direction <= 0) continue;
      pieces.push_back({in, cost_at(c, to) - cost_at(c, from), std::abs(to - from) / at(c).step});
      from = to;
    }
  }

  ChannelProblem p_;
  std::vector<std::vector<std::size_t>> terms_of_;  // by class
  std::vector<std::int64_t> values_;                // by class
};

}  // namespace

std::int64_t channel_cost(const ChannelProblem& problem, std::span<const std::int64_t> values) {
  std::int64_t sum = 0;
  for (const ChannelTerm& term : problem.terms) {
    sum += term.weight * std::abs(values[static_cast<std::size_t>(term.cls)] - term.ref);
  }
  return sum;
}

Outcome solve_direct(ChannelProblem problem) { return ChannelSolver(std::move(problem)).solve(); }

}  // namespace autogo
