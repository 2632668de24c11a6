// Every sample model and random mutations of them, with random weights, against ONNX Runtime.
#include <cstdlib>
#include <filesystem>

#include "autogo/onnx/model.h"
#include "run_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using testing::compare_with_recording;
using testing::expect_like_runtime;
using testing::random_weights;

constexpr double kTolerance = 1e-4;
constexpr std::uint64_t kSeed = 5;
const std::string kModels = AUTOGO_SOURCE_DIR "/../shared/models";

std::vector<std::string> models_in(const std::string& folder) {
  std::vector<std::string> paths;
  if (!std::filesystem::is_directory(folder)) return paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".onnx") paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  return paths;
}

/// One model at a time: with weights, its file is large.
void expect_models_like_runtime(const std::vector<std::string>& models) {
  if (models.empty()) GTEST_SKIP() << kModels << " is not there";
  for (const std::string& model : models) {
    const TempDir folder;
    const std::string path = folder / "model.onnx";
    const Graph graph = import_onnx(model);
    replace_weights(graph, random_weights(lower(graph), kSeed), path);
    const OrtAnswer answer = ask_ort("record", {path}, folder / "list");
    if (!answer.available) GTEST_SKIP() << answer.text;
    ASSERT_TRUE(answer.ok) << model << " " << answer.text;
    const double difference = compare_with_recording(path, kTolerance);
    std::cout << std::filesystem::path(model).filename().string() << " " << difference << "\n";
  }
}

TEST(Models, SampleModelsComputeWhatTheRuntimeComputes) {
  expect_models_like_runtime(models_in(kModels));
}

TEST(Models, LightModelsComputeWhatTheRuntimeComputes) {
  expect_models_like_runtime(models_in(kModels + "/light"));
}

TEST(Models, ShippedModelsComputeWhatTheRuntimeComputes) {
  expect_models_like_runtime(models_in(AUTOGO_SOURCE_DIR "/data/models"));
}

TEST(Models, MutatedModelsComputeWhatTheRuntimeComputes) {
  const std::string program = AUTOGO_BINARY_DIR "/tests/search/make_children";
  const std::string segments = AUTOGO_SOURCE_DIR "/data/segments.json";
  if (!std::filesystem::exists(program)) GTEST_SKIP() << program << " is not built";
  for (const char* name : {"mobilenet_v3_large_bn", "resnet50_bn", "light/light_squeezenet"}) {
    const std::string model = kModels + "/" + name + ".onnx";
    if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not there";
    const TempDir folder;
    const std::string command = program + " '" + model + "' '" + segments + "' 4 11 '" +
                                folder.path() + "' > /dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    std::vector<std::string> children;
    for (int i = 0; i < 4; ++i) {
      const Graph graph = import_onnx(folder / (std::to_string(i) + ".onnx"));
      children.push_back(folder / ("random" + std::to_string(i) + ".onnx"));
      replace_weights(graph, random_weights(lower(graph), kSeed), children.back());
    }
    expect_like_runtime(children, folder / "list", kTolerance);
  }
}

}  // namespace
}  // namespace autogo
