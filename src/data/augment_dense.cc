// Batches whose target is a map: clean images, class ids, heat maps.
//
// Super-resolution: the input is the clean image shrunk bicubically. A training patch is shrunk
// from the part of the clean image around it, which gives the same pixels as shrinking the whole
// image and cutting (the filter reads beyond the patch) at a fraction of the cost. Denoising: noise
// is added to the input after it is in floating point and is not cut off at 0 and 255, as in the
// papers on Gaussian noise; a test image's noise is keyed by its number, so every network sees the
// same.
//
// Pose: the person's box is turned, scaled and moved into the input by one affine map, sampled
// linearly; a joint's heat map is a Gaussian around its rounded position (simple baselines for pose
// estimation, the paper's reference [78]).
//
// Tested by tests/data/loader_test.cc.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "augment.h"
#include "autogo/base/error.h"

namespace autogo {
namespace {

/// Continues a patch of an image that is too small by mirroring.
Image extended(const Image& image, std::int64_t width, std::int64_t height) {
  if (image.width == width && image.height == height) return image;
  const auto fold = [](std::int64_t i, std::int64_t n) {
    i %= 2 * n;
    return i < n ? i : 2 * n - 1 - i;
  };
  Image result{width, height, image.channels, {}};
  result.pixels.resize(static_cast<std::size_t>(width * height * image.channels));
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      std::copy_n(image.at(fold(x, image.width), fold(y, image.height)), image.channels,
                  result.at(x, y));
    }
  }
  return result;
}

/// One of the eight symmetries of a square.
Image turned(const Image& image, bool flip, bool transpose, bool flip_after) {
  Image result = flip ? mirrored(image) : image;
  if (transpose) result = transposed(result);
  return flip_after ? mirrored(result) : result;
}

std::int64_t random_offset(std::int64_t room, Rng& rng) {
  return room <= 0 ? 0 : static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(room) + 1));
}

/// x' = a x + b y + c: input pixels to image pixels.
struct Affine {
  double xx, xy, x0, yx, yy, y0;
  double x(double u, double v) const { return xx * u + xy * v + x0; }
  double y(double u, double v) const { return yx * u + yy * v + y0; }
};

Image sampled(const Image& image, const Affine& map, std::int64_t width, std::int64_t height) {
  Image result{width, height, image.channels, {}};
  result.pixels.assign(static_cast<std::size_t>(width * height * image.channels), 0);
  for (std::int64_t v = 0; v < height; ++v) {
    for (std::int64_t u = 0; u < width; ++u) {
      const double x = map.x(static_cast<double>(u), static_cast<double>(v));
      const double y = map.y(static_cast<double>(u), static_cast<double>(v));
      const auto left = static_cast<std::int64_t>(std::floor(x));
      const auto top = static_cast<std::int64_t>(std::floor(y));
      const double fx = x - static_cast<double>(left), fy = y - static_cast<double>(top);
      for (std::int64_t c = 0; c < image.channels; ++c) {
        double value = 0;
        for (int k = 0; k < 4; ++k) {
          const std::int64_t px = left + k % 2, py = top + k / 2;
          if (px < 0 || py < 0 || px >= image.width || py >= image.height) continue;
          value += (k % 2 == 1 ? fx : 1 - fx) * (k / 2 == 1 ? fy : 1 - fy) * image.at(px, py)[c];
        }
        result.at(u, v)[c] = static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
      }
    }
  }
  return result;
}

}  // namespace

