#include "autogo/program/program.h"

#include <cmath>
#include <filesystem>
#include <functional>

#include "autogo/base/error.h"
#include "onnx/onnx_builder.h"
#include "onnx/ort.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

const std::string kModels = AUTOGO_SOURCE_DIR "/../shared/models";

/// Inputs, constants with roles, nodes: one line each.
std::string text_of(const Program& p) {
  std::string text;
  auto name = [&](int value) {
    return value < 0 ? std::string("-") : p.values[static_cast<std::size_t>(value)].name;
  };
  for (const ProgramConstant& c : p.constants) {
    const char* role = c.role == ConstantRole::kWeight   ? "weight"
                       : c.role == ConstantRole::kBuffer ? "buffer"
                                                         : "fixed";
    text += std::string(role) + " " + name(c.value) + (c.tensor.splat ? " splat" : "") + " " +
            to_string(Shape(c.tensor.dims)) + "\n";
  }
  for (const ProgramNode& n : p.nodes) {
    text += n.op_type;
    for (const int v : n.inputs) text += " " + name(v);
    text += " ->";
    for (const int v : n.outputs) text += " " + name(v);
    text += "\n";
  }
  return text;
}

ExportOptions seeded(std::uint64_t seed) {
  ExportOptions options;
  options.seed = seed;
  return options;
}

OnnxBuilder small_network() {
  OnnxBuilder b(13);
  b.input("x", {-1, 3, 8, 8}).output("y", {-1, 5});
  b.ints("wshape", {4, 3, 3, 3}).weight("scale", {4}).weight("shift", {4}).weight("mean", {4});
  b.weight("var", {4}).weight("fc", {4, 5}).scalar("half", 0.5).weight("b", {5});
  auto& value = *b.node("ConstantOfShape", {"wshape"}, {"w"}).add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  write_small({DType::kFloat32, {1}, {}, {0.25}}, *value.mutable_t());
  set_attribute(b.node("Conv", {"x", "w"}, {"c"}), "pads", std::vector<std::int64_t>{1, 1, 1, 1});
  b.node("BatchNormalization", {"c", "scale", "shift", "mean", "var"}, {"n"});
  b.node("Mul", {"n", "half"}, {"h"});
  b.node("GlobalAveragePool", {"h"}, {"g"});
  b.node("Flatten", {"g"}, {"f"});
  b.node("MatMul", {"f", "fc"}, {"m"});
  b.node("Add", {"m", "b"}, {"y"});
  return b;
}

