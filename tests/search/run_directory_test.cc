#include "run_directory.h"

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
            run + "/journal.jsonl: another autogo process works in this run directory");
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
