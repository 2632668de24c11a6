// What a person waits for: whole commands, and iterations of a search.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "autogo/base/error.h"
#include "autogo/onnx/model.h"
#include "bench.h"
#include "sample.h"

namespace autogo::bench {
namespace {

Row version_row(const Options& options) {
  const CommandTime time = time_command({options.autogo, "--version"}, 4 * options.runs + 1);
  return {"`autogo --version`", "", "under 20 ms", time_text(time), time.seconds < 0.02};
}

Row mining_row(const Options& options) {
  Row row{"mining both tables", "21,000 graphs: under 20 min, about 10 GB", "under 90 s, 1.5 GB",
          "", true};
  if (options.tables.empty()) {
    row.here = "no tables here";
    return row;
  }
  const std::string c201 = options.scratch + "/nasbench201.jsonl";
  const std::string c101 = options.scratch + "/nasbench101.jsonl";
  time_command(
      {options.autogo, "corpus", "nasbench201", "--table", options.tables + "/nasbench201.csv.gz",
       "--label", "cifar10_test_200ep", "-o", c201},
      1);
  time_command(
      {options.autogo, "corpus", "nasbench101", "--table",
       options.tables + "/nasbench101_sample.jsonl.gz", "--label", "val_acc_108ep", "-o", c101},
      1);
  const CommandTime time = time_command(
      {options.autogo, "mine", c201, c101, "-o", options.scratch + "/segments.json"}, 1);
  char memory[48];
  std::snprintf(memory, sizeof(memory), ", %.2f GB", time.peak_mib / 1024);
  row.here = time_text(time) + memory;
  row.met = time.seconds < 90 && time.peak_mib < 1536;
  return row;
}

Row iteration_row(const Options& options) {
  const Graph model = import_onnx(options.model);
  const SegmentDatabase database = SegmentDatabase::load(options.segments);
  const std::unique_ptr<Predictor> predictor =
      options.predictor.empty() ? stand_in_predictor() : load_predictor(options.predictor);
  SearchConfig config;
  config.options.iterations = 4;
  config.options.seed = 1;
  SearchRun run;
  std::vector<IterationReport> reports;
  run.on_iteration = [&](const IterationReport& r) { reports.push_back(r); };
  run_search(config, run, model, database, *predictor);
  IterationReport slowest;
  for (const IterationReport& r : reports) {
    std::printf(
        "iteration %u: %u parents, %llu drawn, %llu resolved, %llu in window, "
        "%llu new, %.2f s\n",
        r.iteration, r.parents, static_cast<unsigned long long>(r.drawn),
        static_cast<unsigned long long>(r.resolved), static_cast<unsigned long long>(r.in_window),
        static_cast<unsigned long long>(r.accepted), r.seconds);
    if (r.iteration > 0 && r.seconds >= slowest.seconds) slowest = r;
  }
  return {"a search iteration of " + std::to_string(slowest.parents) + " parents (slowest of 3)",
          "15 min", "under 5 s, 1,000 distinct children",
          time_text(slowest.seconds) + ", " + std::to_string(slowest.accepted) + " children",
          slowest.seconds < 5 && slowest.accepted > 1000};
}

Row search_row(const Options& options) {
  const std::string folder = options.scratch + "/run";
  std::filesystem::remove_all(folder);
  std::vector<std::string> argv{options.autogo, "search", "--model",      options.model,
                                "--objective",  "flops",  "--iterations", "5",
                                "--seed",       "1",      "--segments",   options.segments};
  argv.insert(argv.end(), {"-o", folder});
  if (!options.predictor.empty()) argv.insert(argv.end(), {"--predictor", options.predictor});
  const CommandTime time = time_command(argv, 1);
  return {"`autogo search`, 5 iterations, front written", "75 min and more", "under 2 min",
          time_text(time), time.seconds < 120};
}

}  // namespace

std::vector<Row> whole_benchmarks(const Options& options) {
  std::vector<Row> rows{mining_row(options), iteration_row(options)};
  if (!options.predictor.empty()) rows.push_back(search_row(options));
  const CommandTime profile = time_command(
      {options.autogo, "profile", options.scratch + "/resnet50_weights.onnx"}, options.runs);
  rows.push_back({"`autogo profile` of that ResNet-50", "", "", time_text(profile), true});
  rows.push_back(version_row(options));
  return rows;
}

}  // namespace autogo::bench
