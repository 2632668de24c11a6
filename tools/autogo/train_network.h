#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "autogo/base/progress.h"
#include "autogo/network/train.h"
#include "command.h"

namespace autogo {

/// What `autogo train network` was told.
struct NetworkArguments {
  std::vector<std::string> models, input_shapes, tests;
  std::string data, task = "classification", recipe, weights = "mixed", device = "cpu", output;
  int seeds = 1, jobs = 0, loader_threads = -1;
  std::int64_t num_classes = 0;
  TaskOptions head;
  TrainingOptions training;
  /// Changes of the recipe's numbers, applied to the preset.
  std::vector<std::function<void(TrainingRecipe&)>> changes;
};

/// Declares the options; the arguments must outlive the parsing.
void declare_train_network(Cli& cli, CLI::App& app, NetworkArguments& arguments);
/// @return the exit code
int run_train_network(Cli& cli, NetworkArguments& arguments);

/// Logs one line an epoch, and the steps of all trainings as a bar. @param who  the training's name
std::function<void(const TrainingProgress&)> training_observer(const std::string& who, Log& log,
                                                               Progress& bar);

/// A model and its trainings.
struct NetworkRuns {
  std::string model;  ///< path
  std::string name;   ///< of its files
  TrainableNetwork network;
  std::vector<std::uint64_t> seeds;
  std::vector<TrainingResult> results;  ///< by seed
};

/// Mean and deviation over the seeds that came to an end.
struct MetricSummary {
  std::string split, metric;
  double before = 0;  ///< NaN: not measured
  double mean = 0, deviation = 0;
  int runs = 0;
};
std::vector<MetricSummary> summarise(const NetworkRuns& runs);

/// What a trained model's ONNX file says about its training, as JSON.
std::string training_metadata(const NetworkArguments& arguments, const Data& data,
                              const NetworkRuns& runs);
/// The result as JSON (`autogo.training`, docs/formats.md) and as a table.
std::string training_json(const NetworkArguments& arguments, const Data& data,
                          const std::vector<NetworkRuns>& all);
void print_training_table(std::ostream& out, const std::vector<NetworkRuns>& all);

}  // namespace autogo