TEST(Program, HasWhatTheExporterWritesWithRoles) {
  const TempDir folder;
  const Graph graph = import_onnx(small_network().save(folder / "a.onnx"));
  const Program p = lower(graph);
  EXPECT_EQ(text_of(p),
            "weight w splat 4x3x3x3\n"
            "weight scale 4\n"
            "weight shift 4\n"
            "buffer mean 4\n"
            "buffer var 4\n"
            "fixed half scalar\n"
            "weight fc 4x5\n"
            "weight b 5\n"
            "Conv x w -> c\n"
            "BatchNormalization c scale shift mean var -> n\n"
            "Mul n half -> h\n"
            "GlobalAveragePool h -> g\n"
            "Flatten g -> f\n"
            "MatMul f fc -> m\n"
            "Add m b -> y\n");
  EXPECT_EQ(p.opset, 13);
  ASSERT_EQ(p.inputs.size(), 1U);
  EXPECT_EQ(to_string(p.values[static_cast<std::size_t>(p.inputs[0])].shape), "?x3x8x8");
  EXPECT_EQ(p.nodes[0].integers("pads"), (std::vector<std::int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(real_values(p.constants[0].tensor), std::vector<double>(108, 0.25));
  const int c = p.nodes[0].outputs[0];
  EXPECT_EQ(to_string(p.values[static_cast<std::size_t>(c)].shape), "1x4x8x8");
  for (const ProgramNode& node : p.nodes) {
    ASSERT_LT(index(node.node), graph.num_nodes()) << node.name;
  }
  EXPECT_EQ(graph.node(p.nodes[0].node).op, OpKind::kConv);
  EXPECT_EQ(graph.node(p.nodes[6].node).op, OpKind::kDense);
}

TEST(Program, BytesAreTheSourcesOwn) {
  const TempDir folder;
  const Graph graph = import_onnx(small_network().save(folder / "a.onnx"));
  const Program p = lower(graph), q = lower(graph);
  ASSERT_EQ(p.constants.size(), q.constants.size());
  for (std::size_t i = 1; i < p.constants.size(); ++i) {
    if (p.constants[i].role == ConstantRole::kFixed) continue;  // folded: written anew
    EXPECT_EQ(p.constants[i].tensor.bytes.data(), q.constants[i].tensor.bytes.data());
  }
}

TEST(Program, RolesGoThroughNodesThatReadConstantsOnly) {
  OnnxBuilder b(13);
  b.input("x", {2, 3}).output("y", {2, 4}).output("z", {2, 3});
  b.weight("w", {4, 3}).weight("mean", {3});
  set_attribute(b.node("Transpose", {"w"}, {"wt"}), "perm", std::vector<std::int64_t>{1, 0});
  b.node("MatMul", {"x", "wt"}, {"y"});
  b.node("Sub", {"x", "mean"}, {"z"});
  const TempDir folder;
  EXPECT_EQ(text_of(lower(import_onnx(b.save(folder / "a.onnx")))),
            "weight w 4x3\n"
            "fixed mean 3\n"
            "Transpose w -> wt\n"
            "MatMul x wt -> y\n"
            "Sub x mean -> z\n");
}

TEST(Program, IntegersComputedFromConstantsAreConstants) {
  OnnxBuilder b(13);
  b.input("x", {2, 3}).output("y", {3, 2}).ints("a", {1, 2}).ints("b", {2, 2});
  b.node("Add", {"a", "b"}, {"c"});      // 3, 4
  b.node("Mul", {"c", "b"}, {"d"});      // 6, 8
  b.node("Div", {"d", "a"}, {"e"});      // 6, 4
  b.node("Div", {"e", "b"}, {"shape"});  // 3, 2: nobody else reads what is before
  b.node("Reshape", {"x", "shape"}, {"y"});
  const TempDir folder;
  const Program p = lower(import_onnx(b.save(folder / "a.onnx")));
  EXPECT_EQ(text_of(p), "fixed shape 2\nReshape x shape -> y\n");
  ASSERT_EQ(p.constants.size(), 1U);
  EXPECT_EQ(integer_values(p.constants[0].tensor), (std::vector<std::int64_t>{3, 2}));
}

/// As PyTorch writes it: names for sizes that it did not compute.
TEST(Program, SizesThatADeclarationOnlyNamesAreTheInferredOnes) {
  for (const std::int64_t batch : {-1, 2}) {
    OnnxBuilder b(13);
    b.input("x", {batch, 3, 8, 8}).output("y", {-1, -1, -1, -1}).weight("w", {4, 3, 3, 3});
    b.node("Conv", {"x", "w"}, {"y"});
    const TempDir folder;
    const Program p = lower(import_onnx(b.save(folder / "a.onnx")));
    EXPECT_EQ(p.values[static_cast<std::size_t>(p.outputs[0])].shape, Shape({batch, 4, 6, 6}));
  }
}

TEST(Program, NewNodesHaveTheirWeights) {
  Graph graph;
  const ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, 3, 8, 8}});
  Attrs attrs;
  attrs.out_channels = 6;
  attrs.kernel = {3, 3};
  attrs.bias = true;
  graph.add_output(graph.add(OpKind::kConv, attrs, {x}));
  const Program random = lower(graph, seeded(7));
  EXPECT_EQ(text_of(random),
            "weight conv_1.weight 6x3x3x3\n"
            "weight conv_1.bias 6\n"
            "Conv input conv_1.weight conv_1.bias -> output\n");
  EXPECT_NE(real_values(random.constants[0].tensor),
            real_values(lower(graph, seeded(8)).constants[0].tensor));
  ExportOptions constant;
  constant.new_weights = NewWeights::kConstantOfShape;
  const Program splat = lower(graph, constant);
  EXPECT_EQ(text_of(splat),
            "weight conv_1.weight splat 6x3x3x3\n"
            "weight conv_1.bias splat 6\n"
            "Conv input conv_1.weight conv_1.bias -> output\n");
}

TEST(Program, ConvertsBetweenTypes) {
  const ProgramTensor t = make_tensor({3}, {1.0F, -2.5F, 1e6F});
  const std::string half = converted_bytes(t, DType::kFloat16);
  const ProgramTensor back = make_tensor(DType::kFloat16, {3}, half);
  EXPECT_EQ(real_values(back)[1], -2.5);
  EXPECT_TRUE(std::isinf(real_values(back)[2]));  // above the largest half
  EXPECT_EQ(integer_values(make_tensor(
                DType::kInt16, {3}, converted_bytes(make_tensor({3}, {1, -2, 3}), DType::kInt16))),
            (std::vector<std::int64_t>{1, -2, 3}));
  EXPECT_THROW(integer_values(t), Error);
}

