#include <algorithm>
#include <map>
#include <vector>

#include "autogo/base/file.h"
#include "autogo/corpus/corpus.h"
#include "autogo/graph/canonical.h"
#include "base/json.h"
#include "families.h"
#include "family_support.h"

namespace autogo {
namespace {

TEST(Hiaml, HasThePublishedCounts) {
  // notes/families.md, sections 7 and 8.
  const FamilyVector best{"hiaml:src1-src1-r30-src3", 107, 118, 122'079'744, 2'220'746};
  expect_counts(hiaml_graph(best.id), best);
  EXPECT_EQ(graph_flops(hiaml_graph(best.id), FlopsConvention::kAutogo), 246'314'516);
  const FamilyVector other{"g30-r30-l20-t20", 113, 124, 88'001'024, 1'651'274};
  expect_counts(hiaml_graph(other.id), other);
}

/// Published positions: weighted nodes first, then the others, each in order of creation.
std::vector<std::size_t> published_positions(const Graph& graph) {
  std::vector<std::size_t> position(graph.num_nodes());
  std::size_t next = 0;
  for (const bool weighted : {true, false}) {
    for (std::size_t n = 0; n < graph.num_nodes(); ++n) {
      if (op_info(graph.nodes()[n].op).weighted == weighted) position[n] = next++;
    }
  }
  return position;
}

std::string published_op(OpKind op) {
  switch (op) {
    case OpKind::kConv:
      return "conv2d";
    case OpKind::kDense:
      return "matmul";
    case OpKind::kBatchNorm:
      return "fusedbatchnorm";
    case OpKind::kReduceMean:
      return "mean";
    default:
      return op_name(op);
  }
}

void expect_same_node(const Graph& graph, NodeId id, const Json& published) {
  const Node& node = graph.node(id);
  const std::string op = published["op"].get<std::string>();
  EXPECT_EQ(op.substr(0, op.find('_')), published_op(node.op));
  if (node.op != OpKind::kOutput) {
    const FeatureMap map = feature_map(graph.type(graph.output(id)));
    EXPECT_EQ(map.c, published["cout"].get<int>());
    EXPECT_EQ(map.h, published["hout"].get<int>());
  }
  if (node.op != OpKind::kConv) return;
  EXPECT_EQ(Json(node.attrs.kernel), published["kernel"]);
  EXPECT_EQ(node.attrs.stride[0], published["strides"][1].get<int>());
  EXPECT_EQ(node.attrs.stride[1], published["strides"][2].get<int>());
  EXPECT_EQ(feature_map(graph.type(graph.inputs(id)[0])).c, published["cin"].get<int>());
  EXPECT_FALSE(node.attrs.bias);
  EXPECT_EQ(node.attrs.padding, Padding::kSame);
}

TEST(Hiaml, EqualsThePublishedGraphNodeByNode) {
  AUTOGO_SHARED_FILE(path, "data/autogo_graphs/autogo_graphs.jsonl.gz");
  LineReader lines(path);
  std::string line;
  std::size_t found = 0;
  while (lines.next(line)) {
    const Json json = parse_json(line, path);
    if (json["graph_name"] != "HiAMLNet4153") continue;
    ++found;
    const Graph graph = hiaml_graph("hiaml:src1-src1-r30-src3");
    ASSERT_EQ(graph.num_nodes(), json["nodes"].size());
    const std::vector<std::size_t> position = published_positions(graph);
    std::vector<std::vector<std::size_t>> edges;
    for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
      SCOPED_TRACE("node " + std::to_string(position[n]));
      expect_same_node(graph, NodeId{n}, json["nodes"][position[n]]);
      for (const ValueId v : graph.inputs(NodeId{n})) {
        edges.push_back({position[index(graph.value(v).producer)], position[n]});
      }
    }
    std::ranges::sort(edges);
    EXPECT_EQ(edges, json["edges"].get<std::vector<std::vector<std::size_t>>>());
  }
  EXPECT_EQ(found, 1U);
}

TEST(Hiaml, EveryBlockHasItsPublishedOperators) {
  // One block of a stage that halves nothing, after the stem's conv, batch norm and relu.
  const std::string cbr = "conv batch_norm relu", cb = "conv batch_norm";
  const std::string sep = "conv batch_norm relu6 conv batch_norm relu6";
  const std::map<std::string, std::string> blocks{
      {"z", cbr + " " + sep + " add relu"},
      {"a22", cbr + " " + cbr + " " + cb + " add relu"},
      {"b23", sep + " " + sep + " add relu"},
      {"j30", cbr + " " + sep + " add relu"},
      {"g30", sep + " add " + sep + " " + cb + " add relu"},
      {"r30", sep + " add " + cb + " " + sep + " add add relu"},
      {"l20", cbr + " " + cb + " relu"},
      {"t20", cb + " " + sep + " add relu"},
      {"t31", sep + " " + cbr + " add " + sep + " add add relu"},
      {"src0", cbr + " " + cbr + " " + cb + " add relu"},
      {"src1", cbr + " " + cbr + " " + cb + " add relu"},
      {"src3", cb + " " + cbr + " " + cbr + " " + cb + " add relu"},
      {"src7", cb + " " + sep + " " + sep + " add relu"},
      {"src8", cb + " " + sep + " " + cb + " add relu"}};
  EXPECT_EQ(blocks.size(), 14U);
  for (const auto& [name, expected] : blocks) {
    const Graph graph = hiaml_graph(name + "-" + name + "-z-z");
    const auto count = static_cast<std::size_t>(std::ranges::count(expected, ' ')) + 1;
    EXPECT_EQ(operators(graph, 4, count), expected) << name;
    EXPECT_EQ(operators(graph, 4 + count, count), expected) << name;  // the second block
  }
}

TEST(Hiaml, HalvesTheMapTwice) {
  const Graph graph = hiaml_graph("z-b23-j30-r30");
  const FeatureMap last = feature_map(
      graph.type(graph.inputs(NodeId{static_cast<std::uint32_t>(graph.num_nodes() - 3)})[0]));
  EXPECT_EQ(last, (FeatureMap{256, 4, 4}));
}

TEST(Hiaml, RefusesBadIds) {
  auto text = [](const std::string& id) { return error_of([&] { hiaml_graph(id); }); };
  EXPECT_EQ(text("hiaml:z-z-z"),
            "HiAML network 'hiaml:z-z-z': has 3 blocks, expected 4 joined by '-', like "
            "z-a22-b23-j30");
  EXPECT_EQ(text("z-z-z-src2"),
            "HiAML network 'z-z-z-src2': unknown block 'src2', expected one of z, a22, b23, j30, "
            "g30, r30, l20, t20, t31, src0, src1, src3, src7, src8");
  EXPECT_EQ(text("hiaml:---"),
            "HiAML network 'hiaml:---': unknown block '', expected one of z, a22, b23, j30, g30, "
            "r30, l20, t20, t31, src0, src1, src3, src7, src8");
}

}  // namespace
}  // namespace autogo
