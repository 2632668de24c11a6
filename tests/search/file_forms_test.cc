// The search on networks that come from files: what import makes of them is what it works on.
#include <gtest/gtest.h>

#include <set>

#include "onnx/maps_builder.h"
#include "onnx/ort.h"
#include "search/mutation/glob.h"
#include "search_support.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;
using testing::TemporaryFolder;

SearchResult searched(const Graph& graph, const std::vector<std::string>& freeze = {}) {
  SegmentDatabase database = testing::small_database();
  testing::FakePredictor predictor;
  SearchConfig config = testing::small_config();
  config.options.freeze = freeze;
  if (!freeze.empty()) config.options.max_flops_increase = 1e6;  // what is left is cheap
  return run_search(config, {}, graph, database, predictor);
}

std::string refusal(const Graph& graph, const std::string& pattern) {
  try {
    frozen_origins(graph, std::vector{pattern});
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    return e.what();
  }
  return "none";
}

class ImportedSearch : public ::testing::Test {
 protected:
  Graph import(const OnnxBuilder& builder) {
    return import_onnx(builder.save(folder_ / "model.onnx"));
  }
  TemporaryFolder folder_;
};

/// Three dense layers; the last two are joined with their biases.
OnnxBuilder mlp() {
  OnnxBuilder b;
  b.input("x", {1, 10, 16}).output("y").weight("w0", {16, 32}).weight("w1t", {32, 32});
  b.weight("w2", {32, 8}).weight("b1", {32}).weight("b2", {8});
  b.node("MatMul", {"x", "w0"}, {"a"}).set_name("MatMul_0");
  b.node("Relu", {"a"}, {"r"}).set_name("Relu_0");
  set_attribute(b.node("Transpose", {"w1t"}, {"w1"}), "perm", Ints{1, 0});
  b.node("Identity", {"r"}, {"i"}).set_name("Identity_0");
  b.node("MatMul", {"i", "w1"}, {"h"}).set_name("MatMul_1");
  b.node("Add", {"h", "b1"}, {"hb"}).set_name("Add_1");
  b.node("Relu", {"hb"}, {"r2"}).set_name("Relu_1");
  b.node("MatMul", {"r2", "w2"}, {"q"}).set_name("MatMul_2");
  b.node("Add", {"q", "b2"}, {"y"}).set_name("Add_2");
  return b;
}

TEST_F(ImportedSearch, FreezeKeepsJoinedNodes) {
  const Graph graph = import(mlp());
  ASSERT_EQ(ops_of(graph), "dense relu dense relu dense");
  const SearchResult result = searched(graph, {"MatMul*"});
  ASSERT_GE(result.front.size(), 1U);
  for (const FrontMember& member : result.front) {
    std::set<std::string> names;
    export_onnx(member.graph, folder_ / "member.onnx");
    const onnx::ModelProto model = read_model(folder_ / "member.onnx");
    for (const auto& node : model.graph().node()) names.insert(node.name());
    for (const char* name : {"MatMul_0", "MatMul_1", "MatMul_2", "Add_1", "Add_2"}) {
      EXPECT_TRUE(names.contains(name)) << name;
    }
  }
}

TEST_F(ImportedSearch, FreezeNamesAnyPartOfAJoinedNode) {
  const Graph graph = import(mlp());
  auto frozen = [&](const std::string& pattern) {
    std::string names;
    const std::vector<char> by_origin = frozen_origins(graph, std::vector{pattern});
    for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
      const std::uint32_t origin = graph.node(NodeId{n}).origin;
      if (origin < by_origin.size() && by_origin[origin] != 0) {
        names += graph.node_name(NodeId{n}) + " ";
      }
    }
    return names;
  };
  EXPECT_EQ(frozen("MatMul_1"), "Add_1 ");
  EXPECT_EQ(frozen("Add_1"), "Add_1 ");
  EXPECT_EQ(frozen("MatMul_[12]"), "Add_1 Add_2 ");
  EXPECT_EQ(frozen("w1_Transpose"), "Add_1 ");   // goes out with the product that reads it
  EXPECT_EQ(frozen("*_0"), "MatMul_0 Relu_0 ");  // beside others an identity is passed over
}

