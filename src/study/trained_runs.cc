// Tested by tests/study/validate_test.cc, tests/cli/train.sh.

#include "autogo/study/trained_runs.h"

#include <cmath>
#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/onnx/model.h"
#include "autogo/search/run.h"
#include "base/json.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

/// A model by the path that a file names: as it stands, or beside that file.
Graph read_network(const std::string& directory, const std::string& model) {
  const std::string beside = directory + "/" + model;
  return import_onnx(fs::path(model).is_relative() && path_exists(beside) ? beside : model);
}

void add(TrainedNetworks& run, const std::string& directory, const std::string& model,
         double metric) {
  if (!std::isfinite(metric)) return;
  run.graphs.push_back(read_network(directory, model));
  run.metrics.push_back(metric);
}

/// Images that the trainings of a training.json saw; 0 where it does not say.
double images_seen(const Json& json, const std::string& path) {
  const Json networks = json_member<Json>(json, "networks", path);
  if (!json.contains("recipe") || networks.empty()) return 0;
  const Json recipe = json_member<Json>(json, "recipe", path);
  const Json runs = json_member<Json>(networks.front(), "runs", path);
  if (runs.empty()) return 0;
  return json_member<double>(recipe, "epochs", path) * json_member<double>(recipe, "repeat", path) *
         json_member<double>(runs.front(), "training_images", path);
}

TrainedNetworks from_training(const std::string& directory, const std::string& path) {
  const Json json = parse_json(read_file(path), path);
  require_format(json, path, "autogo.training", 1);
  TrainedNetworks run;
  run.name = directory;
  run.training_images = images_seen(json, path);
  for (const Json& network : json_member<Json>(json, "networks", path)) {
    const Json summary = json_member<Json>(network, "summary", path);
    if (summary.empty()) continue;  // no training came to an end
    const Json mean = json_member<Json>(summary.front(), "mean", path);
    if (!mean.is_number()) continue;
    add(run, directory, json_member<std::string>(network, "model", path), mean.get<double>());
  }
  return run;
}

}  // namespace

TrainedNetworks read_trained_run(const std::string& directory) {
  const std::string training = directory + "/training.json";
  if (path_exists(training)) return from_training(directory, training);
  AUTOGO_REQUIRE(path_exists(directory + "/validation.json"), ErrorKind::kInput,
                 directory +
                     ": has neither validation.json (autogo search --validate) nor training.json "
                     "(autogo train network -o)");
  TrainedNetworks run;
  run.name = directory;
  const Validation validation = read_validation(directory);
  run.training_images = validation.training_images;
  for (const ValidatedNetwork& network : validation.networks) {
    add(run, directory, network.model, network.trained.mean());
  }
  return run;
}

}  // namespace autogo
