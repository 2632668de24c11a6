#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

Graph imported(const OnnxBuilder& builder) {
  const TempDir folder;
  return import_onnx(builder.save(folder / "m.onnx"));
}

TEST(Import, ConvolutionsAndTheirPadding) {
  OnnxBuilder b;
  b.input("x", {1, 4, 9, 9})
      .weight("w", {8, 4, 3, 3})
      .weight("bias", {8})
      .weight("d", {16, 1, 3, 3});
  b.weight("g", {8, 8, 1, 1}).output("y");
  auto& same = b.node("Conv", {"x", "w", "bias"}, {"a"});
  set_attribute(same, "auto_pad", std::string("SAME_LOWER"));
  set_attribute(same, "strides", std::vector<std::int64_t>{2, 2});
  auto& depthwise = b.node("Conv", {"a", "d"}, {"b"});
  set_attribute(depthwise, "group", std::int64_t{8});
  set_attribute(depthwise, "pads", std::vector<std::int64_t>{1, 0, 1, 0});
  auto& grouped = b.node("Conv", {"b", "g"}, {"y"});
  set_attribute(grouped, "group", std::int64_t{2});
  const Graph graph = imported(b);
  EXPECT_EQ(dump(graph),
            "%0 = input : 1x4x9x9\n"
            "%1 = conv k3x3 s2x2 same_lower c8 bias (%0) : 1x8x5x5\n"
            "%2 = depthwise_conv k3x3 p1,0,1,0 c16 (%1) : 1x16x5x3\n"
            "%3 = conv c8 g2 (%2) : 1x8x5x3\n"
            "output (%3)\n");
  EXPECT_EQ(graph.node_name(NodeId{1}), "a_Conv");
  EXPECT_EQ(graph.value_name(graph.output(NodeId{1})), "a");
  EXPECT_EQ(graph.source()->node_facts[graph.node(NodeId{1}).origin].params, 8 * 36 + 8);
  EXPECT_EQ(graph.source()->node_facts[graph.node(NodeId{1}).origin].weight_bytes,
            4 * (8 * 36 + 8));
}

