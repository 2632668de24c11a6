// Networks with a Transpose around every convolution are the networks that their twins are, and
// their files compute the same bits, untouched and with parts made anew.
#include "onnx/import/maps.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "autogo/graph/canonical.h"
#include "autogo/program/program.h"
#include "maps_builder.h"
#include "ort.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

OnnxBuilder mobile(bool channels_last) {
  OnnxBuilder b;
  MapBuilder maps(b, channels_last);
  b.input("x", maps.map(3, 16, 12)).output("y", {1, 10});
  maps.mobile_network("x", "y");
  return b;
}

/// A small network without weights in what is made anew; its output is a map.
OnnxBuilder map_to_map() {
  OnnxBuilder b;
  MapBuilder maps(b, true);
  b.input("x", maps.map(3, 8, 6)).output("y", maps.map(4, 8, 6)).output("z", maps.map(4, 8, 6));
  const std::string a = maps.op("Relu", {maps.conv("x", 3, 4, 3)});
  const std::string c = maps.op("Add", {a, maps.conv(a, 4, 4, 3)});
  b.node("Relu", {c}, {"y"});
  b.node("Softmax", {maps.conv("y", 4, 4, 1)}, {"z"});
  return b;
}

void expect_same(const std::vector<std::string>& pairs, const TempDir& folder) {
  const OrtAnswer answer = ask_ort("compare", pairs, folder / "pairs");
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
}

TEST(Maps, TransposesThroughoutGiveTheTwinsOperators) {
  const TempDir folder;
  const Graph graph = import_onnx(mobile(true).save(folder / "last.onnx"));
  EXPECT_EQ(ops_of(graph),
            "transpose " + ops_of(import_onnx(mobile(false).save(folder / "first.onnx"))));
  EXPECT_EQ(ops_of(graph),
            "transpose conv scale opaque:Add relu conv relu depthwise_conv relu "
            "squeeze_excite conv add relu max_pool conv conv relu concat relu reduce_mean dense");
  for (const Value& value : graph.values()) {
    const bool input = graph.node(value.producer).op == OpKind::kInput;
    if (value.type.shape.rank() == 4 && !input) {
      EXPECT_EQ(value.type.layout, Layout::kChannelsFirst) << to_string(value.type.shape);
    }
  }
}

TEST(Maps, AnOutputOfChannelsLastIsBehindATranspose) {
  const TempDir folder;
  const Graph graph = import_onnx(map_to_map().save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "transpose conv relu conv add relu conv softmax transpose transpose");
  for (const NodeId output : graph.output_nodes()) {
    EXPECT_EQ(to_string(graph.output_type(output).shape), "1x8x6x4");
  }
  for (const Node& node : graph.nodes()) {
    if (node.op == OpKind::kSoftmax) {
      EXPECT_EQ(node.attrs.axis, 1);
    }
  }
}

TEST(Maps, UntouchedTheFileKeepsItsNodes) {
  const TempDir folder;
  std::vector<std::string> pairs;
  for (const auto& [name, builder] :
       {std::pair("mobile", mobile(true)), std::pair("map", map_to_map())}) {
    const std::string in = builder.save(folder / (std::string(name) + ".in.onnx"));
    const std::string out = folder / (std::string(name) + ".onnx");
    export_onnx(import_onnx(in), out);
    expect_valid(out);
    auto names = [](const onnx::ModelProto& model) {
      std::vector<std::string> result;
      for (const auto& node : model.graph().node()) result.push_back(node.name());
      std::ranges::sort(result);
      return result;
    };
    EXPECT_EQ(names(read_model(out)), names(read_model(in)));
    EXPECT_EQ(canonical_hash(import_onnx(out)), canonical_hash(import_onnx(in)));
    pairs.insert(pairs.end(), {in, out});
  }
  expect_same(pairs, folder);
}

TEST(Maps, NewNodesAmongTheFilesComputeTheSame) {
  using enum OpKind;
  const TempDir folder;
  std::vector<std::string> pairs;
  int count = 0;
  for (const OnnxBuilder& builder : {mobile(true), map_to_map()}) {
    const std::string in = builder.save(folder / (std::to_string(count) + ".in.onnx"));
    const Graph graph = import_onnx(in);
    for (const std::vector<OpKind>& ops : std::vector<std::vector<OpKind>>{
             {kRelu}, {kAdd}, {kMaxPool}, {kConcat}, {kRelu, kAdd, kMaxPool, kConcat}}) {
      const std::string out = folder / (std::to_string(++count) + ".onnx");
      export_onnx(renewed(graph, ops), out);
      expect_valid(out);
      pairs.insert(pairs.end(), {in, out});
    }
  }
  expect_same(pairs, folder);
}

TEST(Maps, AProgramKnowsTheShapesInBothOrders) {
  const TempDir folder;
  const Graph graph = import_onnx(map_to_map().save(folder / "m.onnx"));
  const Program program = lower(renewed(graph, {OpKind::kRelu}));
  int transposes = 0;
  for (const ProgramNode& node : program.nodes) {
    if (node.op_type != "Transpose") continue;
    ++transposes;
    const auto value = [&](int v) { return program.values[static_cast<std::size_t>(v)]; };
    const Shape &from = value(node.inputs[0]).shape, &to = value(node.outputs[0]).shape;
    ASSERT_EQ(from.rank(), 4) << node.name;
    ASSERT_EQ(to.rank(), 4) << node.name;
    const Ints perm = *node.integers("perm");
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(to[i], from[static_cast<std::size_t>(perm[i])]) << node.name;
    }
  }
  EXPECT_GT(transposes, 4);
}

TEST(Maps, AxesMove) {
  TableForm concat{OpKind::kConcat, {}, {0, 1}};
  for (const auto& [from, to] : {std::pair(0, 0), {1, 2}, {2, 3}, {3, 1}, {-1, 1}, {-3, 2}}) {
    concat.attrs.axis = from;
    EXPECT_EQ(channels_first_form(concat)->attrs.axis, to);
  }
  EXPECT_FALSE(channels_first_form({OpKind::kDense, {}, {0}}));
  EXPECT_FALSE(channels_first_form({OpKind::kFlatten, {}, {0}}));
  EXPECT_EQ(to_string(channels_first(Shape{1, 8, 6, 3})), "1x3x8x6");
}

}  // namespace
}  // namespace autogo
