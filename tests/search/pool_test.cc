#include "search/mutation/pool.h"

#include <gtest/gtest.h>

#include "autogo/graph/canonical.h"
#include "search/run/options.h"
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
  const OpSet allowed = allowed_ops(options, g);
  const ReplacementPool pool(testing::small_database(), g, allowed, options);
  EXPECT_GT(pool.all().size(), 5U);
  for (const Replacement& r : pool.all()) {
    for (const Node& node : r.body.nodes()) {
      if (op_info(node.op).shape_class == ShapeClass::kPort) continue;
      EXPECT_TRUE(allowed.contains(node.op)) << dump(r.body);
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

TEST(Pool, RescalesTheInnerChannelsOnly) {
  Graph mlp;
  ValueId x = mlp.add_input(tensor({1, 49, 64}));
  ValueId y = mlp.add(OpKind::kDense, testing::dense_attrs(256), {x});
  y = mlp.add(OpKind::kDense, testing::dense_attrs(64), {mlp.add(OpKind::kGelu, {}, {y})});
  mlp.add_output(mlp.add(OpKind::kAdd, {}, {x, y}));
  EXPECT_EQ(dump(*rescale_inner_channels(mlp, 0.5)),
            "%0 = input : 1x49x64\n"
            "%1 = dense c128 bias (%0) : 1x49x128\n"
            "%2 = gelu (%1) : 1x49x128\n"
            "%3 = dense c64 bias (%2) : 1x49x64\n"
            "%4 = add (%0, %3) : 1x49x64\n"
            "output (%4)\n");
  Graph single;
  single.add_output(single.add(OpKind::kDense, testing::dense_attrs(32),
                               {single.add_input(tensor({1, 49, 64}))}));
  EXPECT_FALSE(rescale_inner_channels(single, 2).has_value());
}

TEST(Pool, RescalesBranchesThatAreJoinedBelowOneAnother) {
  Graph g;
  const ValueId x = g.add_input(tensor({1, 8, 8, 8}));
  Attrs rows;
  rows.axis = 2;
  const ValueId a = g.add(OpKind::kConv, testing::conv_attrs(16), {x});
  const ValueId b = g.add(OpKind::kConv, testing::conv_attrs(16), {x});
  g.add_output(
      g.add(OpKind::kConv, testing::conv_attrs(8), {g.add(OpKind::kConcat, rows, {a, b})}));
  const auto wider = rescale_inner_channels(g, 2);
  ASSERT_TRUE(wider.has_value());
  EXPECT_EQ(to_string(wider->output_type(NodeId{3}).shape), "1x32x16x8");
}

TEST(Pool, DoesNotRescaleWhatIsBroadcast) {
  // A gate of one channel over 16: of twice the width neither fits the other.
  Graph g;
  const ValueId x = g.add_input(tensor({1, 8, 8, 8}));
  const ValueId a = g.add(OpKind::kConv, testing::conv_attrs(16), {x});
  const ValueId gate =
      g.add(OpKind::kSigmoid, {}, {g.add(OpKind::kConv, testing::conv_attrs(1), {x})});
  g.add_output(g.add(OpKind::kConv, testing::conv_attrs(8), {g.add(OpKind::kMul, {}, {a, gate})}));
  EXPECT_FALSE(rescale_inner_channels(g, 2).has_value());
}

TEST(Pool, TakesConcatsOfRowsForNetworksOfAnyKind) {
  SegmentDatabase database = testing::small_database();
  database.add_segments_of(testing::joined_maps_network(), "maps");
  database.add_segments_of(testing::rolled_tokens_network(), "tokens");
  SearchOptions options;
  options.allow_ops = {"concat"};
  for (const Graph& g :
       {testing::residual_network(), testing::concat_network(), testing::token_network(),
        testing::joined_maps_network(), testing::rolled_tokens_network()}) {
    const ReplacementPool pool(database, g, allowed_ops(options, g), options);
    EXPECT_GT(pool.all().size(), 10U);
  }
}

TEST(Pool, RescaledBodiesKeepTheirPorts) {
  std::size_t variants = 0;
  for (const Graph& g :
       {testing::residual_network(), testing::concat_network(), testing::token_network()}) {
    const Uses uses(g);
    const std::vector<NodeId> order = canonical_order(g, NodeIdentity::kSegment);
    for (std::size_t begin = 0; begin < order.size(); ++begin) {
      for (std::size_t end = begin + 1; end <= std::min(order.size(), begin + 10); ++end) {
        const Cut cut{order, begin, end};
        const Ports ports = segment_ports(g, uses, cut);
        const OpKind last = g.node(order[end - 1]).op;
        if (op_info(last).shape_class == ShapeClass::kPort) break;
        const Graph body = extract_segment(g, ports, cut);
        for (const double factor : {0.5, 2.0}) {
          const auto variant = rescale_inner_channels(body, factor);
          if (!variant) continue;
          ++variants;
          EXPECT_NE(dump(*variant), dump(body));
          EXPECT_EQ(canonical_hash(*variant, NodeIdentity::kSegment),
                    canonical_hash(body, NodeIdentity::kSegment));
          for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
            if (op_info(body.node(NodeId{n}).op).shape_class != ShapeClass::kPort) continue;
            EXPECT_EQ(variant->output_type(NodeId{n}), body.output_type(NodeId{n}));
          }
        }
      }
    }
  }
  EXPECT_GT(variants, 100U);
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
