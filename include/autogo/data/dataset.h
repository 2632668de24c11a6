#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace autogo {

/// What a network is trained for. Each task has its loss, metric and head (docs/training.md).
enum class Task { kClassification, kSuperResolution, kDenoising, kSegmentation, kPose };
/// "classification", "super-resolution", "denoising", "segmentation", "pose".
const char* task_name(Task task);
/// @throws Error kUsage that lists the names
Task parse_task(const std::string& name);

/// 8 bits a channel, rows from the top, channels interleaved; 1 channel (grey, class ids) or 3
/// (RGB).
struct Image {
  std::int64_t width = 0, height = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
  const std::uint8_t* at(std::int64_t x, std::int64_t y) const {
    return pixels.data() + static_cast<std::size_t>((y * width + x) * channels);
  }
  std::uint8_t* at(std::int64_t x, std::int64_t y) {
    return pixels.data() + static_cast<std::size_t>((y * width + x) * channels);
  }
};

/// A key point in pixels of its image; an invisible one is not learned.
struct Joint {
  float x = 0, y = 0;
  bool visible = false;
};

/// One example as it lies on the disk, decoded. Which parts are set depends on the data set.
struct Sample {
  Image image;              ///< the input; empty when it is made from `target`
  Image target;             ///< what the output should be; for masks: class ids, 255 is ignored
  std::int64_t label = -1;  ///< class
  std::vector<Joint> joints;
  float center_x = 0, center_y = 0;  ///< of the person, in pixels
  float person_size = 0;             ///< height of the person, in pixels
};

/// A damaged file is an expected "no": training goes on without it and counts it.
struct LoadedSample {
  std::shared_ptr<const Sample> sample;  ///< null when damaged
  std::string problem;                   ///< then: the file and what is wrong with it
};

/// One split of a data set. Const calls are thread-safe. What the disk holds stays on the disk:
/// an open ImageNet costs the names of its files.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::size_t size() const = 0;
  /// Where sample i is: a path, or a file and a record.
  virtual std::string name(std::size_t i) const = 0;
  /// Class of sample i, or -1 when the data set has none. Costs no decoding.
  virtual std::int64_t label(std::size_t i) const;
  /// Reads and decodes. @throws Error kInput for what makes the whole set wrong: a class id out of
  /// range, a mask of another size
  virtual LoadedSample load(std::size_t i) const = 0;
};

struct DataSplit {
  std::string name;  ///< "test", "val", "Set5"
  std::shared_ptr<const Dataset> set;
};

/// A data set as found under a path.
struct Data {
  /// "cifar10", "cifar100", "idx", "class-folders", "images", "image-pairs", "masks", "key-points"
  std::string kind;
  std::string path;
  std::vector<std::string> classes;                  ///< names; of segmentation too
  std::int64_t channels = 0, height = 0, width = 0;  ///< 0 where it differs between images
  std::size_t num_joints = 0;
  /// Key points that change places in a mirror: left and right wrist.
  std::vector<std::pair<std::size_t, std::size_t>> mirrored_joints;
  std::size_t neck_joint = 0, head_joint = 0;  ///< their distance is the unit of PCKh
  std::shared_ptr<const Dataset> train;
  std::vector<DataSplit> tests;    ///< at least one
  std::uint64_t content_hash = 0;  ///< of kind, classes, sample counts and names
};

struct DataOptions {
  std::vector<std::string> tests;  ///< further folders that take the place of the set's own tests
  std::int64_t num_classes = 0;    ///< segmentation: class ids below this; 0: as the layout says
};

/// Opens what lies under `path`, recognised by what it is:
///   classification   CIFAR-10 or CIFAR-100 binary files, IDX files (MNIST, Fashion-MNIST; plain or
///                    .gz), class folders of JPEG or PNG (train/CLASS/ and val/ or test/)
///   super-resolution,
///   denoising        a folder of images; train/ and test folders; T91 or DIV2K beside Set5, Set14
///                    ...; HR/ and LR/ (clean/ and noisy/) for pairs that exist already
///   segmentation     Cityscapes (leftImg8bit/, gtFine/), images/ and masks/ of the same names
///   pose             MPII (images/, annot/train.json, annot/valid.json)
/// docs/formats.md describes the layouts.
/// @throws Error kInput: nothing that is known, an empty class folder, a label out of range, a
///         truncated file; kIo
Data open_data(const std::string& path, Task task, const DataOptions& options = {});

}  // namespace autogo
