#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target.h"

namespace autogo::fuzz {

struct Limits {
  double seconds = 1;                       ///< of processor time, each input
  std::uint64_t memory = std::uint64_t{1} << 30;  ///< resident bytes
};

struct FuzzOptions {
  double seconds = 0;        ///< 0: until `inputs` are done
  std::uint64_t inputs = 0;  ///< 0: until `seconds` have passed
  std::uint64_t seed = 1;
  int jobs = 1;
  std::string out;     ///< folder for findings; empty: they are not kept
  std::string scratch;  ///< folder for the inputs' files
  Limits limits;
};

/// An input that did not end as it should.
struct Finding {
  std::string target;
  std::uint64_t index = 0;  ///< with the seed it makes the input
  std::string what;         ///< "time limit", "memory limit", "signal 11", an exception's text
  std::string log;          ///< what a sanitizer wrote
  std::string file;         ///< where the input was saved
};

struct FuzzSummary {
  std::uint64_t inputs = 0;
  double seconds = 0;
  double slowest_s = 0;  ///< processor time
  std::string slowest;   ///< which input: "model 1234"
  std::uint64_t peak_bytes = 0;
  std::vector<Finding> findings;
};

/// Runs inputs in child processes, a batch each, so that whatever an input does to its process is
/// seen and known to be its doing. Which inputs are run depends on the seed alone, how many of them
/// on the time. Single-threaded callers only: it forks.
FuzzSummary run_fuzzer(const std::vector<std::unique_ptr<Target>>& targets,
                       const FuzzOptions& options);

/// Input `index` of a target.
std::string make_input(const Target& target, std::uint64_t seed, std::uint64_t index);

/// One given input, in a child process. No value: it ended as it should.
std::optional<Finding> run_input(const Target& target, const std::string& input,
                                 const Limits& limits, const std::string& scratch);

}  // namespace autogo::fuzz
