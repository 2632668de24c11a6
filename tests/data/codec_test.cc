// Files made by PIL 9.4 and the pixels that it decodes.
#include "autogo/base/file.h"
#include "data/image.h"
#include "data_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Pixels = std::vector<std::uint8_t>;

const std::string kPngRgb = from_hex(
    "89504e470d0a1a0a0000000d49484452000000060000000408020000002266d914000000154944415478da636460"
    "66e344052c66666664090100964a04190d1062250000000049454e44ae426082");
const std::string kPngPalette = from_hex(
    "89504e470d0a1a0a0000000d49484452000000060000000404030000005f2a537000000030504c54450a141e2832"
    "3c46505ac8640001020300000000000000000000000000000000000000000000000000000000000000000089589b"
    "a9000000184944415478da6360547660103261645076106230615406000bb00179a838f5980000000049454e44ae"
    "426082");
const std::string kPngAlpha = from_hex(
    "89504e470d0a1a0a0000000d4948445200000006000000040806000000ad044e430000001a4944415478da636460"
    "666be0e4e46440c72c6666660cd4910000f7fa0499a74754710000000049454e44ae426082");
const std::string kPng16 = from_hex(
    "89504e470d0a1a0a0000000d4948445200000006000000041000000000d8ffcddc000000154944415478da636460"
    "e08203461b1b0487052707004aaf030354c023de0000000049454e44ae426082");
const std::string kJpeg = from_hex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300020101010101020101010202020202040302020202"
    "0504040304060506060605060606070908060709070606080b08090a0a0a0a0a06080b0c0b0a0c090a0a0affdb00"
    "4301020202020202050303050a0706070a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
    "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0affc00011080008000803011100021101031101ffc40014000100"
    "000000000000000000000000000007ffc4001a100000070000000000000000000000000000080926344352ffc400"
    "14010100000000000000000000000000000000ffc4001c1100010305000000000000000000000000000507212331"
    "334151ffda000c03010002110311003f002327a93f15b59a81255ad21817fb155e6cffd9");
const std::string kJpegCmyk = from_hex(
    "ffd8ffee000e41646f626500640000000000ffdb0043000201010101010201010102020202020403020202020504"
    "040304060506060605060606070908060709070606080b08090a0a0a0a0a06080b0c0b0a0c090a0a0affc0001408"
    "00080008044311004d11005911004b1100ffc4001500010100000000000000000000000000000709ffc400211000"
    "01010705000000000000000000000000090a1a25344345526683a4c1e1ffda000e0443004d0059004b00003f0023"
    "6772c5b7d046eee686e37811a7727748c0b1a65fc3ffd9");

Pixels first_row(const DecodedImage& decoded) {
  EXPECT_EQ(decoded.problem, "");
  const Image& image = decoded.image;
  return {image.pixels.begin(), image.pixels.begin() + image.width * image.channels};
}

TEST(Png, DecodesColourPaletteAndAlpha) {
  const Pixels counting = {0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45, 48, 51};
  EXPECT_EQ(first_row(decode_image(kPngRgb, PixelMode::kColor)), counting);
  EXPECT_EQ(first_row(decode_image(kPngAlpha, PixelMode::kColor)), counting);
  EXPECT_EQ(first_row(decode_image(kPngPalette, PixelMode::kColor)),
            (Pixels{10, 20, 30, 40, 50, 60, 70, 80, 90, 200, 100, 0, 1, 2, 3, 10, 20, 30}));
}

TEST(Png, SixteenBitsBecomeEight) {
  EXPECT_EQ(first_row(decode_image(kPng16, PixelMode::kIds)), (Pixels{0, 10, 20, 30, 40, 50}));
  EXPECT_EQ(first_row(decode_image(kPng16, PixelMode::kColor)),
            (Pixels{0, 0, 0, 10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40, 50, 50, 50}));
}

TEST(Png, IdsAreWhatIsStored) {
  EXPECT_EQ(first_row(decode_image(kPngPalette, PixelMode::kIds)), (Pixels{0, 1, 2, 3, 4, 0}));
  EXPECT_EQ(decode_image(kPngRgb, PixelMode::kIds).problem,
            "damaged PNG (has colours, expected class ids (grey or palette))");
}

