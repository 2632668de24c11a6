// What exported PyTorch files look like, and that whole networks compute what ONNX Runtime
// computes, with another batch too. tools/check_codegen.sh does it for every sample model.
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/corpus/corpus.h"
#include "codegen_support.h"
#include "onnx/maps_builder.h"
#include "onnx/onnx_builder.h"
#include "random_weights.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

const std::string kModels = AUTOGO_SOURCE_DIR "/../shared/models/";

std::string text_between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  return begin == text.npos ? "" : text.substr(begin, text.find(to, begin) - begin);
}

TEST(PyTorch, WritesWhatAPersonWould) {
  const TempDir folder;
  export_pytorch(nasbench201_graph("nb201:a1s1ss"), folder / "cell.py", {.source = "a \"b\".onnx"});
  const std::string text = read_file(folder / "cell.py");
  EXPECT_TRUE(
      text.starts_with("\"\"\"A PyTorch network, exported by autogo from a 'b'.onnx.\n\n"
                       "    from cell import load\n    network = load()\n\"\"\"\n"))
      << text.substr(0, 300);
  EXPECT_EQ(text_between(text, "class HeadSegment1", "\n\n\n"), R"(class HeadSegment1(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 10)

    def forward(self, x):
        x = x.mean(dim=(2, 3))
        return self.fc1(x))");
  EXPECT_NE(text.find("\"\"\"95354 parameters; input Nx3x32x32, output Nx10.\"\"\""), text.npos);
}

// Each step of a chain of constants is looked through, however many there are.
TEST(PyTorch, AWeightBehindALongChain) {
  constexpr int kLength = 200'000;
  OnnxBuilder b(13);
  b.input("x", {1, 6}).weight("w", {6, 4}).ints("rows", {3, 8}).ints("shape", {4, 6}).output("y");
  std::string last = "w";
  for (int i = 0; i < kLength; i += 4) {  // 6 x 4 to 4 x 6 to 6 x 4, and twice through 3 x 8
    const std::string n = std::to_string(i);
    b.node("Transpose", {last}, {"t" + n});
    b.node("Reshape", {"t" + n, "rows"}, {"a" + n});
    b.node("Reshape", {"a" + n, "shape"}, {"b" + n});
    b.node("Transpose", {"b" + n}, {"w" + n});
    last = "w" + n;
  }
  b.node("MatMul", {"x", last}, {"y"});
  const TempDir folder;
  const CodeSummary summary =
      export_pytorch(import_onnx(b.save(folder / "net.onnx")), folder / "net.py");
  EXPECT_EQ(summary.parameters, 24);
}

