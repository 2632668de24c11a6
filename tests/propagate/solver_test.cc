// The solvers on hand-made problems: ties, greedy sums, limits.

#include <gtest/gtest.h>

#include "autogo/base/rng.h"
#include "solve.h"

namespace autogo {
namespace {

/// Classes 0 .. n - 1 with one term each; class n is their sum, `total`.
ChannelProblem sum_problem(std::vector<ChannelTerm> terms, std::vector<ChannelClass> ranges,
                           std::int64_t total) {
  ChannelProblem p;
  p.classes = std::move(ranges);
  p.terms = std::move(terms);
  SumRelation sum;
  sum.op = "concat";
  sum.out = static_cast<int>(p.classes.size());
  for (int c = 0; c < sum.out; ++c) sum.ins.emplace_back(c, 1);
  p.classes.push_back({total, total, 1});
  p.relations.push_back(sum);
  return p;
}

TEST(ChannelSolver, ChangesTheCheapestFirstAndTheEarlierOnATie) {
  const ChannelProblem p =
      sum_problem({{NodeId{1}, 0, 10, 6}, {NodeId{2}, 1, 10, 3}, {NodeId{3}, 2, 10, 3}},
                  {{5, 20, 1}, {5, 20, 1}, {5, 20, 1}}, 45);
  const Outcome outcome = solve_direct(p);
  ASSERT_EQ(outcome.verdict, Verdict::kSolved);
  EXPECT_EQ(outcome.values, (std::vector<std::int64_t>{10, 20, 15, 45}));
  EXPECT_EQ(outcome.cost, 45);
}

TEST(ChannelSolver, OfEqualCostsKeepsMoreNodesAtTheirReference) {
  ChannelProblem p;
  p.classes = {{1, 100, 1}};
  p.terms = {{NodeId{1}, 0, 10, 4}, {NodeId{2}, 0, 20, 2}, {NodeId{3}, 0, 20, 2}};
  EXPECT_EQ(solve_direct(p).values, (std::vector<std::int64_t>{20}));
  EXPECT_EQ(solve_direct(p).cost, 40);
  EXPECT_EQ(solve_milp(p).cost, 40);
}

TEST(ChannelSolver, MovesInStepsOfTheGroups) {
  const ChannelProblem p =
      sum_problem({{NodeId{1}, 0, 13, 3}, {NodeId{2}, 1, 24, 1}}, {{4, 40, 4}, {8, 48, 4}}, 56);
  const Outcome outcome = solve_direct(p);
  ASSERT_EQ(outcome.verdict, Verdict::kSolved);
  EXPECT_EQ(outcome.values, (std::vector<std::int64_t>{12, 44, 56}));
  EXPECT_EQ(outcome.cost, solve_milp(p).cost);
}

TEST(ChannelSolver, LeavesMixedStepsToTheMilp) {
  // Multiples of 6, 10 and 15 that add up to 83: 18 + 20 + 45, or 18 + 50 + 15, which costs more.
  const ChannelProblem p =
      sum_problem({{NodeId{1}, 0, 6, 1}, {NodeId{2}, 1, 10, 2}, {NodeId{3}, 2, 15, 1}},
                  {{6, 30, 6}, {10, 50, 10}, {15, 60, 15}}, 83);
  EXPECT_EQ(solve_direct(p).verdict, Verdict::kUndecided);
  const Outcome outcome = solve_milp(p);
  ASSERT_EQ(outcome.verdict, Verdict::kSolved);
  EXPECT_EQ(outcome.values, (std::vector<std::int64_t>{18, 20, 45, 83}));
}

TEST(ChannelSolver, GreedySumsAgreeWithTheMilpOnLargeNumbers) {
  constexpr std::uint64_t kSeed = 5;
  for (std::uint64_t i = 0; i < 300; ++i) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", case " + std::to_string(i));
    Rng rng = Rng(kSeed).fork(i);
    std::vector<ChannelTerm> terms;
    std::vector<ChannelClass> ranges;
    const auto step = static_cast<std::int64_t>(1 + rng.below(2) * 15);
    std::int64_t lo = 0, hi = 0;
    for (std::uint32_t n = 0; n < 2 + rng.below(4); ++n) {
      const std::int64_t ref = step * static_cast<std::int64_t>(1 + rng.below(2048 / 16));
      for (std::uint64_t repeat = 0; repeat <= rng.below(2); ++repeat) {
        const std::int64_t other =
            repeat == 0 ? ref : ref + static_cast<std::int64_t>(rng.below(9));
        terms.push_back({NodeId{n}, static_cast<int>(n), other, 65536 / other});
      }
      ranges.push_back({round_up((ref + 3) / 4, step), ref * 4, step});
      lo += ranges.back().lo;
      hi += ranges.back().hi;
    }
    const std::int64_t total = lo + step * static_cast<std::int64_t>(rng.below(
                                               static_cast<std::uint64_t>((hi - lo) / step + 1)));
    const ChannelProblem p = sum_problem(terms, ranges, total);
    const Outcome direct = solve_direct(p), milp = solve_milp(p);
    ASSERT_EQ(direct.verdict, Verdict::kSolved);
    ASSERT_EQ(milp.verdict, Verdict::kSolved);
    EXPECT_EQ(direct.cost, milp.cost);
  }
}