void BatchBuilder::add_restoration(const Sample& sample, Rng& rng) {
  const std::int64_t s = spec_.task == Task::kSuperResolution ? spec_.scale : 1;
  const Image& clean = sample.target;
  const bool pair = sample.image.width > 0;
  const std::int64_t width = clean.width / s, height = clean.height / s;
  AUTOGO_REQUIRE(width > 0 && height > 0, ErrorKind::kInput,
                 "an image is smaller than the scale of the super-resolution");
  AUTOGO_REQUIRE(
      !pair || (sample.image.width == width && sample.image.height == height), ErrorKind::kInput,
      "an input image is " + std::to_string(sample.image.width) + "x" +
          std::to_string(sample.image.height) + ", its target " + std::to_string(clean.width) +
          "x" + std::to_string(clean.height) + ": not the scale " + std::to_string(s));
  const bool cut = spec_.training && spec_.patch > 0;
  const std::int64_t w = cut ? std::min(spec_.patch, width) : width;
  const std::int64_t h = cut ? std::min(spec_.patch, height) : height;
  const std::int64_t x = cut ? random_offset(width - w, rng) : 0;
  const std::int64_t y = cut ? random_offset(height - h, rng) : 0;
  Image target = crop(clean, x * s, y * s, w * s, h * s);
  Image input;
  if (pair) {
    input = crop(sample.image, x, y, w, h);
  } else if (s == 1) {
    input = target;
  } else {
    // Only whole multiples of the scale count, also for what the filter reads at the border.
    const bool trimmed = clean.width != width * s || clean.height != height * s;
    const Image whole = trimmed ? crop(clean, 0, 0, width * s, height * s) : Image{};
    input = resize(trimmed ? whole : clean,
                   {static_cast<double>(x * s), static_cast<double>(y * s),
                    static_cast<double>(w * s), static_cast<double>(h * s)},
                   w, h, ResizeFilter::kCubic);
  }
  if (cut) {
    input = extended(input, spec_.patch, spec_.patch);
    target = extended(target, spec_.patch * s, spec_.patch * s);
  }
  if (spec_.training) {
    const Augmentation& vary = spec_.augmentation;
    const bool flip = vary.flip && rng.below(2) == 1;
    const bool turnable = vary.turn && input.width == input.height;
    const bool transpose = turnable && rng.below(2) == 1, after = turnable && rng.below(2) == 1;
    input = turned(input, flip, transpose, after);
    target = turned(target, flip, transpose, after);
  }
  set_dims(batch_.input_dims, spec_.channels, input.height, input.width);
  set_dims(batch_.target_dims, spec_.channels, target.height, target.width);
  const std::size_t begin = batch_.input.size();
  table_.append(input, batch_.input);
  table_.append(target, batch_.target);
  if (spec_.task == Task::kDenoising && spec_.noise > 0 && !pair) {
    for (std::size_t i = begin; i < batch_.input.size(); ++i) {
      batch_.input[i] += static_cast<float>(rng.normal() * spec_.noise / 255);
    }
  }
}

void BatchBuilder::add_mask(const Sample& sample, Rng& rng) {
  const Image& source = sample.image;
  std::int64_t width = source.width, height = source.height;  // of the scaled image
  std::int64_t w = width, h = height, left = 0, top = 0;      // the part of it that is shown
  if (spec_.training) {
    const double range = std::log(1 + spec_.augmentation.scale_range);
    const double scale = std::exp(range * (2 * rng.uniform() - 1));
    width = std::max<std::int64_t>(1, std::llround(static_cast<double>(width) * scale));
    height = std::max<std::int64_t>(1, std::llround(static_cast<double>(height) * scale));
    w = std::min(width, spec_.width);
    h = std::min(height, spec_.height);
    left = random_offset(width - w, rng);
    top = random_offset(height - h, rng);
  }
  const bool flip = spec_.training && spec_.augmentation.flip && rng.below(2) == 1;
  const double sx = static_cast<double>(source.width) / static_cast<double>(width);
  const double sy = static_cast<double>(source.height) / static_cast<double>(height);
  Image image = resize(source,
                       {static_cast<double>(left) * sx, static_cast<double>(top) * sy,
                        static_cast<double>(w) * sx, static_cast<double>(h) * sy},
                       w, h, ResizeFilter::kLinear);
  Image mask{w, h, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(w * h))};
  for (std::int64_t y = 0; y < h; ++y) {
    for (std::int64_t x = 0; x < w; ++x) {
      const auto from = [](std::int64_t at, double step, std::int64_t size) {
        const auto i = static_cast<std::int64_t>((static_cast<double>(at) + 0.5) * step);
        return std::min(i, size - 1);
      };
      *mask.at(x, y) =
          *sample.target.at(from(left + x, sx, source.width), from(top + y, sy, source.height));
    }
  }
  if (flip) {
    image = mirrored(image);
    mask = mirrored(mask);
  }
  const std::int64_t out_w = spec_.training ? spec_.width : w;
  const std::int64_t out_h = spec_.training ? spec_.height : h;
  set_dims(batch_.input_dims, spec_.channels, out_h, out_w);
  std::vector<float> planes;
  table_.append(image, planes);
  // What lies outside is the mean, and does not count.
  const std::size_t begin = batch_.input.size(), first = batch_.labels.size();
  batch_.input.resize(begin + static_cast<std::size_t>(spec_.channels * out_h * out_w), 0.0F);
  batch_.labels.resize(first + static_cast<std::size_t>(out_h * out_w), 255);
  const std::int64_t dx = (out_w - w) / 2, dy = (out_h - h) / 2;
  for (std::int64_t y = 0; y < h; ++y) {
    for (std::int64_t c = 0; c < spec_.channels; ++c) {
      std::copy_n(planes.begin() + (c * h + y) * w, w,
                  batch_.input.begin() + static_cast<std::ptrdiff_t>(begin) +
                      (c * out_h + y + dy) * out_w + dx);
    }
    for (std::int64_t x = 0; x < w; ++x) {
      batch_.labels[first + static_cast<std::size_t>((y + dy) * out_w + x + dx)] = *mask.at(x, y);
    }
  }
}

