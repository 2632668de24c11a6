#include "search/mutation/attention.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "autogo/onnx/model.h"
#include "autogo/search/mutants.h"
#include "search_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

ValueId transposed(Graph& g, ValueId x) {
  Attrs swap;
  swap.ints = {0, 2, 1};
  return g.add(OpKind::kTranspose, swap, {x});
}

/// A token network whose middle block is softmax(act(Q K^T) + mask) Y, and a softmax at its end. It
/// has no projection for the values, so that it is no kAttention.
Graph attention_network() {
  Graph g;
  const ValueId tokens = g.add_input(testing::tensor({1, 49, 64}));
  const ValueId mask = g.add_input(testing::tensor({1, 49, 49}));
  ValueId x = tokens;
  for (int block = 0; block < 3; ++block) {
    const ValueId y = g.add(OpKind::kLayerNorm, {}, {x});
    ValueId z = y;
    if (block == 1) {
      Attrs last;
      last.axis = -1;
      const ValueId q = g.add(OpKind::kDense, testing::dense_attrs(64), {y});
      const ValueId k = g.add(OpKind::kDense, testing::dense_attrs(64), {y});
      z = g.add(OpKind::kMatMul, {}, {q, transposed(g, k)});
      z = g.add(OpKind::kAdd, {}, {g.add(OpKind::kTanh, {}, {z}), mask});
      z = g.add(OpKind::kMatMul, {}, {g.add(OpKind::kSoftmax, last, {z}), y});
    }
    z = g.add(OpKind::kGelu, {}, {g.add(OpKind::kDense, testing::dense_attrs(256), {z})});
    x = g.add(OpKind::kAdd, {}, {x, g.add(OpKind::kDense, testing::dense_attrs(64), {z})});
  }
  Attrs last;
  last.axis = -1;
  g.add_output(g.add(OpKind::kSoftmax, last, {g.add(OpKind::kLayerNorm, {}, {x})}));
  return g;
}

std::vector<OpKind> ops_inside(const Graph& graph) {
  std::vector<OpKind> ops;
  const std::vector<bool> inside = inside_attention(graph);
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    if (inside[n]) ops.push_back(graph.node(NodeId{n}).op);
  }
  return ops;
}

TEST(Attention, HoldsWhatStandsBetweenItsProducts) {
  EXPECT_EQ(ops_inside(attention_network()),
            (std::vector<OpKind>{OpKind::kTanh, OpKind::kAdd, OpKind::kSoftmax}));
}

TEST(Attention, NetworksWithoutProductsHaveNone) {
  for (const Graph& graph :
       {testing::residual_network(), testing::concat_network(), testing::token_network()}) {
    EXPECT_TRUE(ops_inside(graph).empty());
  }
}

TEST(Attention, NoMutationTakesAPartOfItAway) {
  const TempDir folder;
  export_onnx(attention_network(), folder / "a.onnx");
  const Graph input = import_onnx(folder / "a.onnx");
  ASSERT_EQ(ops_inside(input).size(), 3U);
  SegmentDatabase database = testing::small_database();
  database.add_segments_of(input, "input");
  MutantOptions options;
  options.count = 60;
  options.max_mutations = 6;
  options.search.max_flops_decrease = 100;
  options.search.max_flops_increase = 100;
  const auto mutants = random_mutants(input, database, testing::FakePredictor(), options);
  ASSERT_EQ(mutants.size(), 60U);
  int last_softmax_gone = 0;
  for (const Mutant& m : mutants) {
    EXPECT_EQ(ops_inside(m.graph), ops_inside(input));
    const auto softmaxes = std::ranges::count_if(
        m.graph.nodes(), [](const Node& node) { return node.op == OpKind::kSoftmax; });
    last_softmax_gone += softmaxes == 1 ? 1 : 0;
  }
  EXPECT_GT(last_softmax_gone, 0);  // mutations do reach a softmax that is free
}

}  // namespace
}  // namespace autogo