TEST(Program, TypesUnderAByteHoldNoPlainNumbers) {
  const ProgramTensor packed = make_tensor(static_cast<DType>(21), {5}, std::string(3, 'x'));
  for (const auto& read :
       {std::function<void()>([&] { real_values(packed); }),
        std::function<void()>([&] { integer_values(packed); }),
        std::function<void()>([&] { converted_bytes(packed, DType::kInt64); })}) {
    try {
      read();
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUnsupported) << e.what();
    }
  }
}

TEST(Program, EverySampleModelLowers) {
  if (!std::filesystem::is_directory(kModels)) GTEST_SKIP() << kModels << " is not there";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kModels)) {
    if (entry.path().extension() != ".onnx") continue;
    const Graph graph = import_onnx(entry.path().string());
    const Program p = lower(graph);
    std::size_t weights = 0;
    std::int64_t params = 0, expected = 0;
    for (const ProgramConstant& c : p.constants) {
      if (c.role == ConstantRole::kFixed) continue;
      ++weights;
      params += c.tensor.elements();
    }
    for (const auto& facts : graph.source()->node_facts) expected += facts.params;
    EXPECT_GT(weights, 10U) << entry.path();
    EXPECT_GE(params * 1001, expected * 1000) << entry.path();  // position embeddings come on top
    for (const ProgramNode& node : p.nodes) {
      EXPECT_NE(node.op_type, "ConstantOfShape");
      EXPECT_NE(node.op_type, "Constant");
    }
  }
}

TEST(ReplaceWeights, WritesThemInPlaceAndForSplats) {
  const TempDir folder;
  const Graph graph = import_onnx(small_network().save(folder / "a.onnx"));
  std::vector<float> w(108), fc(20);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i) / 100;
  for (std::size_t i = 0; i < fc.size(); ++i) fc[i] = -static_cast<float>(i);
  replace_weights(graph, {{"w", make_tensor({4, 3, 3, 3}, w)}, {"fc", make_tensor({4, 5}, fc)}},
                  folder / "b.onnx");
  expect_valid(folder / "b.onnx");
  const onnx::ModelProto model = read_model(folder / "b.onnx");
  for (const auto& node : model.graph().node()) EXPECT_NE(node.op_type(), "ConstantOfShape");
  for (const auto& tensor : model.graph().initializer()) EXPECT_NE(tensor.name(), "wshape");
  const Program before = lower(graph), after = lower(import_onnx(folder / "b.onnx"));
  ASSERT_EQ(before.constants.size(), after.constants.size());
  for (std::size_t i = 0; i < before.constants.size(); ++i) {
    const std::string& name = after.values[static_cast<std::size_t>(after.constants[i].value)].name;
    std::vector<double> expected = real_values(before.constants[i].tensor);
    if (name == "w") expected.assign(w.begin(), w.end());
    if (name == "fc") expected.assign(fc.begin(), fc.end());
    EXPECT_EQ(real_values(after.constants[i].tensor), expected) << name;
  }
}

TEST(ReplaceWeights, DeclaresThemWhereIr3WantsIt) {
  OnnxBuilder b(9, 3);
  b.input("x", {1, 2, 4, 4}).output("y", {1, 3, 4, 4}).ints("s", {3, 2, 1, 1});
  OnnxBuilder::set_type(*b.graph().add_input(), "s", {4}, onnx::TensorProto::INT64);
  b.node("ConstantOfShape", {"s"}, {"w"});
  b.node("Conv", {"x", "w"}, {"y"});
  const TempDir folder;
  const Graph graph = import_onnx(b.save(folder / "a.onnx"));
  replace_weights(graph, {{"w", make_tensor({3, 2, 1, 1}, {1, 2, 3, 4, 5, 6})}}, folder / "b.onnx");
  expect_valid(folder / "b.onnx");
  const Program p = lower(import_onnx(folder / "b.onnx"));
  EXPECT_EQ(text_of(p), "weight w 3x2x1x1\nConv x w -> y\n");
  EXPECT_EQ(real_values(p.constants[0].tensor), (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST(ReplaceWeights, RefusesStrangers) {
  const TempDir folder;
  const Graph graph = import_onnx(small_network().save(folder / "a.onnx"));
  const std::string out = folder / "b.onnx";
  auto message = [&](const std::string& name, std::vector<std::int64_t> dims) {
    try {
      replace_weights(graph, {{name, make_tensor(dims, std::vector<float>(5, 0))}}, out);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kInput);
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(message("q", {5}), out + ": weight 'q': the network has no constant of this name");
  EXPECT_EQ(message("fc", {5}), out + ": weight 'fc': has shape 5, the network's is 4x5");
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace autogo
