// Small gaps with exact answers and exact reasons.

#include "autogo/propagate/propagate.h"

#include <gtest/gtest.h>

#include <thread>

#include "autogo/base/error.h"
#include "propagate/random_bodies.h"
#include "solve.h"

namespace autogo {
namespace {

using enum OpKind;

Attrs conv(std::int32_t channels, std::int32_t kernel = 3, std::int32_t stride = 1,
           Padding padding = Padding::kSame) {
  Attrs a;
  a.kernel = {kernel, kernel};
  a.stride = {stride, stride};
  a.padding = padding;
  a.out_channels = channels;
  return a;
}

Attrs pool(std::int32_t kernel, std::int32_t stride, Padding padding = Padding::kSame) {
  Attrs a = conv(0, kernel, stride, padding);
  return a;
}

/// One input, the given nodes in a row, one output.
Graph chain(const TensorType& input, std::initializer_list<std::pair<OpKind, Attrs>> nodes) {
  Graph g;
  ValueId v = g.add_input(input);
  for (const auto& [op, attrs] : nodes) v = g.add(op, attrs, {v});
  g.add_output(v);
  return g;
}

Propagation fit(const Graph& body, const TensorType& in, const TensorType& out,
                const PropagateOptions& options = {}) {
  return propagate(body, std::span(&in, 1), std::span(&out, 1), options);
}

Propagation fit(const Graph& body, const std::vector<TensorType>& in,
                const std::vector<TensorType>& out) {
  return propagate(body, in, out);
}

std::string reason(const Graph& body, const TensorType& in, const TensorType& out) {
  const Propagation result = fit(body, in, out);
  EXPECT_EQ(result.status, SolveStatus::kInfeasible) << dump(result.body);
  return result.reason;
}

const Attrs& attrs_of(const Propagation& result, std::uint32_t node) {
  EXPECT_EQ(result.status, SolveStatus::kFeasible) << result.reason;
  return result.body.node(NodeId{node}).attrs;
}

using Ints = std::array<std::int32_t, 2>;

TEST(Propagate, KeepsWhatFitsAndCostsNothing) {
  const Graph body = chain(map_type(64, 56, 56), {{kConv, conv(128, 3, 2)}, {kRelu, {}}});
  const Propagation result = fit(body, map_type(64, 56, 56), map_type(128, 28, 28));
  EXPECT_EQ(attrs_of(result, 1), body.node(NodeId{1}).attrs);
  EXPECT_EQ(result.objective, 0);
}

TEST(Propagate, ChangesStrideAndChannelsOfAConvolution) {
  const Graph body =
      chain(map_type(64, 56, 56), {{kConv, conv(64)}, {kBatchNorm, {}}, {kRelu, {}}});
  const Propagation result = fit(body, map_type(64, 56, 56), map_type(128, 28, 14));
  EXPECT_EQ(attrs_of(result, 1).out_channels, 128);
  EXPECT_EQ(attrs_of(result, 1).stride, (Ints{2, 4}));
  EXPECT_EQ(result.objective, 1.0 + 1 + 2);  // 64 of 64 channels, one and two halvings
}

TEST(Propagate, UndoesAStrideOfTheSegment) {
  const Graph body = chain(map_type(8, 32, 32), {{kConv, conv(8, 3, 2)}});
  EXPECT_EQ(attrs_of(fit(body, map_type(8, 32, 32), map_type(8, 32, 32)), 1).stride, (Ints{1, 1}));
}

TEST(Propagate, KeepsTheRatioOfTheSegmentAsReference) {
  // Mined 16 -> 24, placed on 32: the reference is 48.
  const Graph body = chain(map_type(16, 8, 8), {{kConv, conv(24)}});
  EXPECT_EQ(fit(body, map_type(32, 8, 8), map_type(48, 8, 8)).objective, 0);
  EXPECT_NEAR(fit(body, map_type(32, 8, 8), map_type(60, 8, 8)).objective, 12 / 48.0, 1e-3);
}

TEST(Propagate, ChannelsReachReferenceTimesFactorAndNoFurther) {
  const Graph body = chain(map_type(64, 8, 8), {{kConv, conv(64)}});
  EXPECT_EQ(fit(body, map_type(64, 8, 8), map_type(256, 8, 8)).status, SolveStatus::kFeasible);
  EXPECT_EQ(fit(body, map_type(64, 8, 8), map_type(16, 8, 8)).status, SolveStatus::kFeasible);
  EXPECT_EQ(reason(body, map_type(64, 8, 8), map_type(257, 8, 8)),
            "output port 0: channels 257 cannot be reached from 64 at input port 0 (reachable: 16 "
            "... 256)");
  EXPECT_EQ(reason(body, map_type(64, 8, 8), map_type(15, 8, 8)),
            "output port 0: channels 15 cannot be reached from 64 at input port 0 (reachable: 16 "
            "... 256)");
  const Propagation narrow = fit(body, map_type(64, 8, 8), map_type(128, 8, 8), {1.5, 4});
  EXPECT_EQ(narrow.status, SolveStatus::kInfeasible);
}

TEST(Propagate, NamesTheSizesThatCanBeReached) {
  const Graph body = chain(map_type(64, 56, 56), {{kConv, conv(64)}, {kRelu, {}}});
  EXPECT_EQ(reason(body, map_type(64, 56, 56), map_type(64, 7, 7)),
            "output port 0: height 7 cannot be reached from 56 at input port 0 (reachable: 56, 28, "
            "14)");
  EXPECT_EQ(reason(body, map_type(64, 56, 56), map_type(64, 14, 7)),
            "output port 0: width 7 cannot be reached from 56 at input port 0 (reachable: 56, 28, "
            "14)");
  const Propagation limited = fit(body, map_type(64, 56, 56), map_type(64, 14, 14), {4, 2});
  EXPECT_EQ(limited.status, SolveStatus::kInfeasible);
}

// Padding rules: what an odd size becomes at stride 2 depends on them.
TEST(Propagate, UsesThePaddingRuleOfTheWindow) {
  Attrs explicit_pads = conv(4, 3, 1, Padding::kExplicit);
  explicit_pads.pads = {1, 1, 1, 1};
  const Attrs valid = conv(4, 3, 1, Padding::kExplicit);
  const TensorType in = map_type(4, 27, 27);
  const struct {
    Attrs attrs;
    std::int64_t feasible, infeasible;
    const char* reachable;
  } cases[] = {
      {conv(4), 14, 13, "27, 14, 7"},
      {explicit_pads, 14, 13, "27, 14, 7"},
      {valid, 13, 14, "25, 13, 7"},
      {conv(4, 4, 1, Padding::kExplicit), 12, 14, "24, 12, 6"},
  };
  for (const auto& c : cases) {
    const Graph body = chain(in, {{kConv, c.attrs}});
    EXPECT_EQ(attrs_of(fit(body, in, map_type(4, c.feasible, c.feasible)), 1).stride, (Ints{2, 2}));
    EXPECT_EQ(reason(body, in, map_type(4, c.infeasible, c.infeasible)),
              "output port 0: height " + std::to_string(c.infeasible) +
                  " cannot be reached from 27 at input port 0 (reachable: " + c.reachable + ")");
  }
}

TEST(Propagate, UsesDilationAndCeilMode) {
  Attrs dilated = conv(4, 3, 1, Padding::kExplicit);
  dilated.dilation = {2, 2};
  const Graph wide = chain(map_type(4, 9, 9), {{kConv, dilated}});
  EXPECT_EQ(fit(wide, map_type(4, 9, 9), map_type(4, 5, 5)).status, SolveStatus::kFeasible);
  EXPECT_EQ(reason(wide, map_type(4, 4, 9), map_type(4, 1, 5)), "height: conv does not fit 4");
  Attrs floor = pool(2, 2, Padding::kExplicit), ceil = floor;
  ceil.ceil_mode = true;
  EXPECT_EQ(fit(chain(map_type(4, 8, 8), {{kMaxPool, floor}}), map_type(4, 7, 7), map_type(4, 3, 3))
                .objective,
            0);
  EXPECT_EQ(fit(chain(map_type(4, 8, 8), {{kMaxPool, ceil}}), map_type(4, 7, 7), map_type(4, 4, 4))
                .objective,
            0);
}

TEST(Propagate, HandlesMapsOfOnePixel) {
  const Graph body = chain(map_type(8, 4, 4), {{kConv, conv(8, 1)}, {kSigmoid, {}}});
  EXPECT_EQ(fit(body, map_type(8, 1, 1), map_type(8, 1, 1)).objective, 0);
}

TEST(Propagate, LeavesNoGapsBetweenPoolingWindows) {
  const Graph small = chain(map_type(4, 8, 8), {{kMaxPool, pool(1, 1)}});
  EXPECT_EQ(reason(small, map_type(4, 8, 8), map_type(4, 4, 4)),
            "output port 0: height 4 cannot be reached from 8 at input port 0 (reachable: 8)");
  const Graph mined = chain(map_type(4, 8, 8), {{kMaxPool, pool(1, 2)}});
  EXPECT_EQ(fit(mined, map_type(4, 8, 8), map_type(4, 4, 4)).objective, 0);
  const Graph window = chain(map_type(4, 8, 8), {{kAvgPool, pool(3, 1)}});
  EXPECT_EQ(attrs_of(fit(window, map_type(4, 8, 8), map_type(4, 4, 4)), 1).stride, (Ints{2, 2}));
  EXPECT_EQ(fit(window, map_type(4, 8, 8), map_type(4, 2, 2)).status, SolveStatus::kInfeasible);
}

TEST(Propagate, ScalesDepthwiseGroupsAndSqueeze) {
  Attrs depthwise = conv(32);
  Attrs squeeze;
  squeeze.out_channels = 4;
  Graph body = chain(map_type(16, 8, 8), {{kDepthwiseConv, depthwise}, {kSqueezeExcite, squeeze}});
  const Propagation result = fit(body, map_type(24, 8, 8), map_type(48, 4, 4));
  EXPECT_EQ(attrs_of(result, 1).out_channels, 48);  // multiplier 2
  EXPECT_EQ(attrs_of(result, 1).stride, (Ints{2, 2}));
  EXPECT_EQ(attrs_of(result, 2).out_channels, 6);  // 4 of 32
  EXPECT_EQ(fit(body, map_type(3, 8, 8), map_type(6, 8, 8)).body.node(NodeId{2}).attrs.out_channels,
            1);

  Attrs grouped = conv(64);
  grouped.group = 32;
  body = chain(map_type(64, 8, 8), {{kConv, grouped}});
  EXPECT_EQ(attrs_of(fit(body, map_type(64, 8, 8), map_type(96, 8, 8)), 1).group, 32);
  EXPECT_EQ(reason(body, map_type(64, 8, 8), map_type(100, 8, 8)),
            "output port 0: channels 100 cannot be reached from 64 at input port 0 (reachable: 32 "
            "... 256 in steps of 32)");
  EXPECT_EQ(reason(body, map_type(100, 8, 8), map_type(96, 8, 8)),
            "channels: conv needs a multiple of 32, its input has 100");
}

TEST(Propagate, GrowsMapsByScaleTransposedConvolutionAndBlocks) {
  Attrs scale;
  scale.stride = {2, 2};
  Graph body = chain(map_type(4, 8, 8), {{kResize, scale}});
  EXPECT_EQ(attrs_of(fit(body, map_type(4, 9, 9), map_type(4, 36, 18)), 1).stride, (Ints{4, 2}));
  EXPECT_EQ(attrs_of(fit(body, map_type(4, 9, 9), map_type(4, 9, 9)), 1).stride, (Ints{1, 1}));

  Attrs transposed = conv(4, 4, 2, Padding::kExplicit);
  transposed.pads = {1, 1, 1, 1};
  body = chain(map_type(4, 8, 8), {{kConvTranspose, transposed}});
  EXPECT_EQ(fit(body, map_type(4, 7, 7), map_type(6, 14, 14)).status, SolveStatus::kFeasible);
  transposed.kernel = {3, 3};
  transposed.output_padding = {1, 1};
  body = chain(map_type(4, 8, 8), {{kConvTranspose, transposed}});
  EXPECT_EQ(fit(body, map_type(4, 7, 7), map_type(4, 14, 14)).objective, 0);
  // Stride 1 would give 8, but output_padding must stay below the stride.
  EXPECT_EQ(reason(body, map_type(4, 7, 7), map_type(4, 8, 8)),
            "output port 0: height 8 cannot be reached from 7 at input port 0 (reachable: 26, 14)");

  Attrs block;
  block.block = 2;
  body = chain(map_type(4, 8, 8), {{kConv, conv(16)}, {kDepthToSpace, block}});
  const Propagation shuffled = fit(body, map_type(4, 5, 5), map_type(6, 10, 10));
  EXPECT_EQ(attrs_of(shuffled, 1).out_channels, 24);
  EXPECT_EQ(fit(body, map_type(4, 5, 5), map_type(6, 11, 11)).status, SolveStatus::kInfeasible);
}

TEST(Propagate, GlobalPoolingGivesOnePixelFromAnySize) {
  const Graph body = chain(map_type(4, 8, 8), {{kGlobalAvgPool, {}}, {kConv, conv(4, 1)}});
  EXPECT_EQ(fit(body, map_type(4, 13, 9), map_type(4, 1, 1)).objective, 0);
  EXPECT_EQ(reason(body, map_type(4, 13, 9), map_type(4, 13, 9)),
            "output port 0: height 13 cannot be reached from 13 at input port 0 (reachable: 1)");
}

/// x -> conv -> relu; x -> conv; add.
Graph residual() {
  Graph g;
  const ValueId x = g.add_input(map_type(16, 32, 32));
  const ValueId a = g.add(kRelu, {}, {g.add(kConv, conv(16), {x})});
  const ValueId b = g.add(kConv, conv(16, 1), {x});
  g.add_output(g.add(kAdd, {}, {a, b}));
  return g;
}

TEST(Propagate, AddsForceBothBranchesToTheSameShape) {
  // The example of the paper's figure 8: 32x32x16 must become 16x16x32.
  const Propagation result = fit(residual(), map_type(16, 32, 32), map_type(32, 16, 16));
  for (const std::uint32_t node : {1U, 3U}) {
    EXPECT_EQ(attrs_of(result, node).out_channels, 32);
    EXPECT_EQ(attrs_of(result, node).stride, (Ints{2, 2}));
  }
  EXPECT_EQ(result.objective, 2 * (1.0 + 1 + 1));
}

TEST(Propagate, AnIdentityBranchFixesTheSizes) {
  Graph g;
  const ValueId x = g.add_input(map_type(16, 32, 32));
  g.add_output(g.add(kAdd, {}, {g.add(kConv, conv(16), {x}), x}));
  EXPECT_EQ(reason(g, map_type(16, 32, 32), map_type(16, 16, 16)),
            "output port 0: height 16 cannot be reached from 32 at input port 0 (reachable: 32)");
  EXPECT_EQ(reason(g, map_type(16, 32, 32), map_type(32, 32, 32)),
            "output port 0: channels 32 cannot be reached from 16 at input port 0 (reachable: 16)");
}

TEST(Propagate, NamesTheJoinThatCannotMeet) {
  Graph g;
  const ValueId x = g.add_input(map_type(8, 8, 8)), y = g.add_input(map_type(8, 8, 8));
  g.add_output(g.add(kAdd, {}, {x, y}));
  const TensorType a = map_type(64, 56, 56);
  EXPECT_EQ(fit(g, {a, map_type(128, 56, 56)}, {a}).reason, "channels: add joins 64 and 128");
  EXPECT_EQ(fit(g, {a, map_type(64, 56, 28)}, {a}).reason, "width: add joins 56 and 28");
  EXPECT_EQ(fit(g, {a, a}, {map_type(64, 28, 56)}).reason,
            "output port 0: height 28 cannot be reached from 56 at input port 0 and 56 at input "
            "port 1 (reachable: 56)");
}

TEST(Propagate, OutputPortsOfOneShapeMustAgree) {
  Graph g;
  const ValueId v = g.add(kConv, conv(8), {g.add_input(map_type(8, 8, 8))});
  g.add_output(v);
  g.add_output(g.add(kRelu, {}, {v}));
  const TensorType in = map_type(8, 8, 8);
  EXPECT_EQ(fit(g, {in}, {map_type(12, 4, 4), map_type(12, 4, 4)}).status, SolveStatus::kFeasible);
  EXPECT_EQ(fit(g, {in}, {map_type(8, 4, 4), map_type(8, 2, 2)}).reason,
            "output ports 0 and 1: heights 4 and 2 must be equal");
  EXPECT_EQ(fit(g, {in}, {map_type(8, 4, 4), map_type(12, 4, 4)}).reason,
            "output ports 0 and 1: channels 8 and 12 must be equal");
}

/// Two convolutions, mined 16 and 32 channels, concatenated.
Graph concatenation() {
  Graph g;
  const ValueId x = g.add_input(map_type(16, 8, 8));
  const ValueId a = g.add(kConv, conv(16), {x});
  const ValueId b = g.add(kConv, conv(32), {x});
  g.add_output(g.add(kConcat, {}, {a, b}));
  return g;
}

TEST(Propagate, ConcatSumsItsInputs) {
  EXPECT_EQ(fit(concatenation(), map_type(16, 8, 8), map_type(48, 8, 8)).objective, 0);
  const Propagation result = fit(concatenation(), map_type(16, 8, 8), map_type(64, 8, 8));
  EXPECT_EQ(attrs_of(result, 1).out_channels, 16);
  EXPECT_EQ(attrs_of(result, 2).out_channels, 48);  // the wider one: 16 of 32, not 16 of 16
  EXPECT_EQ(result.objective, 0.5);
  EXPECT_EQ(reason(concatenation(), map_type(16, 8, 8), map_type(193, 8, 8)),
            "output port 0: channels 193 cannot be reached from 16 at input port 0 (reachable: 12 "
            "... 192)");
  EXPECT_EQ(fit(concatenation(), map_type(16, 8, 8), map_type(192, 8, 8)).status,
            SolveStatus::kFeasible);
}

TEST(Propagate, ConcatOfTheSameValueDoubles) {
  Graph g;
  const ValueId v = g.add(kConv, conv(8), {g.add_input(map_type(8, 8, 8))});
  g.add_output(g.add(kConcat, {}, {v, v}));
  const Propagation result = fit(g, map_type(8, 8, 8), map_type(20, 8, 8));
  EXPECT_EQ(attrs_of(result, 1).out_channels, 10);
  EXPECT_EQ(fit(g, map_type(8, 8, 8), map_type(21, 8, 8)).status, SolveStatus::kInfeasible);
}

TEST(Propagate, NamesTheSumThatCannotBeMet) {
  // concat(x, conv) where the convolution's output is a port as well.
  Graph g;
  const ValueId x = g.add_input(map_type(8, 8, 8));
  const ValueId v = g.add(kConv, conv(8), {x});
  g.add_output(v);
  g.add_output(g.add(kConcat, {}, {x, v}));
  EXPECT_EQ(fit(g, {map_type(8, 8, 8)}, {map_type(12, 8, 8), map_type(21, 8, 8)}).reason,
            "channels: concat gives 20, needed 21");
}

TEST(Propagate, StridesAreOnePerDimensionAndSquaresStaySquare) {
  const Graph body =
      chain(map_type(8, 32, 32),
            {{kConv, conv(8)}, {kMaxPool, pool(2, 2)}, {kConv, conv(8, 3, 2)}, {kConv, conv(8)}});
  for (const std::int64_t out : {32, 16, 8, 4, 2}) {
    const Propagation result = fit(body, map_type(8, 32, 32), map_type(8, out, out));
    for (std::uint32_t n = 1; n < 5; ++n) {
      EXPECT_EQ(attrs_of(result, n).stride[0], attrs_of(result, n).stride[1]);
    }
  }
}

TEST(Propagate, OfEqualCostsChangesFewerNodesAndTheEarlier) {
  // 32 -> 8: one stride of 4 or two of 2 cost the same.
  const Graph body = chain(map_type(8, 32, 32), {{kConv, conv(8)}, {kConv, conv(8)}});
  const Propagation result = fit(body, map_type(8, 32, 32), map_type(8, 8, 8));
  EXPECT_EQ(attrs_of(result, 1).stride, (Ints{4, 4}));
  EXPECT_EQ(attrs_of(result, 2).stride, (Ints{1, 1}));
  EXPECT_EQ(result.objective, 4);
}

TEST(Propagate, RefusesWhatNoChoiceCanMend) {
  const Graph conv_body = chain(map_type(8, 8, 8), {{kConv, conv(8)}});
  const TensorType tokens{DType::kFloat32, Layout::kChannelsLast, Shape{1, 64, 8}};
  EXPECT_EQ(reason(conv_body, tokens, tokens),
            "conv needs maps with channels first, its input is channels last, rank 3");
  EXPECT_EQ(reason(conv_body, map_type(8, 8, 8), tokens),
            "output port 0: channels last demanded, channels first found");
  TensorType half = map_type(8, 8, 8), batch = half;
  half.dtype = DType::kFloat16;
  batch.shape[0] = 2;
  EXPECT_EQ(reason(conv_body, half, map_type(8, 8, 8)),
            "output port 0: float32 demanded, float16 found");
  EXPECT_EQ(reason(conv_body, batch, map_type(8, 8, 8)), "output port 0: rank or batch differ");
  EXPECT_EQ(fit(conv_body, batch, batch).objective, 0);
  EXPECT_EQ(fit(conv_body, half, half).body.output_type(NodeId{2}), half);
  TensorType matrix = map_type(8, 8, 8);
  matrix.layout = Layout::kNone;
  EXPECT_EQ(reason(conv_body, matrix, map_type(8, 8, 8)), "input port 0: not a feature map");

  Attrs to;
  to.ints = {1, 64, 8};
  const Graph reshape = chain(map_type(8, 8, 8), {{kReshape, to}});
  EXPECT_EQ(reason(reshape, map_type(8, 8, 8), tokens), "reshape cannot be adjusted");
}

TEST(Propagate, ResolvesTokens) {
  const TensorType tokens{DType::kFloat32, Layout::kChannelsLast, Shape{1, 64, 8}};
  Attrs dense;
  dense.out_channels = 32;
  Attrs axis;
  axis.axis = 2;
  Graph body;
  const ValueId x = body.add_input(tokens);
  const ValueId y = body.add(kDense, dense, {body.add(kGelu, {}, {body.add(kDense, dense, {x})})});
  body.add_output(body.add(kConcat, axis, {x, y}));
  TensorType in = tokens, out = tokens;
  in.shape = Shape{1, 196, 48};
  out.shape = Shape{1, 196, 148};
  const Propagation result = fit(body, in, out);
  EXPECT_EQ(attrs_of(result, 3).out_channels, 100);
  EXPECT_EQ(attrs_of(result, 1).out_channels, 192);  // four times 48, as mined
  out.shape = Shape{1, 98, 148};
  EXPECT_EQ(reason(body, in, out),
            "output port 0: height 98 cannot be reached from 196 at input port 0 (reachable: 196)");
}

TEST(Propagate, MovesAConcatToTheChannelAxisOfItsNewPlace) {
  Graph body;
  const ValueId x = body.add_input(map_type(8, 8, 8));
  body.add_output(body.add(kConcat, {}, {x, x}));
  const TensorType in{DType::kFloat32, Layout::kChannelsLast, Shape{1, 64, 8}};
  TensorType out = in;
  out.shape[2] = 16;
  EXPECT_EQ(attrs_of(fit(body, in, out), 1).axis, 2);
}

TEST(Propagate, LargeChannelsAreAsCheapAsSmallOnes) {
  Graph g;
  const ValueId x = g.add_input(map_type(512, 7, 7));
  std::vector<ValueId> branches;
  for (const int c : {512, 1024, 768, 640}) branches.push_back(g.add(kConv, conv(c, 1), {x}));
  g.add_output(g.add(kConcat, {}, branches));
  const Propagation result = fit(g, map_type(2048, 7, 7), map_type(8192, 7, 7));
  EXPECT_EQ(result.status, SolveStatus::kFeasible);
  // References 2048 + 4096 + 3072 + 2560 = 11776: 3584 less, 3072 of them from the widest.
  EXPECT_EQ(attrs_of(result, 2).out_channels, 1024);
  EXPECT_EQ(attrs_of(result, 3).out_channels, 2560);
}

TEST(Propagate, RatiosThatMultiplyStayWithinBounds) {
  // Mined on 1 channel, three times 32 wider in a row: 512 x 32^3 is no width for a layer.
  const Graph body =
      chain(map_type(1, 8, 8),
            {{kConv, conv(32)}, {kConv, conv(1024)}, {kConv, conv(32768)}, {kConv, conv(1)}});
  const TensorType type = map_type(512, 8, 8);
  const char* expected =
      "channels: conv has no multiple of 1 up to 65536 near its reference 524288";
  EXPECT_EQ(reason(body, type, type), expected);
  EXPECT_EQ(propagate_exhaustive(body, std::span(&type, 1), std::span(&type, 1), {1, 4}).status,
            SolveStatus::kInfeasible);
  const TensorType one = map_type(1, 8, 8);
  EXPECT_EQ(fit(body, one, one).objective, 0);
}

TEST(Propagate, ChecksTheNumberOfPorts) {
  const Graph body = chain(map_type(8, 8, 8), {{kConv, conv(8)}});
  EXPECT_THROW(propagate(body, {}, {}), Error);
}

TEST(Propagate, ExhaustiveGivesUpBeyondItsBudget) {
  const Graph body = chain(map_type(64, 8, 8), {{kConv, conv(64)}, {kConv, conv(64)}});
  const TensorType type = map_type(64, 8, 8);
  try {
    propagate_exhaustive(body, std::span(&type, 1), std::span(&type, 1), {}, 1000);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
    EXPECT_STREQ(error.what(), "too many assignments for exhaustive propagation");
  }
}

/// Several threads on the MILP at once: CBC and Clp must not share state.
TEST(Propagate, GivesTheSameAnswersOnSeveralThreads) {
  constexpr std::uint64_t kSeed = 7;
  constexpr int kCases = 300, kThreads = 4;
  std::vector<RandomCase> problems;
  for (std::uint64_t i = 0; i < kCases; ++i) {
    Rng rng = Rng(kSeed).fork(i);
    problems.push_back(RandomBodies(rng, 8, 4, /*sums=*/true).next());
  }
  auto answers = [&problems] {
    std::vector<std::string> texts;
    for (const RandomCase& p : problems) {
      for (const SolvePath path : {SolvePath::kAuto, SolvePath::kMilp}) {
        const Propagation result = propagate_by(path, p.body, p.inputs, p.outputs, {});
        texts.push_back(std::to_string(result.objective) + result.reason + dump(result.body));
      }
    }
    return texts;
  };
  const std::vector<std::string> expected = answers();
  std::vector<std::vector<std::string>> found(kThreads);
  std::vector<std::thread> threads;
  for (auto& slot : found) threads.emplace_back([&slot, &answers] { slot = answers(); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& texts : found) EXPECT_EQ(texts, expected) << "seed " << kSeed;
}

}  // namespace
}  // namespace autogo
