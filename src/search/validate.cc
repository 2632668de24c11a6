// Predicted gains against trained ones (AutoGO, section 4.3).
//
// The input and the best members are trained under one recipe from weights made alike, so that what
// differs is the network. With `inherit`, members are trained once more, from what they can take
// over of the trained input (network/inherit.h): that shows what inheritance saves, and is no
// comparison with the input, whose weights have then been trained twice as long.
//
// A training is known by a key: the hash of all that its result depends on. Results of keys that
// validation.json has are taken from there, unfinished trainings go on from their checkpoints, so a
// call that was stopped is simply repeated, and more members cost only their own trainings.
//
// Tested by tests/search/validate_test.cc.

#include "autogo/search/validate.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/parallel.h"
#include "autogo/base/rng.h"
#include "autogo/cost/cost.h"
#include "autogo/graph/canonical.h"
#include "autogo/network/inherit.h"
#include "run_directory.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// What validation.json keeps of a training.
struct Known {
  double before = kNan, value = kNan, survived = 0;
};
struct KnownTrainings {
  std::map<std::string, Known> by_key;
  std::string metric;  ///< empty: no training is known
};

std::string file_of(const std::string& directory) { return directory + "/validation.json"; }

OrderedJson number(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
}

double number_of(const Json& json) { return json.is_number() ? json.get<double>() : kNan; }

OrderedJson score_json(const TrainedScore& score) {
  OrderedJson json;
  json["mean"] = number(score.mean());
  json["deviation"] = number(score.deviation());
  json["values"] = OrderedJson::array();
  for (const double value : score.values) json["values"].push_back(number(value));
  return json;
}

TrainedScore score_from(const Json& json) {
  TrainedScore score;
  for (const Json& value : json.at("values")) score.values.push_back(number_of(value));
  return score;
}

OrderedJson network_json(const Validation& validation, const ValidatedNetwork& network) {
  OrderedJson json;
  json["model"] = network.model;
  json["hash"] = hex64(network.hash);
  json["macs"] = network.macs;
  json["params"] = network.params;
  json["predicted_gain"] = network.predicted_gain;
  json["trained"] = score_json(network.trained);
  json["trained"]["gain"] = score_json(validation.gain(network));
  if (network.inherited) {
    json["inherited"]["survived"] = network.inherited->survived;
    json["inherited"]["before"] = score_json(network.inherited->before);
    json["inherited"]["after"] = score_json(network.inherited->after);
  }
  return json;
}

OrderedJson setting_json(const Data& data, const ValidationOptions& options,
                         const Validation& validation) {
  OrderedJson json;
  json["task"] = task_name(options.task.task);
  json["data"] = {{"path", data.path}, {"content_hash", hex64(data.content_hash)}};
  json["split"] = validation.split;
  json["metric"] = validation.metric;
  json["recipe"] = OrderedJson::parse(recipe_text(options.training.recipe));
  json["training_images"] = validation.training_images;
  json["max_train_images"] = options.training.max_train_images;
  json["max_test_images"] = options.training.max_test_images;
  json["seed"] = options.training.seed;
  json["seeds"] = options.seeds;
  return json;
}

[[noreturn]] void throw_damaged(const std::string& path, const std::string& why) {
  throw Error(ErrorKind::kInput, path + ": not what autogo writes: " + why)
      .with_hint("delete it, and repeat the validation");
}

KnownTrainings known_trainings(const std::string& directory) {
  KnownTrainings known;
  const std::string path = file_of(directory);
  if (!fs::exists(path)) return known;
  const Json json = parse_json(read_file(path), path);
  require_format(json, path, "autogo.validation", 1);
  try {
    for (const auto& [key, row] : json.at("trainings").items()) {
      known.by_key[key] = {number_of(row.at("before")), number_of(row.at("value")),
                           number_of(row.at("survived"))};
    }
    known.metric = json.at("setting").at("metric");
  } catch (const nlohmann::json::exception& e) {
    throw_damaged(path, e.what());
  }
  return known;
}

