// Class folders, as ImageNet lies on a disk. Only the names are held: 1.3 million files take 40 MB.
//
// Tested by tests/data/dataset_test.cc.

#include <algorithm>
#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/rng.h"
#include "image.h"
#include "sources.h"

namespace autogo {
namespace {

class ClassFolderSet : public Dataset {
 public:
  /// @param classes  folders, in the order of their labels
  ClassFolderSet(std::string path, const std::vector<std::string>& classes)
      : path_(std::move(path)), classes_(classes) {}

  void add_class(std::uint32_t label) {
    const std::string folder = path_ + "/" + classes_[label];
    const std::vector<std::string> names = list_images(folder);
    AUTOGO_REQUIRE(!names.empty(), ErrorKind::kInput,
                   folder + ": has no JPEG or PNG images; fill this class or remove its folder");
    for (const std::string& name : names) {
      begins_.push_back(names_.size());
      names_ += name;
      labels_.push_back(label);
    }
  }
  std::size_t size() const override { return labels_.size(); }
  std::string name(std::size_t i) const override {
    const std::size_t end = i + 1 < begins_.size() ? begins_[i + 1] : names_.size();
    return path_ + "/" + classes_[labels_[i]] + "/" + names_.substr(begins_[i], end - begins_[i]);
  }
  std::int64_t label(std::size_t i) const override { return labels_[i]; }
  LoadedSample load(std::size_t i) const override {
    DecodedImage decoded = decode_file(name(i), PixelMode::kColor);
    if (!decoded.problem.empty()) return {nullptr, decoded.problem};
    auto sample = std::make_shared<Sample>();
    sample->image = std::move(decoded.image);
    sample->label = label(i);
    return {sample, ""};
  }

 private:
  std::string path_;
  std::vector<std::string> classes_;
  std::string names_;                ///< all file names, concatenated
  std::vector<std::size_t> begins_;  ///< of each in names_
  std::vector<std::uint32_t> labels_;
};

/// Classes are named by the training split; a split may lack some, never add one.
std::shared_ptr<const Dataset> open_split(const std::string& path,
                                          const std::vector<std::string>& classes) {
  auto set = std::make_shared<ClassFolderSet>(path, classes);
  for (const std::string& name : list_folders(path)) {
    const auto at = std::lower_bound(classes.begin(), classes.end(), name);
    AUTOGO_REQUIRE(at != classes.end() && *at == name, ErrorKind::kInput,
                   path + "/" + name + ": no class of this name among the training images");
    set->add_class(static_cast<std::uint32_t>(at - classes.begin()));
  }
  AUTOGO_REQUIRE(set->size() > 0, ErrorKind::kInput, path + ": has no class folders");
  return set;
}

/// Samples of another set, by index.
class Part : public Dataset {
 public:
  Part(std::shared_ptr<const Dataset> whole, std::vector<std::size_t> indices)
      : whole_(std::move(whole)), indices_(std::move(indices)) {}
  std::size_t size() const override { return indices_.size(); }
  std::string name(std::size_t i) const override { return whole_->name(indices_[i]); }
  std::int64_t label(std::size_t i) const override { return whole_->label(indices_[i]); }
  LoadedSample load(std::size_t i) const override { return whole_->load(indices_[i]); }

 private:
  std::shared_ptr<const Dataset> whole_;
  std::vector<std::size_t> indices_;
};

}  // namespace

std::vector<std::string> list_folders(const std::string& path) {
  std::vector<std::string> names;
  for (const std::string& name : list_folder(path)) {
    if (name[0] != '.' && folder_exists(path + "/" + name)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> list_images(const std::string& path) {
  std::vector<std::string> names;
  for (const std::string& name : list_folder(path)) {
    if (name[0] != '.' && is_image_name(name)) names.push_back(name);
  }
  return names;
}

bool folder_exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

bool file_exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

std::string base_name(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path;
  const std::size_t slash = path.rfind('/', end);
  return slash == std::string::npos ? path.substr(0, end + 1) : path.substr(slash + 1, end - slash);
}

void hold_out_tenth(Data& data) {
  std::vector<std::size_t> kept, held;
  for (std::size_t i = 0; i < data.train->size(); ++i) {
    const std::string name = base_name(data.train->name(i));
    (hash_bytes(name.data(), name.size()) % 10 == 0 ? held : kept).push_back(i);
  }
  AUTOGO_REQUIRE(!kept.empty() && !held.empty(), ErrorKind::kInput,
                 data.path + ": has " + std::to_string(data.train->size()) +
                     " images, too few to hold some out for tests; give a test folder");
  data.tests.push_back({"held-out tenth", std::make_shared<Part>(data.train, held)});
  data.train = std::make_shared<Part>(data.train, kept);
}

std::unique_ptr<Data> open_class_folders(const std::string& path) {
  const bool split = folder_exists(path + "/train");
  const std::string train = split ? path + "/train" : path;
  std::vector<std::string> classes = list_folders(train);
  if (classes.empty()) return nullptr;
  bool images = false;
  for (const std::string& name : classes)
    images = images || !list_images(train + "/" + name).empty();
  if (!images) return nullptr;
  AUTOGO_REQUIRE(
      classes.size() > 1, ErrorKind::kInput,
      train + ": has the single class '" + classes[0] + "', expected two or more folders");
  auto data = std::make_unique<Data>();
  data->kind = "class-folders";
  data->path = path;
  data->channels = 3;
  data->classes = classes;
  data->train = open_split(train, classes);
  for (const char* name : {"val", "valid", "test"}) {
    const std::string folder = path + "/" + name;
    if (split && folder_exists(folder) && data->tests.empty()) {
      data->tests.push_back({name, open_split(folder, classes)});
    }
  }
  if (data->tests.empty()) hold_out_tenth(*data);
  return data;
}

DataSplit open_test_classes(const std::string& path, const Data& data) {
  return {base_name(path), open_split(path, data.classes)};
}

}  // namespace autogo
