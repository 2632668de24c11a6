// Benchmark cells as ONNX files: what the generators build, the exporter writes and the importer
// reads back.

#include <string>

#include "autogo/corpus/corpus.h"
#include "autogo/cost/cost.h"
#include "autogo/onnx/model.h"
#include "support.h"

namespace autogo {
namespace {

Graph round_trip(const Graph& graph) {
  const TemporaryFolder folder;
  ExportOptions options;
  options.new_weights = NewWeights::kConstantOfShape;
  export_onnx(graph, folder.file("a.onnx"), options);
  return import_onnx(folder.file("a.onnx"));
}

TEST(CellExport, WritesCellsThatComeBackWithTheSameCounts) {
  // "same" padding comes back as explicit pads, and the importer folds identities away.
  for (const char* id : {"nb101:2:1:", "nb101:5:1111111101:m33", "nb201:31a3s1"}) {
    const Graph graph = family_graph(id), file = round_trip(graph);
    std::size_t identities = 0;
    for (const Node& node : graph.nodes()) identities += node.op == OpKind::kIdentity ? 1 : 0;
    EXPECT_EQ(file.num_nodes(), graph.num_nodes() - identities) << id;
    EXPECT_EQ(graph_cost(file).total.macs, graph_cost(graph).total.macs) << id;
    EXPECT_EQ(graph_cost(file).total.params, graph_cost(graph).total.params) << id;
    EXPECT_EQ(graph_cost(file).total.elementwise, graph_cost(graph).total.elementwise) << id;
  }
}

TEST(CellExport, SlicesTruncatedOperands) {
  const Graph graph = nasbench101_graph("7:100000100011100001101:13m3m");
  const Graph file = round_trip(graph);
  const Cost built = graph_cost(graph).total, found = graph_cost(file).total;
  EXPECT_EQ(found.macs, built.macs);
  EXPECT_EQ(found.params, built.params);
  std::size_t slices = 0;
  for (const Node& node : file.nodes()) slices += node.attrs.text == "Slice" ? 1 : 0;
  EXPECT_EQ(slices, 9U);  // one per truncated edge
}

}  // namespace
}  // namespace autogo
