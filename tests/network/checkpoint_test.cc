#include "network/training/checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/rng.h"
#include "support/sealed_file.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

FileTensor floats(std::vector<std::int64_t> dims, const std::vector<float>& values) {
  const auto bytes = std::make_shared<const std::string>(
      reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return {DType::kFloat32, std::move(dims), *bytes, bytes};
}

Checkpoint sample() {
  Checkpoint c;
  c.training_hash = 0xfedcba9876543210ULL;
  c.data_hash = 7;
  c.state.epoch = 1;
  c.state.batch = 3;
  c.state.loss_sum = 0.1;
  c.state.good_steps = 5;
  c.state.first_problem = "image 3: is damaged";
  c.state.before = {{"test", {{"top1", 0.25}, {"loss", std::nan("")}}}};
  c.state.epochs = {{1, 0.5, 0.01, {{"test", {{"top1", 1.0 / 3}}}}, 2.5, 0.125}};
  c.tensors.emplace("weight/a", floats({2, 2}, {1, 2, 3, 4}));
  c.tensors.emplace("weight/b", floats({}, {5}));
  return c;
}

TEST(Checkpoint, ComesBackAsItWas) {
  const TempDir dir;
  const std::string path = dir.path() + "/c";
  write_checkpoint(path, sample());
  const Checkpoint back = read_checkpoint(path);
  EXPECT_EQ(back.training_hash, sample().training_hash);
  EXPECT_EQ(back.data_hash, 7U);
  EXPECT_EQ(back.state.epoch, 1U);
  EXPECT_EQ(back.state.batch, 3U);
  EXPECT_EQ(back.state.loss_sum, 0.1);
  EXPECT_EQ(back.state.loss_scale, 1);
  EXPECT_EQ(back.state.good_steps, 5U);
  EXPECT_EQ(back.state.first_problem, "image 3: is damaged");
  ASSERT_EQ(back.state.before.size(), 1U);
  ASSERT_EQ(back.state.before[0].values.size(), 2U);
  EXPECT_EQ(back.state.before[0].values[0], (std::pair<std::string, double>("top1", 0.25)));
  EXPECT_TRUE(std::isnan(back.state.before[0].values[1].second));
  ASSERT_EQ(back.state.epochs.size(), 1U);
  EXPECT_EQ(back.state.epochs[0].training_loss, 0.5);
  EXPECT_EQ(back.state.epochs[0].wait_share, 0.125);
  EXPECT_EQ(back.state.epochs[0].tests[0].values[0].second, 1.0 / 3);
  ASSERT_EQ(back.tensors.size(), 2U);
  EXPECT_EQ(back.tensors.at("weight/a").bytes, sample().tensors.at("weight/a").bytes);
  EXPECT_EQ(back.tensors.at("weight/b").dims.size(), 0U);
}

std::string problem(const std::string& path) {
  try {
    read_checkpoint(path);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput) << e.what();
    EXPECT_EQ(e.hint(), "delete it to begin anew");
    return e.what();
  }
}

TEST(Checkpoint, DamageIsFound) {
  const TempDir dir;
  const std::string path = dir.path() + "/c";
  write_checkpoint(path, sample());
  const std::string good = read_file(path);
  write_file_atomic(path, good.substr(0, good.size() - 1));
  EXPECT_EQ(problem(path), path + ": tensor 'weight/b': needs 4 bytes, the file has 3 left");
  std::string bad = good;
  bad.back() ^= 1;
  write_file_atomic(path, bad);
  EXPECT_EQ(problem(path), path + ": is damaged, its hash is not the one it names");
  write_file_atomic(path, "nothing of the kind");
  EXPECT_EQ(problem(path),
            path +
                ": is no file of format \"autogo.training-checkpoint\", which begins with a line "
                "of JSON");
}

