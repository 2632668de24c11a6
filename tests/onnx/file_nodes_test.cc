#include "autogo/onnx/file_nodes.h"

#include <gtest/gtest.h>

#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

Graph imported(const OnnxBuilder& builder) {
  const TempDir folder;
  return import_onnx(builder.save(folder / "m.onnx"));
}

/// Names of the Graph's nodes that keep a node of the file.
std::vector<std::string> keepers(const Graph& graph, const std::string& name) {
  std::vector<std::size_t> wanted;
  const std::vector<FileNode> nodes = file_nodes(graph);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].name == name) wanted.push_back(i);
  }
  EXPECT_EQ(wanted.size(), 1U) << name;
  std::vector<std::string> names;
  const std::vector<std::uint32_t> origins = origins_of(graph, wanted);
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    if (std::ranges::count(origins, graph.node(NodeId{n}).origin) > 0) {
      names.push_back(graph.node_name(NodeId{n}));
    }
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(FileNodes, AJoinedNodeIsKeptByTheIdiom) {
  OnnxBuilder b;
  b.input("x", {1, 4, 8}).output("y").weight("w", {8, 8}).weight("bias", {8});
  b.node("MatMul", {"x", "w"}, {"h"});
  b.node("Add", {"h", "bias"}, {"d"});
  b.node("Sigmoid", {"d"}, {"s"});
  b.node("Mul", {"d", "s"}, {"y"});
  const Graph graph = imported(b);
  ASSERT_EQ(ops_of(graph), "dense swish");
  EXPECT_EQ(keepers(graph, "h_MatMul"), Names{"d_Add"});
  EXPECT_EQ(keepers(graph, "d_Add"), Names{"d_Add"});
  EXPECT_EQ(keepers(graph, "s_Sigmoid"), Names{"y_Mul"});
  EXPECT_EQ(names_behind(graph, NodeId{1}), (Names{"h_MatMul", "d_Add"}));
  EXPECT_EQ(names_behind(graph, NodeId{0}), Names{"x"});
}

TEST(FileNodes, AConstantIsKeptByAllThatReadIt) {
  OnnxBuilder b;
  b.input("x", {1, 4, 8}).output("y").weight("w", {8, 8});
  set_attribute(b.node("Transpose", {"w"}, {"wt"}), "perm", std::vector<std::int64_t>{1, 0});
  b.node("Neg", {"wt"}, {"wn"});
  b.node("MatMul", {"x", "wn"}, {"h"});
  b.node("MatMul", {"h", "wt"}, {"y"});
  const Graph graph = imported(b);
  ASSERT_EQ(ops_of(graph), "dense dense");
  EXPECT_EQ(keepers(graph, "wt_Transpose"), (Names{"h_MatMul", "y_MatMul"}));
  EXPECT_EQ(keepers(graph, "wn_Neg"), Names{"h_MatMul"});
}

TEST(FileNodes, WhatImportingRemovesIsKeptByNothing) {
  OnnxBuilder b;
  b.input("x", {1, 4, 8}).output("y");
  b.node("Identity", {"x"}, {"i"});
  b.node("Relu", {"i"}, {"y"});
  b.node("Tanh", {"i"}, {"unused"});
  const Graph graph = imported(b);
  EXPECT_EQ(keepers(graph, "i_Identity"), Names{});
  EXPECT_EQ(keepers(graph, "unused_Tanh"), Names{});
}

TEST(FileNodes, UnnamedNodesBearTheNamesThatProfileShows) {
  OnnxBuilder b;
  b.input("x", {1, 4, 8}).output("y");
  b.node("Sigmoid", {"x"}, {"s"}).set_name("");
  b.node("Mul", {"x", "s"}, {"y"}).set_name("");
  const Graph graph = imported(b);
  EXPECT_EQ(keepers(graph, "Sigmoid_0"), Names{"Mul_1"});
  EXPECT_TRUE(file_nodes(Graph()).empty());
}

}  // namespace
}  // namespace autogo
