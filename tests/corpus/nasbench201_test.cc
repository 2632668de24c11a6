#include <cmath>
#include <map>
#include <string>

#include "autogo/base/file.h"
#include "autogo/corpus/corpus.h"
#include "autogo/cost/cost.h"
#include "nasbench.h"
#include "support.h"

namespace autogo {
namespace {

struct Vector {
  const char* id;
  std::size_t nodes, edges;
  std::int64_t macs, params;
};

class Nasbench201 : public testing::TestWithParam<Vector> {};

TEST_P(Nasbench201, HasThePublishedCounts) {
  const Vector& v = GetParam();
  const Graph graph = nasbench201_graph(v.id);
  EXPECT_EQ(graph.num_nodes(), v.nodes);
  EXPECT_EQ(graph.num_edges(), v.edges);
  EXPECT_EQ(graph_macs(graph), v.macs);
  EXPECT_EQ(graph_cost(graph).total.params, v.params);
}

// notes/families.md, section 7.
INSTANTIATE_TEST_SUITE_P(TestVectors, Nasbench201,
                         testing::Values(Vector{"nb201:333s33", 306, 352, 184'730'240, 1'253'434},
                                         Vector{"a1s1ss", 231, 277, 15'647'360, 95'354},
                                         Vector{"ssssss", 156, 202, 7'783'040, 38'234},
                                         Vector{"333333", 336, 382, 220'119'680, 1'496'474},
                                         Vector{"nb201:3nna33", 156, 172, 78'561'920, 525'434}));

TEST(Nasbench201, ReadsTheArchitectureString) {
  EXPECT_EQ(nasbench201_code("|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|"
                             "none~1|nor_conv_3x3~2|"),
            "31asn3");
  EXPECT_EQ(dump(nasbench201_graph("|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|"
                                   "nor_conv_3x3~1|nor_conv_3x3~2|")),
            dump(nasbench201_graph("3nna33")));
}

TEST(Nasbench201, CreatesACellsNodesInPublishedOrder) {
  // The first cell, after input, conv and batch norm: o0 to o4, n2's add, o5, two adds.
  std::string ops;
  const Graph graph = nasbench201_graph("33a1s3");
  for (std::uint32_t n = 3; n < 20; ++n) {
    ops += std::string(op_name(graph.node(NodeId{n}).op)) + " ";
  }
  EXPECT_EQ(ops,
            "relu conv batch_norm relu conv batch_norm avg_pool batch_norm relu conv batch_norm "
            "identity add relu conv batch_norm add ");
}

TEST(Nasbench201, RefusesBadCells) {
  auto text = [](const std::string& id) { return error_of([&] { nasbench201_graph(id); }); };
  EXPECT_EQ(text("nb201:33333"),
            "NAS-Bench-201 cell 'nb201:33333': expected six letters of 3, 1, a, s, n or the "
            "benchmark's architecture string");
  EXPECT_EQ(text("nb201:nn3nn3"),
            "NAS-Bench-201 cell 'nb201:nn3nn3': has no path from input to output");
  EXPECT_EQ(text("|conv~0|"),
            "NAS-Bench-201 cell '|conv~0|': unknown operation 'conv', expected one of "
            "nor_conv_3x3, nor_conv_1x1, avg_pool_3x3, skip_connect, none");
  EXPECT_EQ(text("|none~1|"),
            "NAS-Bench-201 cell '|none~1|': expected |o0~0|+|o1~0|o2~1|+|o3~0|o4~1|o5~2|");
}

TEST(Nasbench201, Has341DisconnectedCells) {
  const std::string letters = "31asn";
  int disconnected = 0;
  for (int i = 0; i < 15625; ++i) {
    std::string code;
    for (int e = 0, rest = i; e < 6; ++e, rest /= 5) code += letters[rest % 5];
    if (!nasbench201_connected(code)) ++disconnected;
  }
  EXPECT_EQ(disconnected, 341);
}

TEST(Nasbench201, EqualsTheTableOnEveryRowWithoutNone) {
  AUTOGO_SHARED_FILE(path, "data/nasbench201.csv.gz");
  LineReader lines(path);
  std::string line;
  ASSERT_TRUE(lines.next(line));
  std::size_t rows = 0;
  while (lines.next(line)) {
    std::vector<std::string> cells;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    const std::string code = nasbench201_code(cells.at(1));
    if (code.find('n') != code.npos) continue;
    const Graph graph = nasbench201_graph("nb201:" + code);
    std::map<char, std::int64_t> count;
    for (const char op : code) ++count[op];
    const std::int64_t macs = graph_macs(graph), params = graph_cost(graph).total.params;
    ASSERT_EQ(graph.num_nodes(),
              66U + 15U * static_cast<std::size_t>(3 * (count['3'] + count['1']) + 2 * count['a'] +
                                                   count['s']))
        << code;
    ASSERT_EQ(graph.num_edges(), graph.num_nodes() + 46) << code;
    ASSERT_EQ(macs + 10, std::llround(std::stod(cells.at(13)) * 1e6)) << code;
    ASSERT_EQ(params + 35'072 - 1'120 * count['a'], std::llround(std::stod(cells.at(14)) * 1e6))
        << code;
    ++rows;
  }
  EXPECT_EQ(rows, 3'688U);
}

}  // namespace
}  // namespace autogo
