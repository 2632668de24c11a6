// libjpeg and libpng, whose errors jump: every object with a destructor is made before setjmp, in
// the caller, and the functions that jump hold plain data only.
//
// libjpeg fills what is missing of a cut file with grey and only warns. A network would learn the
// grey, so such warnings count as damage; harmless ones (bytes between markers, as some files of
// ImageNet have) do not.
//
// Tested by tests/data/codec_test.cc.

// jpeglib.h needs the first two.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "image.h"

namespace autogo {
namespace {

constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;  // 16384 x 16384: beyond is no photo

struct JpegState {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  std::jmp_buf escape;
  bool cut;
  char message[JMSG_LENGTH_MAX];
};

void jpeg_fail(j_common_ptr info) {
  auto* state = static_cast<JpegState*>(info->client_data);
  info->err->format_message(info, state->message);
  std::longjmp(state->escape, 1);
}

void jpeg_warn(j_common_ptr info, int level) {
  auto* state = static_cast<JpegState*>(info->client_data);
  const int code = info->err->msg_code;
  if (level >= 0 || code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM) return;
  if (!state->cut) info->err->format_message(info, state->message);
  state->cut = true;
}

/// Reads the header. False: state.message says why.
bool jpeg_open(JpegState& state, std::string_view bytes, bool color) {
  if (setjmp(state.escape) != 0) return false;
  jpeg_create_decompress(&state.info);
  state.info.client_data = &state;
  jpeg_mem_src(&state.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&state.info, TRUE);
  const bool four =
      state.info.jpeg_color_space == JCS_CMYK || state.info.jpeg_color_space == JCS_YCCK;
  state.info.out_color_space = four ? JCS_CMYK : color ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_calc_output_dimensions(&state.info);
  return true;
}

bool jpeg_rows(JpegState& state, unsigned char* pixels, std::size_t stride) {
  if (setjmp(state.escape) != 0) return false;
  jpeg_start_decompress(&state.info);
  while (state.info.output_scanline < state.info.output_height) {
    JSAMPROW row = pixels + stride * state.info.output_scanline;
    jpeg_read_scanlines(&state.info, &row, 1);
  }
  jpeg_finish_decompress(&state.info);
  return !state.cut;
}

/// Adobe stores the complement: each colour is ink left out times black left out.
Image cmyk_to_rgb(const Image& image) {
  Image result{image.width, image.height, 3, {}};
  result.pixels.reserve(image.pixels.size() / 4 * 3);
  for (std::size_t i = 0; i < image.pixels.size(); i += 4) {
    for (std::size_t k = 0; k < 3; ++k) {
      result.pixels.push_back(
          static_cast<std::uint8_t>(image.pixels[i + k] * image.pixels[i + 3] / 255));
    }
  }
  return result;
}

DecodedImage decode_jpeg(std::string_view bytes, PixelMode mode) {
  JpegState state{};
  state.info.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = jpeg_fail;
  state.errors.emit_message = jpeg_warn;
  state.info.client_data = &state;
  DecodedImage result;
  bool fine = jpeg_open(state, bytes, mode == PixelMode::kColor);
  if (fine) {
    Image& image = result.image;
    image.width = state.info.output_width;
    image.height = state.info.output_height;
    image.channels = state.info.out_color_space == JCS_CMYK ? 4 : mode == PixelMode::kColor ? 3 : 1;
    if (image.width * image.height > kMaxPixels) {
      std::snprintf(state.message, sizeof(state.message), "more than %lld pixels",
                    static_cast<long long>(kMaxPixels));
      fine = false;
    } else {
      const auto stride = static_cast<std::size_t>(image.width * image.channels);
      image.pixels.resize(stride * static_cast<std::size_t>(image.height));
      fine = jpeg_rows(state, image.pixels.data(), stride);
    }
  }
  jpeg_destroy_decompress(&state.info);
  if (!fine) {
    result.image = {};
    result.problem = std::string("damaged JPEG (") + state.message + ")";
  } else if (result.image.channels == 4) {
    result.image = cmyk_to_rgb(result.image);
  }
  return result;
}

struct PngState {
  png_structp png;
  png_infop info;
  const unsigned char* data;
  std::size_t left;
  char message[160];
};

void png_fail(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof(state->message), "%s", message);
  std::longjmp(png_jmpbuf(png), 1);
}
void png_ignore(png_structp, png_const_charp) {}

void png_take(png_structp png, png_bytep out, std::size_t size) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (size > state->left) png_error(png, "the file ends early");
  std::memcpy(out, state->data, size);
  state->data += size;
  state->left -= size;
}

