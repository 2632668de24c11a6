// IDX, the format of MNIST: a big-endian header (type, rank, dimensions), then bytes. Held in
// memory, because the files are usually gzip.
//
// Tested by tests/data/dataset_test.cc.

#include <algorithm>
#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "sources.h"

namespace autogo {
namespace {

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

struct IdxFile {
  std::vector<std::size_t> dims;
  std::string bytes;
  std::size_t begin = 0;
};

IdxFile read_idx(const std::string& path, std::size_t rank) {
  IdxFile file{{}, read_gzip_file(path), 4 + 4 * rank};
  AUTOGO_REQUIRE(file.bytes.size() >= file.begin && file.bytes[0] == 0 && file.bytes[1] == 0,
                 ErrorKind::kInput, path + ": is no IDX file");
  AUTOGO_REQUIRE(
      file.bytes[2] == 8 && static_cast<std::size_t>(file.bytes[3]) == rank, ErrorKind::kInput,
      path + ": expected bytes in " + std::to_string(rank) + " dimension(s), found type " +
          std::to_string(file.bytes[2]) + " in " + std::to_string(file.bytes[3]));
  std::size_t size = 1;
  for (std::size_t d = 0; d < rank; ++d) {
    file.dims.push_back(big_endian(file.bytes, 4 + 4 * d));
    AUTOGO_REQUIRE(
        file.dims.back() > 0 && size <= file.bytes.size(), ErrorKind::kInput,
        path + ": dimension " + std::to_string(d) + " is " + std::to_string(file.dims.back()));
    size *= file.dims.back();
  }
  AUTOGO_REQUIRE(file.bytes.size() == file.begin + size, ErrorKind::kInput,
                 path + ": has " + std::to_string(file.bytes.size() - file.begin) +
                     " bytes of data, its header says " + std::to_string(size));
  return file;
}

class IdxSet : public Dataset {
 public:
  IdxSet(std::string path, IdxFile images, IdxFile labels)
      : path_(std::move(path)), images_(std::move(images)), labels_(std::move(labels)) {}
  std::size_t size() const override { return labels_.dims[0]; }
  std::string name(std::size_t i) const override { return path_ + " record " + std::to_string(i); }
  std::int64_t label(std::size_t i) const override {
    return static_cast<unsigned char>(labels_.bytes[labels_.begin + i]);
  }
  LoadedSample load(std::size_t i) const override {
    const std::size_t pixels = images_.dims[1] * images_.dims[2];
    const auto first =
        images_.bytes.begin() + static_cast<std::ptrdiff_t>(images_.begin + i * pixels);
    auto sample = std::make_shared<Sample>();
    sample->label = label(i);
    sample->image = {static_cast<std::int64_t>(images_.dims[2]),
                     static_cast<std::int64_t>(images_.dims[1]), 1,
                     std::vector<std::uint8_t>(first, first + static_cast<std::ptrdiff_t>(pixels))};
    return {sample, ""};
  }
  std::int64_t largest_label() const {
    std::int64_t largest = 0;
    for (std::size_t i = 0; i < size(); ++i) largest = std::max(largest, label(i));
    return largest;
  }
  std::int64_t height() const { return static_cast<std::int64_t>(images_.dims[1]); }
  std::int64_t width() const { return static_cast<std::int64_t>(images_.dims[2]); }

 private:
  std::string path_;
  IdxFile images_, labels_;
};

/// The images file of a split: "train-images-idx3-ubyte", "t10k-images.idx3-ubyte.gz", ...
std::string find_images(const std::string& folder, std::initializer_list<const char*> splits) {
  std::vector<std::string> names;
  for (const std::string& name : list_folder(folder)) {
    if (name.find("images") == std::string::npos || name.find("idx3") == std::string::npos)
      continue;
    for (const char* split : splits) {
      if (name.rfind(split, 0) == 0) names.push_back(name);
    }
  }
  return names.empty() ? "" : folder + "/" + names[0];
}

std::shared_ptr<const IdxSet> open_split(const std::string& images_path) {
  std::string labels_path = images_path;
  labels_path.replace(labels_path.rfind("images"), 6, "labels");
  labels_path.replace(labels_path.rfind("idx3"), 4, "idx1");
  if (!file_exists(labels_path)) {  // one of the two may be packed
    const bool packed =
        labels_path.size() > 3 && labels_path.substr(labels_path.size() - 3) == ".gz";
    labels_path = packed ? labels_path.substr(0, labels_path.size() - 3) : labels_path + ".gz";
  }
  AUTOGO_REQUIRE(file_exists(labels_path), ErrorKind::kInput,
                 images_path + ": has no labels file beside it (" + base_name(labels_path) + ")");
  IdxFile images = read_idx(images_path, 3), labels = read_idx(labels_path, 1);
  AUTOGO_REQUIRE(images.dims[0] == labels.dims[0], ErrorKind::kInput,
                 labels_path + ": has " + std::to_string(labels.dims[0]) + " labels for " +
                     std::to_string(images.dims[0]) + " images");
  return std::make_shared<IdxSet>(images_path, std::move(images), std::move(labels));
}

}  // namespace

std::unique_ptr<Data> open_idx(const std::string& path) {
  const std::string train = find_images(path, {"train"});
  if (train.empty()) return nullptr;
  const std::string test = find_images(path, {"t10k", "test"});
  AUTOGO_REQUIRE(!test.empty(), ErrorKind::kInput,
                 path + ": has no test images (t10k-images-idx3-ubyte) beside the training images");
  const auto train_set = open_split(train), test_set = open_split(test);
  auto data = std::make_unique<Data>();
  data->kind = "idx";
  data->channels = 1;
  data->height = train_set->height();
  data->width = train_set->width();
  AUTOGO_REQUIRE(test_set->height() == data->height && test_set->width() == data->width,
                 ErrorKind::kInput, test + ": its images have another size than " + train);
  const std::int64_t classes = train_set->largest_label() + 1;
  AUTOGO_REQUIRE(test_set->largest_label() < classes, ErrorKind::kInput,
                 test + ": has label " + std::to_string(test_set->largest_label()) +
                     ", the training labels are 0 to " + std::to_string(classes - 1));
  for (std::int64_t i = 0; i < classes; ++i) data->classes.push_back(std::to_string(i));
  data->train = train_set;
  data->tests.push_back({"test", test_set});
  return data;
}

}  // namespace autogo
