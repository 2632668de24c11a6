#include "validate_options.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <ostream>

#include "stop_signal.h"
#include "train_network.h"

namespace autogo {
namespace {

std::int64_t whole(const std::string& key, const std::string& text) {
  std::size_t end = 0;
  std::int64_t value = -1;
  try {
    value = std::stoll(text, &end);
  } catch (const std::exception&) {
    end = std::string::npos;
  }
  AUTOGO_REQUIRE(end == text.size() && value >= 0, ErrorKind::kUsage,
                 "--validate: " + key + "=" + text + ": expected a whole number");
  return value;
}

bool yes(const std::string& key, const std::string& text) {
  AUTOGO_REQUIRE(text == "yes" || text == "no", ErrorKind::kUsage,
                 "--validate: " + key + "=" + text + ": expected yes or no");
  return text == "yes";
}

std::map<std::string, std::string> pairs_of(const std::string& text) {
  std::map<std::string, std::string> pairs;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string pair = text.substr(at, end - at);
    const std::size_t equals = pair.find('=');
    AUTOGO_REQUIRE(equals != std::string::npos && equals > 0, ErrorKind::kUsage,
                   "--validate: '" + pair + "': expected KEY=VALUE, like top=3,data=DIR,epochs=10");
    pairs[pair.substr(0, equals)] = pair.substr(equals + 1);
    at = end + 1;
  }
  return pairs;
}

using Setter = std::function<void(const std::string&)>;

}  // namespace

ValidationRequest parse_validation(const std::string& text) {
  ValidationRequest a;
  std::string folder;
  std::map<std::string, std::string> pairs = pairs_of(text);
  a.options.task.task = pairs.contains("task") ? parse_task(pairs["task"]) : Task::kClassification;
  TrainingOptions& training = a.options.training;
  const Task task = a.options.task.task;
  training.recipe =
      named_recipe(pairs.contains("recipe") ? pairs["recipe"] : recipe_names(task).front(), task);
  training.weights = WeightSource::kRandom;
  training.test_every = 0;
  const std::map<std::string, Setter> setters = {
      {"data", [&](const std::string& v) { folder = v; }},
      {"task", [](const std::string&) {}},
      {"recipe", [](const std::string&) {}},
      {"top",
       [&](const std::string& v) { a.options.top = static_cast<std::size_t>(whole("top", v)); }},
      {"epochs",
       [&](const std::string& v) {
         training.recipe.epochs = static_cast<int>(whole("epochs", v));
       }},
      {"seeds",
       [&](const std::string& v) { a.options.seeds = static_cast<int>(whole("seeds", v)); }},
      {"seed",
       [&](const std::string& v) { training.seed = static_cast<std::uint64_t>(whole("seed", v)); }},
      {"max-train-images",
       [&](const std::string& v) {
         training.max_train_images = static_cast<std::size_t>(whole("max-train-images", v));
       }},
      {"max-test-images",
       [&](const std::string& v) {
         training.max_test_images = static_cast<std::size_t>(whole("max-test-images", v));
       }},
      {"weights", [&](const std::string& v) { training.weights = weight_source_from(v); }},
      {"device", [&](const std::string& v) { training.device = device_from(v); }},
      {"inherit", [&](const std::string& v) { a.options.inherit = yes("inherit", v); }},
  };
  for (const auto& [key, value] : pairs) {
    const auto setter = setters.find(key);
    if (setter == setters.end()) {
      std::string names;
      for (const auto& [name, unused] : setters) names += (names.empty() ? "" : ", ") + name;
      throw Error(ErrorKind::kUsage,
                  "--validate: '" + key + "' is not known; expected some of " + names);
    }
    setter->second(value);
  }
  AUTOGO_REQUIRE(!folder.empty(), ErrorKind::kUsage,
                 "--validate: data=DIR is missing, the data set to train on");
  check_recipe(training.recipe);
  a.data = open_data(folder, task);
  return a;
}

namespace {

void print_validation(Cli& cli, const Validation& validation) {
  std::ostream& out = cli.out();
  char line[200];
  std::snprintf(line, sizeof(line), "\n%9s %12s %9s %9s %9s", "predicted",
                (validation.split + " " + validation.metric).c_str(), "+-", "gain", "+-");
  out << line << (validation.networks.back().inherited ? "   inherited: share, before, after" : "")
      << "  network\n";
  for (const ValidatedNetwork& network : validation.networks) {
    const TrainedScore gain = validation.gain(network);
    std::snprintf(line, sizeof(line), "%+9.4f %12.4f %9.4f %+9.4f %9.4f", network.predicted_gain,
                  network.trained.mean(), network.trained.deviation(), gain.mean(),
                  gain.deviation());
    out << line;
    if (validation.networks.back().inherited) {
      if (network.inherited) {
        std::snprintf(line, sizeof(line), "   %15.3f %7.4f %7.4f", network.inherited->survived,
                      network.inherited->before.mean(), network.inherited->after.mean());
      } else {
        std::snprintf(line, sizeof(line), "   %31s", "");
      }
      out << line;
    }
    out << "  " << network.model << "\n";
  }
}

}  // namespace

bool run_validation(Cli& cli, const std::string& directory, const SearchConfig& config,
                    const Graph& input, const SearchResult& found, ValidationRequest& a) {
  a.options.jobs = config.options.jobs;
  a.options.training.stop = &StopSignal::requested();
  const std::size_t members = validated_members(found, a.options.top).size();
  const std::size_t trainings =
      (1 + members * (a.options.inherit ? 2 : 1)) * static_cast<std::size_t>(a.options.seeds);
  Progress bar(cli.log(), "training", training_steps(a.data, a.options.training) * trainings,
               "steps");
  const Validation validation = validate_front(
      directory, config, input, found, a.data, a.options,
      [&](const std::string& name) { return training_observer(name, cli.log(), bar); });
  if (!validation.finished) return false;
  if (!cli.json()) print_validation(cli, validation);
  return true;
}

}  // namespace autogo
