#include <string>

#include "autogo/base/file.h"
#include "autogo/corpus/corpus.h"
#include "autogo/cost/cost.h"
#include "base/json.h"
#include "nasbench.h"
#include "support.h"

namespace autogo {
namespace {

struct Vector {
  const char* id;
  std::size_t nodes, edges;
  std::int64_t macs, params;
};

class Nasbench101 : public testing::TestWithParam<Vector> {};

TEST_P(Nasbench101, HasThePublishedCounts) {
  const Vector& v = GetParam();
  const Graph graph = nasbench101_graph(v.id);
  EXPECT_EQ(graph.num_nodes(), v.nodes);
  EXPECT_EQ(graph.num_edges(), v.edges);
  EXPECT_EQ(graph_macs(graph), v.macs);
  EXPECT_EQ(graph_cost(graph).total.params, v.params);
}

// notes/families.md, section 7.
INSTANTIATE_TEST_SUITE_P(
    TestVectors, Nasbench101,
    testing::Values(Vector{"nb101:2:1:", 36, 35, 137'761'792, 882'570},
                    Vector{"nb101:3:111:1", 99, 107, 422'974'464, 2'793'866},
                    Vector{"5:1111111101:m33", 216, 260, 1'018'565'632, 6'843'402},
                    Vector{"7:100110100001001010101:3m331", 225, 251, 1'261'835'264, 8'555'530},
                    Vector{"7:100000100011100001101:13m3m", 144, 161, 365'763'712, 2'479'416}));

/// Edges whose consumer reads fewer channels than the producer gives.
std::size_t truncated_edges(const Graph& graph) {
  std::size_t count = 0;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const Attrs& attrs = graph.node(NodeId{n}).attrs;
    if (graph.node(NodeId{n}).op == OpKind::kReduceMean || attrs.ints.empty()) continue;
    for (const ValueId v : graph.inputs(NodeId{n})) {
      count += graph.type(v).shape[1] > attrs.ints[0] ? 1 : 0;
    }
  }
  return count;
}

TEST(Nasbench101, TruncatesWiderOperands) {
  const Graph graph = nasbench101_graph("nb101:7:100000100011100001101:13m3m");
  EXPECT_EQ(truncated_edges(graph), 9U);
  EXPECT_EQ(truncated_edges(nasbench101_graph("nb101:5:1111111101:m33")), 0U);
}

TEST(Nasbench101, DeletesVerticesOffEveryPath) {
  // Vertex 1 feeds nothing and vertex 2 has no input: what is left is the bare projection.
  EXPECT_EQ(dump(nasbench101_graph("4:101001:31")), dump(nasbench101_graph("2:1:")));
  // Vertex 2 has an input but feeds nothing.
  EXPECT_EQ(dump(nasbench101_graph("4:110010:31")), dump(nasbench101_graph("3:101:3")));
}

TEST(Nasbench101, RefusesBadCells) {
  auto text = [](const std::string& id) { return error_of([&] { nasbench101_graph(id); }); };
  EXPECT_EQ(text("nb101:3"), "NAS-Bench-101 cell 'nb101:3': expected [nb101:]VERTICES:BITS:OPS");
  EXPECT_EQ(text("8:1:"),
            "NAS-Bench-101 cell '8:1:': the number of vertices is '8', expected 2 to 7");
  EXPECT_EQ(text("3:11:3"), "NAS-Bench-101 cell '3:11:3': has 2 matrix bits, expected 3");
  EXPECT_EQ(text("3:111:"), "NAS-Bench-101 cell '3:111:': has 0 operations, expected 1");
  EXPECT_EQ(text("3:121:3"), "NAS-Bench-101 cell '3:121:3': matrix bits are 0 and 1 only");
  EXPECT_EQ(text("3:111:x"), "NAS-Bench-101 cell '3:111:x': operation 'x', expected 3, 1 or m");
  EXPECT_EQ(text("3:100:3"), "NAS-Bench-101 cell '3:100:3': has no path from input to output");
  EXPECT_EQ(text("5:1111111111:333"),
            "NAS-Bench-101 cell '5:1111111111:333': has 10 edges, expected at most 9");
}

TEST(Nasbench101, EqualsTheTableOnEveryRow) {
  AUTOGO_SHARED_FILE(path, "data/nasbench101_sample.jsonl.gz");
  LineReader lines(path);
  std::string line;
  std::size_t rows = 0, truncated = 0;
  while (lines.next(line)) {
    const Json row = parse_json(line, path);
    const std::string id = nasbench101_id(row.at("adjacency").get<std::vector<std::vector<int>>>(),
                                          row.at("ops").get<std::vector<std::string>>());
    const Graph graph = nasbench101_graph(id);
    ASSERT_EQ(graph_macs(graph), row.at("macs").get<std::int64_t>()) << id;
    ASSERT_EQ(graph_cost(graph).total.params, row.at("params").get<std::int64_t>()) << id;
    truncated += truncated_edges(graph) > 0 ? 1 : 0;
    ++rows;
  }
  EXPECT_EQ(rows, 28'142U);
  EXPECT_NEAR(static_cast<double>(truncated) / static_cast<double>(rows), 0.21, 0.005);
}

}  // namespace
}  // namespace autogo
