#include "search/mutation/sources.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "search/run/options.h"
#include "search_support.h"

namespace autogo {
namespace {

class Sources : public ::testing::Test {
 protected:
  Graph graph_ = testing::residual_network();
  ReplacementPool pool_{testing::small_database(), graph_, allowed_ops({}, graph_), {}};
  Parent parent_{0, 0, graph_};
  std::vector<std::uint32_t> singles_ = std::vector<std::uint32_t>(parent_.order.size(), 1);
};

TEST_F(Sources, RunsExcludePortsAndFixedNodes) {
  const auto runs = source_runs(parent_, singles_, 3, {}, pool_);
  EXPECT_GT(runs.size(), 40U);
  for (const SourceRun& run : runs) {
    EXPECT_LE(run.end - run.begin, 3U);
    Cost cost;
    for (std::uint32_t i = run.begin; i < run.end; ++i) {
      const Node& node = graph_.node(parent_.order[i]);
      EXPECT_NE(op_info(node.op).shape_class, ShapeClass::kPort);
      EXPECT_NE(op_info(node.op).shape_class, ShapeClass::kFixed);
      cost += node_cost(graph_, parent_.order[i]);
    }
    EXPECT_EQ(run.cost, cost);
  }
}

TEST_F(Sources, FrozenNodesStayInChildrenToo) {
  Graph g;
  auto source = std::make_shared<Source>();
  ValueId x = g.add_input(testing::tensor({1, 8, 16, 16}));
  for (std::uint32_t i = 0; i < 6; ++i) {
    const std::array<ValueId, 1> inputs{x};
    x = g.add(i % 2 == 0 ? OpKind::kConv : OpKind::kRelu,
              i % 2 == 0 ? testing::conv_attrs(8) : Attrs{}, inputs, i);
    source->node_names.push_back("n" + std::to_string(i));
    source->node_facts.emplace_back();
  }
  g.add_output(x);
  g.set_source(std::move(source));
  const std::vector<char> frozen = {0, 0, 1, 0, 0, 0};
  const ReplacementPool pool(SegmentDatabase(), g, allowed_ops({}, g), {});
  const Parent parent(0, 0, g);
  const auto runs = source_runs(parent, std::vector<std::uint32_t>(8, 1), 3, frozen, pool);
  EXPECT_FALSE(runs.empty());
  for (const SourceRun& run : runs) {
    for (std::uint32_t i = run.begin; i < run.end; ++i) {
      EXPECT_NE(g.node(parent.order[i]).origin, 2U);
    }
  }
}

TEST_F(Sources, IntegerTensorsAreNoSources) {
  Graph g;
  const TensorType type = testing::tensor({1, 4, 8, 8}, DType::kInt32);
  const ValueId x = g.add_input(type);
  g.add_output(g.add(OpKind::kAdd, {}, {x, g.add(OpKind::kRelu, {}, {x})}));
  const ReplacementPool pool(SegmentDatabase(), g, allowed_ops({}, g), {});
  EXPECT_TRUE(source_runs(Parent(0, 0, g), {1, 1, 1, 1}, 3, {}, pool).empty());
}

TEST_F(Sources, HalfAreTheLeanestTheRestRandom) {
  std::vector<SourceRun> runs;
  for (std::uint32_t i = 0; i < 40; ++i) {
    runs.push_back({i, i + 1, {}});
    runs.back().cost.macs = 1000 + (i * 7) % 40;  // distinct
  }
  std::vector<SourceRun> by_macs = runs;
  std::ranges::sort(by_macs, {}, [](const SourceRun& r) { return r.cost.macs; });
  std::set<std::uint32_t> random;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto chosen = select_sources(runs, 10, Rng(seed));
    ASSERT_EQ(chosen.size(), 10U);
    EXPECT_TRUE(std::ranges::is_sorted(chosen, {}, &SourceRun::begin));
    for (int i = 0; i < 5; ++i)
      EXPECT_TRUE(std::ranges::count(chosen, by_macs[static_cast<std::size_t>(i)]));
    for (const SourceRun& run : chosen) {
      EXPECT_EQ(std::ranges::count(chosen, run), 1);
      random.insert(run.begin);
    }
  }
  EXPECT_EQ(random.size(), 40U);
  EXPECT_EQ(select_sources(runs, 50, Rng(1)), runs);
}

TEST_F(Sources, TiesOfTheLeanestAreDrawn) {
  std::vector<SourceRun> runs;
  for (std::uint32_t i = 0; i < 20; ++i) runs.push_back({i, i + 1, {}});  // all without cost
  runs.push_back({20, 21, {}});
  runs.back().cost.macs = 5;
  EXPECT_NE(select_sources(runs, 4, Rng(1)), select_sources(runs, 4, Rng(2)));
  EXPECT_EQ(select_sources(runs, 4, Rng(1)), select_sources(runs, 4, Rng(1)));
}

}  // namespace
}  // namespace autogo
