#include "predict/net/net.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include "plain_forward.h"

namespace autogo {
namespace {

NetShape small_shape(PredictorKind kind) {
  NetShape shape;
  shape.kind = kind;
  shape.width = 8;
  shape.head = 12;
  return shape;
}

TEST(Net, ForwardMatchesPlainLoops) {
  const std::uint64_t seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (const PredictorKind kind : {PredictorKind::kPsc, PredictorKind::kGnn}) {
    const NetWeights weights(small_shape(kind));
    const NetView net(weights.shape(), weights.views(random_weights(weights, seed)));
    const PlainNet plain(net);
    FeatureTable table;
    std::vector<EncodedGraph> graphs;
    std::vector<std::vector<CutRange>> cuts;
    for (int g = 0; g < 12; ++g) {
      graphs.push_back(random_graph(table, 5 + rng.below(40), 1 + rng.below(4), rng));
      const auto n = static_cast<std::uint32_t>(graphs.back().num_nodes());
      std::vector<CutRange> own = {{0, 1}, {0, n}, {n - 1, n}};  // empty parts too
      while (own.size() < 6) {
        const auto begin = static_cast<std::uint32_t>(rng.below(n));
        own.push_back({begin, begin + 1 + static_cast<std::uint32_t>(rng.below(n - begin))});
      }
      cuts.push_back(own);
    }
    Unfolder unfolder(table);
    for (std::size_t g = 0; g < graphs.size(); ++g) {
      if (kind == PredictorKind::kPsc) {
        unfolder.add_cuts(graphs[g], cuts[g]);
      } else {
        unfolder.add_whole(graphs[g]);
      }
    }
    const torch::Tensor y = forward(net, row_tensors(table.rows()), unfolder.result());
    std::int64_t at = 0;
    for (std::size_t g = 0; g < graphs.size(); ++g) {
      for (std::size_t c = 0; c < (kind == PredictorKind::kPsc ? cuts[g].size() : 1); ++c) {
        EXPECT_NEAR(y[at++].item<double>(), plain.score(graphs[g], table.rows(), cuts[g][c]), 2e-5)
            << "graph " << g << " cut " << cuts[g][c].begin << ".." << cuts[g][c].end;
      }
    }
    EXPECT_EQ(at, y.size(0));
  }
}

TEST(Net, GradientMatchesFiniteDifferences) {
  Rng rng(5);
  const NetWeights weights(small_shape(PredictorKind::kPsc));
  const torch::Tensor flat = random_weights(weights, 5);
  FeatureTable table;
  const EncodedGraph graph = random_graph(table, 30, 3, rng);
  const CutRange cut{10, 14};
  Unfolder unfolder(table);
  unfolder.add_cuts(graph, {&cut, 1});
  std::vector<torch::Tensor> leaves = weights.views(flat);
  for (torch::Tensor& leaf : leaves) leaf.set_requires_grad(true);
  const torch::Tensor y =
      forward(NetView(weights.shape(), leaves), row_tensors(table.rows()), unfolder.result());
  const auto gradients = torch::autograd::grad({y.sum()}, leaves);
  // One number of every weight tensor, moved in the oracle, which is exact enough to difference.
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const std::int64_t at =
        static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(leaves[i].numel())));
    const double step = 1e-3;
    double ends[2];
    for (int side = 0; side < 2; ++side) {
      const torch::Tensor moved = flat.clone();
      weights.views(moved)[i].view({-1})[at] += (side == 0 ? -step : step);
      const PlainNet plain(NetView(weights.shape(), weights.views(moved)));
      ends[side] = plain.score(graph, table.rows(), cut);
    }
    const double expected = (ends[1] - ends[0]) / (2 * step);
    EXPECT_NEAR(gradients[i].reshape({-1})[at].item<double>(), expected,
                1e-3 * (1 + std::abs(expected)))
        << "weight tensor " << i << " element " << at;
  }
}

TEST(Net, UnseenOperatorsTakeTheirRelatives) {
  const NetWeights weights(small_shape(PredictorKind::kPsc));
  FeatureRow relu, conv;
  relu.op = OpKind::kRelu;
  conv.op = OpKind::kConv;
  conv.values[0] = 1;
  const std::vector<FeatureRow> rows = {relu, conv};
  const torch::Tensor flat = weights.initial(1, rows);
  const torch::Tensor operators = weights.views(flat)[0];
  const torch::Tensor features = weights.views(flat)[1];
  EXPECT_GT(operators[static_cast<int>(OpKind::kRelu)].norm().item<double>(), 0);
  EXPECT_EQ(operators[static_cast<int>(OpKind::kGelu)].norm().item<double>(), 0);
  EXPECT_GT(features[0].norm().item<double>(), 0);
  EXPECT_EQ(features[13].norm().item<double>(), 0) << "a feature that training never shows";
  weights.tie_unseen(flat, rows);
  EXPECT_TRUE(
      operators[static_cast<int>(OpKind::kGelu)].equal(operators[static_cast<int>(OpKind::kRelu)]));
  EXPECT_TRUE(operators[static_cast<int>(OpKind::kDepthwiseConv)].equal(
      operators[static_cast<int>(OpKind::kConv)]));
  EXPECT_EQ(operators[static_cast<int>(OpKind::kMatMul)].norm().item<double>(), 0);
}

TEST(Net, WeightsOfAnOlderTableAreExtended) {
  const NetWeights weights(small_shape(PredictorKind::kPsc));
  const std::int64_t width = weights.shape().width;
  torch::manual_seed(3);
  for (const int operators : {op_number(OpKind::kSelu), op_number(OpKind::kMatMul), kNumOps}) {
    const torch::Tensor old = torch::rand({weights.size(operators)});
    const torch::Tensor all = weights.extended(old, operators);
    ASSERT_EQ(all.size(0), weights.size());
    const torch::Tensor rows = weights.views(all)[0];
    const std::int64_t known = operators * width, rest = old.size(0) - known;
    EXPECT_TRUE(all.narrow(0, 0, known).equal(old.narrow(0, 0, known)));
    EXPECT_TRUE(all.narrow(0, all.size(0) - rest, rest).equal(old.narrow(0, known, rest)));
    if (operators <= op_number(OpKind::kGelu)) {
      EXPECT_TRUE(rows[op_number(OpKind::kGelu)].equal(rows[op_number(OpKind::kRelu)]));
    }
    if (operators <= op_number(OpKind::kPad)) {
      EXPECT_EQ(rows[op_number(OpKind::kPad)].norm().item<double>(), 0);
    }
  }
}

}  // namespace
}  // namespace autogo
