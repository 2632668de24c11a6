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
// Tested by tests/study/validate_test.cc.

#include "autogo/study/validate.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "autogo/base/parallel.h"
#include "autogo/base/rng.h"
#include "autogo/cost/cost.h"
#include "autogo/graph/canonical.h"
#include "autogo/network/inherit.h"
#include "base/json.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string setting_text(const Data& data, const ValidationOptions& options,
                         const Validation& validation) {
  OrderedJson json;
  json["task"] = task_name(options.task.task);
  json["data"] = {{"path", data.path}, {"content_hash", hex64(data.content_hash)}};
  json["split"] = validation.split;
  json["metric"] = validation.metric;
  json["recipe"] = parse_ordered_json(recipe_text(options.training.recipe), "recipe");
  json["training_images"] = validation.training_images;
  json["max_train_images"] = options.training.max_train_images;
  json["max_test_images"] = options.training.max_test_images;
  json["seed"] = options.training.seed;
  json["seeds"] = options.seeds;
  return dump_json(json);
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
    known_ = read_known_trainings(directory);
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
      KnownTraining& known = known_.by_key[key(place)];
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
        const KnownTraining& heir = known_.by_key.at(key({k, seed, true}));
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
    write_validation(directory_, setting_text(data_, options_, result_), result_, known_);
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
  const DirectoryLock lock(directory);
  return Validator(directory, config, input, found, data, options, observe).run();
}

double images_seen(const Data& data, const TrainingOptions& training) {
  std::size_t images = data.train->size();
  if (training.max_train_images > 0) images = std::min(images, training.max_train_images);
  return static_cast<double>(training.recipe.repeat) * training.recipe.epochs *
         static_cast<double>(images);
}

}  // namespace autogo