// What operators compute from constants stands where it is read, unless it is too long for that.
TEST(PyTorch, ComputationsOfConstantsAreBounded) {
  const auto refusal = [](const char* op, int operands, int length) {
    OnnxBuilder b(13);
    b.input("x", {4}).weight("w", {4}).output("y");
    std::string last = "w";
    for (int i = 0; i < length; ++i) {
      const std::string next = "c" + std::to_string(i);
      b.node(op, std::vector<std::string>(static_cast<std::size_t>(operands), last), {next});
      last = next;
    }
    b.node("Add", {"x", last}, {"y"});
    const TempDir folder;
    try {
      export_pytorch(import_onnx(b.save(folder / "net.onnx")), folder / "net.py");
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(refusal("Exp", 1, 20), "no error");
  EXPECT_NE(refusal("Exp", 1, 100'000).find("a chain of more than 64 operators"), std::string::npos);
  // Each step twice as long as the one before.
  EXPECT_NE(refusal("Mul", 2, 60).find("does not fit a line"), std::string::npos);
}

TEST(PyTorch, AlikeSegmentsShareAClass) {
  // A chain of residual blocks of two widths: one class with the width as its argument.
  OnnxBuilder b(13);
  b.input("x", {1, 8, 6, 6}).output("y", {1, 16, 6, 6});
  std::string x = "x";
  int width = 8, block = 0;
  for (const int next : {8, 16, 16}) {
    const std::string tag = std::to_string(++block);
    if (next != width) {
      b.weight("p", {next, width, 1, 1});
      b.node("Conv", {x, "p"}, {"wide"});
      b.node("Relu", {"wide"}, {"wider"});
      x = "wider";
      width = next;
    }
    b.weight("w" + tag, {width, width, 1, 1});
    b.node("Conv", {x, "w" + tag}, {"c" + tag});
    b.node("Add", {x, "c" + tag}, {"s" + tag});
    b.node("Relu", {"s" + tag}, {block == 3 ? "y" : "r" + tag});
    x = "r" + tag;
  }
  const TempDir folder;
  const CodeSummary summary =
      export_pytorch(import_onnx(b.save(folder / "net.onnx")), folder / "net.py");
  EXPECT_EQ(summary.segments, 4U);
  EXPECT_EQ(summary.classes, 2U);
  EXPECT_EQ(summary.weights, folder / "net.safetensors");
  const std::string text = read_file(folder / "net.py");
  EXPECT_EQ(text_between(text, "class ResidualSegment1", "\n\n\n"),
            R"(class ResidualSegment1(nn.Module):
    def __init__(self, channels_in):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_in, 1, bias=False)

    def forward(self, x):
        y = self.conv1(x)
        return F.relu(x + y))");
  EXPECT_NE(text.find("self.segment4 = ResidualSegment1(channels_in=16)"), text.npos);
}

/// Why a model is not written, of which nothing is left behind then.
std::string refusal(const OnnxBuilder& b) {
  const TempDir folder;
  const Graph graph = import_onnx(b.save(folder / "a.onnx"));
  std::string why;
  try {
    export_pytorch(graph, folder / "a.py");
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    why = e.what();
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "a.py"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.safetensors"));
  return why;
}

TEST(PyTorch, NamesTheNodeThatItCannotWrite) {
  OnnxBuilder b(13);
  b.input("x", {2, 4}).output("y", {2, 4}).scalar("s", 0.1);
  b.node("QuantizeLinear", {"x", "s"}, {"q"});
  b.node("DequantizeLinear", {"q", "s"}, {"y"});
  EXPECT_EQ(refusal(b),
            "node 'q_QuantizeLinear' (QuantizeLinear): the operator has no form in PyTorch");
}

TEST(PyTorch, NamesTheNodeBehindAConstantThatItCannotWrite) {
  OnnxBuilder b(13);
  b.input("x", {2, 3}).output("y", {2, 3}).weight("w", {2, 3}).weight("u", {1, 3});
  b.ints("at", {1});
  b.node("Unsqueeze", {"at", "at"}, {"rows"});
  b.node("ScatterND", {"w", "rows", "u"}, {"table"});
  b.node("Neg", {"table"}, {"negative"});
  b.node("Add", {"x", "negative"}, {"y"});
  EXPECT_EQ(refusal(b),
            "node 'y_Add' (Add): a constant operand needs node 'table_ScatterND' (ScatterND): the "
            "operator has no form in PyTorch");
}

/// With random weights, with a batch of 1 and of 3, in both frameworks.
void expect_models_agree(const std::vector<std::string>& models, const TempDir& folder) {
  std::vector<std::string> random;
  for (const std::string& model : models) {
    if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not there";
    random.push_back(folder / ("m" + std::to_string(random.size()) + ".onnx"));
    write_randomized(import_onnx(model), 1, random.back());
    export_pytorch(import_onnx(random.back()), replaced_extension(random.back(), ".py"));
  }
  expect_pytorch_agrees(random, folder / "list", {1, 3});
  for (const std::string& model : random) {
    export_keras(import_onnx(model), replaced_extension(model, ".py"));
  }
  expect_keras_agrees(random, folder / "list", {1, 3});
}

TEST(Codegen, SampleModelsComputeWhatTheRuntimeComputes) {
  const TempDir folder;
  expect_models_agree(
      {kModels + "mobilenet_v3_large_bn.onnx", kModels + "mobilenet_v2.onnx",
       kModels + "light/light_squeezenet.onnx", AUTOGO_SOURCE_DIR "/data/models/fsrcnn4_x2.onnx"},
      folder);
}

TEST(PyTorch, ADynamicBatchStaysOpen) {
  OnnxBuilder b(13);
  b.input("x", {-1, 4, 6, 6}).output("y", {-1, 3, 48});
  b.ints("zero", {0}).ints("three", {3}).ints("rest", {-1}).scalar("half", 0.5);
  b.node("Shape", {"x"}, {"s"});
  b.node("Gather", {"s", "zero"}, {"n"});
  set_attribute(b.node("Concat", {"n", "three", "rest"}, {"t"}), "axis", std::int64_t{0});
  b.node("Mul", {"x", "half"}, {"h"});
  b.node("Reshape", {"h", "t"}, {"y"});
  const TempDir folder;
  const std::string path = b.save(folder / "dynamic.onnx");
  export_pytorch(import_onnx(path), folder / "dynamic.py");
  EXPECT_NE(read_file(folder / "dynamic.py").find("return (x * 0.5).reshape(-1, 3, 48)"),
            std::string::npos)
      << read_file(folder / "dynamic.py");
  expect_pytorch_agrees({path}, folder / "list", {1, 4});
}

TEST(Codegen, PadsMayBeComputedFromConstants) {
  // As PyTorch's exporter writes functional.pad(x, (1, 2)): pairs from the last axis to the first,
  // turned around. Padding by another number than 0 is no operator of the table.
  OnnxBuilder b(13);
  b.input("x", {1, 4, 6}).output("y", {1, 4, 9});
  b.ints("last", {1, 2}).ints("four", {4}).ints("pairs", {-1, 2}).ints("flat", {-1});
  b.ints("minus", {-1}).ints("axis", {0}).ints("least", {std::numeric_limits<std::int64_t>::min()});
  auto& value = *b.node("ConstantOfShape", {"four"}, {"zeros"}).add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  write_small({DType::kInt64, {1}, {0}, {}}, *value.mutable_t());
  set_attribute(b.node("Concat", {"last", "zeros"}, {"all"}), "axis", std::int64_t{0});
  b.node("Reshape", {"all", "pairs"}, {"rows"});
  b.node("Slice", {"rows", "minus", "least", "axis", "minus"}, {"turned"});
  set_attribute(b.node("Transpose", {"turned"}, {"columns"}), "perm",
                std::vector<std::int64_t>{1, 0});
  b.node("Reshape", {"columns", "flat"}, {"pads32"});
  set_attribute(b.node("Cast", {"pads32"}, {"pads"}), "to", std::int64_t{7});
  b.scalar("half", 0.5).node("Pad", {"x", "pads", "half"}, {"p"});
  b.node("Relu", {"p"}, {"y"});
  const TempDir folder;
  expect_models_agree({b.save(folder / "pads.onnx")}, folder);
}

TEST(Codegen, TheBatchIsFollowedThroughAttention) {
  // Two heads, tokens first, everything reshaped with the numbers of a batch of 1.
  OnnxBuilder b(13);
  b.input("x", {1, 4, 6}).output("y", {1, 4, 6});
  b.ints("heads", {4, 2, 3}).ints("rows", {4, 6}).ints("tokens", {4, 1, 6}).weight("w", {6, 6});
  auto turn = [&](const char* from, const char* to, const std::vector<std::int64_t>& perm) {
    set_attribute(b.node("Transpose", {from}, {to}), "perm", perm);
  };
  turn("x", "t", {1, 0, 2});
  b.node("Reshape", {"t", "heads"}, {"h"});
  turn("h", "q", {1, 0, 2});
  turn("h", "k", {1, 2, 0});
  b.node("MatMul", {"q", "k"}, {"scores"});
  b.node("Softmax", {"scores"}, {"s"});
  b.node("MatMul", {"s", "q"}, {"m"});
  turn("m", "back", {1, 0, 2});
  b.node("Reshape", {"back", "rows"}, {"flat"});
  b.node("MatMul", {"flat", "w"}, {"o"});
  b.node("Reshape", {"o", "tokens"}, {"r"});
  turn("r", "u", {1, 0, 2});
  b.node("Add", {"x", "u"}, {"y"});
  const TempDir folder;
  expect_models_agree({b.save(folder / "attention.onnx")}, folder);
}

TEST(Codegen, FamiliesComputeWhatTheRuntimeComputes) {
  const TempDir folder;
  std::vector<std::string> models;
  for (const char* id :
       {"nb101:7:100000100011100001101:13m3m", "nb201:a1s1ss", "hiaml:z-t31-r30-src8",
        "two_path:ap+c5*,mp+d3*|s3,r4k3*,s5+r2k1*,e2k1+e2k3",
        "inception:2@16>16:mp+p3;16>16:s3+w5;16>16:c5+ap/2@16>32:d1+s5;64>32:w3+c1/"
        "2@128>128:p5+c5/2@64>64:ap+p3;64>64:p5+c3;128>64:c3+s3;32>64:s5+w3"}) {
    models.push_back(folder / (std::to_string(models.size()) + ".onnx"));
    export_onnx(family_graph(id), models.back());
  }
  expect_models_agree(models, folder);
}

TEST(Codegen, NetworksOfChannelsLastComputeWhatTheRuntimeComputes) {
  const TempDir folder;
  OnnxBuilder b;
  MapBuilder maps(b, /*channels_last=*/true);
  b.input("x", maps.map(3, 16, 12)).output("y", {1, 10});
  maps.mobile_network("x", "y");
  const std::string file = b.save(folder / "file.onnx"), found = folder / "found.onnx";
  const Graph graph = import_onnx(file);
  const Graph changed = renewed(graph, {OpKind::kRelu, OpKind::kAdd, OpKind::kMaxPool});
  export_onnx(changed, found);
  export_pytorch(graph, folder / "file.py");
  export_pytorch(changed, folder / "found.py");
  expect_pytorch_agrees({file, found}, folder / "list");
}

TEST(Codegen, FoundNetworksComputeWhatTheRuntimeComputes) {
  const std::string program = AUTOGO_BINARY_DIR "/tests/search/make_children";
  const std::string model = kModels + "mobilenet_v3_large_bn.onnx";
  if (!std::filesystem::exists(program)) GTEST_SKIP() << program << " is not built";
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not there";
  const TempDir folder;
  const std::string command = program + " '" + model +
                              "' '" AUTOGO_SOURCE_DIR "/data/segments.json' 3 11 '" +
                              folder.path() + "' > /dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::vector<std::string> children;
  for (int i = 0; i < 3; ++i) children.push_back(folder / (std::to_string(i) + ".onnx"));
  expect_models_agree(children, folder);
}

}  // namespace
}  // namespace autogo
