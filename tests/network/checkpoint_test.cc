#include "checkpoint.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

Checkpoint sample() {
  Checkpoint c;
  c.training_hash = 0xfedcba9876543210ULL;
  c.data_hash = 7;
  c.state = R"({"place":[3,0.1]})";
  c.tensors.emplace("weight/a", make_tensor({2, 2}, {1, 2, 3, 4}));
  c.tensors.emplace("weight/b", make_tensor({}, {5}));
  c.tensors.emplace("update/optimizer", make_tensor(DType::kUint8, {3}, std::string("\n\0x", 3)));
  return c;
}

TEST(Checkpoint, ComesBackAsItWas) {
  const TempDir dir;
  const std::string path = dir.path() + "/c";
  write_checkpoint(path, sample());
  const Checkpoint back = read_checkpoint(path);
  EXPECT_EQ(back.training_hash, sample().training_hash);
  EXPECT_EQ(back.data_hash, 7U);
  EXPECT_EQ(back.state, sample().state);
  ASSERT_EQ(back.tensors.size(), 3U);
  EXPECT_EQ(real_values(back.tensors.at("weight/a")), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(back.tensors.at("weight/b").dims.size(), 0U);
}

std::string problem(const std::string& path) {
  try {
    read_checkpoint(path);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    return e.what();
  }
}

TEST(Checkpoint, DamageIsFound) {
  const TempDir dir;
  const std::string path = dir.path() + "/c";
  write_checkpoint(path, sample());
  const std::string good = read_file(path);
  for (const std::size_t size : {good.size() - 1, good.size() - 20}) {
    write_file_atomic(path, good.substr(0, size));
    EXPECT_EQ(problem(path), path + ": the checkpoint is damaged");
  }
  std::string bad = good;
  bad.back() ^= 1;
  write_file_atomic(path, bad);
  EXPECT_EQ(problem(path), path + ": the checkpoint is damaged");
  write_file_atomic(path, "nothing of the kind");
  EXPECT_EQ(problem(path), path + ": is no checkpoint of a training");
}

}  // namespace
}  // namespace autogo
