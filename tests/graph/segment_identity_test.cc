// What of a node's attributes a segment keeps (NodeIdentity::kSegment).

#include <gtest/gtest.h>

#include "autogo/graph/canonical.h"
#include "graph_support.h"

namespace autogo {
namespace {

using namespace testing;  // NOLINT: test helpers of this folder
using enum OpKind;

std::uint64_t identity_of(OpKind op, const Attrs& attrs, std::int64_t channels = 8) {
  Graph g;
  const ValueId x = g.add_input(map_type(channels, 16, 16));
  return segment_identity(g, g.value(g.add(op, attrs, {x})).producer);
}

TEST(SegmentIdentity, KeepsWhatSurvivesResizing) {
  const Attrs base = conv_attrs(16, 3, 2);
  const std::uint64_t same = identity_of(kConv, base);
  const auto changed = [&](auto change) {
    Attrs a = base;
    change(a);
    return identity_of(kConv, a);
  };
  EXPECT_EQ(changed([](Attrs& a) { a.out_channels = 64; }), same);
  EXPECT_EQ(changed([](Attrs& a) { a.bias = true; }), same);
  EXPECT_NE(changed([](Attrs& a) { a.kernel = {3, 1}, a.pads = {1, 0, 1, 0}; }), same);
  EXPECT_NE(changed([](Attrs& a) { a.stride = {1, 1}; }), same);
  EXPECT_NE(changed([](Attrs& a) { a.dilation = {2, 2}, a.pads = {2, 2, 2, 2}; }), same);
  EXPECT_NE(changed([](Attrs& a) { a.pads = {}; }), same);
  EXPECT_NE(changed([](Attrs& a) { a.group = 2; }), same);
  EXPECT_EQ(changed([](Attrs& a) { a.group = 2; }), changed([](Attrs& a) { a.group = 4; }));
}

TEST(SegmentIdentity, HalfPadsAreSame) {
  Attrs same = conv_attrs(16, 3, 2);
  same.pads = {};
  same.padding = Padding::kSame;
  EXPECT_EQ(identity_of(kConv, conv_attrs(16, 3, 2)), identity_of(kConv, same));
  Attrs even = conv_attrs(16, 2), even_same = conv_attrs(16, 2);
  even.pads = {0, 0, 1, 1};
  even_same.pads = {};
  even_same.padding = Padding::kSame;
  EXPECT_NE(identity_of(kConv, even), identity_of(kConv, even_same));
}

TEST(SegmentIdentity, DepthwiseKeepsItsMultiplier) {
  EXPECT_EQ(identity_of(kDepthwiseConv, conv_attrs(8), 8),
            identity_of(kDepthwiseConv, conv_attrs(32), 32));
  EXPECT_NE(identity_of(kDepthwiseConv, conv_attrs(8), 8),
            identity_of(kDepthwiseConv, conv_attrs(16), 8));
}

TEST(SegmentIdentity, AConcatIsToldByItsDimension) {
  const auto joined = [](const TensorType& type, std::int32_t axis) {
    Graph g;
    const ValueId x = g.add_input(type), y = g.add_input(type);
    Attrs a;
    a.axis = axis;
    return segment_identity(g, g.value(g.add(kConcat, a, {x, y})).producer);
  };
  const TensorType tokens{DType::kFloat32, Layout::kChannelsLast, Shape{1, 7, 4}};
  TensorType last = map_type(), matrix = map_type();
  last.layout = Layout::kChannelsLast;
  matrix.layout = Layout::kNone;
  EXPECT_EQ(joined(tokens, 2), joined(map_type(), 1));  // channels
  EXPECT_EQ(joined(last, -1), joined(map_type(), 1));
  EXPECT_EQ(joined(tokens, 1), joined(map_type(), 2));  // length and rows
  EXPECT_EQ(joined(last, 2), joined(map_type(), -1));   // columns
  EXPECT_NE(joined(tokens, 1), joined(map_type(), 1));
  EXPECT_NE(joined(map_type(), 2), joined(map_type(), 3));
  EXPECT_NE(joined(map_type(), 0), joined(map_type(), 1));
  EXPECT_NE(joined(matrix, 1), joined(map_type(), 1));
}

TEST(SegmentIdentity, KeepsActivationConstants) {
  Attrs a, b;
  a.alpha = 0.1F;
  b.alpha = 0.2F;
  EXPECT_NE(identity_of(kLeakyRelu, a), identity_of(kLeakyRelu, b));
}

}  // namespace
}  // namespace autogo
