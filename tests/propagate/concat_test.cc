// Concats by axis: along the channels they add up, along height, width or length the sizes do and
// the rest is equal.

#include <gtest/gtest.h>

#include "autogo/propagate/propagate.h"
#include "propagate/random_bodies.h"
#include "solve.h"

namespace autogo {
namespace {

using enum OpKind;

Attrs over(std::int32_t axis) {
  Attrs a;
  a.axis = axis;
  return a;
}

Attrs same_conv(std::int32_t channels) {
  Attrs a;
  a.kernel = {3, 3};
  a.padding = Padding::kSame;
  a.out_channels = channels;
  return a;
}

TensorType tokens(std::int64_t length, std::int64_t channels) {
  return {DType::kFloat32, Layout::kChannelsLast, Shape{1, length, channels}};
}

/// The direct answer, once the MILP and the oracle have given the same.
Propagation fit(const Graph& body, const std::vector<TensorType>& in,
                const std::vector<TensorType>& out) {
  const Propagation oracle = propagate_exhaustive(body, in, out);
  const Propagation milp = propagate_by(SolvePath::kMilp, body, in, out, {});
  Propagation direct = propagate(body, in, out);
  EXPECT_EQ(direct.status, oracle.status) << direct.reason;
  EXPECT_EQ(milp.status, oracle.status) << milp.reason;
  EXPECT_EQ(direct.objective, oracle.objective);
  EXPECT_EQ(milp.objective, oracle.objective);
  return direct;
}

/// A convolution and every second row of it, joined below one another: 16 and 8 rows of 16.
Graph rows() {
  Graph g;
  const ValueId a = g.add(kConv, same_conv(8), {g.add_input(map_type(3, 16, 16))});
  Attrs every_second;
  every_second.kernel = every_second.stride = {2, 1};
  g.add_output(g.add(kConcat, over(2), {a, g.add(kMaxPool, every_second, {a})}));
  return g;
}

TEST(PropagateConcat, OfRowsAddsHeightsAndKeepsTheRest) {
  EXPECT_EQ(fit(rows(), {map_type(3, 16, 16)}, {map_type(8, 24, 16)}).objective, 0);
  const Propagation wider = fit(rows(), {map_type(6, 20, 12)}, {map_type(20, 30, 12)});
  ASSERT_EQ(wider.status, SolveStatus::kFeasible) << wider.reason;
  EXPECT_EQ(wider.body.node(NodeId{1}).attrs.out_channels, 20);
  EXPECT_EQ(wider.body.output_type(NodeId{3}), map_type(20, 30, 12));
  EXPECT_EQ(fit(rows(), {map_type(3, 16, 16)}, {map_type(16, 24, 16)}).status,
            SolveStatus::kFeasible);  // not 8 + 8 channels: twice the reference
  EXPECT_EQ(fit(rows(), {map_type(3, 16, 16)}, {map_type(8, 24, 32)}).reason,
            "output port 0: width 32 cannot be reached from 16 at input port 0 (reachable: 16, 8, "
            "4)");
  EXPECT_EQ(fit(rows(), {map_type(3, 16, 16)}, {map_type(8, 48, 16)}).reason,
            "output port 0: height 48 cannot be reached from 16 at input port 0 (reachable: 31, "
            "24, 23, 20, 19, 18, 16, 15, ...)");
}

TEST(PropagateConcat, ChoosesStridesWhoseSizesAddUp) {
  Graph g;
  const ValueId x = g.add_input(map_type(4, 16, 16));
  std::vector<ValueId> parts;
  for (int i = 0; i < 3; ++i) parts.push_back(g.add(kConv, same_conv(4), {x}));
  g.add_output(g.add(kConcat, over(3), parts));
  const Propagation result = fit(g, {map_type(4, 16, 16)}, {map_type(4, 16, 28)});
  ASSERT_EQ(result.status, SolveStatus::kFeasible) << result.reason;
  EXPECT_EQ(result.objective, 3);  // 16 + 8 + 4
  EXPECT_EQ(fit(g, {map_type(4, 16, 16)}, {map_type(4, 16, 44)}).status, SolveStatus::kInfeasible);
  EXPECT_EQ(fit(g, {map_type(4, 16, 16)}, {map_type(4, 8, 48)}).objective, 3);  // three rows halved
}

TEST(PropagateConcat, OfRowsNeedsEqualChannels) {
  Graph g;
  const ValueId x = g.add_input(map_type(4, 8, 8)), y = g.add_input(map_type(4, 8, 8));
  g.add_output(g.add(kConcat, over(2), {x, y}));
  EXPECT_EQ(fit(g, {map_type(4, 8, 8), map_type(4, 5, 8)}, {map_type(4, 13, 8)}).objective, 0);
  EXPECT_EQ(fit(g, {map_type(4, 8, 8), map_type(6, 5, 8)}, {map_type(4, 13, 8)}).reason,
            "channels: concat joins 4 and 6");
  EXPECT_EQ(fit(g, {map_type(4, 8, 8), map_type(4, 5, 7)}, {map_type(4, 13, 8)}).reason,
            "width: concat joins 8 and 7");
}

TEST(PropagateConcat, OfAValueWithItselfDoubles) {
  Graph g;
  const ValueId a = g.add(kConv, same_conv(4), {g.add_input(map_type(4, 16, 16))});
  g.add_output(g.add(kConcat, over(2), {a, a}));
  EXPECT_EQ(fit(g, {map_type(4, 16, 16)}, {map_type(4, 16, 16)}).objective, 1);
  EXPECT_EQ(fit(g, {map_type(4, 16, 16)}, {map_type(4, 24, 16)}).status, SolveStatus::kInfeasible);
}

TEST(PropagateConcat, RollsSequences) {
  Graph g;
  const ValueId x = g.add_input(tokens(5, 8)), y = g.add_input(tokens(2, 8));
  Attrs dense;
  dense.out_channels = 8;
  g.add_output(g.add(kConcat, over(-2), {g.add(kDense, dense, {y}), x}));
  const Propagation result = fit(g, {tokens(40, 16), tokens(9, 16)}, {tokens(49, 16)});
  EXPECT_EQ(result.objective, 0) << result.reason;
  EXPECT_EQ(fit(g, {tokens(40, 16), tokens(9, 16)}, {tokens(40, 16)}).status,
            SolveStatus::kInfeasible);
}

TEST(PropagateConcat, MovesToTheAxisOfTheSameDimension) {
  auto joined = [](const TensorType& type, std::int32_t axis) {
    Graph g;
    const ValueId x = g.add_input(type), y = g.add_input(type);
    g.add_output(g.add(kConcat, over(axis), {x, y}));
    return g;
  };
  TensorType last = map_type(8, 8, 8);
  last.layout = Layout::kChannelsLast;
  TensorType taller = last, wider = last;
  taller.shape[1] = wider.shape[2] = 16;
  const Graph rows = joined(map_type(4, 5, 6), 2), columns = joined(map_type(4, 5, 6), -1);
  EXPECT_EQ(fit(rows, {last, last}, {taller}).body.node(NodeId{2}).attrs.axis, 1);
  EXPECT_EQ(fit(columns, {last, last}, {wider}).body.node(NodeId{2}).attrs.axis, 2);
  EXPECT_EQ(fit(rows, {last, last}, {wider}).status, SolveStatus::kInfeasible);
  const std::vector<TensorType> two{tokens(7, 4), tokens(7, 4)};
  EXPECT_EQ(fit(rows, two, {tokens(14, 4)}).body.node(NodeId{2}).attrs.axis, 1);
  EXPECT_EQ(fit(columns, two, {tokens(14, 4)}).reason, "concat over axis -1 on another layout");
  const Graph sequence = joined(tokens(7, 4), 1);
  const std::vector<TensorType> maps{map_type(4, 5, 6), map_type(4, 5, 6)};
  EXPECT_EQ(fit(sequence, maps, {map_type(4, 10, 6)}).body.node(NodeId{2}).attrs.axis, 2);
  const Graph batch = joined(map_type(4, 5, 6), 0);
  EXPECT_EQ(fit(batch, maps, {map_type(4, 5, 6)}).reason, "concat over axis 0 cannot be adjusted");
}

TEST(PropagateConcat, EndsWhereDoublingWouldOverflow) {
  for (const std::int32_t axis : {1, 2}) {
    Graph g;
    ValueId x = g.add_input(map_type(1, 1, 1));
    for (int i = 0; i < 30; ++i) x = g.add(kConcat, over(axis), {x, x});
    g.add_output(x);
    const TensorType port = axis == 1 ? map_type(1 << 20, 1, 1) : map_type(1, 1 << 20, 1);
    const Propagation result = propagate(g, std::span(&port, 1), std::span(&g.type(x), 1));
    EXPECT_EQ(result.status, SolveStatus::kInfeasible);
    EXPECT_EQ(result.reason, axis == 1 ? "channels: concat gives more than 67108864"
                                       : "height: concat gives more than 2147483648");
  }
}

TEST(PropagateConcat, LeavesToTheMilpWhatTakesTooManySteps) {
  // Eight convolutions of 16, 8 or 4 rows each: sums are multiples of 4.
  Graph g;
  const ValueId x = g.add_input(map_type(4, 16, 16));
  std::vector<ValueId> parts;
  for (int i = 0; i < 8; ++i) parts.push_back(g.add(kConv, same_conv(4), {x}));
  g.add_output(g.add(kConcat, over(2), parts));
  for (const std::int64_t rows : {72, 76, 78}) {
    const PortMaps ports{{{4, 16, 16}}, {{4, rows, 16}}};
    const SizeProblem problem = build_size_problem(g, ports, {}, 0);
    if (rows == 78) {
      EXPECT_FALSE(problem.reason.empty());
      continue;
    }
    ASSERT_TRUE(problem.reason.empty()) << problem.reason;
    EXPECT_EQ(solve_direct(problem, "height", 2).verdict, Verdict::kUndecided);
    const Outcome direct = solve_direct(problem, "height", 1'000'000);
    ASSERT_EQ(direct.verdict, Verdict::kSolved);
    EXPECT_EQ(direct.cost, solve_milp(problem, "height").cost);
  }
}

}  // namespace
}  // namespace autogo
