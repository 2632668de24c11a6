// From a decoded sample to its place in a batch: classification, and what all tasks share.
//
// Training on images of the network's own size (CIFAR) pads with the mean and cuts at random, as
// the CIFAR recipes since ResNet do; on larger ones it takes a random part of random shape
// (Inception crop). Tests take the centre. The order of the random draws of a sample is fixed, so a
// batch is a function of its stream.
//
// Tested by tests/data/loader_test.cc.

#include "augment.h"

#include <algorithm>
#include <cmath>

#include "autogo/base/error.h"

namespace autogo {
namespace {

Image padded(const Image& image, std::int64_t pad, std::int64_t x, std::int64_t y,
             std::vector<std::uint8_t>& inside) {
  Image result{image.width, image.height, image.channels,
               std::vector<std::uint8_t>(image.pixels.size(), 0)};
  inside.assign(static_cast<std::size_t>(image.width * image.height), 0);
  for (std::int64_t row = 0; row < image.height; ++row) {
    const std::int64_t from = row + y - pad;
    if (from < 0 || from >= image.height) continue;
    for (std::int64_t column = 0; column < image.width; ++column) {
      const std::int64_t source = column + x - pad;
      if (source < 0 || source >= image.width) continue;
      std::copy_n(image.at(source, from), image.channels, result.at(column, row));
      inside[static_cast<std::size_t>(row * image.width + column)] = 1;
    }
  }
  return result;
}

/// The largest box of the aspect width:height in the centre, times `share`.
Box center_box(const Image& image, double width, double height, double share) {
  const double w = static_cast<double>(image.width), h = static_cast<double>(image.height);
  const double scale = std::min(w / width, h / height) * share;
  return {(w - width * scale) / 2, (h - height * scale) / 2, width * scale, height * scale};
}

/// A part of random area and shape (Inception crop, torchvision's RandomResizedCrop).
Box random_box(const Image& image, double min_area, Rng& rng) {
  const double w = static_cast<double>(image.width), h = static_cast<double>(image.height);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = w * h * (min_area + (1 - min_area) * rng.uniform());
    const double ratio = std::exp(std::log(3.0 / 4) + std::log(16.0 / 9) * rng.uniform());
    const double width = std::round(std::sqrt(area * ratio));
    const double height = std::round(std::sqrt(area / ratio));
    if (width < 1 || height < 1 || width > w || height > h) continue;
    return {std::floor(rng.uniform() * (w - width + 1)),
            std::floor(rng.uniform() * (h - height + 1)), width, height};
  }
  return center_box(image, std::clamp(w, h * 3 / 4, h * 4 / 3), std::clamp(h, w * 3 / 4, w * 4 / 3),
                    1);
}

}  // namespace

PixelTable::PixelTable(const BatchSpec& spec)
    : channels_(spec.channels),
      studio_luma_(spec.task == Task::kSuperResolution || spec.task == Task::kDenoising) {
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels_); ++c) {
    mean_.push_back(spec.mean.empty() ? 0.0F : spec.mean.at(c));
    factor_.push_back(spec.deviation.empty() ? 1.0F : 1.0F / spec.deviation.at(c));
    std::vector<float>& row = table_.emplace_back(256);
    for (std::size_t v = 0; v < row.size(); ++v) {
      row[v] = (static_cast<float>(v) / 255.0F - mean_[c]) * factor_[c];
    }
  }
}

