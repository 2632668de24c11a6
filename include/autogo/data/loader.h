#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autogo/data/dataset.h"

namespace autogo {

/// How training images are varied. Every part is off at 0.
struct Augmentation {
  int pad = 0;             ///< zeros on each side, then a crop of the network's size
  bool flip = false;       ///< left-right, half of the time
  bool turn = false;       ///< by multiples of 90 degrees (restoration)
  double min_area = 0;     ///< a random part of at least this share, resized (Inception crop)
  double scale_range = 0;  ///< random scale: segmentation 1/(1+r)..1+r, pose 1-r..1+r
  double rotate_deg = 0;   ///< pose: up to this angle, half of the time
};

/// What a batch looks like: the network's input and the task.
struct BatchSpec {
  Task task = Task::kClassification;
  std::int64_t channels = 3, height = 0, width = 0;  ///< of the network's input
  /// Input = (pixel / 255 - mean) / deviation, one a channel; empty: pixel / 255.
  std::vector<float> mean, deviation;
  /// Size of the input patch in training on restoration; 0: whole images.
  std::int64_t patch = 0;
  /// Classification in tests: share of the shorter side that the crop from the centre keeps.
  double test_crop = 1;
  std::int64_t scale = 2;        ///< super-resolution
  double noise = 0;              ///< denoising: standard deviation, of 255
  std::uint64_t noise_seed = 0;  ///< of test images, which look the same in each epoch
  std::int64_t heat_height = 0, heat_width = 0;  ///< pose: the network's output
  double heat_sigma = 2;                         ///< pose: of the Gaussians, in output pixels
  std::vector<std::pair<std::size_t, std::size_t>> mirrored_joints;
  bool training = false;  ///< vary images as `augmentation` says
  Augmentation augmentation;
};

/// Arrays in N, C, H, W order, ready for the network.
struct Batch {
  using Dims = std::array<std::int64_t, 4>;
  std::int64_t count = 0;  ///< samples: N; damaged ones are left out
  Dims input_dims{}, target_dims{};
  std::vector<float> input;
  std::vector<float> target;         ///< restoration: the clean image; pose: heat maps
  std::vector<std::int64_t> labels;  ///< classification: N; segmentation: N x H x W, 255 is ignored
  std::vector<Joint> joints;         ///< pose: N x joints, in pixels of the input
  std::vector<float> weights;        ///< pose: N x joints, 0 for joints that are not learned
  std::vector<std::size_t> samples;  ///< index of each sample in the data set
  std::uint64_t skipped = 0;
  std::string first_problem;
};

struct LoaderOptions {
  std::int64_t batch_size = 1;
  int threads = 1;  ///< 0: a batch is made when it is asked for
  std::uint64_t seed = 0;
  std::size_t max_samples = 0;  ///< 0: all; else a fixed choice, even over the classes
  std::uint64_t repeat = 1;     ///< times that each sample is drawn in an epoch
};

/// Makes batches beside the training. Batch k of epoch e is the same for any number of threads:
/// its samples follow from (seed, e), and each sample's random stream is keyed by (seed, e,
/// sample). A bounded queue holds at most threads + 2 batches.
class Loader {
 public:
  /// A training spec shuffles and drops an incomplete last batch (unless it is the only one); a
  /// test keeps the order and every sample. `set` must outlive the loader.
  Loader(const Dataset& set, const BatchSpec& spec, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::uint64_t batches() const;  ///< an epoch's
  std::size_t samples() const;    ///< distinct ones that are used
  /// Begins an epoch at one of its batches; what the last one left is dropped.
  void start(std::uint64_t epoch, std::uint64_t first_batch = 0);
  /// The next batch; nothing at the end of the epoch. @throws Error as Dataset::load
  std::optional<Batch> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The fixed choice of `max` samples: even over the classes where there are any, the same in every
/// run. All, in order, when max is 0 or above the size.
std::vector<std::size_t> choose_samples(const Dataset& set, std::size_t max);

/// Mean and deviation of each channel over (at most 5,000 of) the training images, in 0..1.
struct ChannelStatistics {
  std::vector<float> mean, deviation;
};
ChannelStatistics channel_statistics(const Dataset& set, std::int64_t channels);

}  // namespace autogo
