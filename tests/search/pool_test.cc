#include "pool.h"

#include <gtest/gtest.h>

#include "autogo/graph/canonical.h"
#include "options.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::tensor;

const TensorType kMap = tensor({1, 8, 16, 16});

TEST(Pool, SoundBodiesUseEveryPortAndNode) {
  Graph good;
  const ValueId a = good.add_input(kMap), b = good.add_input(kMap);
  good.add_output(good.add(OpKind::kAdd, {}, {a, b}));
  EXPECT_TRUE(sound_body(good));

  Graph unused_port;
  const ValueId c = unused_port.add_input(kMap);
  unused_port.add_input(kMap);
  unused_port.add_output(unused_port.add(OpKind::kRelu, {}, {c}));
  EXPECT_FALSE(sound_body(unused_port));

  Graph dead_node;
  const ValueId d = dead_node.add_input(kMap);
  dead_node.add(OpKind::kRelu, {}, {d});
  dead_node.add_output(dead_node.add(OpKind::kRelu, {}, {d}));
  EXPECT_FALSE(sound_body(dead_node));

  Graph wire;
  const ValueId e = wire.add_input(kMap);
  wire.add_output(e);
  EXPECT_FALSE(sound_body(wire));

  Graph shared_output;
  const ValueId f = shared_output.add(OpKind::kRelu, {}, {shared_output.add_input(kMap)});
  shared_output.add_output(f);
  shared_output.add_output(f);
  EXPECT_FALSE(sound_body(shared_output));

  Graph zero;
  zero.add_output(zero.add(OpKind::kZero, {}, {zero.add_input(kMap)}));
  EXPECT_FALSE(sound_body(zero));
}

TEST(Pool, HoldsOnlyAllowedOperators) {
  const Graph g = testing::residual_network();
  SearchOptions options;
  options.deny_ops = {"batch_norm"};
  const std::uint64_t allowed = allowed_ops(options, g);
  const ReplacementPool pool(testing::small_database(), g, allowed, options);
  EXPECT_GT(pool.all().size(), 5U);
  for (const Replacement& r : pool.all()) {
    for (const Node& node : r.body.nodes()) {
      if (op_info(node.op).shape_class == ShapeClass::kPort) continue;
      EXPECT_NE(allowed >> static_cast<int>(node.op) & 1, 0U) << dump(r.body);
    }
  }
}

TEST(Pool, AddsTheInputsOwnPartsToAnEmptyDatabase) {
  const Graph g = testing::token_network();
  const ReplacementPool pool(SegmentDatabase(), g, allowed_ops({}, g), {});
  EXPECT_GT(pool.fitting(1, 1, {false, true}).size(), 10U);
  EXPECT_TRUE(pool.fitting(1, 1, {true, false}).size() < pool.fitting(1, 1, {false, true}).size());
  for (const Replacement& r : pool.all()) {
    EXPECT_TRUE(sound_body(r.body));
    for (const Node& node : r.body.nodes()) EXPECT_EQ(node.origin, kNoOrigin);
  }
}

TEST(Pool, FittingCountsPortsAndMindsLayouts) {
  const Graph g = testing::concat_network();
  const ReplacementPool pool(testing::small_database(), g, allowed_ops({}, g), {});
  for (std::uint32_t inputs = 1; inputs < 4; ++inputs) {
    for (std::uint32_t outputs = 1; outputs < 4; ++outputs) {
      for (const std::uint32_t i : pool.fitting(inputs, outputs, {true, false})) {
        EXPECT_EQ(pool.all()[i].body.input_nodes().size(), inputs);
        EXPECT_EQ(pool.all()[i].body.output_nodes().size(), outputs);
        EXPECT_FALSE(pool.all()[i].needs_last);
      }
    }
  }
  EXPECT_TRUE(pool.fitting(9, 9, {true, true}).empty());
}

TEST(Pool, SingleNodesForOperatorMutation) {
  const Graph g = testing::residual_network();
  SearchOptions options;
  options.mutation = MutationUnit::kOperator;
  const ReplacementPool pool(testing::small_database(), g, allowed_ops(options, g), options);
  EXPECT_GT(pool.all().size(), 3U);
  for (const Replacement& r : pool.all()) {
    EXPECT_EQ(r.body.num_nodes(), 1U + r.num_inputs + r.num_outputs);
  }
}

}  // namespace
}  // namespace autogo
