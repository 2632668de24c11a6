// Images for super-resolution and denoising. The input is made from the clean image when a batch is
// built (augment.cc), unless the folder holds pairs. Decoded images are kept in memory up to a
// limit: small sets such as T91 are decoded once, DIV2K streams.
//
// Tested by tests/data/dataset_test.cc.

#include <algorithm>
#include <mutex>

#include "autogo/base/error.h"
#include "image.h"
#include "sources.h"

namespace autogo {
namespace {

constexpr std::size_t kCacheBytes = std::size_t{1} << 29;

class ImageSet : public Dataset {
 public:
  /// @param inputs  empty: made from the targets; else as many as targets
  ImageSet(std::vector<std::string> targets, std::vector<std::string> inputs)
      : targets_(std::move(targets)), inputs_(std::move(inputs)), cache_(targets_.size()) {}
  std::size_t size() const override { return targets_.size(); }
  std::string name(std::size_t i) const override { return targets_[i]; }
  LoadedSample load(std::size_t i) const override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (cache_[i]) return {cache_[i], ""};
    }
    auto sample = std::make_shared<Sample>();
    DecodedImage target = decode_file(targets_[i], PixelMode::kColor);
    if (!target.problem.empty()) return {nullptr, target.problem};
    sample->target = std::move(target.image);
    if (!inputs_.empty()) {
      DecodedImage input = decode_file(inputs_[i], PixelMode::kColor);
      if (!input.problem.empty()) return {nullptr, input.problem};
      sample->image = std::move(input.image);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::size_t bytes = sample->target.pixels.size() + sample->image.pixels.size();
    if (!cache_[i] && cached_ + bytes <= kCacheBytes) {
      cached_ += bytes;
      cache_[i] = sample;
    }
    return {sample, ""};
  }

 private:
  std::vector<std::string> targets_, inputs_;
  mutable std::mutex mutex_;  // guards the two below
  mutable std::vector<std::shared_ptr<const Sample>> cache_;
  mutable std::size_t cached_ = 0;
};

std::vector<std::string> image_paths(const std::string& folder) {
  std::vector<std::string> paths = list_images(folder);
  for (std::string& path : paths) path = folder + "/" + path;
  return paths;
}

std::string stem(const std::string& path) {
  const std::string name = base_name(path);
  return name.substr(0, name.rfind('.'));
}

constexpr std::pair<const char*, const char*> kPairFolders[] = {
    {"HR", "LR"}, {"clean", "noisy"}, {"target", "input"}};

/// Images of a folder, or its pairs; null when it has none.
std::shared_ptr<const ImageSet> open_folder(const std::string& path, bool& pairs) {
  for (const auto& [clean, input] : kPairFolders) {
    if (!folder_exists(path + "/" + clean) || !folder_exists(path + "/" + input)) continue;
    std::vector<std::string> targets = image_paths(path + "/" + clean), inputs;
    const std::vector<std::string> found = image_paths(path + "/" + input);
    for (const std::string& target : targets) {
      // "0801x2.png" and "baby_LR.png" go with "0801.png" and "baby.png".
      const auto match = std::find_if(found.begin(), found.end(), [&](const std::string& file) {
        const std::string name = stem(file), wanted = stem(target);
        return name == wanted || name.rfind(wanted + "x", 0) == 0 ||
               name.rfind(wanted + "_", 0) == 0;
      });
      AUTOGO_REQUIRE(match != found.end(), ErrorKind::kInput,
                     target + ": has no partner in " + path + "/" + input);
      inputs.push_back(*match);
    }
    AUTOGO_REQUIRE(!targets.empty(), ErrorKind::kInput,
                   path + "/" + clean + ": has no JPEG or PNG images");
    pairs = true;
    return std::make_shared<ImageSet>(std::move(targets), std::move(inputs));
  }
  std::vector<std::string> targets = image_paths(path);
  if (targets.empty()) return nullptr;
  return std::make_shared<ImageSet>(std::move(targets), std::vector<std::string>{});
}

}  // namespace

std::unique_ptr<Data> open_images(const std::string& path) {
  auto data = std::make_unique<Data>();
  data->path = path;
  data->channels = 3;
  bool pairs = false;
  for (const char* name : {"train", "T91", "DIV2K_train_HR"}) {
    if (data->train || !folder_exists(path + "/" + name)) continue;
    data->train = open_folder(path + "/" + name, pairs);
  }
  if (data->train) {
    for (const char* name : {"val", "valid", "test", "Set5", "Set14", "BSD100", "B100", "Urban100",
                             "Manga109", "DIV2K_valid_HR"}) {
      if (!folder_exists(path + "/" + name)) continue;
      const auto set = open_folder(path + "/" + name, pairs);
      AUTOGO_REQUIRE(set != nullptr, ErrorKind::kInput,
                     path + "/" + name + ": has no JPEG or PNG images");
      data->tests.push_back({name, set});
    }
  } else {
    data->train = open_folder(path, pairs);
  }
  if (!data->train) return nullptr;
  data->kind = pairs ? "image-pairs" : "images";
  return data;
}

DataSplit open_test_images(const std::string& path) {
  bool pairs = false;
  const auto set = open_folder(path, pairs);
  AUTOGO_REQUIRE(set != nullptr, ErrorKind::kInput, path + ": has no JPEG or PNG images");
  return {base_name(path), set};
}

}  // namespace autogo
