#include "autogo/cost/cost.h"

#include <gtest/gtest.h>

namespace autogo {
namespace {

TensorType map(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return {DType::kFloat32, Layout::kChannelsFirst, {n, c, h, w}};
}

struct Case {
  OpKind op;
  Attrs attrs;
  std::vector<TensorType> inputs;
};

Graph build(const Case& c) {
  Graph graph;
  std::vector<ValueId> values;
  for (const TensorType& type : c.inputs) values.push_back(graph.add_input(type));
  graph.add_output(graph.add(c.op, c.attrs, values));
  return graph;
}

/// Cost of the only node that is no port.
Cost cost_of(const Case& c) {
  return node_cost(build(c), NodeId{static_cast<std::uint32_t>(c.inputs.size())});
}

Attrs window(std::int32_t kernel, std::int32_t stride, std::int32_t channels, bool bias = false) {
  Attrs attrs;
  attrs.kernel = {kernel, kernel};
  attrs.stride = {stride, stride};
  attrs.padding = Padding::kSame;
  attrs.out_channels = channels;
  attrs.bias = bias;
  return attrs;
}

TEST(Cost, CountsAConvolution) {
  // 3x3, 4 to 8 channels, 5x5 out.
  EXPECT_EQ(cost_of({OpKind::kConv, window(3, 2, 8, true), {map(1, 4, 9, 9)}}),
            (Cost{25 * 9 * 4 * 8, 25 * 8, 9 * 4 * 8 + 8, 4 * (9 * 4 * 8 + 8)}));
}

TEST(Cost, CountsTheWholeBatch) {
  const Cost one = cost_of({OpKind::kConv, window(3, 1, 8), {map(1, 4, 9, 9)}});
  const Cost five = cost_of({OpKind::kConv, window(3, 1, 8), {map(5, 4, 9, 9)}});
  EXPECT_EQ(five.macs, 5 * one.macs);
  EXPECT_EQ(five.params, one.params);
}

TEST(Cost, CountsGroupsAndDepthwise) {
  Attrs grouped = window(3, 1, 8);
  grouped.group = 2;
  EXPECT_EQ(cost_of({OpKind::kConv, grouped, {map(1, 4, 4, 4)}}),
            (Cost{16 * 9 * 2 * 8, 0, 9 * 2 * 8, 4 * 9 * 2 * 8}));
  EXPECT_EQ(cost_of({OpKind::kDepthwiseConv, window(3, 1, 8), {map(1, 4, 4, 4)}}),
            (Cost{16 * 9 * 8, 0, 9 * 8, 4 * 9 * 8}));
}

TEST(Cost, CountsATruncatedConvolution) {
  Attrs attrs = window(1, 1, 8);
  attrs.ints = {3};
  EXPECT_EQ(cost_of({OpKind::kConv, attrs, {map(1, 4, 2, 2)}}),
            (Cost{4 * 3 * 8, 0, 3 * 8, 4 * 3 * 8}));
}

TEST(Cost, CountsATransposedConvolutionByItsInput) {
  Attrs attrs = window(2, 2, 3, true);
  attrs.padding = Padding::kExplicit;
  EXPECT_EQ(cost_of({OpKind::kConvTranspose, attrs, {map(1, 5, 4, 4)}}),
            (Cost{16 * 4 * 5 * 3, 64 * 3, 4 * 5 * 3 + 3, 4 * (4 * 5 * 3 + 3)}));
}

TEST(Cost, CountsDenseOverTheLastAxis) {
  const TensorType tokens{DType::kFloat16, Layout::kChannelsLast, {2, 7, 16}};
  EXPECT_EQ(cost_of({OpKind::kDense, window(1, 1, 10, true), {tokens}}),
            (Cost{2 * 7 * 160, 2 * 7 * 10, 170, 340}));
}

TEST(Cost, CountsAMatrixProduct) {
  const TensorType a{DType::kFloat32, Layout::kNone, {1, 3, 5, 4}};
  const TensorType b{DType::kFloat32, Layout::kNone, {1, 3, 4, 6}};
  EXPECT_EQ(cost_of({OpKind::kMatMul, Attrs{}, {a, b}}), (Cost{3 * 5 * 6 * 4, 0, 0, 0}));
}

TEST(Cost, CountsNormsWithTheirStatistics) {
  EXPECT_EQ(cost_of({OpKind::kBatchNorm, Attrs{}, {map(1, 6, 2, 2)}}), (Cost{0, 48, 12, 4 * 24}));
  EXPECT_EQ(cost_of({OpKind::kInstanceNorm, Attrs{}, {map(1, 6, 2, 2)}}),
            (Cost{0, 120, 12, 4 * 12}));
}

TEST(Cost, CountsASqueezeExcite) {
  Attrs attrs;
  attrs.out_channels = 2;
  attrs.bias = true;
  EXPECT_EQ(cost_of({OpKind::kSqueezeExcite, attrs, {map(1, 8, 3, 3)}}),
            (Cost{2 * 8 * 2, 2 * 72 + 2 * (8 + 2), 2 * 8 * 2 + 8 + 2, 4 * 42}));
}

TEST(Cost, CountsElementwiseOperations) {
  const TensorType x = map(1, 2, 4, 4);
  EXPECT_EQ(cost_of({OpKind::kRelu, Attrs{}, {x}}), (Cost{0, 32, 0, 0}));
  EXPECT_EQ(cost_of({OpKind::kAdd, Attrs{}, {x, x, x}}), (Cost{0, 64, 0, 0}));
  EXPECT_EQ(cost_of({OpKind::kMaxPool, window(3, 2, 0), {x}}), (Cost{0, 9 * 8, 0, 0}));
  EXPECT_EQ(cost_of({OpKind::kGlobalAvgPool, Attrs{}, {x}}), (Cost{0, 32, 0, 0}));
  EXPECT_EQ(cost_of({OpKind::kIdentity, Attrs{}, {x}}), Cost{});
  EXPECT_EQ(cost_of({OpKind::kConcat, Attrs{}, {x, x}}), Cost{});
  EXPECT_EQ(cost_of({OpKind::kPRelu, Attrs{}, {x}}), (Cost{0, 32, 2, 8}));
}

Graph opaque_graph(std::int64_t macs) {
  auto source = std::make_shared<Source>();
  source->node_facts = {{7, 28, macs}};
  Graph graph;
  const std::array<ValueId, 1> inputs{graph.add_input(map(1, 2, 4, 4))};
  const std::array<Value, 1> outputs{Value{map(1, 2, 4, 4), NodeId{}}};
  Attrs attrs;
  attrs.text = "Mystery";
  graph.add_typed(OpKind::kOpaque, attrs, inputs, outputs, 0);
  graph.set_source(source);
  return graph;
}

TEST(Cost, TakesAnOpaqueNodesCostFromItsImporter) {
  const Graph graph = opaque_graph(99);
  EXPECT_EQ(node_cost(graph, NodeId{1}), (Cost{99, 0, 7, 28}));
  EXPECT_FALSE(unknown_cost(graph, NodeId{1}));
  EXPECT_EQ(graph_macs(graph), 99);
}

TEST(Cost, SaysWhenAnOpaqueNodesCostIsUnknown) {
  const Graph graph = opaque_graph(-1);
  EXPECT_EQ(node_cost(graph, NodeId{1}), (Cost{0, 0, 7, 28}));
  EXPECT_TRUE(unknown_cost(graph, NodeId{1}));
  EXPECT_FALSE(unknown_cost(graph, NodeId{0}));
}

TEST(Cost, TakesAnImportedNodesBytesFromItsFile) {
  auto source = std::make_shared<Source>();
  source->node_facts = {{72, 144, -1}};  // stored as float16
  Graph graph;
  const std::array<ValueId, 1> inputs{graph.add_input(map(1, 2, 4, 4))};
  graph.add(OpKind::kConv, window(3, 1, 4), inputs, 0);
  graph.set_source(source);
  EXPECT_EQ(node_cost(graph, NodeId{1}), (Cost{16 * 72, 0, 72, 144}));
}

/// Convolutions in a row that all read weight 5; the last has a bias of its own.
Graph tied_graph() {
  auto source = std::make_shared<Source>();
  source->node_facts = {
      {72, 288, -1, {{5, 72, 288}}}, {72, 288, -1, {{5, 72, 288}}}, {76, 304, -1, {{5, 72, 288}}}};
  Graph graph;
  ValueId x = graph.add_input(map(1, 2, 4, 4));
  for (std::uint32_t origin = 0; origin < 3; ++origin) {
    const std::array<ValueId, 1> inputs{x};
    x = graph.add(OpKind::kConv, window(3, 1, 2), inputs, origin);
  }
  graph.add_output(x);
  graph.set_source(source);
  return graph;
}

TEST(Cost, CountsAWeightThatSeveralNodesReadOnce) {
  const Graph graph = tied_graph();
  EXPECT_EQ(node_cost(graph, NodeId{2}).params, 72);  // as if alone
  const GraphCost cost = graph_cost(graph);
  EXPECT_EQ(cost.total.params, 76);
  EXPECT_EQ(cost.total.weight_bytes, 304);
  EXPECT_EQ(cost.nodes[1].params, 72);
  EXPECT_EQ(cost.nodes[2].params, 0);
  EXPECT_EQ(cost.nodes[3].params, 4);
  EXPECT_EQ(graph_params(graph), 76);
  EXPECT_EQ(cost.total.macs, 3 * 16 * 36);
}

TEST(Cost, TakesParametersOfAnImportedNodeFromItsFile) {
  auto source = std::make_shared<Source>();
  source->node_facts = {{1, 4, -1}};  // one slope for all channels
  Graph graph;
  const std::array<ValueId, 1> inputs{graph.add_input(map(1, 2, 4, 4))};
  graph.add(OpKind::kPRelu, Attrs{}, inputs, 0);
  graph.set_source(source);
  EXPECT_EQ(node_cost(graph, NodeId{1}), (Cost{0, 32, 1, 4}));
}

TEST(Cost, SumsOverNodes) {
  Graph graph;
  const ValueId x = graph.add_input(map(1, 2, 4, 4));
  const ValueId y = graph.add(OpKind::kConv, window(3, 1, 2), {x});
  graph.add_output(graph.add(OpKind::kRelu, Attrs{}, {y}));
  const GraphCost cost = graph_cost(graph);
  EXPECT_EQ(cost.total, (Cost{16 * 36, 32, 36, 144}));
  EXPECT_EQ(cost.nodes[1].macs, graph_macs(graph));
  EXPECT_EQ(graph_flops(graph, FlopsConvention::kMacs), 576);
  EXPECT_EQ(graph_flops(graph, FlopsConvention::k2Macs), 1152);
}

TEST(Cost, StaysAtTheLargestCountInsteadOfLeaving64Bits) {
  Graph g;
  const std::int64_t large = std::int64_t{1} << 31;
  const ValueId x = g.add_input({DType::kFloat64, Layout::kNone, Shape{1, large, large}});
  Attrs wide;
  wide.out_channels = 1 << 30;
  const ValueId y = g.add(OpKind::kDense, wide, {x});
  g.add_output(g.add(OpKind::kDense, wide, {y}));
  const GraphCost cost = graph_cost(g);
  EXPECT_EQ(cost.total.macs, std::int64_t{1} << 61);
  EXPECT_EQ(graph_macs(g), std::int64_t{1} << 61);
  EXPECT_EQ(graph_flops(g, FlopsConvention::k2Macs), std::int64_t{1} << 61);
  EXPECT_GT(cost.peak_activation_bytes, 0);
}

}  // namespace
}  // namespace autogo
