// autogo_bench: the speed table, its goals and the paper's figures beside what is measured here.
// tools/bench.sh builds and calls it.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "autogo/base/error.h"
#include "bench.h"

namespace {

constexpr const char* kUsage =
    "usage: autogo_bench --autogo FILE --model FILE --segments FILE --scratch DIR\n"
    "                    [--predictor FILE] [--tables DIR] [--runs N] [--benchmark_...]\n";

autogo::bench::Options options_from(int argc, char** argv) {
  autogo::bench::Options options;
  std::string runs;
  const std::map<std::string, std::string*> known = {{"--autogo", &options.autogo},
                                                     {"--model", &options.model},
                                                     {"--segments", &options.segments},
                                                     {"--scratch", &options.scratch},
                                                     {"--predictor", &options.predictor},
                                                     {"--tables", &options.tables},
                                                     {"--runs", &runs}};
  for (int i = 1; i < argc; i += 2) {
    const auto option = known.find(argv[i]);
    if (option == known.end() || i + 1 == argc) {
      throw autogo::Error(autogo::ErrorKind::kUsage, std::string(argv[i]) + "\n" + kUsage);
    }
    *option->second = argv[i + 1];
  }
  if (!runs.empty()) options.runs = std::stoi(runs);
  std::filesystem::create_directories(options.scratch);
  return options;
}

void print_table(const std::vector<autogo::bench::Row>& rows) {
  std::printf(
      "\n| what | the paper, on servers | goal | here | |\n"
      "| --- | --- | --- | --- | --- |\n");
  for (const autogo::bench::Row& row : rows) {
    std::printf("| %s | %s | %s | %s | %s |\n", row.what.c_str(), row.paper.c_str(),
                row.goal.c_str(), row.here.c_str(), row.met ? "" : "missed");
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  try {
    const autogo::bench::Options options = options_from(argc, argv);
    std::vector<autogo::bench::Row> rows = autogo::bench::micro_benchmarks(options);
    const std::vector<autogo::bench::Row> whole = autogo::bench::whole_benchmarks(options);
    rows.insert(rows.end(), whole.begin(), whole.end());
    print_table(rows);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "autogo_bench: %s\n", e.what());
    return 1;
  }
  return 0;
}