bool png_open(PngState& state, bool color, std::int64_t& width, std::int64_t& height) {
  if (setjmp(png_jmpbuf(state.png)) != 0) return false;
  png_set_read_fn(state.png, &state, png_take);
  png_read_info(state.png, state.info);
  const int type = png_get_color_type(state.png, state.info);
  png_set_strip_16(state.png);
  if (color) {
    png_set_expand(state.png);  // palette to RGB, few bits to 8
    png_set_strip_alpha(state.png);
    if ((type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(state.png);
  } else {
    png_set_packing(state.png);  // indices and ids as they are
    png_set_strip_alpha(state.png);
    if (type == PNG_COLOR_TYPE_RGB || type == PNG_COLOR_TYPE_RGB_ALPHA) {
      png_error(state.png, "has colours, expected class ids (grey or palette)");
    }
  }
  png_set_interlace_handling(state.png);
  png_read_update_info(state.png, state.info);
  width = png_get_image_width(state.png, state.info);
  height = png_get_image_height(state.png, state.info);
  if (width * height > kMaxPixels) png_error(state.png, "too many pixels");
  return true;
}

bool png_rows(PngState& state, png_bytepp rows) {
  if (setjmp(png_jmpbuf(state.png)) != 0) return false;
  png_read_image(state.png, rows);
  png_read_end(state.png, nullptr);
  return true;
}

DecodedImage decode_png(std::string_view bytes, PixelMode mode) {
  PngState state{};
  state.data = reinterpret_cast<const unsigned char*>(bytes.data());
  state.left = bytes.size();
  state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, png_fail, png_ignore);
  if (state.png != nullptr) state.info = png_create_info_struct(state.png);
  AUTOGO_REQUIRE(state.info != nullptr, ErrorKind::kIo, "out of memory while reading a PNG");
  DecodedImage result;
  Image& image = result.image;
  image.channels = mode == PixelMode::kColor ? 3 : 1;
  bool fine = png_open(state, mode == PixelMode::kColor, image.width, image.height);
  if (fine) {
    const auto stride = static_cast<std::size_t>(image.width * image.channels);
    image.pixels.resize(stride * static_cast<std::size_t>(image.height));
    std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = image.pixels.data() + y * stride;
    fine = png_rows(state, rows.data());
  }
  png_destroy_read_struct(&state.png, &state.info, nullptr);
  if (!fine) {
    result.image = {};
    result.problem = std::string("damaged PNG (") + state.message + ")";
  }
  return result;
}

}  // namespace

DecodedImage decode_image(std::string_view bytes, PixelMode mode) {
  const auto starts = [&](std::string_view magic) {
    return bytes.substr(0, magic.size()) == magic;
  };
  if (starts("\xff\xd8\xff")) return decode_jpeg(bytes, mode);
  if (starts("\x89PNG\r\n\x1a\n")) return decode_png(bytes, mode);
  return {{}, bytes.empty() ? "is empty" : "is neither a JPEG nor a PNG"};
}

DecodedImage decode_file(const std::string& path, PixelMode mode) {
  DecodedImage result = decode_image(read_file(path), mode);
  if (!result.problem.empty()) result.problem = path + ": " + result.problem;
  return result;
}

void write_png(const Image& image, const std::string& path) {
  png_image out{};
  out.version = PNG_IMAGE_VERSION;
  out.width = static_cast<png_uint_32>(image.width);
  out.height = static_cast<png_uint_32>(image.height);
  out.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = 0;
  std::string bytes;
  bool fine = png_image_write_to_memory(&out, nullptr, &size, 0, image.pixels.data(), 0, nullptr);
  if (fine) {
    bytes.resize(size);
    fine = png_image_write_to_memory(&out, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr);
  }
  AUTOGO_REQUIRE(fine, ErrorKind::kIo, path + ": cannot make a PNG: " + out.message);
  write_file_atomic(path, std::string_view(bytes).substr(0, size));
}

}  // namespace autogo
