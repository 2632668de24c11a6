#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "autogo/base/error.h"
#include "autogo/data/dataset.h"

namespace autogo {

inline const std::string kShared = AUTOGO_SOURCE_DIR "/../shared";

#define AUTOGO_SKIP_WITHOUT(path)                                                \
  do {                                                                           \
    if (!std::filesystem::exists(path)) GTEST_SKIP() << (path) << " is missing"; \
  } while (false)

inline std::string from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Every pixel (x, y) of channel c is 10 c + y width + x, modulo 256.
inline Image counting_image(std::int64_t width, std::int64_t height, std::int64_t channels) {
  Image image{width, height, channels, {}};
  for (std::int64_t p = 0; p < width * height; ++p) {
    for (std::int64_t c = 0; c < channels; ++c) {
      image.pixels.push_back(static_cast<std::uint8_t>(10 * c + p));
    }
  }
  return image;
}

inline Image grey_image(std::int64_t width, std::int64_t height, std::uint8_t value) {
  return {width, height, 1,
          std::vector<std::uint8_t>(static_cast<std::size_t>(width * height), value)};
}

/// What a training is tested on it has not seen: no test image has the pixels of a training image.
inline void expect_no_shared_image(const Data& data) {
  const auto pixels = [](const Dataset& set, std::size_t i) {
    const Sample sample = *set.load(i).sample;
    const Image& image = sample.image.pixels.empty() ? sample.target : sample.image;
    return std::string(image.pixels.begin(), image.pixels.end());
  };
  std::set<std::string> seen;
  for (std::size_t i = 0; i < data.train->size(); ++i) seen.insert(pixels(*data.train, i));
  for (const DataSplit& test : data.tests) {
    for (std::size_t i = 0; i < test.set->size(); ++i) {
      EXPECT_FALSE(seen.contains(pixels(*test.set, i)))
          << test.name << ": " << test.set->name(i) << " is in the training";
    }
  }
}

/// The text of the Error that `function` throws; "" when it throws none.
template <typename Function>
std::string error_text(const Function& function) {
  try {
    function();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace autogo
