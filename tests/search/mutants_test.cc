#include "autogo/search/mutants.h"

#include <gtest/gtest.h>

#include <set>

#include "autogo/cost/cost.h"
#include "autogo/onnx/model.h"
#include "base/json.h"
#include "search_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using testing::FakePredictor;

MutantOptions options(std::size_t count, std::uint32_t mutations, int jobs) {
  MutantOptions o;
  o.search.seed = 5;
  o.search.jobs = jobs;
  o.count = count;
  o.max_mutations = mutations;
  return o;
}

TEST(Mutants, AreDistinctNetworksOfTheStatedCostInsideTheWindow) {
  const Graph input = testing::residual_network();
  const std::int64_t macs = graph_cost(input).total.macs;
  const auto mutants =
      random_mutants(input, testing::small_database(), FakePredictor(), options(30, 3, 2));
  ASSERT_EQ(mutants.size(), 30U);
  std::set<std::uint64_t> hashes{canonical_hash(input)};
  std::set<std::uint32_t> lengths;
  for (const Mutant& m : mutants) {
    EXPECT_TRUE(hashes.insert(m.hash).second);
    EXPECT_EQ(m.hash, canonical_hash(m.graph));
    const Cost cost = graph_cost(m.graph).total;
    EXPECT_EQ(m.macs, cost.macs);
    EXPECT_EQ(m.params, cost.params);
    EXPECT_GT(m.macs, 0.8 * static_cast<double>(macs));
    EXPECT_LT(m.macs, 1.1 * static_cast<double>(macs));
    lengths.insert(m.mutations);
  }
  EXPECT_EQ(lengths, (std::set<std::uint32_t>{1, 2, 3}));
}

TEST(Mutants, DependNeitherOnThreadsNorOnThePredictor) {
  const Graph input = testing::concat_network();
  const SegmentDatabase database = testing::small_database();
  auto hashes_and_gains = [&](std::uint64_t predictor, int jobs) {
    std::vector<std::uint64_t> hashes;
    std::vector<double> gains;
    for (const Mutant& m :
         random_mutants(input, database, FakePredictor(predictor), options(12, 2, jobs))) {
      hashes.push_back(m.hash);
      gains.push_back(m.predicted_gain);
    }
    return std::pair(hashes, gains);
  };
  const auto one = hashes_and_gains(7, 1), other = hashes_and_gains(8, 1);
  EXPECT_EQ(one, hashes_and_gains(7, 3));
  EXPECT_EQ(one.first, other.first);
  EXPECT_NE(one.second, other.second);
}

TEST(Mutants, NarrowOnesHaveALayerOfFewChannelsAndTheOthersStay) {
  const Graph input = testing::residual_network();
  const SegmentDatabase database = testing::small_database();
  const auto fewest_channels = [](const Graph& graph) {
    std::int32_t fewest = 1000;
    for (const Node& node : graph.nodes()) {
      if (node.op == OpKind::kConv) fewest = std::min(fewest, node.attrs.out_channels);
    }
    return fewest;
  };
  MutantOptions half = options(24, 2, 1);
  half.search.max_flops_decrease = 100;
  const auto wide = random_mutants(input, database, FakePredictor(), half);
  half.narrow = 0.5;
  const auto mixed = random_mutants(input, database, FakePredictor(), half);
  std::set<std::uint64_t> wide_hashes;
  for (const Mutant& m : wide) {
    EXPECT_EQ(m.narrowed, 0);
    wide_hashes.insert(m.hash);
  }
  int narrow = 0, kept = 0;
  for (const Mutant& m : mixed) {
    EXPECT_EQ(m.hash, canonical_hash(m.graph));
    EXPECT_EQ(m.macs, graph_cost(m.graph).total.macs);
    EXPECT_EQ(m.graph.output_type(m.graph.output_nodes()[0]).shape, (Shape{1, 10}));
    if (m.narrowed > 0) {
      ++narrow;
      EXPECT_LE(m.narrowed, 8);
      EXPECT_LE(fewest_channels(m.graph), m.narrowed);
    } else {
      kept += wide_hashes.contains(m.hash) ? 1 : 0;
    }
  }
  EXPECT_GT(narrow, 4);
  EXPECT_GT(kept, 4);
}

TEST(Mutants, ThatCannotBeWrittenLeaveNoFolder) {
  const TempDir folder;
  const Graph input = testing::residual_network();
  const auto mutants =
      random_mutants(input, testing::small_database(), FakePredictor(), options(2, 1, 1));
  const testing::FileSizeLimit limit(100);  // fails like a full disk
  EXPECT_THROW(write_mutants(folder / "out", {}, input, mutants), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

TEST(Mutants, AreWrittenAsNetworksThatCanBeRead) {
  const TempDir folder;
  const std::string model = folder / "input.onnx";
  export_onnx(testing::residual_network(), model);
  const Graph input = import_onnx(model);
  const auto mutants =
      random_mutants(input, testing::small_database(), FakePredictor(), options(4, 1, 1));
  SearchConfig config;
  config.model = model;
  write_mutants(folder / "out", config, input, mutants);
  const std::string text = read_file(folder / "out/mutants.json");
  const Json json = parse_json(text, "mutants.json");
  ASSERT_EQ(json.at("mutants").size(), 4U);
  for (std::size_t i = 0; i < mutants.size(); ++i) {
    const std::string path = mutant_path(folder / "out", mutants[i]);
    EXPECT_EQ(json["mutants"][i]["model"], path.substr((folder / "out").size() + 1));
    EXPECT_EQ(graph_cost(import_onnx(path)).total.macs, mutants[i].macs);
  }
  EXPECT_THROW(write_mutants(folder / "out", config, input, mutants), Error);
}

TEST(Mutants, AnEmptyWindowIsRefused) {
  const Graph input = testing::residual_network();
  MutantOptions o = options(3, 1, 1);
  o.search.max_flops_increase = -19.999999;
  o.search.max_flops_decrease = 20;
  EXPECT_THROW(random_mutants(input, testing::small_database(), FakePredictor(), o), Error);
  o = options(3, 0, 1);
  EXPECT_THROW(random_mutants(input, testing::small_database(), FakePredictor(), o), Error);
}

}  // namespace
}  // namespace autogo
