#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "autogo/base/rng.h"
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

std::string location_of(const std::string& path) {
  return read_model(path).graph().initializer(0).external_data(0).value();
}

/// Writes an external model whose weights are `data`, to `path`, through import and export.
void write_pair(const std::string& data, const std::string& path) {
  const TempDir source;
  write_file_atomic(source / "w.bin", data);
  export_onnx(import_onnx(external_model("w.bin", 0).save(source / "m.onnx")), path);
}

TEST(ExternalData, GoesIntoAFileBesideTheNewModel) {
  const TempDir folder;
  const std::string data = numbers(16 + 2048);
  write_file_atomic(folder / "w.bin", data);
  const Graph graph = import_onnx(external_model("w.bin").save(folder / "m.onnx"));
  EXPECT_EQ(graph.source()->node_facts[graph.node(NodeId{1}).origin].weight_bytes, 2048);
  std::filesystem::create_directory(folder / "out");
  export_onnx(graph, folder / "out/m.onnx");
  const std::string location = location_of(folder / "out/m.onnx");
  const std::string content = data.substr(16);
  EXPECT_EQ(location, "m.onnx." + hex64(hash_bytes(content.data(), content.size())) + ".data")
      << "named by the content";
  EXPECT_EQ(read_file(folder / ("out/" + location)), content);
  expect_valid(folder / "out/m.onnx");
  EXPECT_EQ(ops_of(import_onnx(folder / "out/m.onnx")), "dense");
}

TEST(ExternalData, MayBeWrittenOverItself) {
  const TempDir folder;
  write_file_atomic(folder / "m.onnx.data", numbers(16 + 2048));
  const std::string path = external_model("m.onnx.data").save(folder / "m.onnx");
  for (int i = 0; i < 2; ++i) {
    export_onnx(import_onnx(path), path);
    EXPECT_EQ(read_file(folder / location_of(path)), numbers(16 + 2048).substr(16));
    EXPECT_EQ(folder.count(), 3U) << "a data file that somebody else made stays";
  }
}

// A machine may stop between any two steps of writing. What it leaves is made here step by step.
TEST(ExternalData, AStopLeavesTheOldPairOrTheNewOne) {
  const TempDir folder;
  const std::string path = folder / "m.onnx", first = numbers(2048);
  const std::string second = std::string(1024, 'x') + numbers(1024);
  write_pair(first, path);
  const std::string old_model = read_file(path), old_location = location_of(path);
  const std::string old_data = read_file(folder / old_location);
  write_pair(second, path);
  const std::string new_location = location_of(path);
  EXPECT_NE(new_location, old_location) << "the new data never take the old ones' place";
  EXPECT_EQ(read_file(folder / new_location), second);
  EXPECT_EQ(folder.count(), 2U) << "the old data file is removed";
  // Before the new model is renamed: the new data are there, and the old pair.
  write_file_atomic(path, old_model);
  write_file_atomic(folder / old_location, old_data);
  EXPECT_EQ(read_file(folder / location_of(path)), first);
  EXPECT_EQ(ops_of(import_onnx(path)), "dense");
  // The same command again cleans up.
  write_pair(second, path);
  EXPECT_EQ(read_file(folder / location_of(path)), second);
  EXPECT_EQ(folder.count(), 2U);
  // After the new model was renamed, before the old data are removed: one file too many.
  write_file_atomic(folder / old_location, old_data);
  write_pair(second, path);
  EXPECT_EQ(folder.count(), 3U) << "it is not named by the model: not ours to remove";
}

TEST(ExternalData, AFullDiskLeavesTheOldPair) {
  const TempDir folder;
  const std::string path = folder / "m.onnx";
  write_pair(numbers(2048), path);
  const TempDir source;
  const std::string large(1 << 20, 'x');
  OnnxBuilder b;
  b.input("x", {1, 512}).weight("w", {512, 512}).output("y", {1, 512});
  auto& tensor = *b.graph().mutable_initializer(0);
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  auto& entry = *tensor.add_external_data();
  entry.set_key("location");
  entry.set_value("w.bin");
  b.node("MatMul", {"x", "w"}, {"y"});
  write_file_atomic(source / "w.bin", large);
  const Graph graph = import_onnx(b.save(source / "m.onnx"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{65536, before.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string text;
  try {
    export_onnx(graph, path);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
    text = e.what();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(text.starts_with(path + ".") && text.ends_with(": cannot write: File too large"))
      << text;
  EXPECT_EQ(read_file(folder / location_of(path)), numbers(2048));
  EXPECT_EQ(folder.count(), 2U) << "no temporary file and no new data are left";
}

TEST(ExternalData, StandardOutputHasNoPlaceForThem) {
  const TempDir folder;
  write_file_atomic(folder / "w.bin", numbers(16 + 2048));
  const Graph graph = import_onnx(external_model("w.bin").save(folder / "m.onnx"));
  for (const std::string path : {"-", "/dev/null"}) {
    try {
      export_onnx(graph, path);
      FAIL() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUsage);
      EXPECT_EQ(e.what(), path + ": the model's weights need a file beside it; write it to a file");
    }
  }
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
