#include "predict/net/unfolding.h"

#include <gtest/gtest.h>

#include "autogo/corpus/corpus.h"
#include "autogo/graph/canonical.h"

namespace autogo {
namespace {

/// input -> conv -> relu -> conv -> relu ..., all alike.
EncodedGraph chain(FeatureTable& table, std::size_t nodes) {
  EncodedGraph graph;
  graph.first_edge.push_back(0);
  for (std::size_t i = 0; i < nodes; ++i) {
    FeatureRow row;
    row.op = i == 0 ? OpKind::kInput : i % 2 == 1 ? OpKind::kConv : OpKind::kRelu;
    graph.rows.push_back(table.intern(row));
    if (i > 0) graph.sources.push_back(static_cast<std::uint32_t>(i - 1));
    graph.first_edge.push_back(static_cast<std::uint32_t>(graph.sources.size()));
  }
  return graph;
}

TEST(Unfolding, EqualNeighbourhoodsGetOneRow) {
  FeatureTable table;
  const EncodedGraph graph = chain(table, 101);
  Unfolder unfolder(table);
  unfolder.add_whole(graph);
  const Unfolding& batch = unfolder.result();
  EXPECT_EQ(batch.rows.size(), 3U);
  // After k layers: the input, k nodes that reach it, and two repeating kinds.
  for (std::size_t k = 0; k < kNumLayers; ++k) {
    EXPECT_EQ(batch.layers[k].own.size(), k + 4) << "layer " << k + 1;
  }
  unfolder.add_whole(graph);  // the same again costs nothing
  EXPECT_EQ(batch.layers[5].own.size(), 9U);
  EXPECT_EQ(batch.pools.size(), 2U);
}

TEST(Unfolding, RepeatedEdgesCount) {
  FeatureTable table;
  EncodedGraph once = chain(table, 2), twice = once;
  twice.sources.push_back(0);
  twice.first_edge.back() = 2;
  Unfolder unfolder(table);
  unfolder.add_whole(once);
  unfolder.add_whole(twice);
  EXPECT_EQ(unfolder.result().layers[0].own.size(), 3U) << "x and x + x are different";
}

TEST(Unfolding, CutsOfABenchmarkNetworkShareNearlyEverything) {
  const Graph graph = family_graph("nb201:333s33");
  FeatureTable table;
  const EncodedGraph encoded =
      encode_graph(graph, canonical_order(graph, NodeIdentity::kSegment), table);
  ASSERT_EQ(encoded.num_nodes(), 306U);
  Unfolder unfolder(table);
  std::vector<CutRange> cuts;
  for (std::uint32_t begin = 50; begin < 250; begin += 20) cuts.push_back({begin, begin + 5});
  unfolder.add_cuts(encoded, cuts);
  const Unfolding& batch = unfolder.result();
  EXPECT_EQ(batch.pools.size(), 30U);
  EXPECT_LT(batch.layers[5].own.size(), 600U) << "of 3060 nodes in the 30 parts";
  for (std::size_t c = 0; c < cuts.size(); ++c) {
    PartSums all;
    for (std::size_t part = 0; part < 3; ++part) all += batch.sums[3 * c + part];
    EXPECT_EQ(all.nodes, 306);
    EXPECT_EQ(all.macs, 184730240.0);  // families.md, section 7
    EXPECT_EQ(all.params, 1253434.0);
  }
}

TEST(Unfolding, ClearStartsAnew) {
  FeatureTable table;
  const EncodedGraph graph = chain(table, 20);
  Unfolder used(table), fresh(table);
  used.add_whole(graph);
  used.clear();
  const CutRange cut{3, 6};
  used.add_cuts(graph, {&cut, 1});
  fresh.add_cuts(graph, {&cut, 1});
  EXPECT_EQ(used.result().rows, fresh.result().rows);
  for (std::size_t k = 0; k < kNumLayers; ++k) {
    EXPECT_EQ(used.result().layers[k].own.indices, fresh.result().layers[k].own.indices);
    EXPECT_EQ(used.result().layers[k].neighbours.indices,
              fresh.result().layers[k].neighbours.indices);
  }
  EXPECT_EQ(used.result().pools.indices, fresh.result().pools.indices);
  EXPECT_EQ(used.result().pools.weights, fresh.result().pools.weights);
}

}  // namespace
}  // namespace autogo