TEST(Png, WritesWhatItReads) {
  const TempDir dir;
  for (const std::int64_t channels : {1, 3}) {
    const Image image = counting_image(7, 5, channels);
    write_png(image, dir / "a.png");
    const auto mode = channels == 1 ? PixelMode::kIds : PixelMode::kColor;
    EXPECT_EQ(decode_file(dir / "a.png", mode).image.pixels, image.pixels);
  }
}

TEST(Jpeg, DecodesAsPilDoes) {
  const Pixels row = first_row(decode_image(kJpeg, PixelMode::kColor));
  EXPECT_EQ(row, (Pixels{0,   0, 0,  31,  0, 15, 61,  0, 31, 89,  0, 44,
                         122, 0, 59, 150, 0, 74, 180, 0, 91, 211, 0, 105}));
}

TEST(Jpeg, CmykBecomesRgb) {
  const Pixels row = first_row(decode_image(kJpegCmyk, PixelMode::kColor));
  const Pixels pil = {0,   0, 0,  30,  0, 15, 60,  0, 30, 91,  0, 45,
                      119, 0, 60, 150, 0, 75, 180, 0, 90, 210, 0, 105};
  ASSERT_EQ(row.size(), pil.size());
  for (std::size_t i = 0; i < row.size(); ++i) EXPECT_NEAR(row[i], pil[i], 1) << i;
}

/// The 2,000 decoded images beside the JPEG streams were made by another program.
TEST(Jpeg, DecodesCifarAsItsDecodedCopy) {
  const std::string folder = kShared + "/data/cifar10/";
  AUTOGO_SKIP_WITHOUT(folder + "cifar10_test_jpeg.bin.gz");
  const std::string streams = read_gzip_file(folder + "cifar10_test_jpeg.bin.gz");
  const std::string decoded = read_gzip_file(folder + "cifar10_test_2000_jpeg_decoded.bin.gz");
  LineReader index(folder + "cifar10_test_jpeg_index.csv.gz");
  std::string line;
  ASSERT_TRUE(index.next(line));
  for (std::size_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(index.next(line));
    const std::size_t last = line.rfind(','), before = line.rfind(',', last - 1);
    const std::string_view stream = std::string_view(streams).substr(
        std::stoul(line.substr(before + 1)), std::stoul(line.substr(last + 1)));
    const DecodedImage image = decode_image(stream, PixelMode::kColor);
    ASSERT_EQ(image.problem, "");
    for (std::size_t p = 0; p < 3 * 1024; ++p) {
      ASSERT_EQ(image.image.pixels[p % 1024 * 3 + p / 1024],
                static_cast<std::uint8_t>(decoded[i * 3073 + 1 + p]))
          << "image " << i << " value " << p;
    }
  }
}

TEST(Codec, DamageIsSaidNotThrown) {
  for (const std::string& whole : {kPngRgb, kPngPalette, kPng16, kJpeg, kJpegCmyk}) {
    for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
      const DecodedImage cut = decode_image(whole.substr(0, size), PixelMode::kColor);
      EXPECT_NE(cut.problem, "") << size << " of " << whole.size() << " bytes";
      EXPECT_TRUE(cut.image.pixels.empty());
    }
  }
  EXPECT_EQ(decode_image("", PixelMode::kColor).problem, "is empty");
  EXPECT_EQ(decode_image("GIF89a", PixelMode::kColor).problem, "is neither a JPEG nor a PNG");
}

TEST(Codec, FlippedBytesDoNotCrash) {
  const std::uint64_t seed = 3;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (const std::string& whole : {kPngRgb, kPngPalette, kJpeg, kJpegCmyk}) {
    for (int i = 0; i < 400; ++i) {
      std::string bytes = whole;
      bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
      const DecodedImage image = decode_image(bytes, PixelMode::kColor);
      EXPECT_EQ(image.problem.empty(), !image.image.pixels.empty());
    }
  }
}

}  // namespace
}  // namespace autogo
