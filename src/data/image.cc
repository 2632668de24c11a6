// Resizing as the published data sets were made.
//
// The low-resolution images of super-resolution come from MATLAB's imresize: Keys' cubic kernel
// with a = -0.5, widened by the scale when the image shrinks (so that it filters before it
// samples), weights that sum to 1, and borders continued by mirroring. PIL differs at the borders
// only (it drops what lies outside), OpenCV and LibTorch by default do not filter at all and give
// other images: a PSNR measured on those does not compare with published ones. Both directions are
// done in floating point and rounded once.
//
// Tested by tests/data/image_test.cc against published bicubic PSNRs and against PIL's values.

#include "image.h"

#include <algorithm>
#include <cmath>

#include "autogo/base/error.h"

namespace autogo {
namespace {

double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  if (x < 2) return -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2;
  return 0;
}
double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// Weights of one output pixel: source positions first .. first + count.
struct Taps {
  std::vector<std::int64_t> positions;
  std::vector<float> weights;
};

/// For each of `out` pixels, which of the `size` source pixels count how much.
std::vector<Taps> taps(double begin, double length, std::int64_t size, std::int64_t out,
                       ResizeFilter filter) {
  const double scale = length / static_cast<double>(out);  // source pixels an output pixel
  const double widen = std::max(1.0, scale);
  const double radius = (filter == ResizeFilter::kCubic ? 2.0 : 1.0) * widen;
  std::vector<Taps> result(static_cast<std::size_t>(out));
  for (std::int64_t i = 0; i < out; ++i) {
    Taps& pixel = result[static_cast<std::size_t>(i)];
    const double center = begin + (static_cast<double>(i) + 0.5) * scale;
    const auto first = static_cast<std::int64_t>(std::floor(center - radius));
    const auto last = static_cast<std::int64_t>(std::ceil(center + radius));
    double sum = 0;
    std::vector<double> weights;
    for (std::int64_t p = first; p < last; ++p) {
      const double x = (static_cast<double>(p) + 0.5 - center) / widen;
      const double weight = filter == ResizeFilter::kCubic ? cubic(x) : triangle(x);
      std::int64_t source = p;
      if (filter == ResizeFilter::kCubic) {  // mirrored at the borders
        const std::int64_t period = 2 * size;
        source = ((source % period) + period) % period;
        if (source >= size) source = period - 1 - source;
      } else if (source < 0 || source >= size) {
        continue;
      }
      if (weight == 0) continue;
      pixel.positions.push_back(source);
      weights.push_back(weight);
      sum += weight;
    }
    for (const double weight : weights) pixel.weights.push_back(static_cast<float>(weight / sum));
  }
  return result;
}

}  // namespace

Image resize(const Image& image, const Box& box, std::int64_t width, std::int64_t height,
             ResizeFilter filter) {
  AUTOGO_CHECK(width > 0 && height > 0 && image.width > 0 && image.height > 0);
  const std::vector<Taps> columns = taps(box.x, box.width, image.width, width, filter);
  const std::vector<Taps> rows = taps(box.y, box.height, image.height, height, filter);
  const std::int64_t c = image.channels;
  // Only the source rows that some output row looks at.
  std::int64_t top = image.height, bottom = 0;
  for (const Taps& row : rows) {
    for (const std::int64_t p : row.positions) {
      top = std::min(top, p);
      bottom = std::max(bottom, p + 1);
    }
  }
  std::vector<float> narrow(static_cast<std::size_t>((bottom - top) * width * c), 0.0F);
  for (std::int64_t y = top; y < bottom; ++y) {
    float* out = narrow.data() + (y - top) * width * c;
    for (const Taps& column : columns) {
      for (std::size_t t = 0; t < column.positions.size(); ++t) {
        const std::uint8_t* in = image.at(column.positions[t], y);
        for (std::int64_t k = 0; k < c; ++k)
          out[k] += column.weights[t] * static_cast<float>(in[k]);
      }
      out += c;
    }
  }
  Image result{width, height, c,
               std::vector<std::uint8_t>(static_cast<std::size_t>(width * height * c))};
  std::vector<float> line(static_cast<std::size_t>(width * c));
  for (std::int64_t y = 0; y < height; ++y) {
    std::fill(line.begin(), line.end(), 0.0F);
    const Taps& row = rows[static_cast<std::size_t>(y)];
    for (std::size_t t = 0; t < row.positions.size(); ++t) {
      const float* in = narrow.data() + (row.positions[t] - top) * width * c;
      for (std::size_t k = 0; k < line.size(); ++k) line[k] += row.weights[t] * in[k];
    }
    std::uint8_t* out = result.at(0, y);
    for (std::size_t k = 0; k < line.size(); ++k) {
      out[k] = static_cast<std::uint8_t>(std::clamp(std::floor(line[k] + 0.5F), 0.0F, 255.0F));
    }
  }
  return result;
}

Image resize(const Image& image, std::int64_t width, std::int64_t height, ResizeFilter filter) {
  if (image.width == width && image.height == height) return image;
  return resize(image, {0, 0, static_cast<double>(image.width), static_cast<double>(image.height)},
                width, height, filter);
}

Image crop(const Image& image, std::int64_t x, std::int64_t y, std::int64_t width,
           std::int64_t height) {
  AUTOGO_CHECK(x >= 0 && y >= 0 && x + width <= image.width && y + height <= image.height);
  Image result{width, height, image.channels, {}};
  result.pixels.reserve(static_cast<std::size_t>(width * height * image.channels));
  for (std::int64_t row = 0; row < height; ++row) {
    const std::uint8_t* in = image.at(x, y + row);
    result.pixels.insert(result.pixels.end(), in, in + width * image.channels);
  }
  return result;
}

Image mirrored(const Image& image) {
  Image result{image.width, image.height, image.channels, {}};
  result.pixels.resize(image.pixels.size());
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      std::copy_n(image.at(x, y), image.channels, result.at(image.width - 1 - x, y));
    }
  }
  return result;
}

Image transposed(const Image& image) {
  Image result{image.height, image.width, image.channels, {}};
  result.pixels.resize(image.pixels.size());
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      std::copy_n(image.at(x, y), image.channels, result.at(y, x));
    }
  }
  return result;
}

bool is_image_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string ending(name.substr(dot + 1));
  for (char& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return ending == "jpg" || ending == "jpeg" || ending == "png";
}

}  // namespace autogo
