// Images with a class id for each pixel: Cityscapes, or images/ and masks/ of the same names.
// Cityscapes' files of training ids hold what counts; its other files (_labelIds) are mapped by the
// table that its authors publish.
//
// Tested by tests/data/dataset_test.cc.

#include <algorithm>
#include <array>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "image.h"
#include "sources.h"

namespace autogo {
namespace {

constexpr std::uint8_t kIgnored = 255;
constexpr std::array<const char*, 19> kCityscapesClasses = {
    "road",         "sidewalk",   "building", "wall",       "fence",  "pole",  "traffic light",
    "traffic sign", "vegetation", "terrain",  "sky",        "person", "rider", "car",
    "truck",        "bus",        "train",    "motorcycle", "bicycle"};
/// Training id by label id.
constexpr std::array<std::uint8_t, 34> kTrainingIds = {
    255, 255, 255, 255, 255, 255, 255, 0,  1,  255, 255, 2,  3,   4,   255, 255, 255,
    5,   255, 6,   7,   8,   9,   10,  11, 12, 13,  14,  15, 255, 255, 16,  17,  18};

class MaskSet : public Dataset {
 public:
  struct Item {
    std::string image, mask;
    bool label_ids;  ///< of Cityscapes: to be mapped
  };
  MaskSet(std::vector<Item> items, std::int64_t classes)
      : items_(std::move(items)), classes_(classes) {}
  std::size_t size() const override { return items_.size(); }
  std::string name(std::size_t i) const override { return items_[i].image; }
  LoadedSample load(std::size_t i) const override {
    const Item& item = items_[i];
    DecodedImage image = decode_file(item.image, PixelMode::kColor);
    if (!image.problem.empty()) return {nullptr, image.problem};
    DecodedImage mask = decode_file(item.mask, PixelMode::kIds);
    if (!mask.problem.empty()) return {nullptr, mask.problem};
    AUTOGO_REQUIRE(
        mask.image.width == image.image.width && mask.image.height == image.image.height,
        ErrorKind::kInput,
        item.mask + ": is " + size_text(mask.image) + ", its image " + size_text(image.image));
    for (std::uint8_t& id : mask.image.pixels) {
      if (item.label_ids) id = id < kTrainingIds.size() ? kTrainingIds[id] : kIgnored;
      AUTOGO_REQUIRE(id < classes_ || id == kIgnored, ErrorKind::kInput,
                     item.mask + ": has class id " + std::to_string(id) + ", expected 0 to " +
                         std::to_string(classes_ - 1) + ", or 255 for pixels that do not count");
    }
    auto sample = std::make_shared<Sample>();
    sample->image = std::move(image.image);
    sample->target = std::move(mask.image);
    return {sample, ""};
  }

 private:
  static std::string size_text(const Image& image) {
    return std::to_string(image.width) + "x" + std::to_string(image.height);
  }
  std::vector<Item> items_;
  std::int64_t classes_;
};

std::vector<MaskSet::Item> cityscapes_items(const std::string& path, const std::string& split) {
  const std::string images = path + "/leftImg8bit/" + split, masks = path + "/gtFine/" + split;
  std::vector<MaskSet::Item> items;
  if (!folder_exists(images)) return items;
  for (const std::string& city : list_folders(images)) {
    for (const std::string& name : list_images(images + "/" + city)) {
      const std::string prefix =
          masks + "/" + city + "/" + name.substr(0, name.rfind("_leftImg8bit")) + "_gtFine_label";
      const bool training_ids = file_exists(prefix + "TrainIds.png");
      const std::string mask = prefix + (training_ids ? "TrainIds.png" : "Ids.png");
      AUTOGO_REQUIRE(file_exists(mask), ErrorKind::kInput,
                     images + "/" + city + "/" + name + ": has no mask " + mask);
      items.push_back({images + "/" + city + "/" + name, mask, !training_ids});
    }
  }
  return items;
}

std::vector<MaskSet::Item> plain_items(const std::string& images, const std::string& masks) {
  std::vector<MaskSet::Item> items;
  if (!folder_exists(images) || !folder_exists(masks)) return items;
  for (const std::string& name : list_images(images)) {
    const std::string mask = masks + "/" + name.substr(0, name.rfind('.')) + ".png";
    AUTOGO_REQUIRE(file_exists(mask), ErrorKind::kInput,
                   images + "/" + name + ": has no mask " + mask);
    items.push_back({images + "/" + name, mask, false});
  }
  return items;
}

/// Names from classes.txt, or numbers.
std::vector<std::string> class_names(const std::string& path, std::int64_t count) {
  std::vector<std::string> names;
  if (file_exists(path + "/classes.txt")) {
    LineReader lines(path + "/classes.txt");
    std::string line;
    while (lines.next(line)) {
      if (!line.empty()) names.push_back(line);
    }
  }
  if (names.empty()) {
    for (std::int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  }
  AUTOGO_REQUIRE(!names.empty(), ErrorKind::kUsage,
                 path +
                     ": how many classes do the masks have? give --classes, or a file classes.txt "
                     "with one name a line");
  return names;
}

}  // namespace

std::unique_ptr<Data> open_masks(const std::string& path, std::int64_t num_classes) {
  auto data = std::make_unique<Data>();
  data->kind = "masks";
  data->path = path;
  data->channels = 3;
  std::vector<MaskSet::Item> train, test;
  if (folder_exists(path + "/leftImg8bit") && folder_exists(path + "/gtFine")) {
    train = cityscapes_items(path, "train");
    test = cityscapes_items(path, "val");
    data->classes.assign(kCityscapesClasses.begin(), kCityscapesClasses.end());
  } else {
    for (const char* split : {"train", "val", "valid", "test"}) {
      const std::string inner = split;
      std::vector<MaskSet::Item> items =
          plain_items(path + "/images/" + inner, path + "/masks/" + inner);
      if (items.empty()) {
        items = plain_items(path + "/" + inner + "/images", path + "/" + inner + "/masks");
      }
      std::vector<MaskSet::Item>& target = inner == "train" ? train : test;
      if (target.empty()) target = std::move(items);
    }
    if (train.empty()) train = plain_items(path + "/images", path + "/masks");
    if (train.empty()) return nullptr;
    data->classes = class_names(path, num_classes);
  }
  AUTOGO_REQUIRE(!train.empty(), ErrorKind::kInput, path + ": has no training images");
  const auto classes = static_cast<std::int64_t>(data->classes.size());
  AUTOGO_REQUIRE(classes >= 2 && classes <= 255, ErrorKind::kInput,
                 path + ": " + std::to_string(classes) + " classes, expected 2 to 255");
  data->train = std::make_shared<MaskSet>(std::move(train), classes);
  if (!test.empty()) {
    data->tests.push_back({"val", std::make_shared<MaskSet>(std::move(test), classes)});
  } else {
    hold_out_tenth(*data);
  }
  return data;
}

}  // namespace autogo
