#include "search/mutation/glob.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "search_support.h"

namespace autogo {
namespace {

/// A chain of ReLUs with these names.
Graph named(const std::vector<std::string>& names) {
  auto source = std::make_shared<Source>();
  Graph g;
  ValueId x = g.add_input(testing::tensor({1, 4, 8, 8}));
  for (const std::string& name : names) {
    const std::array<ValueId, 1> inputs{x};
    x = g.add(OpKind::kRelu, {}, inputs, static_cast<std::uint32_t>(source->node_names.size()));
    source->node_names.push_back(name);
    source->node_facts.emplace_back();
  }
  g.add_output(x);
  g.set_source(std::move(source));
  return g;
}

TEST(Freeze, MatchesShellGlobs) {
  const Graph g = named({"stem.relu", "layer1.relu", "layer2.relu", "head"});
  EXPECT_EQ(frozen_origins(g, std::vector<std::string>{"layer?.relu"}),
            (std::vector<char>{0, 1, 1, 0}));
  EXPECT_EQ(frozen_origins(g, std::vector<std::string>{"head", "s*"}),
            (std::vector<char>{1, 0, 0, 1}));
  EXPECT_EQ(frozen_origins(g, {}), (std::vector<char>{0, 0, 0, 0}));
}

TEST(Freeze, AMissSaysTheCloseNames) {
  const Graph g = named({"stem.relu", "layer1.relu", "layer2.relu", "head"});
  try {
    frozen_origins(g, std::vector<std::string>{"layer3.relu"});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    EXPECT_EQ(std::string(e.what()),
              "--freeze 'layer3.relu' matches no node; close names: layer1.relu, layer2.relu, "
              "stem.relu");
  }
}

}  // namespace
}  // namespace autogo
