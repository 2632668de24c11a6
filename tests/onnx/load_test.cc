#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// The error of importing a model, without its path; empty when there is none.
std::string failure(const OnnxBuilder& builder, const ImportOptions& options = {},
                    std::string* hint = nullptr) {
  const TempDir folder;
  const std::string path = builder.save(folder / "m.onnx");
  try {
    import_onnx(path, options);
    return "";
  } catch (const Error& e) {
    const std::string text = e.what();
    EXPECT_TRUE(text.starts_with(path + ": ")) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_NE(e.kind(), ErrorKind::kInternal) << text;
    if (hint != nullptr) *hint = e.hint();
    return text.substr(path.size() + 2);
  }
}

std::string failure_of_bytes(const std::string& bytes) {
  const TempDir folder;
  std::ofstream(folder / "m.onnx", std::ios::binary) << bytes;
  try {
    import_onnx(folder / "m.onnx");
    return "";
  } catch (const Error& e) {
    return std::string(e.what()).substr((folder / "m.onnx").size() + 2);
  }
}

OnnxBuilder relu_model() {
  OnnxBuilder b;
  b.input("x", {1, 3, 8, 8}).output("y");
  b.node("Relu", {"x"}, {"y"});
  return b;
}

TEST(Load, RefusesWhatIsNoModel) {
  EXPECT_EQ(failure_of_bytes(""), "the file is empty, expected an ONNX model");
  EXPECT_EQ(failure_of_bytes("hello, world"),
            "is text that begins with 'hello, world', not an ONNX model");
  EXPECT_EQ(failure_of_bytes("\x01"),
            "cannot be read as an ONNX model: it is truncated, damaged or of another format "
            "(1 bytes)");
  const std::string bytes = relu_model().model().SerializeAsString();
  EXPECT_EQ(failure_of_bytes(bytes), "");
  EXPECT_EQ(failure_of_bytes(bytes.substr(0, bytes.size() - 3)),
            "cannot be read as an ONNX model: it is truncated, damaged or of another format (" +
                std::to_string(bytes.size() - 3) + " bytes)");
  onnx::ModelProto no_graph;
  no_graph.set_ir_version(8);
  EXPECT_EQ(failure_of_bytes(no_graph.SerializeAsString()),
            "is not an ONNX model: it has no graph");
}

TEST(Load, NamesTheNodeOfAnUndefinedValue) {
  OnnxBuilder b;
  b.input("x", {1, 3}).output("y");
  b.node("Add", {"x", "z"}, {"y"}).set_name("sum");
  EXPECT_EQ(failure(b),
            "node 'sum' (Add): its input 'z' is not defined: no node, network input or initializer "
            "has this name");
}

TEST(Load, FindsCycles) {
  OnnxBuilder b;
  b.input("x", {1, 3}).output("y");
  b.node("Relu", {"x"}, {"a"});
  b.node("Add", {"a", "c"}, {"b"}).set_name("sum");
  b.node("Relu", {"b"}, {"c"});
  b.node("Relu", {"c"}, {"y"});
  EXPECT_EQ(failure(b), "node 'sum' (Add): depends on its own output: the graph has a cycle");
}

TEST(Load, SortsNodesThatAreOutOfOrder) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 3}).output("y", {1, 3});
  b.node("Tanh", {"a"}, {"y"});
  b.node("Relu", {"x"}, {"a"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "relu tanh");
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
}

TEST(Load, RefusesDoubleDefinitions) {
  OnnxBuilder b;
  b.input("x", {1, 3}).output("y");
  b.node("Relu", {"x"}, {"y"}).set_name("one");
  b.node("Tanh", {"x"}, {"y"}).set_name("two");
  EXPECT_EQ(failure(b), "node 'two' (Tanh): defines 'y', which is defined already");
  OnnxBuilder c;
  c.input("x", {1, 3}).input("x", {1, 3}).output("y");
  c.node("Relu", {"x"}, {"y"});
  EXPECT_EQ(failure(c), "two network inputs are called 'x'");
}

TEST(Load, RefusesOutputsThatNobodyMakes) {
  OnnxBuilder b = relu_model();
  b.output("z");
  EXPECT_EQ(failure(b), "the network output 'z' is not defined by any node");
}

TEST(Load, RefusesWeightsOfAWrongLength) {
  OnnxBuilder b = relu_model();
  b.weight("w", {2, 3});
  b.graph().mutable_initializer(0)->mutable_raw_data()->resize(20);
  EXPECT_EQ(failure(b), "initializer 'w': has 20 bytes of data, its shape 2x3 needs 24");
  b.graph().mutable_initializer(0)->clear_raw_data();
  b.graph().mutable_initializer(0)->add_float_data(1);
  EXPECT_EQ(failure(b), "initializer 'w': has 1 elements of data, its shape 2x3 needs 6");
  b.graph().mutable_initializer(0)->set_dims(0, -2);
  EXPECT_EQ(failure(b), "initializer 'w': its shape ?x3 is impossible");
}

