#include "prior.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autogo/base/rng.h"
#include "autogo/corpus/corpus.h"

namespace autogo {
namespace {

FeatureRow row_of(OpKind op, bool weighted = false, bool spatial = false) {
  FeatureRow row;
  row.op = op;
  row.weighted = weighted;
  row.values[6] = spatial ? 0.5F : 0.0F;
  return row;
}

/// A random network with one to three outputs over every kind of step.
EncodedGraph random_network(FeatureTable& table, std::size_t nodes, Rng& rng) {
  const FeatureRow kinds[] = {
      row_of(OpKind::kConv, true, true),     row_of(OpKind::kConv, true), row_of(OpKind::kRelu),
      row_of(OpKind::kMaxPool, false, true), row_of(OpKind::kIdentity),   row_of(OpKind::kAdd)};
  EncodedGraph graph;
  graph.first_edge.push_back(0);
  const auto close = [&](const FeatureRow& row) {
    graph.rows.push_back(table.intern(row));
    graph.first_edge.push_back(static_cast<std::uint32_t>(graph.sources.size()));
  };
  close(row_of(OpKind::kInput));
  for (std::size_t i = 1; i < nodes; ++i) {
    const FeatureRow& row = kinds[rng.below(6)];
    for (std::uint64_t e = 0; e < (row.op == OpKind::kAdd ? 2 + rng.below(2) : 1); ++e) {
      graph.sources.push_back(static_cast<std::uint32_t>(rng.below(i)));
    }
    close(row);
  }
  for (std::uint64_t outputs = 1 + rng.below(3); outputs > 0; --outputs) {
    graph.sources.push_back(static_cast<std::uint32_t>(rng.below(nodes)));
    close(row_of(OpKind::kOutput));
  }
  return graph;
}

/// Every path of a network, one by one.
struct AllPaths {
  const EncodedGraph& graph;
  const FeatureTable& table;
  double mean = 0, spatial = 0;