TEST(Import, OpaqueNodesKnowTheirCost) {
  OnnxBuilder b;
  b.input("x", {1, 2, 20}).weight("w", {6, 2, 5}).output("y");
  b.node("Conv", {"x", "w"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "opaque:Conv");
  const auto& facts = graph.source()->node_facts[graph.node(NodeId{1}).origin];
  EXPECT_EQ(facts.params, 60);
  EXPECT_EQ(facts.macs, 16 * 60);
}

TEST(Import, UnknownOperatorsHaveUnknownCost) {
  OnnxBuilder b;
  b.input("x", {1, 8}).output("y", {1, 8});
  b.node("Tan", {"x"}, {"a"});
  b.node("Frobnicate", {"a"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "opaque:Tan opaque:Frobnicate");
  const std::vector<Source::NodeFacts>& facts = graph.source()->node_facts;
  EXPECT_EQ(facts[graph.node(NodeId{1}).origin].macs, 0);   // a map over elements
  EXPECT_EQ(facts[graph.node(NodeId{2}).origin].macs, -1);  // in no schema
}

TEST(Import, WeightsThatNodesMakeAreNoValues) {
  OnnxBuilder b;
  b.input("x", {1, 8}).ints("shape", {64, 8}).ints("perm", {0}).output("y", {1, 64});
  b.node("ConstantOfShape", {"shape"}, {"w"});
  auto& transpose = b.node("Transpose", {"w"}, {"wt"});
  set_attribute(transpose, "perm", std::vector<std::int64_t>{1, 0});
  b.node("MatMul", {"x", "wt"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "dense");
  EXPECT_EQ(graph.source()->node_facts[graph.node(NodeId{1}).origin].params, 512);
  const TempDir folder;
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  EXPECT_EQ(op_types(read_model(folder / "out.onnx")),
            (std::vector<std::string>{"ConstantOfShape", "Transpose", "MatMul"}));
}

TEST(Import, ConvolutionsWithComputedWeightsAreOpaque) {
  OnnxBuilder b;
  b.input("x", {1, 4, 9, 9}).input("w", {8, 4, 3, 3}).output("y");
  b.node("Conv", {"x", "w"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "opaque:Conv");
  EXPECT_EQ(graph.inputs(NodeId{2}).size(), 2U);
  EXPECT_EQ(graph.source()->node_facts[graph.node(NodeId{2}).origin].macs, 8 * 49 * 36);
}

TEST(Import, UnnamedNodesGetNames) {
  OnnxBuilder b;
  b.input("x", {1, 4}).output("y");
  b.node("Relu", {"x"}, {"a"}).clear_name();
  b.node("Tanh", {"a"}, {"b"}).set_name("Relu_0");
  b.node("Tanh", {"b"}, {"y"}).set_name("Relu_0");
  const Graph graph = imported(b);
  EXPECT_EQ(graph.node_name(NodeId{1}), "Relu_0_");
  EXPECT_EQ(graph.node_name(NodeId{2}), "Relu_0");
  EXPECT_EQ(graph.node_name(NodeId{3}), "Relu_0_2");
}

/// If with a branch that uses the outer value `a`.
OnnxBuilder if_model() {
  OnnxBuilder b;
  b.input("x", {1, 4}).input("c", {}, onnx::TensorProto::BOOL).weight("k", {4}).output("y", {1, 4});
  b.node("Relu", {"x"}, {"a"});
  b.node("Tanh", {"x"}, {"b"});
  auto& node = b.node("If", {"c"}, {"y"});
  for (const std::string branch : {"then_branch", "else_branch"}) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(branch);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    auto& g = *attribute.mutable_g();
    g.set_name(branch);
    auto& inner = *g.add_node();
    inner.set_op_type(branch == "then_branch" ? "Add" : "Mul");
    inner.add_input(branch == "then_branch" ? "a" : "b");
    inner.add_input("k");
    inner.add_output(branch + "_out");
    OnnxBuilder::set_type(*g.add_output(), branch + "_out", {1, 4}, onnx::TensorProto::FLOAT);
  }
  return b;
}

TEST(Import, WhatASubgraphTakesFromOutsideIsAnInput) {
  const Graph graph = imported(if_model());
  EXPECT_EQ(ops_of(graph), "relu tanh opaque:If");
  EXPECT_EQ(graph.inputs(NodeId{4}).size(), 3U);
  const TempDir folder;
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  EXPECT_EQ(read_model(folder / "out.onnx").graph().initializer(0).name(), "k");
}

TEST(Import, CapturedNamesFollowTheGraph) {
  // A new Sigmoid between `a` and the If: its branch must read the new value.
  const TempDir folder;
  const Graph graph = imported(if_model());
  Graph changed;
  changed.set_source(graph.source());
  auto copy = [&](std::uint32_t i, std::vector<ValueId> inputs) {
    const Node& node = graph.node(NodeId{i});
    std::vector<Value> outputs;
    for (std::uint32_t k = 0; k < node.num_outputs; ++k) {
      outputs.push_back(graph.value(graph.output(NodeId{i}, k)));
    }
    const NodeId id = changed.add_typed(node.op, node.attrs, inputs, outputs, node.origin);
    return node.num_outputs > 0 ? changed.output(id) : ValueId{0};
  };
  const ValueId x = copy(0, {}), c = copy(1, {}), a = copy(2, {x}), b = copy(3, {x});
  const ValueId sigmoid = changed.add(OpKind::kSigmoid, {}, {a});
  const ValueId y = copy(4, {c, sigmoid, b});
  copy(5, {y});
  export_onnx(changed, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  for (const auto& node : model.graph().node()) {
    if (node.op_type() != "If") continue;
    EXPECT_EQ(node.attribute(0).g().node(0).input(0), "sigmoid_4_output");
    EXPECT_EQ(node.attribute(1).g().node(0).input(0), "b");
  }
}

TEST(Import, UnknownDomainsAreKept) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 4}).output("y", {1, 4});
  b.node("Twice", {"x"}, {"y"}).set_domain("vendor");
  auto& import = *b.model().add_opset_import();
  import.set_domain("vendor");
  import.set_version(1);
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "opaque:vendor.Twice");
  EXPECT_EQ(to_string(graph.output_type(graph.output_nodes()[0]).shape), "1x4");
  export_onnx(graph, folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  EXPECT_EQ(model.graph().node(0).SerializeAsString(),
            b.model().graph().node(0).SerializeAsString());
  EXPECT_EQ(model.opset_import_size(), 2);
}

TEST(Import, AConstantNetworkOutputIsKept) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 4}).weight("w", {3}).output("y", {1, 4}).output("w", {3});
  b.node("Relu", {"x"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "relu opaque:Constant");
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
}

TEST(Import, QuantisedGraphsKeepTheirOperators) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 3, 8, 8}).scalar("s", 0.1).output("y", {1, 4, 6, 6});
  auto& zero = *b.graph().add_initializer();
  zero.set_name("z");
  write_small({DType::kInt8, {}, {0}, {}}, zero);
  auto& weights = *b.graph().add_initializer();
  weights.set_name("w");
  write_small({DType::kInt8, {4, 3, 3, 3}, std::vector<std::int64_t>(108, 7), {}}, weights);
  b.node("QuantizeLinear", {"x", "s", "z"}, {"xq"});
  b.node("DequantizeLinear", {"xq", "s", "z"}, {"xd"});
  b.node("DequantizeLinear", {"w", "s", "z"}, {"wd"});
  b.node("Conv", {"xd", "wd"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "opaque:QuantizeLinear opaque:DequantizeLinear conv");
  const auto& facts = graph.source()->node_facts[graph.node(NodeId{3}).origin];
  EXPECT_EQ(facts.params, 108);
  EXPECT_EQ(facts.weight_bytes, 108);
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
}

TEST(Import, LayoutsFollowTheTable) {
  OnnxBuilder b;
  b.input("x", {1, 3, 8, 8}).output("y");
  b.node("Sin", {"x"}, {"s"});
  b.node("Relu", {"s"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(graph.type(graph.output(NodeId{1})).layout, Layout::kChannelsFirst);
}

}  // namespace
}  // namespace autogo
