// Networks whose maps are N x H x W x C in the file.
#include <gtest/gtest.h>

#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

Graph imported(const OnnxBuilder& builder) {
  const TempDir folder;
  return import_onnx(builder.save(folder / "m.onnx"));
}

void transpose(OnnxBuilder& b, const std::string& from, const std::string& to, const Ints& perm) {
  set_attribute(b.node("Transpose", {from}, {to}), "perm", perm);
}

const Ints kToFirst{0, 3, 1, 2}, kToLast{0, 2, 3, 1};

TEST(Layouts, AnInputThatIsTransposedForAConvolutionHasItsChannelsLast) {
  OnnxBuilder b;
  b.input("x", {1, 8, 8, 3}).output("y").weight("w", {4, 3, 3, 3});
  transpose(b, "x", "t", kToFirst);
  b.node("Conv", {"t", "w"}, {"c"});
  b.node("Relu", {"c"}, {"r"});
  b.node("GlobalAveragePool", {"r"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "transpose conv relu global_avg_pool");
  EXPECT_EQ(graph.type(ValueId{0}).layout, Layout::kChannelsLast);
  EXPECT_EQ(feature_map(graph.type(ValueId{0})), (FeatureMap{3, 8, 8}));
  EXPECT_EQ(graph.type(ValueId{1}).layout, Layout::kChannelsFirst);
}

TEST(Layouts, KnownThroughWhatStandsBetweenInputAndTranspose) {
  OnnxBuilder b;
  b.input("x", {1, 8, 8, 3}).output("y").weight("w", {4, 3, 3, 3}).weight("mean", {3});
  b.node("Sub", {"x", "mean"}, {"s"});
  b.node("Relu", {"s"}, {"p"});
  transpose(b, "p", "t", kToFirst);
  b.node("Tanh", {"t"}, {"a"});
  b.node("Conv", {"a", "w"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "opaque:Sub relu transpose tanh conv");
  EXPECT_EQ(graph.type(ValueId{0}).layout, Layout::kChannelsLast);
}

TEST(Layouts, AReshapeToAMapOfChannelsLast) {
  OnnxBuilder b;
  b.input("x", {1, 48}).output("y").weight("w", {4, 3, 3, 3}).ints("shape", {1, 4, 4, 3});
  b.node("Reshape", {"x", "shape"}, {"m"});
  transpose(b, "m", "t", kToFirst);
  b.node("Conv", {"t", "w"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "reshape transpose conv");
  EXPECT_EQ(feature_map(graph.type(ValueId{1})), (FeatureMap{3, 4, 4}));
}

TEST(Layouts, TheOutputOfAnOpaqueOperator) {
  OnnxBuilder b;
  b.input("x", {1, 4, 4, 6}).output("y").weight("w", {4, 3, 3, 3}).weight("m", {6, 3});
  set_attribute(b.node("Einsum", {"x", "m"}, {"e"}), "equation", std::string("bhwi,io->bhwo"));
  transpose(b, "e", "t", kToFirst);
  b.node("Conv", {"t", "w"}, {"y"});
  EXPECT_EQ(ops_of(imported(b)), "opaque:Einsum transpose conv");
}

TEST(Layouts, AnInputThatAConvolutionReadsAsWellKeepsChannelsFirst) {
  OnnxBuilder b;
  b.input("x", {1, 8, 8, 8}).output("y").output("z").weight("w", {4, 8, 3, 3});
  transpose(b, "x", "t", kToFirst);
  b.node("Conv", {"t", "w"}, {"y"});
  b.node("Conv", {"x", "w"}, {"z"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "transpose opaque:Conv conv");
  EXPECT_EQ(graph.type(ValueId{0}).layout, Layout::kChannelsFirst);
}

}  // namespace
}  // namespace autogo