/// The trainings of one validation.
class Validator {
 public:
  Validator(const std::string& directory, const SearchConfig& config, const Graph& input,
            const SearchResult& found, const Data& data, const ValidationOptions& options,
            const std::function<std::function<void(const TrainingProgress&)>(const std::string&)>&
                observe)
      : directory_(directory), data_(data), options_(options), observe_(observe) {
    add(input, config.model, canonical_hash(input), 0);
    for (const std::size_t i : validated_members(found, options.top)) {
      const FrontMember& m = found.front[i];
      add(m.graph, m.model, m.hash, m.predicted_gain);
    }
    known_ = known_trainings(directory);
  }

  Validation run() {
    make_folder(directory_ + "/validation");
    result_.finished = train_from_scratch() && (!options_.inherit || train_inherited());
    if (!result_.finished) return result_;
    collect();
    write();
    return result_;
  }

 private:
  struct Place {
    std::size_t network = 0;
    std::uint64_t seed = 0;
    bool inherited = false;
  };

  void add(const Graph& graph, const std::string& model, std::uint64_t hash, double gain) {
    TaskOptions task = options_.task;
    if (!networks_.empty()) {  // the same images, the same numbers
      task.mean = networks_[0].options.mean;
      task.deviation = networks_[0].options.deviation;
    }
    try {
      networks_.push_back(make_trainable(graph, data_, task));
    } catch (Error& e) {
      e.prepend(model);
      throw;
    }
    const Cost total = graph_cost(graph).total;
    result_.networks.push_back({model, hash, total.macs, total.params, gain, {}, std::nullopt});
  }

  TrainingOptions options_of(const Place& place) const {
    TrainingOptions options = options_.training;
    options.seed = place.seed;
    options.initial.clear();
    return options;
  }

  std::string key(const Place& place) const {
    std::uint64_t hash = training_hash(networks_[place.network], options_of(place));
    hash = hash_combine(hash, data_.content_hash);
    hash = hash_combine(hash, options_.training.max_test_images);
    if (place.inherited) hash = hash_combine(hash, hash_text(key({0, place.seed, false})));
    return hex64(hash);
  }
  static std::uint64_t hash_text(const std::string& text) {
    return hash_bytes(text.data(), text.size());
  }

  std::vector<std::uint64_t> seeds() const {
    std::vector<std::uint64_t> result;
    for (int s = 0; s < options_.seeds; ++s) {
      result.push_back(options_.training.seed + static_cast<std::uint64_t>(s));
    }
    return result;
  }

  TrainingJob job(const Place& place) const {
    const ValidatedNetwork& network = result_.networks[place.network];
    const std::string name = (place.network == 0 ? "input" : hex64(network.hash)) +
                             (place.inherited ? ", inherited" : "") + ", seed " +
                             std::to_string(place.seed);
    TrainingJob job{&networks_[place.network], options_of(place)};
    job.options.checkpoint = directory_ + "/validation/" + key(place) + ".checkpoint";
    job.options.resume = true;
    job.options.test_before = true;
    if (observe_) job.options.observer = observe_(name);
    return job;
  }