TEST_F(ImportedSearch, FreezeRefusesWhatCannotStayByName) {
  const Graph graph = import(mlp());
  EXPECT_EQ(refusal(graph, "Identity*"),
            "--freeze 'Identity*' matches only nodes that autogo removes when it reads the model, "
            "they cannot stay: Identity_0 (Identity)");
  EXPECT_EQ(refusal(graph, "MatMul_3"),
            "--freeze 'MatMul_3' matches no node; close names: MatMul_0, MatMul_1, MatMul_2");
}

/// Three convolutions with ReLU on a map of 16 x 16; `x` has three channels, `y` ten.
void add_core(OnnxBuilder& b, const std::string& x) {
  b.weight("w0", {16, 3, 3, 3}).weight("w1", {16, 16, 3, 3}).weight("w2", {10, 16, 1, 1});
  std::string from = x;
  for (const std::string i : {"0", "1", "2"}) {
    auto& conv = b.node("Conv", {from, "w" + i}, {"c" + i});
    if (i != "2") set_attribute(conv, "pads", Ints{1, 1, 1, 1});
    from = i == "2" ? "y" : "r" + i;
    b.node("Relu", {"c" + i}, {from});
  }
}

TEST_F(ImportedSearch, ANetworkWhoseInputIsTransposedFindsWhatItsTwinFinds) {
  OnnxBuilder twin, last;
  twin.input("x", {1, 3, 16, 16}).output("y");
  add_core(twin, "x");
  last.input("x", {1, 16, 16, 3}).output("y");
  set_attribute(last.node("Transpose", {"x"}, {"t"}), "perm", Ints{0, 3, 1, 2});
  add_core(last, "t");
  const SearchResult expected = searched(import(twin)), found = searched(import(last));
  ASSERT_GE(expected.front.size(), 2U);
  EXPECT_GE(found.front.size(), 2U);
  EXPECT_EQ(found.measures.at("macs"), expected.measures.at("macs"));
  EXPECT_EQ(found.measures.at("params"), expected.measures.at("params"));
}

/// The body of `mobile_network` in one of its spellings.
OnnxBuilder mobile(bool channels_last) {
  OnnxBuilder b;
  MapBuilder maps(b, channels_last);
  b.input("x", maps.map(3, 32, 24)).output("y", {1, 10});
  maps.mobile_network("x", "y");
  return b;
}

TEST_F(ImportedSearch, ANetworkOfChannelsLastIsSearchedAndItsFindsRun) {
  const SearchResult found = searched(import(mobile(true)));
  ASSERT_GE(found.front.size(), 2U);
  std::vector<std::string> paths;
  for (const FrontMember& member : found.front) {
    paths.push_back(folder_ / (std::to_string(paths.size()) + ".onnx"));
    export_onnx(member.graph, paths.back());
    expect_valid(paths.back());
    const onnx::ModelProto model = read_model(paths.back());
    EXPECT_EQ(model.graph().input(0).type().tensor_type().shape().dim(3).dim_value(), 3);
    EXPECT_EQ(canonical_hash(import_onnx(paths.back())), canonical_hash(member.graph));
  }
  const OrtAnswer answer = ask_ort("run", paths, folder_ / "list");
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
}

TEST_F(ImportedSearch, ANetworkOfChannelsLastGivesTheSegmentsOfItsTwin) {
  SegmentDatabase last, first;
  last.add_segments_of(import(mobile(true)), "network");
  first.add_segments_of(import(mobile(false)), "network");
  std::set<std::uint64_t> of_twin;
  for (const SegmentEntry& entry : first.entries()) of_twin.insert(entry.id);
  std::size_t shared = 0;
  for (const SegmentEntry& entry : last.entries()) shared += of_twin.count(entry.id);
  EXPECT_GE(4 * shared, 3 * first.entries().size());  // not those at the network's input
  last.save(folder_ / "last.json");
  EXPECT_EQ(SegmentDatabase::load(folder_ / "last.json").entries().size(), last.entries().size());
}

}  // namespace
}  // namespace autogo
