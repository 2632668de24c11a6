#include "data/image.h"

#include <cmath>

#include "data/sources.h"
#include "data_support.h"

namespace autogo {
namespace {

using Pixels = std::vector<std::uint8_t>;

/// Width 9, height 7: pixel number i is 37 i mod 256.
Image ramp(std::int64_t width, std::int64_t height) {
  Image image{width, height, 1, {}};
  for (std::int64_t i = 0; i < width * height; ++i) {
    image.pixels.push_back(static_cast<std::uint8_t>(i * 37));
  }
  return image;
}

// The expected values are PIL 9.4's.
TEST(Resize, LinearIsPilsBilinear) {
  EXPECT_EQ(resize(ramp(9, 7), 4, 3, ResizeFilter::kLinear).pixels,
            (Pixels{97, 133, 112, 94, 120, 112, 134, 126, 152, 134, 113, 149}));
  EXPECT_EQ(resize(ramp(9, 7), {1.5, 1, 6, 5}, 3, 2, ResizeFilter::kLinear).pixels,
            (Pixels{125, 112, 117, 129, 134, 121}));
  const Image larger = resize(ramp(9, 7), 12, 9, ResizeFilter::kLinear);
  EXPECT_EQ(Pixels(larger.pixels.begin(), larger.pixels.begin() + 12),
            (Pixels{0, 23, 51, 79, 106, 134, 162, 190, 217, 85, 17, 40}));
}

/// PIL rounds between the two directions, so it may differ by one.
TEST(Resize, CubicIsPilsAwayFromTheBorder) {
  const Image half = resize(ramp(20, 20), 10, 10, ResizeFilter::kCubic);
  EXPECT_NEAR(*half.at(4, 4), 61, 1);
  EXPECT_NEAR(*half.at(5, 4), 161, 1);
  EXPECT_NEAR(*half.at(4, 5), 99, 1);
  EXPECT_NEAR(*half.at(5, 5), 88, 1);
}

TEST(Resize, APartIsTheSameAsThatPartOfTheWhole) {
  const Image image = ramp(24, 18);
  const Image whole = resize(image, 12, 9, ResizeFilter::kCubic);
  const Image part = resize(image, {8, 4, 10, 8}, 5, 4, ResizeFilter::kCubic);
  EXPECT_EQ(part.pixels, crop(whole, 4, 2, 5, 4).pixels);
}

double bicubic_psnr(const std::string& path, std::int64_t scale) {
  const DecodedImage decoded = decode_file(path, PixelMode::kColor);
  EXPECT_EQ(decoded.problem, "");
  const std::int64_t w = decoded.image.width / scale * scale;
  const std::int64_t h = decoded.image.height / scale * scale;
  const Image clean = crop(decoded.image, 0, 0, w, h);
  const Image small = resize(clean, w / scale, h / scale, ResizeFilter::kCubic);
  const Image back = resize(small, w, h, ResizeFilter::kCubic);
  double squares = 0;
  for (std::int64_t y = scale; y < h - scale; ++y) {
    for (std::int64_t x = scale; x < w - scale; ++x) {
      const auto grey = [&](const Image& image) {
        const std::uint8_t* p = image.at(x, y);
        return std::round(luma(p[0], p[1], p[2]));
      };
      squares += std::pow(grey(clean) - grey(back), 2);
    }
  }
  const auto pixels = static_cast<double>((w - 2 * scale) * (h - 2 * scale));
  return 10 * std::log10(255 * 255 / (squares / pixels));
}

/// Published means of bicubic up-scaling, PSNR on Y, borders left out (SRCNN, VDSR, EDSR papers).
TEST(Resize, BicubicGivesThePublishedPsnrs) {
  AUTOGO_SKIP_WITHOUT(kShared + "/data/sr/Set5");
  const auto mean = [](const std::string& set, std::int64_t scale) {
    const std::string folder = kShared + "/data/sr/" + set;
    double sum = 0;
    const auto names = list_images(folder);
    for (const std::string& name : names) sum += bicubic_psnr(folder + "/" + name, scale);
    return sum / static_cast<double>(names.size());
  };
  EXPECT_NEAR(mean("Set5", 2), 33.66, 0.06);
  EXPECT_NEAR(mean("Set5", 3), 30.39, 0.06);
  EXPECT_NEAR(mean("Set14", 2), 30.24, 0.15);  // copies of Set14 differ in a few images
}

TEST(Image, MirrorAndTransposeMovePixels) {
  const Image image = ramp(3, 2);  // 0 37 74 / 111 148 185
  EXPECT_EQ(mirrored(image).pixels, (Pixels{74, 37, 0, 185, 148, 111}));
  EXPECT_EQ(transposed(image).pixels, (Pixels{0, 111, 37, 148, 74, 185}));
  EXPECT_EQ(crop(image, 1, 0, 2, 2).pixels, (Pixels{37, 74, 148, 185}));
}

}  // namespace
}  // namespace autogo
