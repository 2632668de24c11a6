// autogo train network: several models under one recipe, each with several seeds.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <ostream>

#include "autogo/base/file.h"
#include "autogo/base/parallel.h"
#include "autogo/base/progress.h"
#include "autogo/onnx/model.h"
#include "model_stem.h"
#include "stop_signal.h"
#include "train_network.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

std::string run_path(const NetworkArguments& a, const NetworkRuns& runs, std::uint64_t seed,
                     const char* ending) {
  return a.output + "/" + runs.name + ".seed" + std::to_string(seed) + ending;
}

/// "resnet" of "models/resnet.onnx"; of two models with one name the second is "resnet-2".
std::string name_of(const std::string& path, const std::vector<NetworkRuns>& others) {
  const std::string stem = model_stem(path);
  std::string name = stem;
  const auto taken = [&](const NetworkRuns& runs) { return runs.name == name; };
  for (int i = 2; std::ranges::any_of(others, taken); ++i) name = stem + "-" + std::to_string(i);
  return name;
}

/// Of the network's first input; 0 where that is no image.
std::int64_t channels(const Graph& graph) {
  const std::vector<NodeId> inputs = graph.input_nodes();
  const Shape shape = inputs.empty() ? Shape() : graph.output_type(inputs[0]).shape;
  return shape.rank() == 4 ? shape[1] : 0;
}

/// Reads the models and gives them heads.
std::vector<NetworkRuns> open_networks(Cli& cli, const NetworkArguments& a, const Data& data) {
  const ImportOptions import{parse_input_shapes(a.input_shapes)};
  std::vector<NetworkRuns> all;
  for (const std::string& path : a.models) {
    const Graph graph = import_onnx(path, import, cli.log());
    NetworkRuns runs;
    runs.model = path;
    runs.name = name_of(path, all);
    TaskOptions head = a.head;
    if (!all.empty() && channels(all[0].network.graph) == channels(graph)) {
      head.mean = all[0].network.options.mean;  // of the same images
      head.deviation = all[0].network.options.deviation;
    }
    try {
      runs.network = make_trainable(graph, data, head);
    } catch (Error& e) {
      e.prepend(path);
      throw;
    }
    for (const std::string& note : runs.network.notes) cli.log().info(path + ": " + note);
    for (int s = 0; s < a.seeds; ++s) {
      runs.seeds.push_back(a.training.seed + static_cast<std::uint64_t>(s));
    }
    all.push_back(std::move(runs));
  }
  return all;
}

void train_all(Cli& cli, const NetworkArguments& a, const Data& data,
               std::vector<NetworkRuns>& all) {
  const int cores = available_threads();
  const bool gpu = a.training.device == Device::kCuda;
  const int runs = static_cast<int>(all.size()) * a.seeds;
  const int at_once = std::min(runs, a.jobs > 0 ? a.jobs : gpu ? 1 : cores);
  TrainingOptions options = a.training;
  options.loader_threads = a.loader_threads;
  if (a.loader_threads < 0) {
    options.loader_threads = std::max(0, cores - (gpu ? 0 : at_once * options.threads)) / at_once;
  }
  Progress bar(cli.log(), "training", training_steps(data, options) * static_cast<unsigned>(runs),
               "steps");
  std::vector<TrainingJob> jobs;
  for (const NetworkRuns& network : all) {
    for (const std::uint64_t seed : network.seeds) {
      TrainingJob job{&network.network, options};
      job.options.seed = seed;
      if (!a.output.empty()) job.options.checkpoint = run_path(a, network, seed, ".checkpoint");
      job.options.observer =
          training_observer(network.name + ", seed " + std::to_string(seed), cli.log(), bar);
      jobs.push_back(std::move(job));
    }
  }
  std::vector<TrainingResult> results = train_networks(jobs, data, at_once);
  for (std::size_t i = 0; i < results.size(); ++i) {
    all[i / static_cast<std::size_t>(a.seeds)].results.push_back(std::move(results[i]));
  }
}

void report_skipped(Cli& cli, const std::vector<NetworkRuns>& all) {
  const TrainingResult& first = all.front().results.front();
  if (first.skipped == 0) return;
  cli.log().warning(std::to_string(first.skipped) +
                    " damaged images were left out; the first: " + first.first_problem);
}

/// The trained weights of the first seed, as ONNX.
void write_models(const NetworkArguments& a, const Data& data, std::vector<NetworkRuns>& all) {
  for (NetworkRuns& runs : all) {
    const TrainingResult& result = runs.results.front();
    if (!result.finished) continue;
    ExportOptions options = kTrainableExport;
    options.metadata["autogo.training"] = training_metadata(a, data, runs);
    replace_weights(runs.network.graph, result.weights,
                    a.output + "/" + runs.name + ".trained.onnx", options);
  }
}

void remove_checkpoints(const NetworkArguments& a, const std::vector<NetworkRuns>& all) {
  for (const NetworkRuns& runs : all) {
    for (const std::uint64_t seed : runs.seeds) {
      std::error_code ignored;
      fs::remove(run_path(a, runs, seed, ".checkpoint"), ignored);
    }
  }
}

const TrainingResult* first_where(const std::vector<NetworkRuns>& all, auto&& holds) {
  for (const NetworkRuns& runs : all) {
    for (const TrainingResult& result : runs.results) {
      if (holds(result)) return &result;
    }
  }
  return nullptr;
}

}  // namespace

int run_train_network(Cli& cli, NetworkArguments& a) {
  const Task task = parse_task(a.task);
  a.training.recipe = named_recipe(a.recipe.empty() ? recipe_names(task).front() : a.recipe, task);
  for (const auto& change : a.changes) change(a.training.recipe);
  check_recipe(a.training.recipe);
  a.training.weights = weight_source_from(a.weights);
  a.training.device = device_from(a.device);
  AUTOGO_REQUIRE(!a.training.resume || !a.output.empty(), ErrorKind::kUsage,
                 "--resume: name the --output folder that has the checkpoints");
  a.head.task = task;
  a.head.image_size = a.training.recipe.image_size;
  const Data data = open_data(a.data, task, {a.tests, a.num_classes});
  std::vector<NetworkRuns> all = open_networks(cli, a, data);
  if (!a.output.empty()) make_folder(a.output);

  const StopSignal signals;
  a.training.stop = &StopSignal::requested();
  train_all(cli, a, data, all);
  report_skipped(cli, all);
  if (first_where(all, [](const TrainingResult& r) { return !r.finished && r.diverged.empty(); })) {
    cli.err() << "autogo train: interrupted"
              << (a.output.empty() ? "; nothing is kept without --output\n"
                                   : "; repeat the command with --resume to continue\n");
    return kExitInterrupted;
  }
  const std::string json = training_json(a, data, all);
  if (cli.json()) {
    cli.out() << json << "\n";
  } else {
    print_training_table(cli.out(), all);
  }
  if (!a.output.empty()) {
    write_models(a, data, all);
    write_file_atomic(a.output + "/training.json", json + "\n");
  }
  for (const NetworkRuns& runs : all) {
    for (std::size_t i = 0; i < runs.results.size(); ++i) {
      if (runs.results[i].diverged.empty()) continue;
      throw Error(ErrorKind::kIo, runs.model + ", seed " + std::to_string(runs.seeds[i]) + ": " +
                                      runs.results[i].diverged)
          .with_hint("lower --learning-rate or set --clip");
    }
  }
  if (!a.output.empty()) remove_checkpoints(a, all);
  return 0;
}

}  // namespace autogo
