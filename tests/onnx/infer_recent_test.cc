// Shapes of operators newer than the schemas of ONNX's library; ONNX Runtime is the judge.
#include <gtest/gtest.h>

#include <fstream>

#include "autogo/base/error.h"
#include "base/json.h"
#include "onnx_builder.h"
#include "ort.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

struct Case {
  std::string name;
  OnnxBuilder builder;
  std::vector<std::string> expected;  ///< shapes of the outputs
};

/// A node whose inputs are computed ("x:2x3"), integers ("=3,4"; "=3" is a scalar) or absent ("").
Case make(const std::string& op, std::int64_t opset, const std::vector<std::string>& inputs,
          const std::vector<std::string>& expected,
          const std::vector<std::pair<std::string, std::int64_t>>& attributes = {}) {
  Case c{op, OnnxBuilder(opset, opset > 20 ? 11 : opset > 17 ? 9 : 8), expected};
  std::vector<std::string> names, outputs;
  for (const std::string& text : inputs) {
    names.push_back(text.empty() ? "" : "i" + std::to_string(names.size()));
    if (text.empty()) continue;
    Ints numbers;
    std::string digits = text.substr(text[0] == '=' ? 1 : 0);
    for (char& ch : digits) ch = ch == 'x' || ch == ',' ? ' ' : ch;
    std::istringstream stream(digits);
    for (std::int64_t n = 0; stream >> n;) numbers.push_back(n);
    if (text[0] != '=') {
      c.builder.input(names.back(), numbers);
    } else {
      auto& tensor = *c.builder.graph().add_initializer();
      tensor.set_name(names.back());
      const bool scalar = numbers.size() == 1;
      const Ints dims = scalar ? Ints{} : Ints{static_cast<std::int64_t>(numbers.size())};
      write_small({DType::kInt64, dims, numbers, {}}, tensor);
    }
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    outputs.push_back(expected[i].empty() ? "" : "y" + std::to_string(i));
    if (!expected[i].empty()) c.builder.output(outputs.back());
  }
  auto& node = c.builder.node(op, names, outputs);
  for (const auto& [name, value] : attributes) set_attribute(node, name, value);
  return c;
}

std::vector<Case> cases() {
  std::vector<Case> list = {
      make("AffineGrid", 20, {"2x2x3", "=2,3,5,6"}, {"2x5x6x2"}),
      make("AffineGrid", 20, {"2x3x4", "=2,3,4,5,6"}, {"2x4x5x6x3"}),
      make("Attention", 23, {"2x4x5x8", "2x4x7x8", "2x4x7x6"}, {"2x4x5x6"}),
      make("Attention", 23, {"2x6x5x8", "2x2x7x8", "2x2x7x6"}, {"2x6x5x6"}),
      make("Attention", 23, {"2x5x48", "2x7x16", "2x7x12", "", "2x2x3x8", "2x2x3x6"},
           {"2x5x36", "2x2x10x8", "2x2x10x6", "2x6x5x10"},
           {{"q_num_heads", 6}, {"kv_num_heads", 2}}),
      make("Attention", 23, {"2x4x5x8", "2x4x7x8", "2x4x7x6"}, {"2x4x5x6", "", "", "2x4x5x7"}),
      make("DFT", 17, {"2x10x1"}, {"2x10x2"}, {{"axis", 1}}),
      make("DFT", 17, {"2x10x1", "=7"}, {"2x4x2"}, {{"axis", 1}, {"onesided", 1}}),
      make("DFT", 17, {"1x9x2"}, {"1x16x1"}, {{"axis", 1}, {"onesided", 1}, {"inverse", 1}}),
      make("DFT", 20, {"2x10x6x1"}, {"2x10x6x2"}),
      make("DFT", 20, {"2x10x6x1", "=7", "=1"}, {"2x4x6x2"}, {{"onesided", 1}}),
      make("DFT", 20, {"1x9x2", "=15", "=1"}, {"1x15x1"}, {{"onesided", 1}, {"inverse", 1}}),
      make("GridSample", 20, {"1x2x4x5x6", "1x2x3x4x3"}, {"1x2x2x3x4"}),
      make("RotaryEmbedding", 23, {"1x2x4x8", "1x4x4", "1x4x4"}, {"1x2x4x8"}),
      make("STFT", 17, {"1x64x1", "=8", "16"}, {"1x7x9x2"}),
      make("STFT", 17, {"2x65x1", "=8", "", "=17"}, {"2x7x9x2"}),
      make("STFT", 17, {"2x65x1", "=8", "16", "=16"}, {"2x7x16x2"}, {{"onesided", 0}}),
  };
  for (const bool within : {true, false}) {
    Case c{"Resize", OnnxBuilder(18), {within ? "1x3x20x15" : "1x3x27x20"}};
    c.builder.input("x", {1, 3, 8, 6}).ints("sizes", {20, 20}).output("y");
    auto& node = c.builder.node("Resize", {"x", "", "", "sizes"}, {"y"});
    set_attribute(node, "axes", Ints{2, 3});
    set_attribute(node, "keep_aspect_ratio_policy",
                  std::string(within ? "not_larger" : "not_smaller"));
    list.push_back(c);
  }
  {
    Case c{"CenterCropPad", OnnxBuilder(18), {"8x9x3"}};
    c.builder.input("x", {10, 7, 3}).ints("shape", {8, 9}).output("y");
    set_attribute(c.builder.node("CenterCropPad", {"x", "shape"}, {"y"}), "axes", Ints{0, 1});
    list.push_back(c);
  }
  {
    Case c{"Col2Im", OnnxBuilder(18), {"2x3x5x5"}};
    c.builder.input("x", {2, 12, 9}).ints("image", {5, 5}).ints("block", {2, 2}).output("y");
    auto& node = c.builder.node("Col2Im", {"x", "image", "block"}, {"y"});
    set_attribute(node, "strides", Ints{2, 2});
    set_attribute(node, "pads", Ints{1, 1, 1, 1});
    list.push_back(c);
  }
  {
    Case c{"DeformConv", OnnxBuilder(19, 9), {"1x6x5x5"}};
    c.builder.input("x", {1, 4, 7, 7}).input("o", {1, 18, 5, 5}).weight("w", {6, 4, 3, 3});
    c.builder.output("y").node("DeformConv", {"x", "w", "o"}, {"y"});
    set_attribute(*c.builder.graph().mutable_node(0), "pads", Ints{0, 0, 0, 0});
    list.push_back(c);
  }
  for (const std::int64_t axis : {-1, 0, 1, -2}) {
    Case c{"OneHot", OnnxBuilder(13), {axis == -1 ? "2x3x5" : axis == 0 ? "5x2x3" : "2x5x3"}};
    c.builder.input("x", {2, 3}, onnx::TensorProto::INT64).output("y").weight("v", {2});
    c.builder.scalar("depth", 5);
    set_attribute(c.builder.node("OneHot", {"x", "depth", "v"}, {"y"}), "axis", axis);
    list.push_back(c);
  }
  {
    Case c{"Compress", OnnxBuilder(13), {"2x3"}};
    c.builder.input("x", {4, 3}).output("y");
    auto& tensor = *c.builder.graph().add_initializer();
    tensor.set_name("c");
    write_small({DType::kBool, {4}, {1, 0, 1, 0}, {}}, tensor);
    set_attribute(c.builder.node("Compress", {"x", "c"}, {"y"}), "axis", std::int64_t{0});
    list.push_back(c);
  }
  for (const std::string equation : {"...ij,...jk->...ik", "aij,ajk"}) {  // implied: "ik" of "aijk"
    const bool implied = equation[0] == 'a';
    Case c{"Einsum", OnnxBuilder(13), {implied ? "5x3" : "2x5x3"}};
    c.builder.input("a", {2, 5, 7}).input("b", {2, 7, 3}).output("y");
    set_attribute(c.builder.node("Einsum", {"a", "b"}, {"y"}), "equation", equation);
    list.push_back(c);
  }
  return list;
}

