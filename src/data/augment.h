#pragma once

#include <vector>

#include "autogo/base/rng.h"
#include "autogo/data/loader.h"
#include "image.h"

namespace autogo {

/// Pixels to floats: value / 255, less the mean, by the deviation. One table a channel.
class PixelTable {
 public:
  explicit PixelTable(const BatchSpec& spec);
  /// Appends an image as planes; the channels are made to fit: grey is repeated, colours become
  /// grey (restoration: Y of BT.601, else the weights 0.299, 0.587, 0.114).
  void append(const Image& image, std::vector<float>& out) const;
  /// The value of a padded pixel is 0, the mean.

 private:
  std::int64_t channels_;
  bool studio_luma_;
  std::vector<float> mean_, factor_;
  std::vector<std::vector<float>> table_;
};

/// Builds one batch, sample by sample. All variation of a sample comes from the stream it is given.
class BatchBuilder {
 public:
  BatchBuilder(const BatchSpec& spec, const PixelTable& table) : spec_(spec), table_(table) {}
  /// @throws Error kInput when the sample has another size than the batch or does not fit the task
  void add(const Sample& sample, std::size_t index, Rng rng);
  void skip(const std::string& problem);
  Batch take() { return std::move(batch_); }

 private:
  void add_class(const Sample& sample, Rng& rng);
  void add_restoration(const Sample& sample, Rng& rng);
  void add_mask(const Sample& sample, Rng& rng);
  void add_pose(const Sample& sample, Rng& rng);
  void add_heat_maps(const std::vector<Joint>& joints);
  void set_dims(Batch::Dims& dims, std::int64_t c, std::int64_t h, std::int64_t w);

  const BatchSpec& spec_;
  const PixelTable& table_;
  Batch batch_;
};

}  // namespace autogo
