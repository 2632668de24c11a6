// What two networks may differ in and still compute the same: how attributes are spelled, nodes that
// do nothing.

#include "autogo/graph/simplify.h"

#include <gtest/gtest.h>

#include "graph_support.h"

namespace autogo {
namespace {

using namespace testing;  // NOLINT: test helpers of this folder
using enum OpKind;

TEST(Canonical, SpellingOfAttributesDoesNotMatter) {
  const auto network = [](OpKind op, const Attrs& attrs, std::int64_t size = 8) {
    Graph g;
    g.add_output(g.add(op, attrs, {g.add_input(map_type(4, size, size))}));
    return canonical_hash(g);
  };
  Attrs same = conv_attrs(8), halves = conv_attrs(8);  // half pads of 3 x 3
  same.pads = {};
  same.padding = Padding::kSame;
  EXPECT_EQ(network(kConv, same), network(kConv, halves));
  same.stride = halves.stride = {2, 2};
  EXPECT_NE(network(kConv, same), network(kConv, halves));  // 8 columns: same pads the end only
  EXPECT_EQ(network(kConv, same, 7), network(kConv, halves, 7));
  Attrs pool;
  pool.kernel = pool.stride = {2, 2};
  Attrs up = pool, counting = pool;
  up.ceil_mode = counting.count_include_pad = true;
  EXPECT_EQ(network(kAvgPool, up), network(kAvgPool, pool));
  EXPECT_NE(network(kAvgPool, up, 7), network(kAvgPool, pool, 7));
  EXPECT_EQ(network(kAvgPool, counting), network(kAvgPool, pool));
  Attrs whole = pool;
  whole.kernel = {8, 8};
  Attrs never = whole;
  never.stride = {4, 1};
  EXPECT_EQ(network(kMaxPool, whole), network(kMaxPool, never));
}

/// A convolution, then the given nodes in a row.
Graph row(std::initializer_list<std::pair<OpKind, Attrs>> nodes) {
  Graph g;
  ValueId v = g.add(kConv, conv_attrs(8), {g.add_input(map_type())});
  for (const auto& [op, attrs] : nodes) v = g.add(op, attrs, {v});
  g.add_output(v);
  return g;
}

std::string ops(const Graph& g) {
  std::string text;
  for (const Node& node : g.nodes())
    text += (text.empty() ? "" : " ") + std::string(op_name(node.op));
  return text;
}

TEST(WithoutIdleNodes, DropsWhatGivesItsInput) {
  Attrs same, order, twice;
  same.ints = {1, 8, 8, 8};
  order.ints = {0, 1, 2, 3};
  twice.stride = {2, 2};
  const Graph bare = row({{kRelu, {}}});
  for (const Graph& g :
       {row({{kIdentity, {}}, {kRelu, {}}}), row({{kRelu, {}}, {kRelu, {}}}),
        row({{kReshape, same}, {kTranspose, order}, {kRelu, {}}}),
        row({{kMaxPool, {}}, {kRelu, {}}, {kAvgPool, {}}, {kResize, {}}}),
        row({{kPad, {}}, {kRelu, {}}, {kDepthToSpace, {}}, {kSpaceToDepth, {}}})}) {
    const auto simple = without_idle_nodes(g);
    ASSERT_TRUE(simple.has_value()) << dump(g);
    EXPECT_EQ(canonical_hash(*simple), canonical_hash(bare)) << dump(*simple);
  }
  EXPECT_FALSE(without_idle_nodes(bare).has_value());
  EXPECT_FALSE(without_idle_nodes(row({{kResize, twice}})).has_value());
}

TEST(WithoutIdleNodes, MindsWhatActivationsDo) {
  EXPECT_EQ(ops(*without_idle_nodes(row({{kRelu6, {}}, {kRelu, {}}}))), "input conv relu6 output");
  EXPECT_EQ(ops(*without_idle_nodes(row({{kRelu, {}}, {kRelu6, {}}}))), "input conv relu6 output");
  EXPECT_EQ(ops(*without_idle_nodes(row({{kSigmoid, {}}, {kRelu6, {}}}))),
            "input conv sigmoid output");
  EXPECT_FALSE(without_idle_nodes(row({{kSoftplus, {}}, {kRelu6, {}}})).has_value());
  EXPECT_FALSE(without_idle_nodes(row({{kSwish, {}}, {kRelu, {}}})).has_value());
  EXPECT_FALSE(without_idle_nodes(row({{kSwish, {}}, {kSwish, {}}})).has_value());
}

TEST(WithoutIdleNodes, KeepsAnActivationThatOthersRead) {
  Graph g;
  const ValueId y = g.add(kRelu, {}, {g.add_input(map_type())});
  g.add_output(g.add(kRelu6, {}, {y}));
  g.add_output(y);
  EXPECT_FALSE(without_idle_nodes(g).has_value());
}

TEST(WithoutIdleNodes, DropsTheDeadAndKeepsInputs) {
  Graph g;
  const ValueId x = g.add_input(map_type()), unused = g.add_input(map_type());
  const ValueId dead = g.add(kAdd, {}, {x, unused});
  Attrs shape;
  shape.text = "Shape";
  const std::array<Value, 2> outputs{Value{map_type()}, Value{map_type()}};
  g.add_typed(kOpaque, shape, std::array{dead}, outputs);
  g.add_output(g.add(kRelu, {}, {x}));
  EXPECT_EQ(ops(*without_idle_nodes(g)), "input input relu output");
}

TEST(WithoutIdleNodes, ChainsOfThemLeaveTheInput) {
  Graph g;
  const ValueId x = g.add_input(map_type());
  g.add_output(g.add(kIdentity, {}, {g.add(kIdentity, {}, {x})}));
  EXPECT_EQ(ops(*without_idle_nodes(g)), "input output");
}

}  // namespace
}  // namespace autogo
