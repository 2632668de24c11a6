#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "autogo/base/file.h"
#include "runner.h"
#include "support/temp_dir.h"

namespace autogo::fuzz {
namespace {

namespace fs = std::filesystem;

/// Time enough for a loaded machine and a build without optimisation; memory as everywhere.
Limits generous() {
  Limits limits;
  limits.seconds = 20;
  return limits;
}

TEST(Fuzz, WhatWasFoundOnceEndsAsItShould) {
  const std::string folder = std::string(AUTOGO_SOURCE_DIR) + "/tests/fuzz/findings";
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  EXPECT_FALSE(files.empty());
  const auto targets = all_targets();
  const TempDir scratch;
  for (const fs::path& file : files) {  // TARGET-what.bin
    const std::string name = file.filename().string();
    const auto target = std::ranges::find_if(
        targets, [&](const auto& t) { return name.starts_with(t->name() + "-"); });
    ASSERT_NE(target, targets.end()) << name;
    const auto found = run_input(**target, read_file(file.string()), generous(), scratch.path());
    EXPECT_FALSE(found) << name << ": " << (found ? found->what + "\n" + found->log : "");
  }
}

TEST(Fuzz, EditedInputsAreServedOrRefused) {
  const TempDir scratch;
  FuzzOptions options;
  options.inputs = 4000;
  options.jobs = 2;
  options.scratch = scratch.path();
  options.limits = generous();
  const FuzzSummary summary = run_fuzzer(all_targets(), options);
  EXPECT_GE(summary.inputs, options.inputs);
  for (const Finding& f : summary.findings) {
    ADD_FAILURE() << "autogo_fuzz --target " << f.target << " --index " << f.index << ": " << f.what
                  << "\n" << f.log;
  }
}

/// Misbehaves as its input says.
class BadTarget : public Target {
 public:
  std::string name() const override { return "bad"; }
  std::string make(Rng& rng) const override { return std::string(1, "ok"[rng.below(2)]); }
  void use(const std::string& input, const std::string&) const override {
    std::vector<std::string> held;
    if (input == "throw") throw std::runtime_error("thrown");
    if (input == "abort") std::abort();
    while (input == "loop") held.resize(0);
    while (input == "eat") held.emplace_back(std::size_t{1} << 20, 'x');
    if (input == "k") std::abort();
  }
};

TEST(Fuzz, NamesWhatAnInputDidToItsProcess) {
  const BadTarget bad;
  const TempDir scratch;
  Limits limits;
  limits.memory = std::uint64_t{400} << 20;
  auto what = [&](const char* input) {
    const auto found = run_input(bad, input, limits, scratch.path());
    return found ? found->what : "nothing";
  };
  EXPECT_EQ(what("fine"), "nothing");
  EXPECT_EQ(what("throw"), "exception: thrown");
  EXPECT_EQ(what("abort"), "signal 6");
  EXPECT_EQ(what("loop"), "time limit");
  EXPECT_TRUE(what("eat") == "memory limit" || what("eat") == "exception: std::bad_alloc");
}

TEST(Fuzz, GoesOnBehindAFinding) {
  std::vector<std::unique_ptr<Target>> targets;
  targets.push_back(std::make_unique<BadTarget>());
  const TempDir scratch;
  FuzzOptions options;
  options.inputs = 128;
  options.scratch = scratch.path();
  const FuzzSummary summary = run_fuzzer(targets, options);
  EXPECT_EQ(summary.inputs, 128U);
  std::vector<std::uint64_t> expected, found;
  for (std::uint64_t i = 0; i < 128; ++i) {
    if (make_input(*targets[0], options.seed, i) == "k") expected.push_back(i);
  }
  for (const Finding& f : summary.findings) found.push_back(f.index);
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace autogo::fuzz
