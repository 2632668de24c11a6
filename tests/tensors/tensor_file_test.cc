#include "tensor_file.h"

#include <gtest/gtest.h>

#include <functional>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "support/sealed_file.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

constexpr TensorFileKind kKind{"autogo.toy", 2, "make it again"};

FileTensor tensor_of(DType dtype, std::vector<std::int64_t> dims, std::string bytes) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return {dtype, std::move(dims), *owner, owner};
}

TensorFile sample() {
  TensorFile file;
  file.header["note"] = {{"file_hash", "x"}, {"list", {1, 2.5, nullptr}}};
  file.tensors["a"] = tensor_of(DType::kFloat32, {2, 1}, std::string("\0\n{\"}\xff\x7f", 8));
  file.tensors["b"] = tensor_of(DType::kUint8, {}, "x");
  file.tensors["c"] = tensor_of(DType::kInt64, {3, 0}, "");
  return file;
}

std::string error_of(const std::function<void()>& function) {
  try {
    function();
  } catch (const Error& e) {
    EXPECT_TRUE(e.kind() == ErrorKind::kInput) << e.what();
    return std::string(e.what()) + " | " + e.hint();
  }
  return "no error";
}

class TensorFileTest : public testing::Test {
 protected:
  /// What reading a file with this content says, behind the path.
  std::string refusal(const std::string& content) {
    write_file_atomic(path_, content);
    const std::string text = error_of([&] { read_tensor_file(path_, kKind); });
    EXPECT_TRUE(text.starts_with(path_ + ": ")) << text;
    EXPECT_TRUE(text.ends_with(" | make it again")) << text;
    return text.substr(path_.size() + 2, text.size() - path_.size() - 18);
  }
  /// The same for a file with a right hash.
  std::string sealed_refusal(const std::string& tensors, const std::string& bytes = "") {
    return refusal(sealed_file(
        R"({"format":"autogo.toy","version":2,"file_hash":"0000000000000000","tensors":)" +
            tensors + "}",
        bytes));
  }
  const TempDir dir_;
  const std::string path_ = dir_ / "t";
};

TEST_F(TensorFileTest, ComesBackAsItWas) {
  write_tensor_file(path_, kKind, sample());
  const TensorFile back = read_tensor_file(path_, kKind);
  EXPECT_EQ(back.header, sample().header);
  ASSERT_EQ(back.tensors.size(), 3U);
  for (const auto& [name, tensor] : sample().tensors) {
    EXPECT_EQ(back.tensors.at(name).dtype, tensor.dtype);
    EXPECT_EQ(back.tensors.at(name).dims, tensor.dims);
    EXPECT_EQ(back.tensors.at(name).bytes, tensor.bytes);
  }
  EXPECT_EQ(back.tensors.at("a").elements(), 2);
}

TEST_F(TensorFileTest, IsOneLineOfJsonAndTheBytes) {
  TensorFile file;
  file.header["note"] = 1;
  file.tensors["a"] = tensor_of(DType::kUint8, {3}, "xyz");
  write_tensor_file(path_, kKind, file);
  EXPECT_EQ(read_file(path_),
            sealed_file(R"({"format":"autogo.toy","version":2,"file_hash":"0000000000000000",)"
                        R"("tensors":[["a",2,[3]]],"note":1})",
                        "xyz"));
}

TEST_F(TensorFileTest, AnotherFileIsRefused) {
  const std::string other = "is no file of format \"autogo.toy\", which begins with a line of JSON";
  EXPECT_EQ(refusal("nothing of the kind"), other);
  EXPECT_EQ(refusal(""), other);
  EXPECT_EQ(refusal("{\"format\":\"autogo.toy\"}"), other) << "no newline";
  write_file_atomic(path_, "{\"format\":\"autogo.corpus\",\"version\":2}\n");
  EXPECT_EQ(error_of([&] { read_tensor_file(path_, kKind); }),
            path_ + ": expected a file of format \"autogo.toy\", found \"autogo.corpus\" | ");
  EXPECT_EQ(refusal("{\"format\":\"autogo.toy\",\"version\":1}\n"),
            "version 1 of \"autogo.toy\", this autogo reads version 2");
  write_file_atomic(path_, "{\"format\":\"autogo.toy\",\"version\":3}\n");
  EXPECT_EQ(error_of([&] { read_tensor_file(path_, kKind); }),
            path_ +
                ": version 3 of \"autogo.toy\", this autogo reads version 2 | update autogo, "
                "or write the file again with this one");
}