void PixelTable::append(const Image& image, std::vector<float>& out) const {
  const auto pixels = static_cast<std::size_t>(image.width * image.height);
  const auto from = static_cast<std::size_t>(image.channels);
  const bool to_grey = channels_ == 1 && from == 3;
  AUTOGO_REQUIRE(to_grey || channels_ == image.channels || from == 1, ErrorKind::kUnsupported,
                 "the network's input has " + std::to_string(channels_) +
                     " channels, images have " + std::to_string(from));
  const std::size_t begin = out.size();
  out.resize(begin + pixels * static_cast<std::size_t>(channels_));
  float* plane = out.data() + begin;
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels_); ++c, plane += pixels) {
    const std::uint8_t* in = image.pixels.data() + (from == 1 || to_grey ? 0 : c);
    for (std::size_t p = 0; p < pixels; ++p, in += from) {
      if (!to_grey) {
        plane[p] = table_[c][*in];
        continue;
      }
      const float r = in[0], g = in[1], b = in[2];
      // Y is rounded, as in images that are stored so; published PSNRs are of rounded values.
      const float grey =
          studio_luma_ ? std::floor(luma(r, g, b) + 0.5F) : 0.299F * r + 0.587F * g + 0.114F * b;
      plane[p] = (grey / 255.0F - mean_[c]) * factor_[c];
    }
  }
}

void BatchBuilder::set_dims(Batch::Dims& dims, std::int64_t c, std::int64_t h, std::int64_t w) {
  AUTOGO_REQUIRE(batch_.count == 0 || (dims[1] == c && dims[2] == h && dims[3] == w),
                 ErrorKind::kInput,
                 "images of different sizes in one batch; use --batch-size 1 or a patch size");
  dims = {batch_.count + 1, c, h, w};
}

void BatchBuilder::skip(const std::string& problem) {
  if (batch_.skipped++ == 0) batch_.first_problem = problem;
}

void BatchBuilder::add(const Sample& sample, std::size_t index, Rng rng) {
  switch (spec_.task) {
    case Task::kClassification:
      add_class(sample, rng);
      break;
    case Task::kSuperResolution:
    case Task::kDenoising:
      add_restoration(sample, rng);
      break;
    case Task::kSegmentation:
      add_mask(sample, rng);
      break;
    case Task::kPose:
      add_pose(sample, rng);
      break;
  }
  batch_.samples.push_back(index);
  ++batch_.count;
}

void BatchBuilder::add_class(const Sample& sample, Rng& rng) {
  const Augmentation& vary = spec_.augmentation;
  const std::int64_t width = spec_.width, height = spec_.height;
  const Image& source = sample.image;
  const Image* image = &source;
  Image made;
  if (spec_.training && vary.min_area > 0) {
    made = resize(source, random_box(source, vary.min_area, rng), width, height,
                  ResizeFilter::kLinear);
    image = &made;
  } else if (source.width != width || source.height != height || spec_.test_crop != 1) {
    const Box box = center_box(source, static_cast<double>(width), static_cast<double>(height),
                               spec_.test_crop);
    made = resize(source, box, width, height, ResizeFilter::kLinear);
    image = &made;
  }
  std::vector<std::uint8_t> inside;
  if (spec_.training && vary.pad > 0) {
    const auto places = static_cast<std::uint64_t>(2 * vary.pad + 1);
    const auto x = static_cast<std::int64_t>(rng.below(places));
    const auto y = static_cast<std::int64_t>(rng.below(places));
    made = padded(*image, vary.pad, x, y, inside);
    image = &made;
  }
  const bool flip = spec_.training && vary.flip && rng.below(2) == 1;
  set_dims(batch_.input_dims, spec_.channels, height, width);
  const std::size_t begin = batch_.input.size();
  table_.append(*image, batch_.input);
  const auto pixels = static_cast<std::size_t>(width * height);
  for (std::size_t c = 0; c < static_cast<std::size_t>(spec_.channels); ++c) {
    float* plane = batch_.input.data() + begin + c * pixels;
    for (std::size_t p = 0; p < inside.size(); ++p) {
      if (inside[p] == 0) plane[p] = 0;  // the mean
    }
    for (std::int64_t y = 0; flip && y < height; ++y) {
      std::reverse(plane + y * width, plane + (y + 1) * width);
    }
  }
  batch_.labels.push_back(sample.label);
}

}  // namespace autogo
