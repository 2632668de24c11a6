#include <gtest/gtest.h>

#include "autogo/cost/cost.h"

namespace autogo {
namespace {

constexpr FlopsConvention kAutogo = FlopsConvention::kAutogo;

TEST(AutogoFlops, WeighsANodeByItsIncomingEdges) {
  Graph graph;
  const ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsFirst, {1, 2, 4, 4}});
  Attrs attrs;
  attrs.out_channels = 3;
  attrs.bias = true;
  const ValueId conv = graph.add(OpKind::kConv, attrs, {x});     // 2 (16 * 6 + 48)
  const ValueId bn = graph.add(OpKind::kBatchNorm, {}, {conv});  // 2 * 2 * 48
  const ValueId relu = graph.add(OpKind::kRelu, {}, {bn});       // 2 * 48
  const ValueId sum = graph.add(OpKind::kAdd, {}, {bn, relu});   // 2 * 2 * 48
  const ValueId all = graph.add(OpKind::kConcat, {}, {sum, x});  // 0
  graph.add_output(all);
  std::vector<std::int64_t> flops;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    flops.push_back(node_flops(graph, NodeId{n}, kAutogo));
  }
  EXPECT_EQ(flops, (std::vector<std::int64_t>{0, 288, 192, 96, 192, 0, 0}));
  EXPECT_EQ(graph_flops(graph, kAutogo), 768);
}

TEST(AutogoFlops, CountsADenseLayersBiasAlways) {
  Graph graph;
  const ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsLast, {1, 8}});
  Attrs attrs;
  attrs.out_channels = 10;
  graph.add_output(graph.add(OpKind::kDense, attrs, {x}));
  EXPECT_EQ(graph_flops(graph, kAutogo), 2 * (80 + 10));
}

}  // namespace
}  // namespace autogo
