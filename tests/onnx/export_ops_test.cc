#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "onnx_builder.h"
#include "op_samples.h"
#include "ort.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

std::string base_model(const TempDir& folder, std::int64_t opset, DType type,
                       const std::vector<std::int64_t>& dims, const std::string& name) {
  const std::int64_t ir = opset < 9 ? 3 : opset < 15 ? 7 : opset < 20 ? 8 : 10;
  OnnxBuilder b(opset, ir);
  b.input("x", dims, static_cast<int>(type)).output("y", dims, static_cast<int>(type));
  b.node("Relu", {"x"}, {"y"});
  return b.save(folder / name);
}

TEST(ExportOps, EveryNewOperatorIsValidInEveryOpset) {
  const TempDir folder;
  std::vector<std::string> written;
  for (std::int64_t opset = 7; opset <= 26; ++opset) {
    const std::string tag = std::to_string(opset);
    const std::string map = base_model(folder, opset, DType::kFloat32, {1, 8, 15, 15}, "m" + tag);
    const std::string tokens = base_model(folder, opset, DType::kFloat32, {1, 6, 8}, "t" + tag);
    const std::string vector = base_model(folder, opset, DType::kFloat32, {1, 8}, "v" + tag);
    auto check = [&](const std::string& base, const Sample& sample) {
      SCOPED_TRACE(sample.name + " in opset " + tag);
      const Graph graph = with_new_node(import_onnx(base), sample);
      const std::string path = base + "_" + sample.name + ".onnx";
      if (opset < sample.since) {
        EXPECT_THROW(export_onnx(graph, path), Error);
        return;
      }
      export_onnx(graph, path);
      expect_valid(path);
      // Read back, the new node has the type that its shape rule gave.
      const Graph again = import_onnx(path);
      EXPECT_EQ(again.output_type(again.output_nodes()[0]).shape,
                graph.output_type(graph.output_nodes()[0]).shape);
      written.push_back(path);
    };
    for (const Sample& sample : map_samples()) check(map, sample);
    for (const Sample& sample : token_samples()) check(tokens, sample);
    for (const Sample& sample : token_samples()) {
      if (sample.of_vectors) check(vector, sample);
    }
  }
  const OrtAnswer answer = ask_ort("run", written, folder / "list");
  if (!answer.available) GTEST_SKIP() << answer.text;
  std::string failures;
  std::size_t from = 0;
  while ((from = answer.text.find("FAIL ", from)) != std::string::npos) {
    const std::size_t end = answer.text.find('\n', from);
    failures += answer.text.substr(from, end - from) + "\n";
    from = end;
  }
  EXPECT_TRUE(answer.ok) << failures;
}

TEST(ExportOps, ReadsBackAsTheSameOperators) {
  // Written and read again, an operator of several ONNX nodes is one node of the table again.
  const TempDir folder;
  for (const std::int64_t opset : {9, 13, 17, 21}) {
    const std::string map =
        base_model(folder, opset, DType::kFloat32, {1, 8, 15, 15}, "m" + std::to_string(opset));
    const std::string tokens =
        base_model(folder, opset, DType::kFloat32, {1, 6, 8}, "t" + std::to_string(opset));
    auto check = [&](const std::string& base, const Sample& sample) {
      if (opset < std::max(sample.since, sample.one_since)) return;
      SCOPED_TRACE(sample.name + " in opset " + std::to_string(opset));
      const std::string path = base + "_" + sample.name + ".onnx";
      const Graph graph = with_new_node(import_onnx(base), sample);
      export_onnx(graph, path);
      std::string wanted = ops_of(graph);
      if (sample.op == OpKind::kIdentity) wanted = "relu";
      if (sample.op == OpKind::kZero) wanted = "relu opaque:Mul";
      EXPECT_EQ(ops_of(import_onnx(path)), wanted);
    };
    for (const Sample& sample : map_samples()) check(map, sample);
    for (const Sample& sample : token_samples()) check(tokens, sample);
  }
}

TEST(ExportOps, NewWeightsHaveTheTypeOfTheirInput) {
  const TempDir folder;
  for (const DType type : {DType::kFloat16, DType::kFloat64, DType::kBFloat16}) {
    const std::string base = base_model(folder, 13, type, {1, 8, 15, 15}, dtype_name(type));
    for (const Sample& sample : map_samples()) {
      if (sample.since > 13) continue;
      const std::string path = base + "_" + sample.name + ".onnx";
      export_onnx(with_new_node(import_onnx(base), sample), path);
      const onnx::ModelProto model = read_model(path);
      for (const auto& tensor : model.graph().initializer()) {
        const bool shape = tensor.data_type() == onnx::TensorProto::INT64 ||
                           tensor.name().ends_with("scales") || tensor.name().ends_with("roi");
        EXPECT_TRUE(shape || tensor.data_type() == static_cast<int>(type)) << tensor.name();
      }
      if (type == DType::kFloat16) expect_valid(path);
    }
  }
}

TEST(ExportOps, SaysWhatAnOpsetCannotExpress) {
  const TempDir folder;
  const std::string base = base_model(folder, 8, DType::kFloat32, {1, 8, 15, 15}, "m");
  const Graph graph = with_new_node(import_onnx(base), {"gelu", OpKind::kGelu, {}});
  try {
    export_onnx(graph, folder / "out.onnx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    EXPECT_EQ(std::string(e.what()),
              (folder / "out.onnx") + ": node 'gelu_2': a new gelu cannot be written in opset 8");
  }
}

}  // namespace
}  // namespace autogo
