#include "safetensors.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

TEST(Safetensors, WritesLengthHeaderAndBytes) {
  const TempDir folder;
  const std::string path = folder / "a.safetensors";
  write_safetensors(path, {{"w", "F32", {2, 1}, [] { return std::string(8, 'x'); }},
                           {"n", "I64", {}, [] { return std::string(8, '\0'); }}});
  const std::string header = R"({"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                             R"("n":{"dtype":"I64","shape":[],"data_offsets":[8,16]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  std::string length(8, '\0');
  length[0] = static_cast<char>(padded.size());
  EXPECT_EQ(read_file(path), length + padded + std::string(8, 'x') + std::string(8, '\0'));
}

TEST(Safetensors, LeavesNothingBehindWhenItFails) {
  const TempDir folder;
  auto fail = [&] {
    write_safetensors(
        folder / "a.safetensors",
        {{"w", "F32", {1}, []() -> std::string { throw Error(ErrorKind::kIo, "gone"); }}});
  };
  EXPECT_THROW(fail(), Error);
  EXPECT_EQ(folder.count(), 0U);
}

}  // namespace
}  // namespace autogo
