#include "collector.h"

#include <gtest/gtest.h>

#include "segment_support.h"

namespace autogo {
namespace {

using namespace testing;

std::vector<NodeId> identity_order(const Graph& g) {
  std::vector<NodeId> order;
  for (std::uint32_t n = 0; n < g.num_nodes(); ++n) order.push_back(NodeId{n});
  return order;
}

void collect(SegmentCollector& collector, const Graph& g, const Merger::Run& run,
             std::uint64_t number = 0, std::size_t corpus = 0) {
  const Uses uses(g);
  const std::vector<NodeId> order = identity_order(g);
  const std::vector<Merger::Run> runs = {run};
  collector.add(g, uses, order, find_segments(g, uses, order, runs), number, corpus);
}

/// input, relu and sigmoid of it in the order given, their sum.
Graph two_branches(bool relu_first) {
  Graph g;
  const ValueId x = g.add_input(map_type());
  const ValueId a = unary(g, relu_first ? OpKind::kRelu : OpKind::kSigmoid, x);
  const ValueId b = unary(g, relu_first ? OpKind::kSigmoid : OpKind::kRelu, x);
  g.add_output(add(g, a, b));
  return g;
}

TEST(Collector, IsomorphicDuplicatesCollapse) {
  SegmentCollector collector(1);
  collect(collector, two_branches(true), {1, 3});
  collect(collector, two_branches(false), {1, 3});
  ASSERT_EQ(collector.classes().size(), 1U);
  EXPECT_EQ(collector.classes()[0].counts, (std::vector<std::uint64_t>{2}));
}

TEST(Collector, PortsTellSegmentsApart) {
  Graph tapped = two_branches(true);
  tapped.add_output(tapped.output(NodeId{1}));
  SegmentCollector collector(1);
  collect(collector, two_branches(true), {1, 3});
  collect(collector, tapped, {1, 3});
  EXPECT_EQ(collector.classes().size(), 2U);
}

TEST(Collector, TheMostFrequentShapesRepresentAClass) {
  SegmentCollector collector(2);
  collect(collector, chain(1, 8), {1, 3}, 10, 0);
  collect(collector, chain(1, 16), {1, 3}, 11, 1);
  collect(collector, chain(1, 16), {1, 3}, 12, 1);
  collect(collector, chain(1, 8), {1, 3}, 13, 0);
  collect(collector, chain(1, 16), {1, 3}, 14, 0);
  const std::vector<SegmentCollector::Class> classes = collector.classes();
  ASSERT_EQ(classes.size(), 1U);
  EXPECT_EQ(classes[0].location.graph, 11U);
  EXPECT_EQ(classes[0].body_count, 3U);
  EXPECT_EQ(classes[0].counts, (std::vector<std::uint64_t>{3, 2}));
}

TEST(Collector, InsertableShapesWinOverFrequentOnes) {
  auto network = [](Layout layout) {
    Graph g;
    TensorType type = map_type();
    type.layout = layout;
    g.add_output(unary(g, OpKind::kRelu, g.add_input(type)));
    return g;
  };
  SegmentCollector collector(1);
  collect(collector, network(Layout::kNone), {1, 1}, 20);
  collect(collector, network(Layout::kNone), {1, 1}, 21);
  collect(collector, network(Layout::kChannelsFirst), {1, 1}, 22);
  const std::vector<SegmentCollector::Class> classes = collector.classes();
  ASSERT_EQ(classes.size(), 1U);
  EXPECT_EQ(classes[0].location.graph, 22U);
  EXPECT_EQ(classes[0].counts, (std::vector<std::uint64_t>{3}));
}

TEST(Collector, BodiesAreNumberedCanonicallyAndNameless) {
  const Graph a = two_branches(true), b = two_branches(false);
  const Graph body_a = segment_body(a, Uses(a), identity_order(a), {1, 3});
  const Graph body_b = segment_body(b, Uses(b), identity_order(b), {1, 3});
  EXPECT_EQ(dump(body_a), dump(body_b));
  EXPECT_EQ(body_a.source(), nullptr);
}

TEST(Collector, DescribesABody) {
  const SegmentEntry entry = describe_body(residual(1));
  EXPECT_EQ(entry.num_nodes, 4U);
  EXPECT_EQ(entry.num_inputs, 1U);
  EXPECT_EQ(entry.num_outputs, 1U);
  EXPECT_EQ(entry.ops, (OpSet{OpKind::kConv, OpKind::kBatchNorm, OpKind::kAdd, OpKind::kRelu}));
  EXPECT_TRUE(entry.insertable);
  EXPECT_TRUE(entry.connected);
}

TEST(Collector, KnowsWhatCannotBeInserted) {
  Graph apart;  // two operations that do not touch
  const ValueId x = apart.add_input(map_type()), y = apart.add_input(map_type());
  apart.add_output(unary(apart, OpKind::kRelu, x));
  apart.add_output(unary(apart, OpKind::kRelu, y));
  EXPECT_FALSE(describe_body(apart).connected);
  EXPECT_TRUE(describe_body(apart).insertable);

  Graph sliced;  // reads 7 of 8 channels, as cells of NAS-Bench-101 may
  Attrs attrs;
  attrs.out_channels = 8;
  attrs.ints = {7};
  sliced.add_output(sliced.add(OpKind::kConv, attrs, {sliced.add_input(map_type(8))}));
  EXPECT_FALSE(describe_body(sliced).insertable);

  Graph division;  // no exporter makes one anew
  const ValueId p = division.add_input(map_type()), q = division.add_input(map_type());
  division.add_output(division.add(OpKind::kDiv, {}, {p, q}));
  EXPECT_FALSE(describe_body(division).insertable);

  Graph vectors;  // attention matrices are no feature maps
  TensorType type = map_type();
  type.layout = Layout::kNone;
  vectors.add_output(unary(vectors, OpKind::kRelu, vectors.add_input(type)));
  EXPECT_FALSE(describe_body(vectors).insertable);

  Graph odd;  // a type that the shape rule would not give
  const std::vector<ValueId> inputs = {odd.add_input(map_type(8))};
  const std::vector<Value> outputs = {Value{map_type(4), NodeId{}, kNoOrigin}};
  odd.add_output(odd.output(odd.add_typed(OpKind::kRelu, {}, inputs, outputs)));
  EXPECT_FALSE(describe_body(odd).insertable);
}

}  // namespace
}  // namespace autogo
