// Models of every opset that ONNX Runtime runs; those before 7 become models of 7.
#include <gtest/gtest.h>

#include <array>

#include "autogo/base/error.h"
#include "onnx_builder.h"
#include "ort.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

/// Convolution and pooling, which mean the same in every opset.
OnnxBuilder plain(std::int64_t opset) {
  OnnxBuilder b(opset, opset < 9 ? 3 : 8);
  b.input("x", {1, 3, 8, 8}).output("y", {1, 4, 4, 4}).weight("w", {4, 3, 3, 3});
  if (opset < 9) b.input("w", {4, 3, 3, 3});  // IR 3 declares its weights
  auto& conv = b.node("Conv", {"x", "w"}, {"c"});
  set_attribute(conv, "pads", Ints{1, 1, 1, 1});
  set_attribute(conv, "kernel_shape", Ints{3, 3});
  auto& pool = b.node("MaxPool", {"c"}, {"y"});
  set_attribute(pool, "kernel_shape", Ints{2, 2});
  set_attribute(pool, "strides", Ints{2, 2});
  return b;
}

/// What importing x -> op -> y in an opset says, without the path; "" when it is read.
std::string failure(std::int64_t opset, const std::string& op, std::size_t inputs,
                    const std::vector<std::pair<std::string, std::int64_t>>& attributes = {},
                    std::string* hint = nullptr) {
  const TempDir folder;
  OnnxBuilder b(opset, 3);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs; ++i) {
    names.push_back("x" + std::to_string(i));
    b.input(names.back(), i == 0 ? Ints{2, 4, 6, 6} : op == "Add" ? Ints{6} : Ints{4});
  }
  b.output("y");
  auto& node = b.node(op, names, {"y"});
  for (const auto& [name, value] : attributes) set_attribute(node, name, value);
  const std::string path = b.save(folder / "m.onnx");
  try {
    import_onnx(path);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    if (hint != nullptr) *hint = e.hint();
    return std::string(e.what()).substr(path.size() + 2);
  }
}

TEST(Opset, EveryOneThatOnnxRuntimeRunsIsRead) {
  const TempDir folder;
  std::vector<std::string> pairs;
  for (std::int64_t opset = 1; opset <= 26; ++opset) {
    SCOPED_TRACE(opset);
    const std::string in = plain(opset).save(folder / (std::to_string(opset) + ".in.onnx"));
    const std::string out = folder / (std::to_string(opset) + ".onnx");
    const Graph graph = import_onnx(in);
    EXPECT_EQ(ops_of(graph), "conv max_pool");
    export_onnx(graph, out);
    EXPECT_EQ(read_model(out).opset_import(0).version(), std::max<std::int64_t>(opset, 7));
    expect_valid(out);
    pairs.insert(pairs.end(), {in, out});
  }
  const OrtAnswer answer = ask_ort("compare", pairs, folder / "list");
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
}

TEST(Opset, RefusesWhatDoesNotExistYet) {
  std::string hint;
  EXPECT_EQ(failure(27, "Relu", 1, {}, &hint), "opset 27 is too new, opsets 1 to 26 can be read");
  EXPECT_EQ(hint,
            "export the model again with opset_version=26 or below, or convert it with "
            "onnx.version_converter");
  EXPECT_EQ(failure(-1, "Relu", 1), "opset -1 does not exist, opsets 1 to 26 can be read");
}

TEST(Opset, ModelsWithoutImportsAreOfOpset1) {
  const TempDir folder;
  OnnxBuilder b = plain(1);
  b.model().clear_opset_import();
  b.model().set_ir_version(2);
  export_onnx(import_onnx(b.save(folder / "m.onnx")), folder / "out.onnx");
  const onnx::ModelProto model = read_model(folder / "out.onnx");
  EXPECT_EQ(model.opset_import(0).version(), 7);
  EXPECT_EQ(model.ir_version(), 3);
  expect_valid(folder / "out.onnx");
}

TEST(Opset, HintsToRuntimesAreDropped) {
  const TempDir folder;
  OnnxBuilder b(5, 3);
  b.input("x", {1, 4}).input("z", {1, 4}).output("y", {1, 4});
  set_attribute(b.node("Relu", {"x"}, {"r"}), "consumed_inputs", Ints{0});
  auto& add = b.node("Add", {"r", "z"}, {"a"});
  set_attribute(add, "broadcast", std::int64_t{1});
  set_attribute(b.node("Dropout", {"a"}, {"y"}), "is_test", std::int64_t{1});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "relu add");
  export_onnx(graph, folder / "out.onnx");
  const onnx::ModelProto model = read_model(folder / "out.onnx");
  for (const auto& node : model.graph().node()) {
    EXPECT_EQ(node.attribute_size(), 0) << node.name();
  }
  expect_valid(folder / "out.onnx");
}

TEST(Opset, OperatorsThatChangedAreRefusedByName) {
  const std::string changed = ": the operator changed between opset 6, which the model uses, and "
                              "7, the oldest that can be read";
  std::string hint;
  EXPECT_EQ(failure(6, "PRelu", 2, {}, &hint), "node 'y_PRelu' (PRelu)" + changed);
  EXPECT_EQ(hint, "convert the model with onnx.version_converter, or export it again");
  EXPECT_EQ(failure(6, "Dropout", 1), "node 'y_Dropout' (Dropout)" + changed);  // it would train
  EXPECT_EQ(failure(6, "BatchNormalization", 5),
            "node 'y_BatchNormalization' (BatchNormalization)" + changed);
  EXPECT_EQ(failure(6, "BatchNormalization", 5, {{"is_test", 1}}), "");
  EXPECT_EQ(failure(6, "Add", 2), "");
  EXPECT_EQ(failure(6, "Add", 2, {{"broadcast", 1}}), "");
  EXPECT_EQ(failure(6, "Add", 2, {{"broadcast", 1}, {"axis", 1}}), "node 'y_Add' (Add)" + changed);
  EXPECT_NE(failure(4, "Reshape", 1), "");
  EXPECT_NE(failure(3, "Concat", 2), "");  // without an axis
  EXPECT_EQ(failure(6, "Upsample", 1).find("node 'y_Upsample' (Upsample): "), 0U);
}

}  // namespace
}  // namespace autogo