void BatchBuilder::add_pose(const Sample& sample, Rng& rng) {
  const Augmentation& vary = spec_.augmentation;
  double scale = 1, angle = 0;
  bool flip = false;
  if (spec_.training) {
    const double s = rng.normal() * vary.scale_range, a = rng.normal() * vary.rotate_deg;
    scale = std::clamp(1 + s, 1 - vary.scale_range, 1 + vary.scale_range);
    const bool turn = rng.below(5) < 3;
    if (turn) angle = std::clamp(a, -2 * vary.rotate_deg, 2 * vary.rotate_deg);
    flip = vary.flip && rng.below(2) == 1;
  }
  const auto width = static_cast<double>(spec_.width), height = static_cast<double>(spec_.height);
  const double step = sample.person_size * scale / std::max(width, height);  // image by input pixel
  const double sine = std::sin(angle * std::numbers::pi / 180) * step;
  const double cosine = std::cos(angle * std::numbers::pi / 180) * step;
  Affine map{cosine, -sine, 0, sine, cosine, 0};
  if (flip) {
    map.xx = -map.xx;
    map.yx = -map.yx;
  }
  const double cu = (width - 1) / 2, cv = (height - 1) / 2;
  map.x0 = sample.center_x - map.xx * cu - map.xy * cv;
  map.y0 = sample.center_y - map.yx * cu - map.yy * cv;

  set_dims(batch_.input_dims, spec_.channels, spec_.height, spec_.width);
  table_.append(sampled(sample.image, map, spec_.width, spec_.height), batch_.input);
  std::vector<Joint> joints = sample.joints;
  const double determinant = map.xx * map.yy - map.xy * map.yx;
  for (Joint& joint : joints) {
    const double x = joint.x - map.x0, y = joint.y - map.y0;
    joint.x = static_cast<float>((map.yy * x - map.xy * y) / determinant);
    joint.y = static_cast<float>((map.xx * y - map.yx * x) / determinant);
  }
  if (flip) {
    for (const auto& [a, b] : spec_.mirrored_joints) std::swap(joints[a], joints[b]);
  }
  add_heat_maps(joints);
}

void BatchBuilder::add_heat_maps(const std::vector<Joint>& joints) {
  const std::int64_t w = spec_.heat_width, h = spec_.heat_height;
  set_dims(batch_.target_dims, static_cast<std::int64_t>(joints.size()), h, w);
  const double radius = 3 * spec_.heat_sigma;
  for (const Joint& joint : joints) {
    const std::size_t begin = batch_.target.size();
    batch_.target.resize(begin + static_cast<std::size_t>(w * h), 0.0F);
    const double u =
        std::floor(joint.x * static_cast<double>(w) / static_cast<double>(spec_.width) + 0.5);
    const double v =
        std::floor(joint.y * static_cast<double>(h) / static_cast<double>(spec_.height) + 0.5);
    const bool seen = joint.visible && u + radius >= 0 && v + radius >= 0 &&
                      u - radius < static_cast<double>(w) && v - radius < static_cast<double>(h);
    batch_.joints.push_back(joint);
    batch_.weights.push_back(seen ? 1.0F : 0.0F);
    if (!seen) continue;
    for (std::int64_t y = 0; y < h; ++y) {
      for (std::int64_t x = 0; x < w; ++x) {
        const double dx = static_cast<double>(x) - u, dy = static_cast<double>(y) - v;
        if (std::abs(dx) > radius || std::abs(dy) > radius) continue;
        batch_.target[begin + static_cast<std::size_t>(y * w + x)] = static_cast<float>(
            std::exp(-(dx * dx + dy * dy) / (2 * spec_.heat_sigma * spec_.heat_sigma)));
      }
    }
  }
}

}  // namespace autogo
