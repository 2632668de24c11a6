// Operator by operator: the exported PyTorch file computes what ONNX Runtime computes, or the
// operator is refused by name. What is refused is listed here.
#include <filesystem>
#include <map>

#include "codegen_support.h"
#include "onnx/op_samples.h"
#include "onnx/operator_cases.h"
#include "random_weights.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

const char* const kUneven = "average pooling with uneven pads and ceil_mode has no form in PyTorch";
const char* const kBackwards = "a slice that runs backwards over a part has no form in PyTorch";
const char* const kCumulative =
    "a cumulative sum that is exclusive or reversed has no form in PyTorch";
const char* const kNone = "the operator has no form in PyTorch";

const char* const kPads = "pads the batch or the channels by ";

/// The cases of all families, in a folder, named after family and case.
std::vector<std::string> all_cases(const TempDir& folder) {
  std::vector<std::string> models;
  std::string family;
  const CheckModels collect = [&](const std::vector<std::string>& made, const std::string&) {
    for (const std::string& model : made) {
      models.push_back(folder / (family + "_" + case_name(model) + ".onnx"));
      std::filesystem::rename(model, models.back());
    }
  };
  const std::vector<std::pair<std::string, void (*)(const CheckModels&)>> families{
      {"window", window_cases},   {"conv", convolution_cases},     {"element", elementwise_cases},
      {"product", product_cases}, {"normal", normalisation_cases}, {"move", movement_cases},
      {"index", index_cases},     {"resize", resize_cases}};
  for (const auto& [name, cases] : families) {
    family = name;
    cases(collect);
  }
  return models;
}

/// All families in one run of either program. Resizing is left to its rules: nearest by other ones
/// than PyTorch's, and coordinates that it does not have, are refused.
TEST(PyTorchOperators, ComputeWhatTheRuntimeComputesOrAreRefused) {
  const TempDir folder;
  const std::vector<std::string> models = all_cases(folder);
  Refusals refused;
  EXPECT_GT(models.size(), 200U);
  expect_pytorch_agrees(exported(models, refused, export_pytorch), folder / "list");
  std::erase_if(refused, [](const auto& entry) {
    const auto& [name, reason] = entry;
    return name.starts_with("resize_") && reason.starts_with("resizing by ") &&
           (name.find("nearest") != name.npos || name.find("asymmetric") != name.npos ||
            reason.find("half_pixel and") != reason.npos);
  });
  const Refusals expected{
      {"window_AveragePool_ceil313", kUneven},
      {"window_AveragePool_ceil319", kUneven},
      {"window_AveragePool_ceil_count313", kUneven},
      {"window_AveragePool_ceil_count319", kUneven},
      {"window_average_dilated19", "dilated average pooling has no form in PyTorch"},
      {"element_Shrink18", kNone},
      {"move_pad_edge13", kPads + std::string("edge")},
      {"move_pad_reflect13", kPads + std::string("reflect")},
      {"move_slice13", kBackwards},
      {"index_cumsum114", kCumulative},
      {"index_cumsum214", kCumulative},
      {"index_cumsum314", kCumulative},
      {"index_onehot14", kNone}};
  EXPECT_EQ(refused, expected);
}

/// A model of each operator of the table, on maps, tokens and vectors, in four opsets.
std::vector<std::string> table_models(const TempDir& folder) {
  std::vector<std::string> models;
  auto base = [&](std::int64_t opset, const Ints& dims, const std::string& name) {
    OnnxBuilder b(opset, opset < 15 ? 7 : opset < 20 ? 8 : 10);
    b.input("x", dims).output("y", dims);
    b.node("Relu", {"x"}, {"y"});
    return b.save(folder / name);
  };
  for (const std::int64_t opset : {10, 13, 18, 21}) {
    const std::string tag = std::to_string(opset);
    auto add = [&](const std::string& source, const Sample& sample) {
      if (opset < sample.since) return;
      models.push_back(source + "_" + sample.name + ".onnx");
      write_randomized(with_new_node(import_onnx(source), sample), 3, models.back());
    };
    const std::string map = base(opset, {1, 8, 15, 15}, "m" + tag);
    const std::string tokens = base(opset, {1, 6, 8}, "t" + tag);
    const std::string vector = base(opset, {1, 8}, "v" + tag);
    for (const Sample& sample : map_samples()) add(map, sample);
    for (const Sample& sample : token_samples()) add(tokens, sample);
    for (const Sample& sample : token_samples()) {
      if (sample.of_vectors) add(vector, sample);
    }
  }
  return models;
}

TEST(PyTorchOperators, TheTableAsTheExporterWritesIt) {
  const TempDir folder;
  const std::vector<std::string> models = table_models(folder);
  Refusals refused;
  expect_pytorch_agrees(exported(models, refused, export_pytorch), folder / "list", {1, 2});
  const Refusals wanted = {
      {"m21_avg_pool_dilated", "dilated average pooling has no form in PyTorch"}};
  EXPECT_EQ(refused, wanted);
}

TEST(KerasOperators, TheTableAsTheExporterWritesIt) {
  const TempDir folder;
  const std::vector<std::string> models = table_models(folder);
  Refusals refused;
  expect_keras_agrees(exported(models, refused, export_keras), folder / "list", {1, 2});
  for (const auto& [name, reason] : refused) {
    EXPECT_TRUE(name.ends_with("_conv_explicit") || name.ends_with("_pool_dilated") ||
                name == "m10_resize_linear")
        << name;
  }
  EXPECT_EQ(refused["m13_conv_explicit"], "Keras has no stride together with a dilation");
  EXPECT_EQ(refused["m10_resize_linear"], "resizing by linear and asymmetric has no form in Keras");
}

/// Keras' export covers less of ONNX; what it does write is right, and what it refuses is in
/// tests/golden/codegen/keras_refusals.txt.
TEST(KerasOperators, ComputeWhatTheRuntimeComputesOrAreRefused) {
  const TempDir folder;
  const std::vector<std::string> models = all_cases(folder);
  Refusals refused;
  const std::vector<std::string> written = exported(models, refused, export_keras);
  EXPECT_GT(written.size(), 110U);
  std::string text;
  for (const auto& [name, reason] : refused) text += name + ": " + reason + "\n";
  testing::expect_golden("codegen/keras_refusals", text);
  expect_keras_agrees(written, folder / "list");
}

}  // namespace
}  // namespace autogo