TEST_F(TensorFileTest, EveryFlippedBitAndEveryCutIsFound) {
  write_tensor_file(path_, kKind, sample());
  const std::string good = read_file(path_);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      write_file_atomic(path_, bad);
      const std::string text = error_of([&] { read_tensor_file(path_, kKind); });
      EXPECT_TRUE(text.starts_with(path_ + ": ")) << i << " " << bit << ": " << text;
    }
    refusal(good.substr(0, i));
  }
  EXPECT_EQ(refusal(good + "x"), "1 bytes follow the last tensor");
  std::string bad = good;
  bad[bad.size() - 2] ^= 1;
  EXPECT_EQ(refusal(bad), "is damaged, its hash is not the one it names");
}

// The hash is no signature: anybody can make it right.
TEST_F(TensorFileTest, WhatStandsBehindARightHashIsChecked) {
  const std::string no_list = "\"tensors\" is missing or no list";
  EXPECT_EQ(sealed_refusal("7"), no_list);
  EXPECT_EQ(sealed_refusal("null"), no_list);
  const std::string no_row = "\"tensors\" has an entry that is not [name, type, dimensions]";
  for (const char* rows : {"[7]", "[[]]", "[[\"a\",2]]", "[[1,2,[1]]]", "[{\"a\":1}]", "[null]"}) {
    EXPECT_EQ(sealed_refusal(rows, "x"), no_row) << rows;
  }
  for (const char* type : {"0", "8", "17", "255", "-1", "1.0", "\"1\"", "null", "4294967298"}) {
    EXPECT_EQ(sealed_refusal(std::string("[[\"a\",") + type + ",[1]]]", "x"),
              "tensor 'a': is of an unknown type")
        << type;
  }
  for (const char* dims : {"3", "[1.5]", "[\"1\"]", "[null]", "[[1]]", "[9223372036854775808]"}) {
    EXPECT_EQ(sealed_refusal(std::string("[[\"a\",2,") + dims + "]]", "x"),
              "tensor 'a': its dimensions are no list of integers")
        << dims;
  }
  EXPECT_EQ(sealed_refusal("[[\"a\",2,[-1]]]", "x"), "tensor 'a': dimension -1 is out of range");
  EXPECT_EQ(sealed_refusal("[[\"a\",2,[1]],[\"a\",2,[1]]]", "xy"), "tensor 'a': is listed twice");
  EXPECT_EQ(sealed_refusal("[[\"a\",2,[1]]]", "xy"), "1 bytes follow the last tensor");
  EXPECT_EQ(sealed_refusal("[[\"a\",1,[2]]]", "1234567"),
            "tensor 'a': needs 8 bytes, the file has 7 left");
  EXPECT_EQ(refusal(sealed_file(R"({"format":"autogo.toy","version":2,"tensors":[]})", "")),
            "\"file_hash\" is missing or no text");
}

TEST_F(TensorFileTest, DimensionsAreCheckedBeforeTheirProduct) {
  EXPECT_EQ(sealed_refusal("[[\"a\",1,[4294967296,4294967296]]]"),
            "tensor 'a': dimension 4294967296 is out of range");
  EXPECT_EQ(sealed_refusal("[[\"a\",1,[4294967296,4294967296,0]]]"),
            "tensor 'a': dimension 4294967296 is out of range");
  EXPECT_EQ(sealed_refusal("[[\"a\",1,[0,9223372036854775807]]]"),
            "tensor 'a': dimension 9223372036854775807 is out of range");
  std::string ones = "1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  EXPECT_EQ(sealed_refusal("[[\"a\",2,[" + ones + "]]]", "x"),
            "tensor 'a': has 65 dimensions, at most 64 are possible");
}

TEST_F(TensorFileTest, WhatAFileClaimsTakesNoMemory) {
  EXPECT_EQ(sealed_refusal("[[\"a\",11,[281474976710656]]]", "x"),
            "tensor 'a': needs 2251799813685248 bytes, the file has 1 left");
  const std::string deep(1'000'000, '[');
  EXPECT_EQ(refusal("{\"format\":\"autogo.toy\",\"state\":" + deep + "\n"),
            "its lists are nested more than 256 deep");
}

}  // namespace
}  // namespace autogo