std::vector<std::string> output_shapes(const Graph& graph) {
  std::vector<std::string> shapes;
  for (const NodeId id : graph.output_nodes()) {
    shapes.push_back(to_string(graph.output_type(id).shape));
  }
  return shapes;
}

TEST(InferRecent, ShapesAreThoseOfOnnxRuntime) {
  const TempDir folder;
  std::vector<std::string> paths;
  std::vector<std::vector<std::string>> all;
  for (Case& c : cases()) {
    SCOPED_TRACE(c.name + " " + std::to_string(paths.size()));
    std::erase(c.expected, "");
    paths.push_back(c.builder.save(folder / (std::to_string(paths.size()) + ".onnx")));
    all.push_back(c.expected);
    EXPECT_EQ(output_shapes(import_onnx(paths.back())), c.expected);
  }
  const OrtAnswer answer = ask_ort("record", paths, folder / "list");
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    std::ifstream file(paths[i] + ".io", std::ios::binary);
    std::string line;
    if (!std::getline(file, line)) continue;  // said above
    std::vector<std::string> shapes;
    const OrderedJson head = OrderedJson::parse(line);
    for (const auto& output : head.at("outputs")) {
      shapes.push_back(to_string(Shape(output.at("dims").get<Ints>())));
    }
    EXPECT_EQ(shapes, all[i]) << paths[i];
  }
}

TEST(InferRecent, StatisticsOfATrainingBatchNormHaveTheirShape) {
  OnnxBuilder b(15);
  b.input("x", {2, 4, 6, 6}).output("y").output("m").output("v");
  b.weight("s", {4}).weight("b", {4}).weight("mean", {4}).weight("var", {4});
  set_attribute(b.node("BatchNormalization", {"x", "s", "b", "mean", "var"}, {"y", "m", "v"}),
                "training_mode", std::int64_t{1});
  const TempDir folder;
  EXPECT_EQ(output_shapes(import_onnx(b.save(folder / "m.onnx"))),
            (std::vector<std::string>{"2x4x6x6", "4", "4"}));
}

std::string refusal(const Case& c) {
  const TempDir folder;
  const std::string path = c.builder.save(folder / "m.onnx");
  try {
    import_onnx(path);
  } catch (const Error& e) {
    return std::string(e.what()).substr(path.size() + 2);
  }
  return "accepted";
}

TEST(InferRecent, SaysWhatDoesNotFit) {
  EXPECT_EQ(refusal(make("Attention", 23, {"1x10x16", "1x10x16", "1x10x16"}, {"y"},
                         {{"q_num_heads", 3}, {"kv_num_heads", 3}})),
            "node 'y0_Attention' (Attention): Attention of 16 channels with 3 heads");
  EXPECT_EQ(refusal(make("STFT", 17, {"1x8x1", "=2", "16"}, {"y"})),
            "node 'y0_STFT' (STFT): STFT of 8 samples in frames of 16");
}

}  // namespace
}  // namespace autogo
