#include <gtest/gtest.h>

#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// A dense layer whose weights are in `location`, at an offset.
OnnxBuilder external_model(const std::string& location, std::uint64_t offset = 16) {
  OnnxBuilder b;
  b.input("x", {1, 32}).weight("w", {32, 16}).output("y", {1, 16});
  auto& tensor = *b.graph().mutable_initializer(0);
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  auto entry = [&](const std::string& key, const std::string& value) {
    auto& e = *tensor.add_external_data();
    e.set_key(key);
    e.set_value(value);
  };
  entry("location", location);
  entry("offset", std::to_string(offset));
  entry("length", "2048");
  b.node("MatMul", {"x", "w"}, {"y"});
  return b;
}

std::string numbers(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i % 61);
  return text;
}

std::string failure(const std::string& path) {
  try {
    import_onnx(path);
    return "";
  } catch (const Error& e) {
    return std::string(e.what()).substr(path.size() + 2);
  }
}

TEST(ExternalData, GoesIntoAFileBesideTheNewModel) {
  const TempDir folder;
  const std::string data = numbers(16 + 2048);
  write_file_atomic(folder / "w.bin", data);
  const Graph graph = import_onnx(external_model("w.bin").save(folder / "m.onnx"));
  EXPECT_EQ(graph.source()->node_facts[graph.node(NodeId{1}).origin].weight_bytes, 2048);
  std::filesystem::create_directory(folder / "out");
  export_onnx(graph, folder / "out/m.onnx");
  EXPECT_EQ(read_file(folder / "out/m.onnx.data"), data.substr(16));
  expect_valid(folder / "out/m.onnx");
  const auto model = read_model(folder / "out/m.onnx");
  EXPECT_EQ(model.graph().initializer(0).external_data(0).value(), "m.onnx.data");
  EXPECT_EQ(ops_of(import_onnx(folder / "out/m.onnx")), "dense");
}

TEST(ExternalData, MayBeWrittenOverItself) {
  const TempDir folder;
  write_file_atomic(folder / "m.onnx.data", numbers(16 + 2048));
  const Graph graph = import_onnx(external_model("m.onnx.data").save(folder / "m.onnx"));
  export_onnx(graph, folder / "m.onnx");
  EXPECT_EQ(read_file(folder / "m.onnx.data"), numbers(16 + 2048).substr(16));
}

TEST(ExternalData, MissingOrShortFilesAreNamed) {
  const TempDir folder;
  const std::string path = external_model("w.bin").save(folder / "m.onnx");
  EXPECT_EQ(failure(path), "initializer 'w': the external data file 'w.bin' is missing");
  write_file_atomic(folder / "w.bin", numbers(100));
  EXPECT_EQ(failure(path), "initializer 'w': needs bytes 16 to 2064 of 'w.bin', which has 100");
  EXPECT_EQ(failure(external_model("w.bin", ~0ULL - 3).save(folder / "m.onnx")),
            "initializer 'w': needs bytes 18446744073709551612 to 2044 of 'w.bin', which has 100");
}

TEST(ExternalData, MayNotLeaveTheFolder) {
  const TempDir folder;
  write_file_atomic(folder / "w.bin", numbers(4096));
  std::filesystem::create_directory(folder / "inside");
  const std::string path = external_model("../w.bin").save(folder / "inside/m.onnx");
  EXPECT_EQ(failure(path),
            "initializer 'w': its external data '../w.bin' lies outside the model's folder, which "
            "is refused");
  const std::string absolute = external_model(folder / "w.bin").save(folder / "inside/m.onnx");
  EXPECT_NE(failure(absolute).find("lies outside the model's folder"), std::string::npos);
}

}  // namespace
}  // namespace autogo
