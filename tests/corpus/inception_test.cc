#include <algorithm>

#include "autogo/corpus/corpus.h"
#include "families.h"
#include "family_support.h"

namespace autogo {
namespace {

TEST(Inception, HasThePublishedCounts) {
  // notes/families.md, section 7.
  const FamilyVector v{
      "inception:2@16>16:mp+p3;16>16:s3+w5;16>16:c5+ap/2@16>32:d1+s5;64>32:w3+c1/"
      "2@128>128:p5+c5/2@64>64:ap+p3;64>64:p5+c3;128>64:c3+s3;32>64:s5+w3",
      209, 233, 147'938'304, 3'120'458};
  expect_counts(inception_graph(v.id), v);
}

std::string with_first_stage(const std::string& stage) {
  return stage + "/2@64>64:c3/2@128>128:c3/2@256>256:c3";
}

TEST(Inception, WidthsChangeAtTheFirstAndLastCapableOperation) {
  // ap keeps 32, c3 goes to 64, w3 keeps 64, c5 goes to 32; 32 channels: no projection, a sum.
  const Graph graph = inception_graph(with_first_stage("2@64>32:ap+c3+w3+c5"));
  const std::string cbr = "conv batch_norm relu6";
  EXPECT_EQ(operators(graph, 4, 12),
            "avg_pool batch_norm " + cbr + " depthwise_conv batch_norm relu6 " + cbr + " add");
  EXPECT_EQ(feature_map(graph.type(graph.output(NodeId{6}))).c, 64);
  EXPECT_EQ(feature_map(graph.type(graph.output(NodeId{11}))).c, 64);
  EXPECT_EQ(feature_map(graph.type(graph.output(NodeId{14}))).c, 32);
  EXPECT_TRUE(graph.node(NodeId{6}).attrs.bias);
}

TEST(Inception, DepthwiseWithOtherChannelsComesAfterABareConvolution) {
  const Graph graph = inception_graph(with_first_stage("2@64>64:w5"));
  // Projected back to 32 channels, then added.
  EXPECT_EQ(operators(graph, 4, 7), "conv depthwise_conv batch_norm relu6 conv batch_norm add");
  EXPECT_FALSE(graph.node(NodeId{4}).attrs.bias);
  EXPECT_TRUE(graph.node(NodeId{5}).attrs.bias);
}

TEST(Inception, ParallelConvolutionsShareTheChannels) {
  const Graph graph = inception_graph(with_first_stage("2@33>33:p3"));
  EXPECT_EQ(operators(graph, 4, 6), "conv batch_norm conv batch_norm concat relu6");
  EXPECT_EQ(graph.node(NodeId{4}).attrs.kernel, (std::array<std::int32_t, 2>{1, 3}));
  EXPECT_EQ(graph.node(NodeId{4}).attrs.out_channels, 16);
  EXPECT_EQ(graph.node(NodeId{6}).attrs.kernel, (std::array<std::int32_t, 2>{3, 1}));
  EXPECT_EQ(graph.node(NodeId{6}).attrs.out_channels, 17);
}

TEST(Inception, RefusesBadIds) {
  auto text = [](const std::string& stage) {
    return error_of([&] { inception_graph(with_first_stage(stage)); });
  };
  auto message = [](const std::string& stage, const std::string& why) {
    return "Inception network '" + with_first_stage(stage) + "': " + why;
  };
  EXPECT_EQ(error_of([] { inception_graph("inception:2@32>32:c3"); }),
            "Inception network 'inception:2@32>32:c3': has 1 stages, expected 4 joined by '/', "
            "each like 2@16>16:c3;32>16:c3+c1");
  EXPECT_EQ(text("c3"), message("c3", "stage 'c3', expected BLOCKS@PATH;PATH"));
  EXPECT_EQ(text("9@32>32:c3"), message("9@32>32:c3", "blocks is '9', expected 2 to 6"));
  EXPECT_EQ(text("2@32:c3"),
            message("2@32:c3", "path '32:c3', expected INNER>OUTER:OPERATIONS like 16>32:c3+c1"));
  EXPECT_EQ(text("2@0>32:c3+c3"),
            message("2@0>32:c3+c3", "inner channels is '0', expected 2 to 4096"));
  EXPECT_EQ(text("2@16>32:c3"),
            message("2@16>32:c3",
                    "path '16>32:c3' has one operation that changes channels, so INNER and OUTER "
                    "must agree"));
  EXPECT_EQ(text("2@16>16:ap"),
            message("2@16>16:ap",
                    "path '16>16:ap' has 0 convolutions and 1 supporting operations, expected at "
                    "least 1 and at most 1"));
  EXPECT_EQ(text("2@16>16:c4"),
            message("2@16>16:c4",
                    "unknown operation 'c4', expected one of c3, c5, s3, s5, p3, p5, w3, w5, c1, "
                    "d1, ap, mp"));
  EXPECT_EQ(
      text("2@16>16:c3+c3+c3+c3+c3"),
      message("2@16>16:c3+c3+c3+c3+c3", "a block of 1 paths has 5 operations, expected at most 4"));
  EXPECT_EQ(
      text("2@8>8:c3;8>8:c3;8>8:c3;8>8:c3;8>8:c3"),
      message("2@8>8:c3;8>8:c3;8>8:c3;8>8:c3;8>8:c3", "a stage has 5 paths, expected 1 to 4"));
}

/// The most operations that a block of `paths` paths was drawn with.
std::size_t most_operations(const std::vector<std::string>& ids, std::size_t paths) {
  std::size_t most = 0;
  for (const std::string& id : ids) {
    for (const std::string_view stage : split(id, '/')) {
      const auto separators = static_cast<std::size_t>(std::ranges::count(stage, ';'));
      if (separators + 1 != paths) continue;
      most = std::max(most, static_cast<std::size_t>(std::ranges::count(stage, '+')) + paths);
    }
  }
  return most;
}

TEST(Inception, DrawsWithinItsLimitsAndReachesThem) {
  for (const bool wide : {false, true}) {
    std::vector<std::string> ids;
    Rng rng(3);
    for (int i = 0; i < 2'000; ++i) ids.push_back(draw_inception(rng, wide));
    const std::vector<std::size_t> limits =
        wide ? std::vector<std::size_t>{4, 8, 12, 16} : std::vector<std::size_t>{3, 4, 8, 10};
    for (std::size_t paths = 1; paths <= 4; ++paths) {
      EXPECT_EQ(most_operations(ids, paths), limits[paths - 1]) << paths << " paths, " << wide;
    }
  }
}

TEST(Inception, BuildsWhatItDraws) {
  // Node counts of the family: notes/families.md, section 8.
  for (const bool wide : {false, true}) {
    Rng rng(4);
    for (int i = 0; i < 100; ++i) {
      const std::string id = draw_inception(rng, wide);
      const Graph graph = inception_graph(id);
      EXPECT_GE(graph.num_nodes(), 100U) << id;
      EXPECT_LE(graph.num_nodes(), wide ? 1'400U : 934U) << id;
    }
  }
}

}  // namespace
}  // namespace autogo
