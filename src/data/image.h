#pragma once

#include <string>
#include <string_view>

#include "autogo/base/rng.h"
#include "autogo/data/dataset.h"

namespace autogo {

/// How channels come out of a decoder.
enum class PixelMode {
  kColor,  ///< 3: grey is repeated, transparency dropped
  kIds,    ///< 1: grey value or palette index, as stored
};

struct DecodedImage {
  Image image;
  std::string problem;  ///< not empty: damaged
};

/// Decodes JPEG or PNG, told by the first bytes and not by the name. 16 bits become 8; CMYK
/// becomes RGB.
DecodedImage decode_image(std::string_view bytes, PixelMode mode);
/// The same for a file; `problem` starts with its path.
DecodedImage decode_file(const std::string& path, PixelMode mode);
/// .jpg, .jpeg, .png in any case.
bool is_image_name(std::string_view name);

/// Writes RGB or grey as PNG: what the tests and `make` helpers need. @throws Error kIo
void write_png(const Image& image, const std::string& path);

enum class ResizeFilter { kLinear, kCubic };
/// A rectangle in pixels; may have fractions.
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};
/// Resizes the part `box` to width x height, with anti-aliasing when it shrinks: kCubic over a
/// whole image is MATLAB's imresize(..., 'bicubic') (a = -0.5, borders mirrored), which made the
/// published super-resolution sets; kLinear is PIL's BILINEAR.
Image resize(const Image& image, const Box& box, std::int64_t width, std::int64_t height,
             ResizeFilter filter);
Image resize(const Image& image, std::int64_t width, std::int64_t height, ResizeFilter filter);

/// Cuts out; the box must lie inside.
Image crop(const Image& image, std::int64_t x, std::int64_t y, std::int64_t width,
           std::int64_t height);
/// Left-right.
Image mirrored(const Image& image);
/// Rows become columns.
Image transposed(const Image& image);

/// Y of BT.601 as MATLAB's rgb2ycbcr has it, 16 to 235, in units of 255, not rounded.
inline float luma(float r, float g, float b) {
  return 16.0F + (65.481F * r + 128.553F * g + 24.966F * b) / 255.0F;
}

}  // namespace autogo