/// The sample's file with one text of its first line replaced, under a right hash.
class ForgedCheckpoint {
 public:
  ForgedCheckpoint() {
    write_checkpoint(path_, sample());
    const std::string good = read_file(path_);
    line_ = good.substr(0, good.find('\n'));
    bytes_ = good.substr(line_.size() + 1);
    const std::string key = "\"file_hash\":\"";
    line_.replace(line_.find(key) + key.size(), 16, 16, '0');
  }
  std::string problem_of(const std::string& from, const std::string& to) {
    std::string line = line_;
    const std::size_t at = line.find(from);
    EXPECT_NE(at, line.npos) << from;
    write_file_atomic(path_, sealed_file(line.replace(at, from.size(), to), bytes_));
    const std::string text = problem(path_);
    return text.empty() ? text : text.substr(path_.size() + 2);
  }
  const std::string& line() const { return line_; }

 private:
  const TempDir dir_;
  const std::string path_ = dir_ / "c";
  std::string line_, bytes_;
};

TEST(Checkpoint, StatesThatNoTrainingWritesAreRefused) {
  ForgedCheckpoint forged;
  EXPECT_EQ(forged.problem_of("\"batch\":3", "\"batch\":4"), "") << "the forgery itself is read";
  EXPECT_EQ(forged.problem_of("\"batch\":3", "\"batch\":-3"), "\"batch\" has the wrong type");
  EXPECT_EQ(forged.problem_of("\"batch\":3", "\"batch\":1e99"), "\"batch\" has the wrong type");
  EXPECT_EQ(forged.problem_of("\"batch\":3", "\"botch\":3"), "\"batch\" is missing");
  EXPECT_EQ(forged.problem_of("\"loss_sum\":0.1", "\"loss_sum\":\"\""),
            "\"loss_sum\" has the wrong type");
  EXPECT_EQ(forged.problem_of("\"good_steps\":5", "\"good_steps\":{}"),
            "\"good_steps\" has the wrong type");
  EXPECT_EQ(forged.problem_of("\"loss_scale\":1.0", "\"loss_scale\":0"),
            "\"loss_scale\" is below 1");
  EXPECT_EQ(forged.problem_of("\"data_hash\":\"0", "\"data_hash\":\"x"),
            "\"data_hash\": expected 16 hexadecimal digits");
  EXPECT_EQ(forged.problem_of("\"epoch\":1,\"epoch_seconds\"", "\"epoch\":2,\"epoch_seconds\""),
            "has the results of 1 epochs and is in epoch 3");
  EXPECT_EQ(forged.problem_of("\"epoch\":1,\"learning_rate\"", "\"epoch\":2,\"learning_rate\""),
            "its epochs are not in order");
  EXPECT_EQ(forged.problem_of("[\"top1\",0.25]", "[\"top1\"]"), "a value is not [name, number]");
  EXPECT_EQ(forged.problem_of("[\"top1\",0.25]", "7"), "a value is not [name, number]");
  EXPECT_EQ(forged.problem_of("\"state\":{", "\"state\":7,\"states\":{"), "\"epoch\" is missing");
}

TEST(Checkpoint, DamageBehindARightHashNeverCrashes) {
  const std::uint64_t seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  ForgedCheckpoint forged;
  const std::string values[] = {"null", "-1",   "1e308", "18446744073709551615", "\"\"", "[]", "{}",
                                "1.5",  "true", "[[[]]]"};
  Rng rng(seed);
  for (int round = 0; round < 1000; ++round) {
    const std::string& line = forged.line();
    const std::size_t first = line.find("\"tensors\"");  // behind format, version and hash
    const std::size_t at = line.find_first_of(":[,", first + rng.below(line.size() - first - 9));
    if (at == line.npos) continue;
    const std::size_t end = std::min(line.find_first_of(",]}", at + 1), line.size());
    forged.problem_of(line.substr(0, end),
                      line.substr(0, at + 1) + values[rng.below(std::size(values))]);
  }
}

}  // namespace
}  // namespace autogo
