// Which layout a folder has, and which a task can use.
//
// Tested by tests/data/dataset_test.cc.

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "autogo/data/dataset.h"
#include "sources.h"

namespace autogo {
namespace {

constexpr std::pair<Task, const char*> kTasks[] = {{Task::kClassification, "classification"},
                                                   {Task::kSuperResolution, "super-resolution"},
                                                   {Task::kDenoising, "denoising"},
                                                   {Task::kSegmentation, "segmentation"},
                                                   {Task::kPose, "pose"}};

std::unique_ptr<Data> recognise(const std::string& path, Task task, std::int64_t num_classes) {
  switch (task) {
    case Task::kClassification:
      for (const auto open : {open_cifar, open_idx, open_class_folders}) {
        if (auto data = open(path)) return data;
      }
      return nullptr;
    case Task::kSuperResolution:
    case Task::kDenoising:
      return open_images(path);
    case Task::kSegmentation:
      return open_masks(path, num_classes);
    case Task::kPose:
      break;
  }
  return open_key_points(path);
}

const char* expected_layout(Task task) {
  switch (task) {
    case Task::kClassification:
      return "CIFAR binary files, IDX files, or train/CLASS/*.jpg with val/ or test/";
    case Task::kSuperResolution:
    case Task::kDenoising:
      return "JPEG or PNG images, alone or in train/ and test/";
    case Task::kSegmentation:
      return "leftImg8bit/ and gtFine/, or images/ and masks/";
    case Task::kPose:
      break;
  }
  return "images/ and annot/train.json";
}

void add_tests(Data& data, Task task, const std::vector<std::string>& paths) {
  if (!paths.empty()) data.tests.clear();
  for (const std::string& path : paths) {
    AUTOGO_REQUIRE(folder_exists(path), ErrorKind::kIo, path + ": no such folder");
    if (task == Task::kSuperResolution || task == Task::kDenoising) {
      data.tests.push_back(open_test_images(path));
    } else {
      AUTOGO_REQUIRE(data.kind == "class-folders", ErrorKind::kUsage,
                     path + ": this data set brings its own test images");
      data.tests.push_back(open_test_classes(path, data));
    }
  }
  if (data.tests.empty()) hold_out_tenth(data);
}

std::uint64_t content_hash(const Data& data) {
  std::uint64_t hash = hash_bytes(data.kind.data(), data.kind.size());
  const auto add = [&](const std::string& text) {
    hash = hash_combine(hash, hash_bytes(text.data(), text.size()));
  };
  const auto add_set = [&](const Dataset& set) {
    hash = hash_combine(hash, set.size());
    for (std::size_t i = 0; i < set.size(); ++i) {
      add(base_name(set.name(i)));
      hash = hash_combine(hash, static_cast<std::uint64_t>(set.label(i)));
    }
  };
  for (const std::string& name : data.classes) add(name);
  add_set(*data.train);
  for (const DataSplit& test : data.tests) add_set(*test.set);
  return hash;
}

}  // namespace

const char* task_name(Task task) {
  for (const auto& [known, name] : kTasks) {
    if (known == task) return name;
  }
  AUTOGO_CHECK(false);
}

Task parse_task(const std::string& name) {
  std::string known;
  for (const auto& [task, text] : kTasks) {
    if (name == text) return task;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  throw Error(ErrorKind::kUsage, "unknown task '" + name + "'; known are " + known);
}

std::int64_t Dataset::label(std::size_t) const { return -1; }

Data open_data(const std::string& path, Task task, const DataOptions& options) {
  AUTOGO_REQUIRE(folder_exists(path), ErrorKind::kIo, path + ": no such folder");
  std::unique_ptr<Data> data = recognise(path, task, options.num_classes);
  AUTOGO_REQUIRE(
      data != nullptr, ErrorKind::kInput,
      path + ": holds no data set for " + task_name(task) + "; expected " + expected_layout(task));
  data->path = path;
  add_tests(*data, task, options.tests);
  data->content_hash = content_hash(*data);
  return std::move(*data);
}

}  // namespace autogo
