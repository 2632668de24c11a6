// autogo_fuzz: the doors of the library under edited inputs, until a clock says stop. tools/fuzz.sh
// builds and runs it; docs/contributing.md says how to go on from a finding.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "runner.h"
#include "support/temp_dir.h"

// One allocation may not ask for more than an input may have, nor freed memory count against it.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "max_allocation_size_mb=1024:quarantine_size_mb=16:detect_leaks=0:malloc_context_size=12";
}
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

namespace {

using namespace autogo;
using namespace autogo::fuzz;

constexpr const char* kUsage =
    "usage: autogo_fuzz [--seconds N | --inputs N] [--seed N] [--jobs N] [--out FOLDER]\n"
    "                   [--target NAME [--index N | --replay FILE]]\n";

struct Arguments {
  FuzzOptions fuzz;
  std::string target, replay;
  std::optional<std::uint64_t> index;
};

Arguments parse(int count, char** words) {
  Arguments a;
  for (int i = 1; i < count; i += 2) {
    const std::string word = words[i];
    if (i + 1 == count) throw Error(ErrorKind::kUsage, word + " needs a value");
    const std::string value = words[i + 1];
    if (word == "--seconds") {
      a.fuzz.seconds = std::stod(value);
    } else if (word == "--inputs") {
      a.fuzz.inputs = std::stoull(value);
    } else if (word == "--seed") {
      a.fuzz.seed = std::stoull(value);
    } else if (word == "--jobs") {
      a.fuzz.jobs = std::stoi(value);
    } else if (word == "--out") {
      a.fuzz.out = value;
    } else if (word == "--target") {
      a.target = value;
    } else if (word == "--index") {
      a.index = std::stoull(value);
    } else if (word == "--replay") {
      a.replay = value;
    } else {
      throw Error(ErrorKind::kUsage, "unknown option " + word);
    }
  }
  return a;
}

std::vector<std::unique_ptr<Target>> chosen(const std::string& name) {
  std::vector<std::unique_ptr<Target>> targets = all_targets();
  if (name.empty()) return targets;
  std::erase_if(targets, [&](const auto& target) { return target->name() != name; });
  if (targets.empty()) throw Error(ErrorKind::kUsage, "there is no target '" + name + "'");
  return targets;
}

void print(const Finding& finding) {
  std::cout << finding.target << " " << finding.index << ": " << finding.what << "\n";
  if (!finding.file.empty()) {
    std::cout << "  again: autogo_fuzz --target " << finding.target << " --replay " << finding.file
              << "\n";
  }
}

int replay(const Arguments& a, const std::vector<std::unique_ptr<Target>>& targets) {
  if (targets.size() != 1) throw Error(ErrorKind::kUsage, "say which --target");
  const std::string input =
      a.replay.empty() ? make_input(*targets[0], a.fuzz.seed, *a.index) : read_file(a.replay);
  if (a.replay.empty() && !a.fuzz.out.empty()) {
    write_file_atomic(a.fuzz.out, [&](const ByteSink& sink) { sink(input); });
  }
  const auto finding = run_input(*targets[0], input, a.fuzz.limits, a.fuzz.scratch);
  if (!finding) {
    std::cout << "ends as it should\n";
    return 0;
  }
  print(*finding);
  std::cout << finding->log;
  return 1;
}

int run(int count, char** words) {
  const TempDir scratch;
  Arguments a = parse(count, words);
  a.fuzz.scratch = scratch.path();
  const auto targets = chosen(a.target);
  if (a.index || !a.replay.empty()) return replay(a, targets);
  if (a.fuzz.seconds <= 0 && a.fuzz.inputs == 0) throw Error(ErrorKind::kUsage, kUsage);
  const FuzzSummary s = run_fuzzer(targets, a.fuzz);
  for (const Finding& finding : s.findings) print(finding);
  std::printf(
      "%llu inputs of %zu kinds, seed %llu, in %.0f s (%.0f a second); slowest %.2f s (%s); "
      "peak memory %llu MB; findings: %zu\n",
      static_cast<unsigned long long>(s.inputs), targets.size(),
      static_cast<unsigned long long>(a.fuzz.seed), s.seconds,
      static_cast<double>(s.inputs) / s.seconds, s.slowest_s, s.slowest.c_str(),
      static_cast<unsigned long long>(s.peak_bytes >> 20), s.findings.size());
  return s.findings.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const std::exception& e) {
    std::cerr << "autogo_fuzz: " << e.what() << "\n";
    return 2;
  }
}
