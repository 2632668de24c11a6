#include <gtest/gtest.h>

#include "onnx_builder.h"
#include "small_tensor.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

std::string shape_of(const OnnxBuilder& builder) {
  const TempDir folder;
  const Graph graph = import_onnx(builder.save(folder / "m.onnx"));
  return to_string(graph.output_type(graph.output_nodes()[0]).shape);
}

/// Shape of `op` applied to x and some integer inputs, in an opset.
std::string shape_after(std::int64_t opset, const std::string& op,
                        const std::vector<std::int64_t>& dims,
                        const std::vector<std::vector<std::int64_t>>& inputs,
                        const std::vector<std::pair<std::string, std::int64_t>>& attributes = {}) {
  OnnxBuilder b(opset);
  b.input("x", dims).output("y");
  std::vector<std::string> names{"x"};
  for (const auto& values : inputs) {
    names.push_back("i" + std::to_string(names.size()));
    b.ints(names.back(), values);
  }
  auto& node = b.node(op, names, {"y"});
  for (const auto& [name, value] : attributes) set_attribute(node, name, value);
  return shape_of(b);
}

TEST(Infer, ShapesOfOperatorsThatMoveData) {
  EXPECT_EQ(shape_after(13, "Reshape", {2, 3, 4}, {{0, -1}}), "2x12");
  EXPECT_EQ(shape_after(13, "Slice", {2, 10, 4}, {{1}, {-1}, {1}, {2}}), "2x4x4");
  EXPECT_EQ(shape_after(13, "Slice", {2, 10}, {{9}, {INT64_MIN}, {1}, {-3}}), "2x4");
  EXPECT_EQ(shape_after(13, "Gather", {5, 6, 7}, {{1, 2}}, {{"axis", 1}}), "5x2x7");
  EXPECT_EQ(shape_after(13, "Squeeze", {1, 3, 1}, {{0, -1}}), "3");
  EXPECT_EQ(shape_after(13, "Unsqueeze", {3, 4}, {{0, -1}}), "1x3x4x1");
  EXPECT_EQ(shape_after(13, "Expand", {3, 1}, {{2, 1, 6}}), "2x3x6");
  EXPECT_EQ(shape_after(13, "Tile", {3, 1}, {{2, 4}}), "6x4");
  EXPECT_EQ(shape_after(13, "Pad", {3, 4}, {{1, 0, 0, 2}}), "4x6");
  EXPECT_EQ(shape_after(13, "ReduceSum", {3, 4, 5}, {{1}}, {{"keepdims", 0}}), "3x5");
  EXPECT_EQ(shape_after(18, "ReduceMax", {3, 4, 5}, {{1, 2}}), "3x1x1");
}

TEST(Infer, KeepsWhatTheSchemaKnows) {
  OnnxBuilder b(13);
  b.input("x", {7, 1, 8}).weight("w", {2, 64, 8}).weight("r", {2, 64, 16}).output("y");
  auto& node = b.node("LSTM", {"x", "w", "r"}, {"y"});
  set_attribute(node, "hidden_size", std::int64_t{16});
  set_attribute(node, "direction", std::string("bidirectional"));
  EXPECT_EQ(shape_of(b), "7x2x1x16");
}

