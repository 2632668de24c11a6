#include <gtest/gtest.h>

#include "autogo/cost/cost.h"

namespace autogo {
namespace {

TensorType map(std::int64_t c, std::int64_t h, std::int64_t w, DType dtype = DType::kFloat32) {
  return {dtype, Layout::kChannelsFirst, {1, c, h, w}};
}

Attrs conv(std::int32_t channels) {
  Attrs attrs;
  attrs.out_channels = channels;
  return attrs;
}

TEST(Memory, HoldsAValueUntilItsLastUse) {
  Graph graph;                                      // 1 unit = 1x4x4 float32 = 64 bytes a channel
  const ValueId x = graph.add_input(map(1, 4, 4));  // 1
  const ValueId a = graph.add(OpKind::kConv, conv(4), {x});    // 1 + 4
  const ValueId b = graph.add(OpKind::kConv, conv(2), {a});    // 4 + 2: x is gone
  const ValueId c = graph.add(OpKind::kConv, conv(4), {b});    // a waits for the sum: 4 + 2 + 4
  const ValueId d = graph.add(OpKind::kAdd, Attrs{}, {a, c});  // 4 + 4 + 4
  graph.add_output(d);                                         // 4
  const GraphCost cost = graph_cost(graph);
  EXPECT_EQ(cost.live_bytes, (std::vector<std::int64_t>{64, 320, 384, 640, 768, 256}));
  EXPECT_EQ(cost.peak_activation_bytes, 768);
}

TEST(Memory, HoldsInputsFromTheStartAndOutputsToTheEnd) {
  Graph graph;
  const ValueId x = graph.add_input(map(1, 4, 4));
  const ValueId y = graph.add(OpKind::kRelu, Attrs{}, {x});
  graph.add_output(y);
  const ValueId z = graph.add_input(map(3, 4, 4));  // listed late, held from the start
  graph.add_output(graph.add(OpKind::kRelu, Attrs{}, {z}));
  EXPECT_EQ(graph_cost(graph).live_bytes,
            (std::vector<std::int64_t>{256, 320, 256, 256, 448, 256}));
}

TEST(Memory, CountsHalfPrecisionAsTwoBytes) {
  Graph graph;
  graph.add_output(graph.add_input(map(1, 4, 4, DType::kFloat16)));
  EXPECT_EQ(graph_cost(graph).peak_activation_bytes, 32);
}

TEST(Memory, DropsAResultThatNobodyUses) {
  Graph graph;
  const ValueId x = graph.add_input(map(1, 4, 4));
  graph.add(OpKind::kRelu, Attrs{}, {x});
  const ValueId y = graph.add(OpKind::kRelu, Attrs{}, {x});
  graph.add_output(y);
  EXPECT_EQ(graph_cost(graph).live_bytes, (std::vector<std::int64_t>{64, 128, 128, 64}));
}

}  // namespace
}  // namespace autogo
