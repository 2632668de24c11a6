#include "onnx/read/foreign_format.h"

#include <gtest/gtest.h>

namespace autogo {
namespace {

using namespace std::string_view_literals;

std::string what(std::string_view bytes) {
  const auto found = foreign_format(bytes);
  return found ? found->what : "";
}

TEST(ForeignFormat, NamesNetworksOfOtherTools) {
  EXPECT_EQ(what("\x1c\0\0\0TFL3"sv), "is a TensorFlow Lite model, not an ONNX model");
  EXPECT_EQ(what("\x89HDF\r\n\x1a\n"sv), "is an HDF5 file (Keras), not an ONNX model");
  EXPECT_EQ(what("PK\x03\x04\0\0 archive/data.pkl"sv), "is a file of PyTorch, not an ONNX model");
  EXPECT_EQ(what("PK\x03\x04\0\0 metadata.json"sv), "is a file of Keras, not an ONNX model");
  EXPECT_EQ(what("PK\x03\x04\0\0 a.onnx"sv), "is a ZIP archive, not an ONNX model");
  EXPECT_EQ(what("\x80\x02\x8a\nl\xfc\x9c"sv),
            "is a Python pickle (PyTorch saves such), not an ONNX model");
  EXPECT_EQ(what("\x30\0\0\0\0\0\0\0{\"w\":{}}"sv),
            "is a safetensors file, weights without a network, not an ONNX model");
  EXPECT_EQ(what("GGUF\x03\0\0\0"sv),
            "is a GGUF file, weights of a language model, not an ONNX model");
  EXPECT_EQ(what("\x20\0\0\0ORTM"sv),
            "is a model in ONNX Runtime's own format, not an ONNX model");
  EXPECT_EQ(what("\x1f\x8b\x08\0"sv), "is a gzip file, not an ONNX model");
}

TEST(ForeignFormat, NamesPointersAndSaysHowToFetchTheFile) {
  const auto found = foreign_format("version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->what, "is a Git LFS pointer, not an ONNX model");
  EXPECT_EQ(found->hint, "fetch the file itself with 'git lfs pull'");
}

TEST(ForeignFormat, QuotesText) {
  EXPECT_EQ(what("404: Not Found"),
            "is text that begins with '404: Not Found', not an ONNX model");
  EXPECT_EQ(what("\n  " + std::string(60, 'a') + "\nb"),
            "is text that begins with '" + std::string(40, 'a') + "...', not an ONNX model");
  EXPECT_EQ(what(" \n"), "is text, not an ONNX model");
}

TEST(ForeignFormat, SaysNothingOfUnknownBytes) {
  EXPECT_EQ(what("\x08\x08\x12\x04"sv), "");
  EXPECT_EQ(what("\x01"sv), "");
}

}  // namespace
}  // namespace autogo
