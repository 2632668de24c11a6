// What takes less than a second, by Google Benchmark. Medians of three repetitions.

#include <benchmark/benchmark.h>

#include <filesystem>
#include <map>
#include <memory>

#include "autogo/base/parallel.h"
#include "autogo/corpus/corpus.h"
#include "autogo/graph/canonical.h"
#include "autogo/onnx/model.h"
#include "bench.h"
#include "sample.h"

namespace autogo::bench {
namespace {

/// Prints as usual and remembers medians, in seconds, by name.
class Recorder : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Aggregate && run.aggregate_name != "median") continue;
      const double unit = benchmark::GetTimeUnitMultiplier(run.time_unit);
      seconds_[run.run_name.function_name] = run.GetAdjustedRealTime() / unit;
    }
    ConsoleReporter::ReportRuns(runs);
  }
  double seconds(const std::string& name) const { return seconds_.at(name); }

 private:
  std::map<std::string, double> seconds_;
};

template <typename F>
benchmark::internal::Benchmark* add(const std::string& name, benchmark::TimeUnit unit, F body) {
  return benchmark::RegisterBenchmark(name.c_str(), body)
      ->Unit(unit)
      ->UseRealTime()
      ->Repetitions(3)
      ->ReportAggregatesOnly();
}

std::vector<Graph> random_cells(std::size_t count) {
  std::vector<Graph> graphs;
  Rng rng(1);
  while (graphs.size() < count) {
    std::string cell = "nb201:";
    for (int i = 0; i < 6; ++i) cell += "31as"[rng.below(4)];
    graphs.push_back(nasbench201_graph(cell));
  }
  return graphs;
}

/// ResNet-50 as autogo writes it with new weights: some 100 MB.
std::string heavy_model(const Graph& model, const std::string& folder) {
  const std::string path = folder + "/resnet50_weights.onnx";
  if (!std::filesystem::exists(path)) export_onnx(without_origins(model), path);
  return path;
}

std::string bytes_text(const std::string& path) {
  return std::to_string(std::filesystem::file_size(path) / 1000000) + " MB";
}

}  // namespace

std::vector<Row> micro_benchmarks(const Options& options) {
  using benchmark::kMicrosecond, benchmark::kMillisecond;
  const Graph model = import_onnx(options.model);
  const SegmentDatabase database = SegmentDatabase::load(options.segments);
  const std::unique_ptr<Predictor> predictor =
      options.predictor.empty() ? stand_in_predictor() : load_predictor(options.predictor);
  const SearchSample sample(model, database, *predictor, SearchOptions{});
  const std::vector<Graph> cells = random_cells(256);
  const std::vector<NodeId> order = canonical_order(model, NodeIdentity::kSegment);
  const std::string heavy = heavy_model(model, options.scratch);

  add("canonical/resnet50", kMicrosecond, [&](benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) {
      benchmark::DoNotOptimize(canonicalize(model, NodeIdentity::kSegment).hash);
    }
  });
  add("canonical/nasbench201", kMicrosecond, [&](benchmark::State& state) {
    std::size_t i = 0;
    for ([[maybe_unused]] auto _ : state) {
      benchmark::DoNotOptimize(canonical_hash(cells[i++ % cells.size()]));
    }
  });
  add("segment/resnet50", kMicrosecond, [&](benchmark::State& state) {
    Rng rng(1);
    for ([[maybe_unused]] auto _ : state) {
      benchmark::DoNotOptimize(database.segment(model, order, 1, rng));
    }
  });
  add("segment/resnet50_with_order", kMicrosecond, [&](benchmark::State& state) {
    Rng rng(1);
    for ([[maybe_unused]] auto _ : state) {
      const auto fresh = canonical_order(model, NodeIdentity::kSegment);
      benchmark::DoNotOptimize(database.segment(model, fresh, 1, rng));
    }
  });
  constexpr std::size_t kCalls = 20000;
  const std::vector<PropagationCall> calls = sample.propagation_calls(kCalls);
  add("propagate/search", kMicrosecond, [&](benchmark::State& state) {
    std::size_t i = 0, feasible = 0;
    for ([[maybe_unused]] auto _ : state) {
      const PropagationCall& call = calls[i++ % calls.size()];
      const auto answer = propagate(*call.body, call.inputs, call.outputs);
      feasible += answer.status == SolveStatus::kFeasible ? 1 : 0;
    }
    state.counters["feasible"] = static_cast<double>(feasible) / static_cast<double>(i);
  })->Iterations(static_cast<benchmark::IterationCount>(calls.size()));
  for (const int threads : {1, available_threads()}) {
    add("mutate/resnet50/threads:" + std::to_string(threads), kMillisecond,
        [&, threads](benchmark::State& state) {
          std::uint64_t resolved = 0;
          for ([[maybe_unused]] auto _ : state) resolved = sample.mutate_once(threads);
          state.counters["resolved"] = static_cast<double>(resolved);
        });
  }
  add("import/resnet50_weights", kMillisecond, [&](benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) {
      benchmark::DoNotOptimize(import_onnx(heavy).num_nodes());
    }
  });

  Recorder recorder;
  benchmark::RunSpecifiedBenchmarks(&recorder);
  const auto row = [&](std::string what, std::string paper, std::string goal, double limit,
                       const std::string& name) {
    const double seconds = recorder.seconds(name);
    return Row{std::move(what), std::move(paper), std::move(goal), time_text(seconds),
               seconds < limit};
  };
  const std::string threads = std::to_string(available_threads());
  return {
      row("segmenting one network (ResNet-50)", "under 1 ms", "under 1 ms", 1e-3,
          "segment/resnet50"),
      row("the same with its canonical order", "", "", 1e-3, "segment/resnet50_with_order"),
      row("propagation, mean over a search, memo off", "0.11 s", "under 0.3 ms", 0.3e-3,
          "propagate/search"),
      row("mutating ResNet-50 once, 1 thread", "1.8 min", "under 0.5 s", 0.5,
          "mutate/resnet50/threads:1"),
      row("the same, " + threads + " threads", "", "under 0.5 s", 0.5,
          "mutate/resnet50/threads:" + threads),
      row("importing a ResNet-50 of " + bytes_text(heavy), "", "under 0.5 s", 0.5,
          "import/resnet50_weights"),
  };
}

}  // namespace autogo::bench
