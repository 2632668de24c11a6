#include <map>

#include "autogo/base/file.h"
#include "autogo/corpus/corpus.h"
#include "autogo/cost/cost.h"
#include "base/json.h"
#include "support.h"

namespace autogo {
namespace {

TEST(AutogoGraphs, ReproducesThePublishedFlopsExactly) {
  AUTOGO_SHARED_FILE(path, "data/autogo_graphs/autogo_graphs.jsonl.gz");
  LineReader lines(path);
  std::string line;
  std::map<std::string, std::int64_t> flops;
  while (lines.next(line)) {
    const Json json = parse_json(line, path);
    const Graph graph = autogo_graph(line, path);
    EXPECT_EQ(graph.num_nodes(), json["nodes"].size());
    EXPECT_EQ(graph.num_edges(), json["edges"].size());
    const std::int64_t count = graph_flops(graph, FlopsConvention::kAutogo);
    EXPECT_EQ(count, json["published_code_flops_2xmac"].get<std::int64_t>());
    flops[json["graph_name"].get<std::string>()] = count;
  }
  EXPECT_EQ(flops, (std::map<std::string, std::int64_t>{{"HiAMLNet4153", 246'314'516},
                                                        {"NB201-Net1552", 312'767'892},
                                                        {"ResNet-V1-50", 6'306'482'512},
                                                        {"VGG16_BN", 30'805'729'232}}));
}

TEST(AutogoGraphs, GeneratedCellHasThePublishedFlops) {
  // The published NAS-Bench-201 graph, from its id (notes/families.md, section 8).
  EXPECT_EQ(graph_flops(nasbench201_graph("333s31"), FlopsConvention::kAutogo), 312'767'892);
}

constexpr const char* kInput =
    R"({"op":"input","hin":4,"hout":4,"win":4,"wout":4,"cin":3,"cout":3,"metadata":null})";

std::string graph_text(const std::string& node, const std::string& edges) {
  return std::string(R"({"nodes":[)") + kInput + "," + node + R"(],"edges":)" + edges + "}";
}

TEST(AutogoGraphs, RefusesWhatItCannotHold) {
  auto text = [](const std::string& node, const std::string& edges) {
    return error_of([&] { autogo_graph(graph_text(node, edges), "g:1"); });
  };
  const std::string relu = R"({"op":"relu_3","hout":4,"wout":4,"cout":3,"metadata":null})";
  EXPECT_EQ(text(relu, "[[0,1]]"), "no error");
  EXPECT_EQ(text(relu, "[[0,1],[0,1]]"),
            "g:1: node 1: relu with 2 inputs, which are summed silently when the network is built");
  EXPECT_EQ(text(relu, "[[0,1],[1,1]]"), "g:1: the graph has a cycle");
  EXPECT_EQ(text(relu, "[[0,2]]"), "g:1: an edge is not a pair of node positions");
  EXPECT_EQ(text(R"({"op":"relu","hout":4,"wout":4,"cout":5})", "[[0,1]]"),
            "g:1: node 1: gives 3x4x4, recorded is 5x4x4");
  EXPECT_EQ(text(R"({"op":"magic"})", "[[0,1]]"), "g:1: node 1: unknown operation 'magic'");
  EXPECT_EQ(text(R"({"op":"conv2d","kernel":[3],"cout":5})", "[[0,1]]"),
            "g:1: node 1: \"kernel\" is too short");
}

}  // namespace
}  // namespace autogo