TEST(Load, AsksForMissingInputShapes) {
  OnnxBuilder b;
  b.input("image", {-1, 3, -1, -1}).input("ids", {-1, 0}, onnx::TensorProto::INT64).output("y");
  b.node("Relu", {"image"}, {"y"});
  std::string hint;
  EXPECT_EQ(failure(b, {}, &hint),
            "input 'image' has the dynamic shape d0x3xd2xd3, its sizes are needed; input 'ids' has "
            "the dynamic shape d0x?, its sizes are needed");
  EXPECT_EQ(hint, "add --input-shape image:1x3x224x224 --input-shape ids:1x128");
  EXPECT_EQ(failure(b, {{{"image", {1, 3, 32, 32}}, {"ids", {1, 7}}}}), "");
  EXPECT_EQ(failure(b, {{{"image", {1, 4, 32, 32}}, {"ids", {1, 7}}}}),
            "input 'image' is declared d0x3xd2xd3, the given shape 1x4x32x32 does not fit");
  EXPECT_EQ(failure(b, {{{"picture", {1, 3, 32, 32}}}}),
            "there is no input 'picture' for the given shape, the inputs are: image, ids");
  EXPECT_EQ(failure(b, {{{"", {1, 3, 32, 32}}}}),
            "an input shape without a name, the model has several inputs: image, ids");
}

TEST(Load, GivenSizesCanBeFixed) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {-1, 3, -1, -1}).output("y", {-1, 4, -1, -1}).weight("w", {4, 3, 1, 1});
  b.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape()
      ->mutable_dim(3)->set_dim_param("made_up");
  b.node("Conv", {"x", "w"}, {"c"});
  b.node("Shape", {"c"}, {"s"});
  b.node("Reshape", {"c", "s"}, {"y"});
  const std::string path = b.save(folder / "m.onnx");
  const ImportOptions options{.input_shapes = {{"x", {2, 3, 8, 6}}}, .fix_shapes = true};
  export_onnx(import_onnx(path, options), folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  auto shape = [](const onnx::ValueInfoProto& info) {
    std::string text;
    for (const auto& dim : info.type().tensor_type().shape().dim()) {
      text += (text.empty() ? "" : "x") + std::to_string(dim.dim_value()) + dim.dim_param();
    }
    return text;
  };
  EXPECT_EQ(shape(model.graph().input(0)), "2x3x8x6");
  EXPECT_EQ(shape(model.graph().output(0)), "2x4x8x6");
  EXPECT_EQ(op_types(model), (std::vector<std::string>{"Conv", "Reshape"}));
  // Without fixing they count for costs alone.
  export_onnx(import_onnx(path, {{{"x", {2, 3, 8, 6}}}}), folder / "out.onnx");
  EXPECT_EQ(shape(read_model(folder / "out.onnx").graph().input(0)), "0d0x3x0d2x0d3");
}

TEST(Load, SizesOfZeroAreSizes) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 4}).output("y").weight("w", {2, 4});
  b.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()
      ->mutable_dim(0)->set_dim_value(0);
  set_attribute(b.node("Concat", {"x", "w"}, {"y"}), "axis", std::int64_t{0});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(to_string(graph.output_type(graph.output_nodes()[0]).shape), "2x4");
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  const auto& dim = model.graph().input(0).type().tensor_type().shape().dim(0);
  EXPECT_TRUE(dim.has_dim_value());
  EXPECT_EQ(dim.dim_value(), 0);
  // Given ones too; elsewhere than in front they need not be given.
  b.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()
      ->mutable_dim(0)->clear_dim_value();
  EXPECT_EQ(failure(b, {{{"x", {0, 4}}}}), "");
  b.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()
      ->mutable_dim(1)->set_dim_value(0);
  b.weight("v", {3, 0});
  b.graph().mutable_node(0)->set_input(1, "v");
  EXPECT_EQ(failure(b), "");
}

TEST(Load, ALeadingDynamicDimensionCountsAsOne) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {-1, 3, 8, 8}).output("y", {-1, 3, 8, 8});
  b.node("Relu", {"x"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(to_string(graph.output_type(graph.output_nodes()[0]).shape), "1x3x8x8");
  export_onnx(graph, folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  EXPECT_EQ(model.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "d0");
  EXPECT_EQ(model.graph().output(0).type().tensor_type().shape().dim(0).dim_param(), "d0");
}

TEST(Load, ExplainsNodesThatContradictTheirInputs) {
  OnnxBuilder b;
  b.input("x", {1, 3, 8, 8}).weight("w", {4, 5, 3, 3}).output("y");
  b.node("Conv", {"x", "w"}, {"y"}).set_name("conv1");
  EXPECT_EQ(failure(b), "node 'conv1' (Conv): the input has 3 channels, the weights need 5");
  OnnxBuilder c;
  c.input("x", {1, 3, 8, 8}).weight("w", {4, 3, 3, 3}).output("y");
  set_attribute(c.node("Conv", {"x", "w"}, {"y"}), "strides", std::vector<std::int64_t>{0, 1});
  EXPECT_EQ(failure(c), "node 'y_Conv' (Conv): strides has an entry of 0");
  OnnxBuilder d;
  d.input("x", {1, 3}).input("z", {1, 4}).output("y");
  d.node("Add", {"x", "z"}, {"y"});
  EXPECT_EQ(failure(d), "node 'y_Add' (Add): the shapes 1x3 and 1x4 do not broadcast");
}

}  // namespace
}  // namespace autogo