  /// @return false: stopped
  bool train(const std::vector<Place>& places, const std::vector<TrainingJob>& jobs) {
    const int at_once = options_.jobs > 0 ? options_.jobs : available_threads();
    std::vector<TrainingResult> results = train_networks(jobs, data_, at_once);
    bool finished = true;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const TrainingResult& r = results[i];
      const Place& place = places[i];
      if (!r.finished && r.diverged.empty()) {
        finished = false;
        continue;
      }
      if (place.network == 0 && !r.diverged.empty()) {
        throw Error(ErrorKind::kIo, result_.networks[0].model + ": " + r.diverged)
            .with_hint("choose another recipe or a lower learning rate");
      }
      Known& known = known_.by_key[key(place)];
      known.value = r.diverged.empty() ? r.metric() : kNan;
      if (!r.before.empty()) {
        known.before = r.before[0].values.at(0).second;
        known_.metric = r.before[0].values[0].first;
      }
      used_checkpoints_.push_back(jobs[i].options.checkpoint);
      if (place.network == 0) input_weights_[place.seed] = r.weights;
      if (!place.inherited && place.seed == options_.training.seed && r.diverged.empty()) {
        write_trained(place.network, r);
      }
    }
    return finished;
  }

  bool train_from_scratch() {
    std::vector<Place> places;
    std::vector<TrainingJob> jobs;
    for (std::size_t k = 0; k < networks_.size(); ++k) {
      for (const std::uint64_t seed : seeds()) {
        const Place place{k, seed, false};
        if (known_.by_key.contains(key(place)) && !(k == 0 && heirs_wait(seed))) continue;
        places.push_back(place);
        jobs.push_back(job(place));
      }
    }
    return train(places, jobs);
  }

  /// Is there a member that has yet to be trained from the input's weights of this seed?
  bool heirs_wait(std::uint64_t seed) const {
    if (!options_.inherit) return false;
    for (std::size_t k = 1; k < networks_.size(); ++k) {
      if (!known_.by_key.contains(key({k, seed, true}))) return true;
    }
    return false;
  }

  bool train_inherited() {
    std::vector<Place> places;
    std::vector<TrainingJob> jobs;
    const TrainableNetwork& parent = networks_[0];
    for (std::size_t k = 1; k < networks_.size(); ++k) {
      for (const std::uint64_t seed : seeds()) {
        const Place place{k, seed, true};
        if (known_.by_key.contains(key(place))) continue;
        const TrainableNetwork& child = networks_[k];
        InheritedWeights inherited = inherit_weights(
            parent.graph, parent.program, input_weights_.at(seed), child.graph, child.program);
        survived_[k] = inherited.survived();
        places.push_back(place);
        jobs.push_back(job(place));
        jobs.back().options.initial = std::move(inherited.weights);
      }
    }
    if (!train(places, jobs)) return false;
    for (const Place& place : places) known_.by_key[key(place)].survived = survived_[place.network];
    return true;
  }

  void write_trained(std::size_t k, const TrainingResult& trained) const {
    replace_weights(networks_[k].graph, trained.weights,
                    directory_ + "/validation/" + hex64(result_.networks[k].hash) + ".onnx",
                    kTrainableExport);
  }

  void collect() {
    for (std::size_t k = 0; k < networks_.size(); ++k) {
      ValidatedNetwork& network = result_.networks[k];
      InheritedTraining inherited;
      for (const std::uint64_t seed : seeds()) {
        network.trained.values.push_back(known_.by_key.at(key({k, seed, false})).value);
        if (k == 0 || !options_.inherit) continue;
        const Known& heir = known_.by_key.at(key({k, seed, true}));
        inherited.before.values.push_back(heir.before);
        inherited.after.values.push_back(heir.value);
        inherited.survived = heir.survived;
      }
      if (k > 0 && options_.inherit) network.inherited = inherited;
    }
    result_.split = data_.tests.front().name;
    result_.metric = known_.metric;
    result_.training_images = images_seen(data_, options_.training);
  }

  void write() const {
    OrderedJson json;
    json["format"] = "autogo.validation";
    json["version"] = 1;
    json["setting"] = setting_json(data_, options_, result_);
    json["networks"] = OrderedJson::array();
    for (const ValidatedNetwork& n : result_.networks) {
      json["networks"].push_back(network_json(result_, n));
    }
    json["trainings"] = OrderedJson::object();
    for (const auto& [key, known] : known_.by_key) {
      json["trainings"][key] = {{"before", number(known.before)},
                                {"value", number(known.value)},
                                {"survived", known.survived}};
    }
    write_file_atomic(file_of(directory_), json_text(json));
    add_validation(directory_);
    for (const std::string& path : used_checkpoints_) {
      std::error_code ignored;
      fs::remove(path, ignored);
    }
  }

  const std::string& directory_;
  const Data& data_;
  const ValidationOptions& options_;
  const std::function<std::function<void(const TrainingProgress&)>(const std::string&)>& observe_;
  std::vector<TrainableNetwork> networks_;  ///< as result_.networks
  KnownTrainings known_;                    ///< of earlier calls and this one
  std::map<std::uint64_t, std::map<std::string, ProgramTensor>> input_weights_;  ///< by seed
  std::map<std::size_t, double> survived_;
  std::vector<std::string> used_checkpoints_;
  Validation result_;
};

}  // namespace

