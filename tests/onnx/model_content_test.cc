#include "autogo/onnx/model_content.h"

#include <gtest/gtest.h>

#include "autogo/base/file.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// A dense layer whose weights are bytes 64 to 2112 of w.bin.
OnnxBuilder external_model() {
  OnnxBuilder b;
  b.input("x", {1, 32}).weight("w", {32, 16}).output("y", {1, 16});
  auto& tensor = *b.graph().mutable_initializer(0);
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair("location", "w.bin"), std::pair("offset", "64"), std::pair("length", "2048")}) {
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  b.node("MatMul", {"x", "w"}, {"y"});
  return b;
}

/// x * w, w from the named node of ConstantOfShape.
OnnxBuilder weightless_model(const std::string& name) {
  OnnxBuilder b;
  b.input("x", {1, 64}).ints("shape", {64, 64}).output("y", {1, 64});
  b.node("ConstantOfShape", {"shape"}, {"w"}).set_name(name);
  b.node("MatMul", {"x", "w"}, {"y"});
  return b;
}

TEST(ModelContent, TheHashIsOfTheFileAsItWasRead) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 32}).weight("w", {32, 16}).output("y", {1, 16});
  b.node("MatMul", {"x", "w"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "a.onnx"));
  const std::uint64_t hash = hash_model(graph);
  EXPECT_EQ(hash_model(import_onnx(b.save(folder / "same.onnx"))), hash);
  (*b.graph().mutable_initializer(0)->mutable_raw_data())[77] ^= 1;
  EXPECT_NE(hash_model(import_onnx(b.save(folder / "a.onnx"))), hash);
  EXPECT_EQ(hash_model(graph), hash) << "not of what lies there by now";
  EXPECT_EQ(hash_model(Graph()), 0U);
}

TEST(ModelContent, LargeModelsAreHashedToTheirLastByte) {
  const TempDir folder;
  OnnxBuilder b;  // several blocks of the hash
  b.input("x", {1, 300}).weight("w", {300, 300}).output("y", {1, 300});
  b.node("MatMul", {"x", "w"}, {"y"});
  const std::uint64_t hash = hash_model(import_onnx(b.save(folder / "a.onnx")));
  std::string& bytes = *b.graph().mutable_initializer(0)->mutable_raw_data();
  for (const std::size_t at : {std::size_t{0}, std::size_t{65536}, bytes.size() - 1}) {
    bytes[at] ^= 1;
    EXPECT_NE(hash_model(import_onnx(b.save(folder / "a.onnx"))), hash) << at;
    bytes[at] ^= 1;
  }
}

TEST(ModelContent, ExternalWeightsBelongToTheModelAndTheirNeighboursDoNot) {
  const TempDir folder;
  std::string data(64 + 2048 + 64, 'w');
  auto hash = [&] {
    write_file_atomic(folder / "w.bin", data);
    return hash_model(import_onnx(external_model().save(folder / "m.onnx")));
  };
  const std::uint64_t before = hash();
  data[63] = data[64 + 2048] = 'x';
  EXPECT_EQ(hash(), before);
  data[64] = 'x';
  EXPECT_NE(hash(), before);
  data[64] = 'w';
  data[64 + 2047] = 'x';
  EXPECT_NE(hash(), before);
}

TEST(ModelContent, AModelIsWeightlessByItsNodesAndNotByItsWords) {
  const TempDir folder;
  EXPECT_TRUE(is_weightless(import_onnx(weightless_model("w").save(folder / "a.onnx"))));
  EXPECT_TRUE(is_weightless(import_onnx(weightless_model("location").save(folder / "b.onnx"))));
  // Real weights that lie elsewhere, whatever else the file says.
  write_file_atomic(folder / "w.bin", std::string(64 + 2048, 'w'));
  OnnxBuilder external = external_model();
  external.model().set_doc_string("ConstantOfShape");
  EXPECT_FALSE(is_weightless(import_onnx(external.save(folder / "c.onnx"))));
  EXPECT_FALSE(is_weightless(Graph()));
}

TEST(ModelContent, AModelWithMostOfItsWeightsIsNotWeightless) {
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 64}).weight("w", {64, 64}).ints("shape", {64, 16}).output("y", {1, 16});
  b.node("MatMul", {"x", "w"}, {"h"});
  b.node("ConstantOfShape", {"shape"}, {"v"});
  b.node("MatMul", {"h", "v"}, {"y"});
  EXPECT_FALSE(is_weightless(import_onnx(b.save(folder / "a.onnx"))));
}

}  // namespace
}  // namespace autogo
