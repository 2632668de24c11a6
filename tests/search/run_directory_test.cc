#include "search/run/run_directory.h"

#include <gtest/gtest.h>

#include "search_support.h"

namespace autogo {
namespace {

using testing::TemporaryFolder;

const InputHashes kHashes{1, 2, 3, 4};

template <typename F>
std::string error_text(ErrorKind kind, F f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind);
    return e.what();
  }
  return "no error";
}

TEST(RunDirectory, ANewRunNeedsAnEmptyFolder) {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  write_file_atomic(folder / "precious.txt", "mine");
  EXPECT_EQ(
      error_text(ErrorKind::kUsage,
                 [&] { RunDirectory::create(folder / "", testing::small_config(), kHashes); }),
      (folder / "") + ": not empty; choose another -o");
  EXPECT_EQ(
      error_text(
          ErrorKind::kUsage,
          [&] { RunDirectory::create(folder / "precious.txt", testing::small_config(), kHashes); }),
      (folder / "precious.txt") + ": is a file, expected a folder for the run; choose another -o");
  RunDirectory::create(run, testing::small_config(), kHashes);
  EXPECT_EQ(error_text(ErrorKind::kUsage,
                       [&] { RunDirectory::create(run, testing::small_config(), kHashes); }),
            run + ": not empty, it holds a run; continue it with --resume " + run +
                ", or choose another -o");
  EXPECT_EQ(read_file(folder / "precious.txt"), "mine");
}

TEST(RunDirectory, ResumingChecksTheInputs) {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  EXPECT_EQ(error_text(ErrorKind::kUsage, [&] { read_search_config(run); }),
            run + ": no run directory (config.json is missing); start one with -o " + run);
  SearchConfig config = testing::small_config();
  config.predictor = "p.pt";
  RunDirectory::create(run, config, kHashes);
  RunDirectory::open(run, read_search_config(run), kHashes);
  InputHashes changed = kHashes;
  changed.predictor = 5;
  EXPECT_EQ(error_text(ErrorKind::kInput,
                       [&] { RunDirectory::open(run, read_search_config(run), changed); }),
            run +
                ": the predictor 'p.pt' has changed since the run began (hash 0000000000000005, "
                "then 0000000000000004); restore it, or start a new run with another -o");
  config.options.seed = 99;
  EXPECT_EQ(error_text(ErrorKind::kUsage, [&] { RunDirectory::open(run, config, kHashes); }),
            run + ": its options differ from those given; --resume takes them from there");
}

TEST(RunDirectory, TwoProcessesDoNotShareOne) {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  const RunDirectory first = RunDirectory::create(run, testing::small_config(), kHashes);
  EXPECT_EQ(error_text(ErrorKind::kUsage,
                       [&] { RunDirectory::open(run, testing::small_config(), kHashes); }),
            run + ": another autogo process works in this run directory");
}

TEST(RunDirectory, AFolderWithAHalfWrittenConfigurationCountsAsEmpty) {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  make_folder(run);
  write_file_atomic(run + "/.autogo-0123456789abcdef.tmp", "{");
  RunDirectory::create(run, testing::small_config(), kHashes);
  EXPECT_FALSE(std::filesystem::exists(run + "/.autogo-0123456789abcdef.tmp"));
  EXPECT_TRUE(std::filesystem::exists(run + "/config.json"));
  write_file_atomic(run + "/.autogo-0123456789abcdef.tmp", "{");
  RunDirectory::open(run, testing::small_config(), kHashes);
  EXPECT_FALSE(std::filesystem::exists(run + "/.autogo-0123456789abcdef.tmp"));
}

TEST(RunDirectory, AnotherVersionOfAnAlgorithmIsRefused) {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  RunDirectory::create(run, testing::small_config(), kHashes);
  OrderedJson config = OrderedJson::parse(read_file(run + "/config.json"));
  config["algorithms"]["canonical_order"] = 0;
  write_file_atomic(run + "/config.json", config.dump());
  const std::string text = error_text(
      ErrorKind::kInput, [&] { RunDirectory::open(run, testing::small_config(), kHashes); });
  const std::string expected = run + ": was begun with version 0 of \"canonical_order\", this autogo";
  EXPECT_EQ(text.substr(0, expected.size()), expected);
}

TEST(RunDirectory, ADamagedConfigurationIsRefused) {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  RunDirectory::create(run, testing::small_config(), kHashes);
  const OrderedJson good = OrderedJson::parse(read_file(run + "/config.json"));
  auto refusal = [&](const OrderedJson& config) {
    write_file_atomic(run + "/config.json", config.dump());
    const std::string text = error_text(ErrorKind::kInput, [&] { read_search_config(run); });
    const std::string where = run + "/config.json: ";
    EXPECT_EQ(text.substr(0, where.size()), where);
    return text.substr(std::min(text.size(), where.size()));
  };
  OrderedJson config = good;
  config["options"]["parents"] = 4294967297;
  EXPECT_EQ(refusal(config), "\"parents\" has the wrong type");
  config["options"]["parents"] = 0;
  EXPECT_EQ(refusal(config), "--parents 0: expected a number from 1 to 1e+06");
  config["options"]["parents"] = 2.5;
  EXPECT_EQ(refusal(config), "\"parents\" has the wrong type");
  config = good;
  config["options"]["min_gain"] = nullptr;
  EXPECT_EQ(refusal(config), "\"min_gain\" is not a number");
  config = good;
  config["version"] = 1;
  EXPECT_EQ(refusal(config), "version 1 of \"autogo.search\", this autogo reads version 2");
  config = good;
  config["input_shapes"] = {{"x", {1.5}}};
  EXPECT_EQ(refusal(config), "\"input_shapes\" has the wrong type");
}

TEST(RunDirectory, OnlyTheFilesOfTheRunAreRemoved) {
  const TemporaryFolder folder;
  const std::string run = folder / "run", other = folder / "other";
  RunDirectory::create(run, testing::small_config(), kHashes).discard();
  EXPECT_FALSE(std::filesystem::exists(run));
  const RunDirectory directory = RunDirectory::create(other, testing::small_config(), kHashes);
  make_folder(other + "/models");
  write_file_atomic(other + "/" + model_name(0xabc), "a model");
  write_file_atomic(other + "/" + model_name(0xabc) + ".data", "its weights");
  write_file_atomic(other + "/models/notes.txt", "mine");
  directory.discard();
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(other)) {
    if (entry.is_regular_file()) left.push_back(entry.path().filename().string());
  }
  EXPECT_EQ(left, std::vector<std::string>{"notes.txt"});
}

TEST(RunDirectory, EnvironmentKeepsEverySession) {
  const TemporaryFolder folder;
  const RunDirectory run = RunDirectory::create(folder / "run", testing::small_config(), kHashes);
  run.write_env({"a", "b", 1, "interrupted", 1.5});
  run.write_env({"c", "d", 2, "done", 2.5});
  const Json env = parse_json(read_file(folder / "run/env.json"), "env");
  ASSERT_EQ(env["sessions"].size(), 2U);
  EXPECT_EQ(env["sessions"][0]["status"], "interrupted");
  EXPECT_EQ(env["sessions"][1]["jobs"], 2);
}

}  // namespace
}  // namespace autogo