void add_validation(const std::string& directory) {
  if (!fs::exists(file_of(directory))) return;
  OrderedJson validation = OrderedJson::parse(read_file(file_of(directory)), nullptr, false);
  if (!validation.is_object() || !validation.contains("setting") ||
      !validation.contains("networks") || validation["networks"].empty()) {
    throw_damaged(file_of(directory), "\"setting\" or \"networks\" is missing");
  }
  const std::string path = directory + "/pareto.json";
  OrderedJson pareto = OrderedJson::parse(read_file(path));
  pareto["validation"] = validation.at("setting");
  for (OrderedJson& member : pareto.at("members")) {
    for (const char* key : {"trained", "inherited"}) member.erase(key);
  }
  for (const OrderedJson& network : validation.at("networks")) {
    const bool is_input = &network == &validation.at("networks")[0];
    for (const char* key : {"trained", "inherited"}) {
      if (!network.contains(key)) continue;
      if (is_input) pareto["input"][key] = network.at(key);
      for (OrderedJson& member : pareto.at("members")) {
        if (!is_input && member.at("model") == network.at("model")) member[key] = network.at(key);
      }
    }
  }
  write_file_atomic(path, json_text(pareto));
}

double TrainedScore::mean() const {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? kNan : sum / static_cast<double>(values.size());
}

double TrainedScore::deviation() const {
  if (values.size() < 2) return 0;
  const double center = mean();
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

TrainedScore Validation::gain(const ValidatedNetwork& member) const {
  TrainedScore gain;
  const std::vector<double>& input = networks.at(0).trained.values;
  for (std::size_t i = 0; i < std::min(input.size(), member.trained.values.size()); ++i) {
    gain.values.push_back(member.trained.values[i] - input[i]);
  }
  return gain;
}

std::vector<std::size_t> validated_members(const SearchResult& found, std::size_t top) {
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < found.front.size(); ++i) members.push_back(i);
  std::ranges::stable_sort(members, [&](std::size_t a, std::size_t b) {
    const FrontMember &x = found.front[a], &y = found.front[b];
    return x.rank != y.rank ? x.rank < y.rank : x.predicted_gain > y.predicted_gain;
  });
  members.resize(std::min(top, members.size()));
  return members;
}

Validation validate_front(
    const std::string& directory, const SearchConfig& config, const Graph& input,
    const SearchResult& found, const Data& data, const ValidationOptions& options,
    const std::function<std::function<void(const TrainingProgress&)>(const std::string& name)>&
        observe) {
  AUTOGO_REQUIRE(options.top >= 1 && options.seeds >= 1, ErrorKind::kUsage,
                 "--validate: top and seeds must be at least 1");
  return Validator(directory, config, input, found, data, options, observe).run();
}

double images_seen(const Data& data, const TrainingOptions& training) {
  std::size_t images = data.train->size();
  if (training.max_train_images > 0) images = std::min(images, training.max_train_images);
  return static_cast<double>(training.recipe.repeat) * training.recipe.epochs *
         static_cast<double>(images);
}

Validation read_validation(const std::string& directory) {
  const std::string path = file_of(directory);
  const Json json = parse_json(read_file(path), path);
  require_format(json, path, "autogo.validation", 1);
  Validation validation;
  try {
    validation.split = json.at("setting").at("split");
    validation.metric = json.at("setting").at("metric");
    validation.training_images = json.at("setting").value("training_images", 0.0);
    for (const Json& row : json.at("networks")) {
      ValidatedNetwork network;
      network.model = row.at("model");
      network.macs = row.at("macs");
      network.params = row.at("params");
      network.predicted_gain = row.at("predicted_gain");
      network.trained = score_from(row.at("trained"));
      if (row.contains("inherited")) {
        const Json& heir = row.at("inherited");
        network.inherited = {heir.at("survived"), score_from(heir.at("before")),
                             score_from(heir.at("after"))};
      }
      validation.networks.push_back(std::move(network));
    }
  } catch (const nlohmann::json::exception& e) {
    throw_damaged(path, e.what());
  }
  AUTOGO_REQUIRE(!validation.networks.empty(), ErrorKind::kInput, path + ": has no networks");
  return validation;
}

}  // namespace autogo
