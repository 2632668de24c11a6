// Import and export without a mutation compute the same bits, in ONNX Runtime.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>

#include "onnx_builder.h"
#include "ort.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

const std::string kModels = AUTOGO_SOURCE_DIR "/../shared/models";

std::vector<std::string> sample_models() {
  std::vector<std::string> paths;
  for (const std::string& folder : {kModels, kModels + "/light"}) {
    if (!std::filesystem::is_directory(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".onnx") paths.push_back(entry.path().string());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

/// The model with random weights in place of those that ConstantOfShape makes: degenerate weights
/// would hide an operand that went to the wrong place.
void randomise(const std::string& from, const std::string& to) {
  onnx::ModelProto model = read_model(from);
  auto& graph = *model.mutable_graph();
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& tensor : graph.initializer()) {
    if (tensor.data_type() != onnx::TensorProto::INT64) continue;
    auto& shape = shapes[tensor.name()];
    for (std::size_t i = 0; i < tensor.raw_data().size() / 8; ++i) {
      std::int64_t d = 0;
      std::memcpy(&d, tensor.raw_data().data() + 8 * i, 8);
      shape.push_back(d);
    }
    if (shape.empty()) shape.assign(tensor.int64_data().begin(), tensor.int64_data().end());
  }
  google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes;
  nodes.Swap(graph.mutable_node());
  for (auto& node : nodes) {
    if (node.op_type() != "ConstantOfShape" || !shapes.contains(node.input(0)) ||
        (node.attribute_size() > 0 &&
         node.attribute(0).t().data_type() != onnx::TensorProto::FLOAT)) {
      *graph.add_node() = node;
      continue;
    }
    const auto& dims = shapes[node.input(0)];
    std::int64_t elements = 1, fan_in = 1;
    auto& tensor = *graph.add_initializer();
    for (std::size_t i = 0; i < dims.size(); ++i) {
      tensor.add_dims(dims[i]);
      elements *= dims[i];
      if (i > 0) fan_in *= dims[i];
    }
    tensor.set_name(node.output(0));
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    WeightInit init = he_normal(fan_in);
    if (dims.size() < 2) init = {false, 0.5 + static_cast<double>(graph.node_size() % 7) / 10};
    tensor.set_raw_data(weight_bytes(DType::kFloat32, elements, init, node.output(0), 3));
  }
  std::ofstream file(to, std::ios::binary);
  model.SerializeToOstream(&file);
}

void expect_same(const std::vector<std::string>& pairs, const TempDir& folder,
                 const std::string& environment = "") {
  const OrtAnswer answer = ask_ort("compare", pairs, folder / "pairs", environment);
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
}

TEST(Roundtrip, SampleModels) {
  const std::vector<std::string> models = sample_models();
  if (models.empty()) GTEST_SKIP() << kModels << " is not there";
  const TempDir folder;
  std::vector<std::string> pairs;
  for (const std::string& path : models) {
    const std::string out = folder / std::filesystem::path(path).filename().string();
    const Graph graph = import_onnx(path);
    for (const Node& node : graph.nodes()) {
      for (std::uint32_t i = 0; i < node.num_outputs; ++i) {
        EXPECT_TRUE(graph.value(ValueId{node.first_output + i}).type.shape.known()) << path;
      }
    }
    export_onnx(graph, out);
    expect_valid(out);
    pairs.insert(pairs.end(), {path, out});
  }
  expect_same(pairs, folder);
}

TEST(Roundtrip, SampleModelsWithRandomWeights) {
  const TempDir folder;
  std::vector<std::string> pairs;
  for (const char* name : {"mobilenet_v3_large_bn", "efficientnet_b0_bn", "resnet50_bn_opset20",
                           "light/light_densenet121", "light/light_squeezenet"}) {
    const std::string path = kModels + "/" + name + ".onnx";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    const std::string base = folder / std::filesystem::path(name).filename().string();
    randomise(path, base + ".in.onnx");
    export_onnx(import_onnx(base + ".in.onnx"), base + ".out.onnx");
    pairs.insert(pairs.end(), {base + ".in.onnx", base + ".out.onnx"});
  }
  expect_same(pairs, folder);
}

/// Everything that a network can do with halves, several inputs and a dynamic batch, at batch 3.
TEST(Roundtrip, SmallNetworks) {
  const TempDir folder;
  std::vector<std::string> pairs;
  auto check = [&](const std::string& name, const OnnxBuilder& builder) {
    const std::string in = builder.save(folder / (name + ".in.onnx")),
                      out = folder / (name + ".onnx");
    export_onnx(import_onnx(in), out);
    expect_valid(out);
    pairs.insert(pairs.end(), {in, out});
  };
  const int half = onnx::TensorProto::FLOAT16;
  OnnxBuilder halves(14);
  halves.input("x", {-1, 4, 6, 6}, half).output("y", {-1, 8, 6, 6}, half);
  halves.weight("w", {8, 4, 1, 1}, DType::kFloat16).weight("b", {8}, DType::kFloat16);
  halves.node("Conv", {"x", "w", "b"}, {"c"});
  halves.node("HardSwish", {"c"}, {"y"});
  check("half", halves);

  OnnxBuilder inputs(13);
  inputs.input("x", {-1, 4, 6, 6})
      .input("z", {-1, 6})
      .output("y", {-1, 4, 6, 6})
      .output("y2", {-1, 4, 6, 6});
  inputs.weight("w", {6, 4}).weight("v", {4, 4, 1, 1}).ints("axes", {2, 3});
  inputs.node("MatMul", {"z", "w"}, {"m"});
  inputs.node("Unsqueeze", {"m", "axes"}, {"u"});
  inputs.node("Conv", {"x", "v"}, {"c"});
  inputs.node("Mul", {"c", "u"}, {"p"});
  inputs.node("Identity", {"p"}, {"y"});
  inputs.node("Sigmoid", {"p"}, {"s"});
  inputs.node("Mul", {"s", "p"}, {"y2"});
  check("inputs", inputs);

  OnnxBuilder batch(13);
  batch.input("x", {-1, 8, 6, 6}).output("y", {-1, 8, 6, 6});
  batch.ints("zero", {0}).ints("two", {2}).ints("four", {4}).ints("rest", {6, 6}).ints("c", {8});
  batch.node("Shape", {"x"}, {"shape"});
  batch.node("Gather", {"shape", "zero"}, {"n"});
  set_attribute(batch.node("Concat", {"n", "two", "four", "rest"}, {"t1"}), "axis",
                std::int64_t{0});
  batch.node("Reshape", {"x", "t1"}, {"r1"});
  set_attribute(batch.node("Transpose", {"r1"}, {"t"}), "perm",
                std::vector<std::int64_t>{0, 2, 1, 3, 4});
  set_attribute(batch.node("Concat", {"n", "c", "rest"}, {"t2"}), "axis", std::int64_t{0});
  batch.node("Reshape", {"t", "t2"}, {"y"});
  check("batch", batch);
  expect_same(pairs, folder);
  // The third again with another batch: nothing of it may have been folded away.
  expect_same({pairs[4], pairs[5]}, folder, "AUTOGO_ORT_SHAPES=x:3x8x6x6");
}

}  // namespace
}  // namespace autogo