/// A chain of stride choices from 64 to `out`.
SizeProblem halvings(int nodes, std::int64_t out) {
  SizeProblem p;
  p.domains.push_back({64});
  for (int n = 0; n < nodes; ++n) {
    SizeNode node{NodeId{static_cast<std::uint32_t>(n)}, n, n + 1, {}};
    std::vector<std::int64_t> domain;
    for (std::int64_t size = 1; size <= 64; size *= 2) {
      domain.push_back(size);
      for (const std::int32_t s : {1, 2, 4}) {
        if (size % s == 0) node.transitions.push_back({size, size / s, s, s != 2, s == 2 ? 0 : 1});
      }
    }
    p.nodes.push_back(node);
    p.domains.push_back(domain);
  }
  p.domains.back() = {out};
  return p;
}

TEST(SizeSolver, StopsAtItsStepLimitAndTheMilpGoesOn) {
  const SizeProblem p = halvings(9, 8);
  EXPECT_EQ(solve_direct(p, "height", 1).verdict, Verdict::kUndecided);
  const Outcome direct = solve_direct(p, "height"), milp = solve_milp(p, "height");
  ASSERT_EQ(direct.verdict, Verdict::kSolved);
  ASSERT_EQ(milp.verdict, Verdict::kSolved);
  EXPECT_EQ(direct.cost, 6);  // three of nine halve, the others must not
  EXPECT_EQ(milp.cost, 6);
}

TEST(SizeSolver, OfEqualCostsChangesFewerNodes) {
  SizeProblem p;
  p.domains = {{16}, {4, 8}, {4}};
  p.nodes = {{NodeId{1}, 0, 1, {{16, 4, 4, true, 1}, {16, 8, 2, true, 2}}},
             {NodeId{2}, 1, 2, {{4, 4, 1, true, 1}, {8, 4, 2, false, 0}}}};
  const Outcome outcome = solve_direct(p, "height");
  EXPECT_EQ(outcome.cost, 2);
  EXPECT_EQ(outcome.values, (std::vector<std::int64_t>{16, 8, 4}));
}

TEST(SizeSolver, ProvesThatNothingFits) {
  SizeProblem p = halvings(2, 1);
  for (const Outcome& outcome : {solve_direct(p, "width"), solve_milp(p, "width")}) {
    EXPECT_EQ(outcome.verdict, Verdict::kInfeasible);
    EXPECT_EQ(outcome.reason,
              "width: no choice of strides meets all joins and output ports at once");
  }
}

}  // namespace
}  // namespace autogo
