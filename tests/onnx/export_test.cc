#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/graph/segment.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// conv -> batch norm -> relu -> conv, all weights initializers.
OnnxBuilder two_convs(std::int64_t opset = 13, std::int64_t ir = 8) {
  OnnxBuilder b(opset, ir);
  b.input("x", {-1, 3, 8, 8}).output("y", {-1, 4, 8, 8});
  b.weight("w1", {8, 3, 1, 1}).weight("scale", {8}).weight("shift", {8}).weight("mean", {8});
  b.weight("w2", {4, 8, 1, 1});
  b.ints("eights", {8});
  b.node("ConstantOfShape", {"eights"}, {"var"});
  b.node("Conv", {"x", "w1"}, {"a"});
  b.node("BatchNormalization", {"a", "scale", "shift", "mean", "var"}, {"n"});
  b.node("Relu", {"n"}, {"r"});
  b.node("Conv", {"r", "w2"}, {"y"});
  return b;
}

/// The graph with its nodes [begin, end) (in id order) replaced by one new node.
Graph replace(const Graph& graph, std::size_t begin, std::size_t end, OpKind op,
              const Attrs& attrs) {
  std::vector<NodeId> order;
  for (std::uint32_t i = 0; i < graph.num_nodes(); ++i) order.push_back(NodeId{i});
  const Cut cut{order, begin, end};
  const Ports ports = segment_ports(graph, Uses(graph), cut);
  Graph body;
  const ValueId in = body.add_input(graph.type(ports.inputs[0]));
  body.add_output(body.add(op, attrs, {in}));
  return splice(graph, cut, body, ports.inputs, ports.outputs);
}

TEST(Export, UntouchedModelsKeepEverything) {
  const TempDir folder;
  OnnxBuilder b = two_convs();
  b.model().set_producer_name("somebody");
  auto& entry = *b.model().add_metadata_props();
  entry.set_key("author");
  entry.set_value("me");
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  ExportOptions options;
  options.metadata = {{"autogo.lineage", "{}"}, {"author", "us"}};
  export_onnx(graph, folder / "out.onnx", options);
  const auto before = b.model(), after = read_model(folder / "out.onnx");
  EXPECT_EQ(after.producer_name(), "somebody");
  EXPECT_EQ(after.ir_version(), before.ir_version());
  ASSERT_EQ(after.graph().node_size(), before.graph().node_size());
  std::vector<std::string> was, is;
  for (const auto& node : before.graph().node()) was.push_back(node.SerializeAsString());
  for (const auto& node : after.graph().node()) is.push_back(node.SerializeAsString());
  std::ranges::sort(was);
  std::ranges::sort(is);
  EXPECT_EQ(is, was);
  ASSERT_EQ(after.graph().initializer_size(), before.graph().initializer_size());
  for (int i = 0; i < after.graph().initializer_size(); ++i) {
    EXPECT_EQ(after.graph().initializer(i).SerializeAsString(),
              before.graph().initializer(i).SerializeAsString());
  }
  ASSERT_EQ(after.metadata_props_size(), 2);
  EXPECT_EQ(after.metadata_props(0).value(), "us");
  EXPECT_EQ(after.metadata_props(1).key(), "autogo.lineage");
  expect_valid(folder / "out.onnx");
}

TEST(Export, NewNodesDoNotTakeNamesOfNodesThatStay) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 3, 8, 8}).output("y", {1, 3, 8, 8});
  b.node("Relu", {"x"}, {"r"});
  b.node("Relu", {"r"}, {"y"}).set_name("sigmoid_1");  // what the new node 1 would be called
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  export_onnx(replace(graph, 1, 2, OpKind::kSigmoid, {}), folder / "out.onnx");
  const auto after = read_model(folder / "out.onnx");
  ASSERT_EQ(after.graph().node_size(), 2);
  EXPECT_EQ(after.graph().node(0).op_type(), "Sigmoid");
  EXPECT_NE(after.graph().node(0).name(), "sigmoid_1");
  EXPECT_EQ(after.graph().node(1).name(), "sigmoid_1");
}