  void walk(std::size_t at, double share, double steps, double spatial_nodes) {
    const FeatureRow& row = table.rows()[graph.rows[at]];
    const std::uint32_t begin = graph.first_edge[at], end = graph.first_edge[at + 1];
    if (row.weighted) steps += 3;
    if (row.op == OpKind::kMaxPool) steps += 2;
    if (row.op == OpKind::kIdentity || row.op == OpKind::kAdd) steps += 1;
    if (row.weighted && row.values[6] > 0) spatial_nodes += 1;
    if (begin == end) {
      mean += share * steps;
      spatial = std::max(spatial, spatial_nodes);
    }
    for (std::uint32_t e = begin; e < end; ++e) {
      walk(graph.sources[e], share / (end - begin), steps, spatial_nodes);
    }
  }
};

TEST(Prior, PathsAreThoseOfAWalkWhereverTheCutIs) {
  const std::uint64_t seed = 21;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 200; ++round) {
    FeatureTable table;
    const EncodedGraph graph = random_network(table, 2 + rng.below(14), rng);
    const auto n = static_cast<std::uint32_t>(graph.num_nodes());
    AllPaths all{graph, table};
    double outputs = 0;
    for (const std::uint32_t row : graph.rows) outputs += table.rows()[row].op == OpKind::kOutput;
    for (std::size_t i = 0; i < n; ++i) {
      if (table.rows()[graph.rows[i]].op == OpKind::kOutput) all.walk(i, 1 / outputs, 0, 0);
    }
    const PathLengths whole = path_lengths(graph, table);
    EXPECT_NEAR(whole.mean, all.mean, 1e-9);
    EXPECT_EQ(whole.spatial, all.spatial);
    const auto begin = static_cast<std::uint32_t>(rng.below(n));
    const auto end = begin + static_cast<std::uint32_t>(rng.below(n - begin + 1));
    const PathLengths cut = PathFrame(graph, table, {begin, end}).original();
    EXPECT_NEAR(cut.mean, all.mean, 1e-9) << begin << ".." << end;
    EXPECT_EQ(cut.spatial, all.spatial) << begin << ".." << end;
  }
}

TEST(Prior, TraitsOfACell) {
  // families.md: six 1x1 convolutions an edge, 15 cells; three paths of 1, 2, 2 and 3 edges.
  const Graph graph = nasbench201_graph("nb201:1s3ssa");
  std::vector<NodeId> order;
  for (std::uint32_t i = 0; i < graph.num_nodes(); ++i) order.push_back(NodeId{i});
  FeatureTable table;
  const Traits traits = network_traits(encode_graph(graph, order, table), table);
  // 15 cells of two convolutions, the stem, two reductions of three, the dense layer. Each of the
  // cells has two activations, each reduction two.
  const double weighted = 15 * 2 + 1 + 2 * 3 + 1, activations = 15 * 2 + 2 * 2;
  const double layers = activations + 1, share = layers / weighted;
  EXPECT_DOUBLE_EQ(traits[0], std::log1p(layers));
  EXPECT_DOUBLE_EQ(traits[1], std::log1p(share * (15 + 1 + 4)));
  EXPECT_DOUBLE_EQ(traits[2], std::log1p(share * (15 + 1 + 4)));
  // A cell's end is (o5(n2) + o4(n1)) + o3(n0): join 1, then by halves n0 through a skip (1), or
  // join 1 and by halves n1 through a skip (1 + 3 for its 1x1), or n2 through a pooling (2). n2 is
  // a join of the skip from n0 (1) and the 3x3 from n1 (3 + 3).
  const double n2 = 1 + 0.5 * 1 + 0.5 * (3 + 3);
  const double cell = 1 + 0.5 * 1 + 0.5 * (1 + 0.5 * (1 + 3) + 0.5 * (2 + n2));
  const double reduction = 1 + 0.5 * 6 + 0.5 * (2 + 3);
  const double head = 3 + 1;  // dense layer and the inactive dropout
  EXPECT_NEAR(traits[4], std::log((1 + 3 + 15 * cell + 2 * reduction + head) / (1 + layers)), 1e-9);
}

TEST(Prior, ALinearMapMoreIsNoLayerMore) {
  PartSums all;
  all.weighted = 20;
  all.activations = 19;  // the head has none
  all.spatial = 12;
  all.macs = 1e6;
  const PathLengths paths{.mean = 60, .spatial = 10};
  const Traits before = network_traits(all, paths);
  all.weighted += 1;
  all.spatial += 1;
  const Traits linear = network_traits(all, {.mean = 63, .spatial = 11});
  EXPECT_DOUBLE_EQ(linear[0], before[0]);
  EXPECT_NEAR(linear[1], before[1], 0.03);
  EXPECT_NEAR(linear[2], before[2], 0.05);
  EXPECT_GT(linear[4], before[4]);
  all.activations += 1;
  const Traits layer = network_traits(all, {.mean = 63, .spatial = 11});
  EXPECT_DOUBLE_EQ(layer[0], std::log1p(21.0));
  EXPECT_DOUBLE_EQ(layer[1], std::log1p(13.0));
  EXPECT_DOUBLE_EQ(layer[2], std::log1p(11.0));
  EXPECT_LT(layer[4], linear[4]);
  all.activations += 7;  // activations alone add nothing
  EXPECT_EQ(network_traits(all, {.mean = 63, .spatial = 11}), layer);
}

TraitFamily random_family(std::size_t count, const Traits& slopes, double offset, Rng& rng) {
  TraitFamily family;
  family.name = std::to_string(offset);
  for (std::size_t k = 0; k < count; ++k) {
    Traits traits{};
    double target = offset;
    for (std::size_t i = 0; i < kTraits; ++i) {
      traits[i] = offset * static_cast<double>(i) + rng.normal();
      target += slopes[i] * traits[i];
    }
    family.traits.push_back(traits);
    family.targets.push_back(target);
  }
  return family;
}

TEST(Prior, FindsCommonSlopesWhateverTheFamiliesLevels) {
  Rng rng(5);
  const Traits slopes = {1, 0.5, 2, 0, -1.5};
  const TraitFamily families[] = {random_family(3000, slopes, 4, rng),
                                  random_family(300, slopes, -7, rng)};
  const Prior prior = fit_prior(families);
  for (std::size_t i = 0; i < kTraits; ++i) EXPECT_NEAR(prior.full[i], slopes[i], 0.02) << i;
  EXPECT_EQ(prior.brief, prior.full) << "nothing is known of shorter trainings";
}

TEST(Prior, SlopesFollowTheLengthOfTheTraining) {
  Rng rng(8);
  const Traits full = {1, 0.5, 2, 0.25, -1.5}, brief = {-1, 0, -0.5, 0.75, -0.5};
  std::vector<TraitFamily> families;
  for (const double length : {0.0, 0.5, 1.0}) {
    Traits slopes{};
    for (std::size_t i = 0; i < kTraits; ++i) {
      slopes[i] = brief[i] + length * (full[i] - brief[i]);
    }
    families.push_back(random_family(3000, slopes, 2, rng));
    families.back().length = length;
  }
  const Prior prior = fit_prior(families);
  for (std::size_t i = 0; i < kTraits; ++i) {
    EXPECT_NEAR(prior.brief[i], brief[i], 0.03) << i;
    EXPECT_NEAR(prior.full[i], full[i], 0.03) << i;
    EXPECT_NEAR(prior.slopes(0.5)[i], (brief[i] + full[i]) / 2, 0.03) << i;
  }
  EXPECT_EQ(prior(prior.means, 0.3), 0);
  // All of one length, whichever: what is known holds for every length.
  const Prior one = fit_prior({&families[1], 1});
  EXPECT_EQ(one.brief, one.full);
  EXPECT_NEAR(one.full[2], (brief[2] + full[2]) / 2, 0.03);
  // Beyond the shortest known training the lines go on, work and detour not past zero.
  const Prior steep{{0.1, 0, 0, 0.1, -0.1}, {1, 0, 0, 1, -1}, {}};
  EXPECT_NEAR(steep.slopes(-0.5)[0], -0.35, 1e-12);
  EXPECT_EQ(steep.slopes(-0.5)[3], 0);
  EXPECT_EQ(steep.slopes(-0.5)[4], 0);
}

TEST(Prior, LengthsAreLogarithms) {
  EXPECT_EQ(training_length(0), kFullLength);
  EXPECT_EQ(training_length(1e9), kFullLength);
  EXPECT_DOUBLE_EQ(training_length(160'000), 0);
  EXPECT_DOUBLE_EQ(training_length(108 * 40'000.0), 1);
  EXPECT_NEAR(training_length(std::sqrt(160'000.0 * 4'320'000.0)), 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(training_length(24'000), -training_length(160'000.0 * 160'000 / 24'000));
  EXPECT_EQ(training_length(1), training_length(16'000));
}

TEST(Prior, ASlopeOfTheWrongSignIsZeroAndAConstantTraitToo) {
  Rng rng(6);
  const Traits slopes = {-1, 0.5, 2, 1, 1.5};
  TraitFamily family = random_family(2000, slopes, 0, rng);
  for (std::size_t k = 0; k < family.traits.size(); ++k) {
    family.targets[k] -= slopes[1] * family.traits[k][1];
    family.traits[k][1] = 3;
  }
  const Prior prior = fit_prior({&family, 1});
  EXPECT_EQ(prior.full[0], 0);
  EXPECT_EQ(prior.full[1], 0);
  EXPECT_NEAR(prior.full[2], 2, 0.1);
  EXPECT_NEAR(prior.full[3], 1, 0.1);
  EXPECT_EQ(prior.full[4], 0);
}

TEST(Prior, TrustsTheNetWithWhatItKnows) {
  FeatureTable table;
  Rng rng(7);
  const EncodedGraph known = random_network(table, 40, rng);
  const Traits traits = network_traits(known, table);
  Familiarity familiarity;
  learn_rows(familiarity, known, table);
  learn_ranges(familiarity, {"", kFullLength, {traits}, {0.0}});
  EXPECT_EQ(familiarity.trust(known, table, traits), 1);
  Traits far = traits;
  far[3] += 0.1;
  EXPECT_EQ(familiarity.trust(known, table, far), 0) << "out of every family's range";
  // As more and more nodes become strangers the trust falls to zero and never rises.
  EncodedGraph changed = known;
  double last = 1;
  for (std::size_t i = 0; i < changed.num_nodes(); ++i) {
    FeatureRow row = table.rows()[changed.rows[i]];
    row.values[0] = 0.75F;
    changed.rows[i] = table.intern(row);
    const double trust = familiarity.trust(changed, table, traits);
    EXPECT_LE(trust, last);
    last = trust;
  }
  EXPECT_EQ(last, 0);
}

TEST(Prior, TheScaleRisesAndHasNoSteps) {
  EXPECT_EQ(accuracy_scale(0), 0);
  double last = accuracy_scale(-6);
  for (double z = -5.99; z < 6; z += 0.01) {
    const double y = accuracy_scale(z);
    EXPECT_GT(y, last) << z;
    EXPECT_LT(y - last, 0.04) << z;
    last = y;
  }
  // The net alone, the prior alone.
  EXPECT_EQ(combined_score(0.7, -0.2, -0.2, 1), accuracy_scale(0.7));
  EXPECT_EQ(combined_score(0.7, -0.2, -0.2, 0), accuracy_scale(-0.2));
  // In a short training the net's difference from the prior, which it learned in full ones, counts.
  EXPECT_DOUBLE_EQ(combined_score(0.7, 0.1, -0.2, 1), accuracy_scale(1.0));
  EXPECT_EQ(combined_score(0.7, 0.1, -0.2, 0), accuracy_scale(0.1));
}

}  // namespace
}  // namespace autogo
