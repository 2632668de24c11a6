// Operator by operator against ONNX Runtime: the operator table as the exporter writes it, and the
// ONNX primitives that other exporters write.
#include "onnx/op_samples.h"
#include "onnx/operator_cases.h"
#include "run_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using testing::expect_like_runtime;
using testing::random_weights;

constexpr double kTolerance = 1e-4;

std::string base_model(const TempDir& folder, std::int64_t opset, const Ints& dims,
                       const std::string& name) {
  OnnxBuilder b(opset, opset < 15 ? 7 : opset < 20 ? 8 : 10);
  b.input("x", dims).output("y", dims);
  b.node("Relu", {"x"}, {"y"});
  return b.save(folder / name);
}

TEST(Operators, TheTableAsTheExporterWritesIt) {
  const TempDir folder;
  std::vector<std::string> models;
  for (const std::int64_t opset : {10, 13, 18, 21}) {
    const std::string tag = std::to_string(opset);
    auto add = [&](const std::string& base, const Sample& sample) {
      if (opset < sample.since) return;
      const Graph graph = with_new_node(import_onnx(base), sample);
      models.push_back(base + "_" + sample.name + ".onnx");
      replace_weights(graph, random_weights(lower(graph), 3), models.back());
    };
    const std::string map = base_model(folder, opset, {1, 8, 15, 15}, "m" + tag);
    const std::string tokens = base_model(folder, opset, {1, 6, 8}, "t" + tag);
    const std::string vector = base_model(folder, opset, {1, 8}, "v" + tag);
    for (const Sample& sample : map_samples()) add(map, sample);
    for (const Sample& sample : token_samples()) add(tokens, sample);
    for (const Sample& sample : token_samples()) {
      if (sample.of_vectors) add(vector, sample);
    }
  }
  expect_like_runtime(models, folder / "list", kTolerance);
}

const CheckModels kCheck = [](const std::vector<std::string>& models, const std::string& list) {
  expect_like_runtime(models, list, kTolerance);
};

TEST(Operators, WindowsWithUnevenPadding) { window_cases(kCheck); }

TEST(Operators, Convolutions) { convolution_cases(kCheck); }

TEST(Operators, ElementwiseFunctions) { elementwise_cases(kCheck); }

TEST(Operators, NormalisationsAndReductions) { normalisation_cases(kCheck); }

TEST(Operators, Products) { product_cases(kCheck); }

TEST(Operators, Movement) { movement_cases(kCheck); }

TEST(Operators, Indices) { index_cases(kCheck); }

TEST(Operators, Resizing) { resize_cases(kCheck); }

TEST(Operators, HalvesComputeAsSingle) {
  OnnxBuilder b(13);
  b.input("x", {2, 4}, onnx::TensorProto::FLOAT16).output("y", {2, 3}, onnx::TensorProto::FLOAT16);
  b.weight("w", {4, 3}, DType::kFloat16);
  b.node("MatMul", {"x", "w"}, {"y"});
  const TempDir folder;
  expect_like_runtime({b.save(folder / "half.onnx")}, folder / "list", 2e-3);
}

std::string refusal(const OnnxBuilder& builder) {
  const TempDir folder;
  try {
    const NetModule net(lower(import_onnx(builder.save(folder / "a.onnx"))), {});
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    return e.what();
  }
  return "nothing";
}

TEST(Operators, WhatCannotRunIsNamed) {
  OnnxBuilder foreign(13);
  auto& import = *foreign.model().add_opset_import();
  import.set_domain("com.example");
  import.set_version(1);
  foreign.input("x", {2, 4}).output("y", {2, 4});
  foreign.node("Twist", {"x"}, {"y"}).set_domain("com.example");
  EXPECT_EQ(refusal(foreign), "node 'y_Twist' (Twist): operator com.example.Twist cannot run here");
  OnnxBuilder quantised(13);
  quantised.input("x", {2, 4}).output("y", {2, 4}).scalar("s", 0.1);
  quantised.node("QuantizeLinear", {"x", "s"}, {"q"});
  quantised.node("DequantizeLinear", {"q", "s"}, {"y"});
  EXPECT_EQ(refusal(quantised),
            "node 'q_QuantizeLinear' (QuantizeLinear): operator QuantizeLinear cannot run here");
}

}  // namespace
}  // namespace autogo