TEST(Infer, ShapeArithmeticIsFolded) {
  // The chain of ShuffleNet: channels of x divided by 2 go into a Reshape.
  const TempDir folder;
  OnnxBuilder b(13);
  b.input("x", {1, 8, 4, 4}).output("y", {1, 2, 4, 4, 4});
  b.ints("one", {1}).ints("two", {2}).ints("four", {4});
  b.node("Shape", {"x"}, {"shape"});
  auto& gather = b.node("Gather", {"shape", "one"}, {"channels"});
  set_attribute(gather, "axis", std::int64_t{0});
  b.node("Div", {"channels", "two"}, {"half"});
  auto& concat = b.node("Concat", {"one", "two", "half", "four", "four"}, {"target"});
  set_attribute(concat, "axis", std::int64_t{0});
  b.node("Reshape", {"x", "target"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "reshape");
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  EXPECT_EQ(op_types(model), std::vector<std::string>{"Reshape"});
  ASSERT_EQ(model.graph().initializer_size(), 1);
  EXPECT_EQ(model.graph().initializer(0).name(), "target");
}

TEST(Infer, WhatDependsOnTheBatchStays) {
  const TempDir folder;
  OnnxBuilder b(13);
  b.input("x", {-1, 8}).output("y");
  b.ints("zero", {0});
  b.node("Shape", {"x"}, {"shape"});
  b.node("Gather", {"shape", "zero"}, {"batch"});
  b.node("Cast", {"batch"}, {"number"});
  set_attribute(*b.graph().mutable_node(2), "to", std::int64_t{onnx::TensorProto::FLOAT});
  b.node("Mul", {"x", "number"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "opaque:Shape opaque:Gather opaque:Cast mul");
}

TEST(Infer, AReshapeThatPassesTheBatchOnIsFixed) {
  const TempDir folder;
  OnnxBuilder b(13);
  b.input("x", {-1, 8, 4, 4}).output("y", {-1, 128});
  b.ints("zero", {0}).ints("rest", {128});
  b.node("Shape", {"x"}, {"shape"});
  b.node("Gather", {"shape", "zero"}, {"batch"});
  auto& concat = b.node("Concat", {"batch", "rest"}, {"target"});
  set_attribute(concat, "axis", std::int64_t{0});
  b.node("Reshape", {"x", "target"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "reshape");
  EXPECT_EQ(graph.node(NodeId{1}).attrs.ints, (std::vector<std::int64_t>{0, 128}));
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  EXPECT_EQ(op_types(read_model(folder / "out.onnx")), std::vector<std::string>{"Reshape"});
}

TEST(Infer, UnknownShapesAreSaidNotGuessed) {
  OnnxBuilder b(13);
  b.input("x", {1, 6}).output("y");
  b.node("NonZero", {"x"}, {"y"});
  EXPECT_EQ(shape_of(b), "2x?");
  OnnxBuilder c(13);
  c.input("x", {1, 6}).output("y");
  c.node("Mystery", {"x"}, {"y"}).set_domain("com.example");
  auto& import = *c.model().add_opset_import();
  import.set_domain("com.example");
  import.set_version(1);
  EXPECT_EQ(shape_of(c), "unknown");
}

TEST(Infer, SequencesAndOptionalsPassThrough) {
  OnnxBuilder b(13);
  b.input("x", {1, 3, 8, 8}).weight("w", {4, 3, 3, 3}).output("y");
  set_attribute(b.node("Split", {"x"}, {"a", "b", "c"}), "axis", std::int64_t{1});
  b.node("SequenceConstruct", {"a", "b", "c"}, {"q"});
  set_attribute(b.node("ConcatFromSequence", {"q"}, {"d"}), "axis", std::int64_t{1});
  b.node("Conv", {"d", "w"}, {"y"});
  EXPECT_EQ(shape_of(b), "1x4x6x6");  // the channels of d are not known, those of w are

  OnnxBuilder o(16);
  o.input("x", {1, 3, 8, 8}).weight("w", {4, 3, 3, 3}).output("y");
  o.node("Optional", {"x"}, {"o"});
  o.node("Identity", {"o"}, {"i"});
  o.node("OptionalGetElement", {"i"}, {"e"});
  o.node("Conv", {"e", "w"}, {"y"});
  EXPECT_EQ(shape_of(o), "1x4x6x6");

  OnnxBuilder s(13);  // a sequence as the network's input
  auto& type = *s.graph().add_input();
  type.set_name("q");
  auto& element = *type.mutable_type()->mutable_sequence_type()->mutable_elem_type();
  element.mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  element.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(5);
  s.ints("first", {0}).output("y");
  s.graph().mutable_initializer(0)->clear_dims();
  s.node("SequenceAt", {"q", "first"}, {"a"});
  s.node("Relu", {"a"}, {"y"});
  EXPECT_EQ(shape_of(s), "5");
}

TEST(Infer, WhatASchemaObjectsToStaysUnknown) {
  const TempDir folder;
  OnnxBuilder b(17);
  b.input("x", {1, 9, 2}).output("y").weight("w", {16, 4});
  b.node("Det", {"x"}, {"h"});  // its schema wants square matrices
  OnnxBuilder::set_type(*b.graph().add_value_info(), "h", {1, 16, 1}, onnx::TensorProto::FLOAT);
  b.ints("flat", {1, 16});
  b.node("Reshape", {"h", "flat"}, {"f"});
  b.node("MatMul", {"f", "w"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));  // the declaration tells what it can
  EXPECT_EQ(ops_of(graph), "opaque:Det reshape dense");
  b.graph().clear_value_info();
  EXPECT_EQ(shape_of(b), "1x4");
  b.graph().mutable_node()->DeleteSubrange(1, 2);
  b.node("Relu", {"h"}, {"y"});
  EXPECT_EQ(shape_of(b), "unknown");
}

TEST(SmallTensor, HalfAndBfloatRoundToNearestEven) {
  EXPECT_EQ(double_to_half(1.0), 0x3c00);
  EXPECT_EQ(double_to_half(-2.0), 0xc000);
  EXPECT_EQ(double_to_half(65504), 0x7bff);
  EXPECT_EQ(double_to_half(65520), 0x7c00);        // ties to infinity
  EXPECT_EQ(double_to_half(1 + 0x1p-11), 0x3c00);  // ties to even
  EXPECT_EQ(double_to_half(1 + 3 * 0x1p-11), 0x3c02);
  EXPECT_EQ(double_to_half(0x1p-24), 0x0001);  // the smallest subnormal
  EXPECT_EQ(double_to_bfloat(1.0), 0x3f80);
  EXPECT_EQ(double_to_bfloat(1 + 0x1p-8), 0x3f80);
  EXPECT_EQ(double_to_bfloat(1 + 3 * 0x1p-8), 0x3f82);
  for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    ASSERT_EQ(double_to_half(half_to_double(half)), half);
    ASSERT_EQ(double_to_bfloat(bfloat_to_double(half)), half);
  }
}

}  // namespace
}  // namespace autogo
