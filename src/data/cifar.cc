// CIFAR-10 and CIFAR-100 in the binary layout: records of 1 label byte (CIFAR-100: 2, coarse and
// fine; fine counts) and 3 planes of 32 x 32. The files are mapped, not read.
//
// Tested by tests/data/dataset_test.cc.

#include <algorithm>
#include <array>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "sources.h"

namespace autogo {
namespace {

constexpr std::size_t kSide = 32, kPlane = kSide * kSide, kPixels = 3 * kPlane;
constexpr std::array<const char*, 10> kCifar10Classes = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

class RecordSet : public Dataset {
 public:
  RecordSet(const std::vector<std::string>& paths, std::size_t label_bytes, std::size_t classes)
      : label_bytes_(label_bytes) {
    for (const std::string& path : paths) add(path, classes);
  }
  std::size_t size() const override { return total_; }
  std::string name(std::size_t i) const override {
    const auto [file, record] = find(i);
    return files_[file].path + " record " + std::to_string(record);
  }
  std::int64_t label(std::size_t i) const override {
    const auto [file, record] = find(i);
    return std::to_integer<std::int64_t>(
        files_[file].bytes->bytes()[record * record_size() + label_bytes_ - 1]);
  }
  LoadedSample load(std::size_t i) const override {
    const auto [file, record] = find(i);
    const std::byte* planes =
        files_[file].bytes->bytes().data() + record * record_size() + label_bytes_;
    auto sample = std::make_shared<Sample>();
    sample->label = label(i);
    sample->image = {kSide, kSide, 3, std::vector<std::uint8_t>(kPixels)};
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t p = 0; p < kPlane; ++p) {
        sample->image.pixels[3 * p + c] = std::to_integer<std::uint8_t>(planes[c * kPlane + p]);
      }
    }
    return {sample, ""};
  }

 private:
  struct File {
    std::string path;
    std::unique_ptr<MappedFile> bytes;
    std::size_t first, records;
  };
  std::size_t record_size() const { return label_bytes_ + kPixels; }
  std::pair<std::size_t, std::size_t> find(std::size_t i) const {
    std::size_t file = 0;
    while (i >= files_[file].first + files_[file].records) ++file;
    return {file, i - files_[file].first};
  }
  void add(const std::string& path, std::size_t classes) {
    auto bytes = std::make_unique<MappedFile>(path);
    const std::size_t size = bytes->bytes().size();
    AUTOGO_REQUIRE(size > 0 && size % record_size() == 0, ErrorKind::kInput,
                   path + ": has " + std::to_string(size) + " bytes, expected a multiple of " +
                       std::to_string(record_size()) + " (one record); is it cut?");
    const std::size_t records = size / record_size();
    for (std::size_t r = 0; r < records; ++r) {
      const auto value =
          std::to_integer<std::size_t>(bytes->bytes()[r * record_size() + label_bytes_ - 1]);
      AUTOGO_REQUIRE(value < classes, ErrorKind::kInput,
                     path + " record " + std::to_string(r) + ": label " + std::to_string(value) +
                         ", expected 0 to " + std::to_string(classes - 1));
    }
    files_.push_back({path, std::move(bytes), total_, records});
    total_ += records;
  }

  std::size_t label_bytes_, total_ = 0;
  std::vector<File> files_;
};

std::string required(const std::string& folder, const std::string& name) {
  AUTOGO_REQUIRE(file_exists(folder + "/" + name), ErrorKind::kInput,
                 folder + ": has no " + name + ", which CIFAR needs beside the training files");
  return folder + "/" + name;
}

/// Names of CIFAR-100's classes, where the file that comes with it is there.
std::vector<std::string> cifar100_classes(const std::string& folder) {
  std::vector<std::string> names;
  if (file_exists(folder + "/fine_label_names.txt")) {
    LineReader lines(folder + "/fine_label_names.txt");
    std::string line;
    while (lines.next(line)) {
      if (!line.empty()) names.push_back(line);
    }
  }
  if (names.size() == 100) return names;
  names.clear();
  for (int i = 0; i < 100; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace

std::unique_ptr<Data> open_cifar(const std::string& path) {
  std::string folder = path;
  for (const char* inner : {"cifar-10-batches-bin", "cifar-100-binary"}) {
    if (folder_exists(path + "/" + inner)) folder = path + "/" + inner;
  }
  std::vector<std::string> train;
  for (int i = 1; i <= 9; ++i) {
    const std::string file = folder + "/data_batch_" + std::to_string(i) + ".bin";
    if (file_exists(file)) train.push_back(file);
  }
  const bool hundred = train.empty() && file_exists(folder + "/train.bin");
  if (train.empty() && !hundred) return nullptr;
  if (hundred) train.push_back(folder + "/train.bin");
  auto data = std::make_unique<Data>();
  data->kind = hundred ? "cifar100" : "cifar10";
  data->classes = hundred
                      ? cifar100_classes(folder)
                      : std::vector<std::string>(kCifar10Classes.begin(), kCifar10Classes.end());
  data->channels = 3;
  data->height = data->width = kSide;
  const std::size_t label_bytes = hundred ? 2 : 1, classes = data->classes.size();
  data->train = std::make_shared<RecordSet>(train, label_bytes, classes);
  const std::vector<std::string> test = {required(folder, hundred ? "test.bin" : "test_batch.bin")};
  data->tests.push_back({"test", std::make_shared<RecordSet>(test, label_bytes, classes)});
  return data;
}

}  // namespace autogo