TEST(Export, AReplacementTakesThePortsNameAndDropsUnusedWeights) {
  const TempDir folder;
  const Graph graph = import_onnx(two_convs().save(folder / "m.onnx"));
  Attrs attrs;
  attrs.out_channels = 8;
  attrs.kernel = {3, 3};
  attrs.padding = Padding::kSame;
  const Graph changed = replace(graph, 1, 3, OpKind::kConv, attrs);  // the conv and its norm
  export_onnx(changed, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  EXPECT_EQ(op_types(model), (std::vector<std::string>{"Conv", "Relu", "Conv"}));
  EXPECT_EQ(model.graph().node(0).output(0), "n");
  std::vector<std::string> weights;
  for (const auto& tensor : model.graph().initializer()) weights.push_back(tensor.name());
  EXPECT_EQ(weights, (std::vector<std::string>{"w2", "conv_1.weight"}));
  EXPECT_EQ(model.graph().initializer(0).SerializeAsString(),
            read_model(folder / "m.onnx").graph().initializer(4).SerializeAsString());
}

TEST(Export, TheLastNodeMayBeReplaced) {
  const TempDir folder;
  const Graph graph = import_onnx(two_convs().save(folder / "m.onnx"));
  Attrs attrs;
  attrs.out_channels = 4;
  export_onnx(replace(graph, 4, 5, OpKind::kConv, attrs), folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  EXPECT_EQ(read_model(folder / "out.onnx").graph().node(4).output(0), "y");
}

TEST(Export, OldFilesDeclareTheirWeightsAsInputs) {
  const TempDir folder;
  OnnxBuilder b = two_convs(9, 3);
  for (const auto& tensor : b.graph().initializer()) {
    OnnxBuilder::set_type(*b.graph().add_input(), tensor.name(), tensor_dims(tensor),
                          tensor.data_type());
  }
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(graph.input_nodes().size(), 1U);
  Attrs attrs;
  attrs.out_channels = 8;
  export_onnx(replace(graph, 1, 3, OpKind::kConv, attrs), folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  std::vector<std::string> inputs;
  const auto model = read_model(folder / "out.onnx");
  for (const auto& input : model.graph().input()) {
    inputs.push_back(input.name());
  }
  EXPECT_EQ(inputs, (std::vector<std::string>{"x", "w2", "conv_1.weight"}));
}

TEST(Export, NewWeightsComeFromSeedAndName) {
  const TempDir folder;
  const Graph graph = import_onnx(two_convs().save(folder / "m.onnx"));
  Attrs attrs;
  attrs.out_channels = 8;
  const Graph changed = replace(graph, 1, 3, OpKind::kConv, attrs);
  auto bytes = [&](std::uint64_t seed, const std::string& name) {
    ExportOptions options;
    options.seed = seed;
    export_onnx(changed, folder / name, options);
    return read_model(folder / name).SerializeAsString();
  };
  EXPECT_EQ(bytes(1, "a"), bytes(1, "b"));
  EXPECT_NE(bytes(1, "a"), bytes(2, "c"));
}

TEST(Export, HeWeightsHaveTheirVariance) {
  const std::string bytes = weight_bytes(DType::kFloat32, 20001, he_normal(50), "conv.weight", 7);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < 20001; ++i) {
    float value = 0;
    std::memcpy(&value, bytes.data() + 4 * i, 4);
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  EXPECT_NEAR(sum / 20001, 0, 0.005);
  EXPECT_NEAR(squares / 20001, 2.0 / 50, 0.002);
}

TEST(Export, GraphsWithoutASource) {
  const TempDir folder;
  Graph graph;
  const TensorType type{DType::kFloat32, Layout::kChannelsFirst, {1, 3, 8, 8}};
  const ValueId a = graph.add_input(type), b = graph.add_input(type);
  graph.add_output(graph.add(OpKind::kAdd, {}, {a, b}));
  graph.add_output(a);
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  EXPECT_EQ(model.opset_import(0).version(), 13);
  EXPECT_EQ(model.ir_version(), 8);
  EXPECT_EQ(model.graph().input(0).name(), "input_0");
  EXPECT_EQ(model.graph().input(1).name(), "input_1");
  EXPECT_EQ(model.graph().output(0).name(), "output_0");
  EXPECT_EQ(op_types(model), (std::vector<std::string>{"Add", "Identity"}));
}

TEST(Export, ConstantOfShapeKeepsFilesSmall) {
  const TempDir folder;
  Graph graph;
  const TensorType type{DType::kFloat32, Layout::kChannelsFirst, {1, 256, 8, 8}};
  Attrs attrs;
  attrs.out_channels = 512;
  attrs.kernel = {3, 3};
  attrs.padding = Padding::kSame;
  graph.add_output(graph.add(OpKind::kConv, attrs, {graph.add_input(type)}));
  ExportOptions options;
  options.new_weights = NewWeights::kConstantOfShape;
  export_onnx(graph, folder / "out.onnx", options);
  expect_valid(folder / "out.onnx");
  EXPECT_LT(std::filesystem::file_size(folder / "out.onnx"), 1000U);
  const Graph again = import_onnx(folder / "out.onnx");
  EXPECT_EQ(ops_of(again), "conv");
  EXPECT_EQ(again.source()->node_facts[again.node(NodeId{1}).origin].params, 512 * 256 * 9);
}

TEST(Export, AnOpaqueNodeCannotBeMadeAnew) {
  const TempDir folder;
  Graph graph;
  const TensorType type{DType::kFloat32, Layout::kChannelsFirst, {1, 3, 8, 8}};
  const ValueId x = graph.add_input(type);
  const Value out{type, NodeId{}, kNoOrigin};
  const NodeId id = graph.add_typed(OpKind::kOpaque, {}, std::array{x}, std::array{out});
  graph.add_output(graph.output(id));
  try {
    export_onnx(graph, folder / "out.onnx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()), (folder / "out.onnx") +
                                         ": node 'opaque_1': an operator that is not in the table "
                                         "cannot be written anew");
  }
  EXPECT_EQ(folder.count(), 0U);
}

TEST(Export, AnIdentityAtTheOutputIsWrittenBack) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 4}).output("y", {1, 4}).output("z", {1, 4});
  b.node("Relu", {"x"}, {"r"});
  b.node("Identity", {"r"}, {"y"});
  b.node("Identity", {"x"}, {"z"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "relu");
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
}

TEST(Export, AModelThatIsExportedAgainStaysTheSame) {
  const TempDir folder;
  OnnxBuilder b;  // two names for one value, by Identity and by a Dropout that does nothing
  b.input("x", {1, 4}).output("y", {1, 4}).output("z", {1, 4}).output("d", {1, 4});
  b.node("Relu", {"x"}, {"r"});
  b.node("Identity", {"r"}, {"y"});
  b.node("Identity", {"y"}, {"z"}).clear_name();
  b.node("Dropout", {"r"}, {"d"});
  EXPECT_EQ(export_onnx(import_onnx(b.save(folder / "m.onnx")), folder / "1.onnx"), 4U);
  EXPECT_EQ(export_onnx(import_onnx(folder / "1.onnx"), folder / "2.onnx"), 4U);
  expect_valid(folder / "1.onnx");
  const onnx::ModelProto model = read_model(folder / "1.onnx");
  std::vector<std::string> names;
  for (const auto& node : model.graph().node()) names.push_back(node.name());
  EXPECT_EQ(names, (std::vector<std::string>{"r_Relu", "y_Identity", "", "d_identity"}));
  EXPECT_EQ(model.SerializeAsString(), read_model(folder / "2.onnx").SerializeAsString());
}

}  // namespace
}  // namespace autogo
