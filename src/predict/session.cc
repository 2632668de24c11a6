// Training and evaluation from files to files: what `autogo train predictor` does.
//
// Split. A network is held out when a hash of its id and the seed falls into the held-out share:
// no list to keep, the same whatever the order of the corpora. The file lists the hashes of the
// ids that it was trained on, so that an evaluation of any corpus, a larger or differently cut one
// too, knows which networks are new.
//
// Checkpoints: OUT.checkpoint every minute; --resume goes on from there, to the same weights as
// without the interruption. It is removed when OUT is written.
//
// Tested by tests/predict/session_test.cc.

#include "session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "autogo/base/error.h"
#include "autogo/base/memory.h"
#include "autogo/base/parallel.h"
#include "predict/training/dataset.h"
#include "predict/training/evaluate.h"
#include "predict/training/metrics.h"
#include "predict/training/trainer.h"

namespace autogo {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kCheckpointSeconds = 60;
constexpr std::size_t kQuantiles = 101;

Json recipe_json(const Recipe& recipe) {
  return {{"kind", kind_name(recipe.shape.kind)},
          {"layers", kNumLayers},
          {"width", recipe.shape.width},
          {"head", recipe.shape.head},
          {"operators", kNumOps},
          {"learning_rate", recipe.learning_rate},
          {"final_share", recipe.final_share},
          {"clip_norm", recipe.clip_norm},
          {"batch_graphs", recipe.batch_graphs},
          {"cuts_per_graph", recipe.cuts_per_graph},
          {"warmup_steps", recipe.warmup_steps},
          {"epochs", recipe.epochs},
          {"balance", recipe.balance},
          {"seed", recipe.seed}};
}

/// Labels at evenly spaced probabilities: maps a score back to the family's accuracy.
std::vector<double> label_quantiles(std::vector<double> labels) {
  std::sort(labels.begin(), labels.end());
  std::vector<double> quantiles;
  for (std::size_t i = 0; i < kQuantiles; ++i) {
    const double p = (static_cast<double>(i) + 0.5) / kQuantiles;
    quantiles.push_back(labels[static_cast<std::size_t>(p * static_cast<double>(labels.size()))]);
  }
  return quantiles;
}

/// NaN without any.
double mean_of_known(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : mean(values);
}

/// The training and the held-out networks of a corpus.
struct Split {
  std::vector<const LabelledGraph*> training, held_out;
};

Split split_corpus(const LabelledCorpus& corpus, std::uint64_t seed, double share) {
  Split split;
  for (const LabelledGraph& graph : corpus.graphs) {
    (held_out(graph.id, seed, share) ? split.held_out : split.training).push_back(&graph);
  }
  AUTOGO_REQUIRE(!split.training.empty(), ErrorKind::kInput,
                 corpus.path + ": every network is held out; add networks or lower --test-share");
  return split;
}

/// One training from options to file.
class Session {
 public:
  Session(const TrainOptions& options, Log& log);
  bool run();  ///< false: stopped

 private:
  void learn(const LabelledCorpus& corpus, const TrainingFamily& family);
  void learn_brief(const DatasetOptions& reading);
  std::vector<TraitFamily> all_traits() const;
  double prior_error() const;
  void report(double loss);
  void save_checkpoint();
  void resume();
  void save();
  double elapsed() const {
    return elapsed_before_ + std::chrono::duration<double>(Clock::now() - start_).count();
  }
  std::string checkpoint_path() const { return options_.out + ".checkpoint"; }
  std::string fingerprint() const;
  Json corpora_json(std::vector<std::int64_t>& trained_on) const;

  const TrainOptions& options_;
  Log& log_;
  int threads_;
  Recipe recipe_;
  LabelledData dataset_;
  std::vector<Split> splits_;
  std::vector<TraitFamily> traits_;  ///< of the corpora that the net learns from
  std::vector<TraitFamily> brief_;   ///< after shorter trainings
  Json brief_corpora_ = Json::array();
  Judgement judgement_;
  std::unique_ptr<Trainer> trainer_;
  Clock::time_point start_ = Clock::now();
  double elapsed_before_ = 0, last_report_ = 0, last_checkpoint_ = 0;
};

Session::Session(const TrainOptions& options, Log& log)
    : options_(options),
      log_(log),
      threads_(options.threads > 0 ? options.threads : available_threads()),
      recipe_(default_recipe(parse_kind(options.kind))) {
  AUTOGO_REQUIRE(options.test_share >= 0 && options.test_share < 1, ErrorKind::kUsage,
                 "the held-out share must be at least 0 and below 1");
  AUTOGO_REQUIRE(options.epochs >= 0, ErrorKind::kUsage, "epochs must not be negative");
  recipe_.seed = options.seed;
  if (options.epochs > 0) recipe_.epochs = options.epochs;
  DatasetOptions reading;
  reading.segments = options.segments;
  reading.seed = options.seed;
  reading.threads = threads_;
  dataset_ = load_dataset(options.corpora, reading, log);
  std::vector<TrainingFamily> families;
  for (const LabelledCorpus& corpus : dataset_.corpora) {
    splits_.push_back(split_corpus(corpus, options.seed, options.test_share));
    TrainingFamily family{splits_.back().training, {}};
    std::vector<double> labels;
    for (const LabelledGraph* graph : family.graphs) labels.push_back(graph->label);
    family.targets = normal_scores(labels);
    learn(corpus, family);
    families.push_back(std::move(family));
  }
  judgement_.span = label_span(dataset_.corpora.front());
  for (const LabelledCorpus& corpus : dataset_.corpora) judgement_.span.add(label_span(corpus));
  learn_brief(reading);
  judgement_.prior = fit_prior(all_traits());
  judgement_.prior_error = prior_error();
  trainer_ = std::make_unique<Trainer>(recipe_, dataset_.table, std::move(families), threads_);
}

/// What the prior and its limits need of a family.
void Session::learn(const LabelledCorpus& corpus, const TrainingFamily& family) {
  TraitFamily traits{corpus.family, training_length(corpus.training_images), {}, family.targets};
  for (const LabelledGraph* graph : family.graphs) {
    traits.traits.push_back(network_traits(graph->graph, dataset_.table));
    learn_rows(judgement_.familiarity, graph->graph, dataset_.table);
  }
  learn_ranges(judgement_.familiarity, traits);
  traits_.push_back(std::move(traits));
}

/// What shorter trainings of the same networks, or of others, tell the prior. Held-out networks
/// stay held out.
void Session::learn_brief(const DatasetOptions& reading) {
  if (options_.brief.empty()) return;
  DatasetOptions whole = reading;
  whole.segments.clear();
  const LabelledData data = load_dataset(options_.brief, whole, log_);
  for (const LabelledCorpus& corpus : data.corpora) {
    if (corpus.training_images <= 0) {
      throw Error(ErrorKind::kInput, corpus.path + ": does not say how long its networks trained")
          .with_hint("write it again with autogo corpus --training-images N");
    }
    const Split split = split_corpus(corpus, recipe_.seed, options_.test_share);
    TraitFamily family{corpus.family, training_length(corpus.training_images), {}, {}};
    for (const LabelledGraph* graph : split.training) {
      family.traits.push_back(network_traits(graph->graph, data.table));
      family.targets.push_back(graph->label);
    }
    family.targets = normal_scores(family.targets);
    brief_.push_back(std::move(family));
    brief_corpora_.push_back({{"corpus", std::filesystem::path(corpus.path).filename().string()},
                              {"family", corpus.family},
                              {"label", corpus.label},
                              {"file_hash", std::to_string(corpus.file_hash)},
                              {"training_images", corpus.training_images}});
  }
}

std::vector<TraitFamily> Session::all_traits() const {
  std::vector<TraitFamily> all = traits_;
  all.insert(all.end(), brief_.begin(), brief_.end());
  return all;
}

/// Of a prior that never saw the family: each is left out once.
double Session::prior_error() const {
  std::vector<double> errors;
  for (std::size_t left_out = 0; left_out < traits_.size() && traits_.size() > 1; ++left_out) {
    std::vector<TraitFamily> others = all_traits();
    std::erase_if(others, [&](const TraitFamily& f) { return f.name == traits_[left_out].name; });
    if (others.empty()) continue;
    const Prior prior = fit_prior(others);
    std::vector<double> scores;
    for (const Traits& traits : traits_[left_out].traits) {
      scores.push_back(accuracy_scale(prior(traits, traits_[left_out].length)));
    }
    errors.push_back(gain_error(splits_[left_out].training, scores));
  }
  return mean_of_known(errors);
}

/// What a checkpoint must agree with.
std::string Session::fingerprint() const {
  Json json = recipe_json(recipe_);
  json["test_share"] = options_.test_share;
  json["segments"] = std::to_string(dataset_.segments_hash);
  for (const LabelledCorpus& corpus : dataset_.corpora) {
    json["corpora"].push_back(std::to_string(corpus.file_hash));
  }
  return dump_json(json);
}

void Session::save_checkpoint() {
  Archive archive;
  archive.header["fingerprint"] = fingerprint();
  archive.header["elapsed_s"] = elapsed();
  archive.tensors = trainer_->state();
  write_archive(checkpoint_path(), kTrainerCheckpointFile, archive);
  last_checkpoint_ = elapsed();
}

void Session::resume() {
  std::error_code ignored;
  if (!std::filesystem::exists(checkpoint_path(), ignored)) {
    log_.info(checkpoint_path() + ": not there, starting from the beginning");
    return;
  }
  const Archive archive = read_archive(checkpoint_path(), kTrainerCheckpointFile);
  if (json_member<std::string>(archive.header, "fingerprint", checkpoint_path()) != fingerprint()) {
    throw Error(ErrorKind::kUsage,
                checkpoint_path() + ": is of a training with other corpora or options")
        .with_hint("repeat the options of that training, or leave out --resume");
  }
  trainer_->restore(archive.tensors, checkpoint_path());
  elapsed_before_ = json_member<double>(archive.header, "elapsed_s", checkpoint_path());
  log_.info("resumed at step " + std::to_string(trainer_->step()) + " of " +
            std::to_string(trainer_->total_steps()));
}

void Session::report(double loss) {
  const auto done = static_cast<double>(trainer_->step());
  const auto total = static_cast<double>(trainer_->total_steps());
  char text[160];
  std::snprintf(text, sizeof(text), "step %.0f of %.0f, loss %.4f, %.0f s, about %.0f s left", done,
                total, loss, elapsed(), elapsed() / done * (total - done));
  log_.info(text);
  last_report_ = elapsed();
}

Json Session::corpora_json(std::vector<std::int64_t>& trained_on) const {
  Json all = Json::array();
  for (std::size_t i = 0; i < dataset_.corpora.size(); ++i) {
    const LabelledCorpus& corpus = dataset_.corpora[i];
    std::vector<double> labels;
    for (const LabelledGraph* graph : splits_[i].training) {
      labels.push_back(graph->label);
      trained_on.push_back(static_cast<std::int64_t>(id_hash(graph->id)));
    }
    all.push_back({{"corpus", std::filesystem::path(corpus.path).filename().string()},
                   {"family", corpus.family},
                   {"label", corpus.label},
                   {"file_hash", std::to_string(corpus.file_hash)},
                   {"training_images", corpus.training_images},
                   {"training_graphs", splits_[i].training.size()},
                   {"held_out_graphs", splits_[i].held_out.size()},
                   {"label_quantiles", label_quantiles(std::move(labels))}});
  }
  return all;
}

void Session::save() {
  Archive archive;
  std::vector<std::int64_t> trained_on;
  const torch::Tensor weights = trainer_->weights();
  archive.header["kind"] = kind_name(recipe_.shape.kind);
  archive.header["recipe"] = recipe_json(recipe_);
  archive.header["corpora"] = corpora_json(trained_on);
  archive.header["brief_corpora"] = brief_corpora_;
  archive.header["split"] = {{"test_share", options_.test_share}, {"by", "hash of id and seed"}};
  archive.header["cuts"] = options_.segments.empty() ? "random runs" : "random runs and segments";
  archive.header["segments_hash"] = std::to_string(dataset_.segments_hash);
  archive.header["training_s"] = std::round(elapsed());
  const NetView net(recipe_.shape, NetWeights(recipe_.shape).views(weights));
  archive.header["metrics"] = Json::array();
  std::vector<double> errors;
  for (std::size_t i = 0; i < dataset_.corpora.size(); ++i) {
    if (splits_[i].held_out.size() < 2) continue;
    const CorpusMetrics metrics = measure(net, judgement_, dataset_.table, dataset_.corpora[i],
                                          splits_[i].held_out, recipe_.seed, threads_);
    char text[120];
    std::snprintf(text, sizeof(text), ": held-out Spearman %.4f, Kendall %.4f, %zu networks",
                  metrics.spearman, metrics.kendall, splits_[i].held_out.size());
    log_.info(dataset_.corpora[i].family + text);
    Json json = metrics_json(metrics);
    json["corpus"] = std::filesystem::path(metrics.corpus).filename().string();
    archive.header["metrics"].push_back(std::move(json));
    errors.push_back(metrics.gain_error);
  }
  judgement_.net_error = mean_of_known(errors);
  std::sort(trained_on.begin(), trained_on.end());
  archive.tensors["weights"] = weights;
  archive.tensors["trained_on"] = torch::tensor(trained_on, torch::kInt64);
  put_judgement(archive, judgement_);
  write_archive(options_.out, kPredictorFile, archive);
}

bool Session::run() {
  if (options_.resume) resume();
  double loss_sum = 0;
  std::uint64_t loss_steps = 0;
  while (trainer_->step() < trainer_->total_steps()) {
    if (options_.stop != nullptr && options_.stop->load()) {
      save_checkpoint();
      return false;
    }
    loss_sum += trainer_->advance();
    ++loss_steps;
    if (elapsed() - last_report_ > 30) {
      report(loss_sum / static_cast<double>(loss_steps));
      loss_sum = 0;
      loss_steps = 0;
    }
    if (elapsed() - last_checkpoint_ > kCheckpointSeconds) save_checkpoint();
  }
  save();
  std::error_code ignored;
  std::filesystem::remove(checkpoint_path(), ignored);
  return true;
}

}  // namespace

Json metrics_json(const CorpusMetrics& metrics) {
  const auto number = [](double value) { return std::isnan(value) ? Json(nullptr) : Json(value); };
  Json json = {{"corpus", metrics.corpus},
               {"graphs", metrics.graphs},
               {"folds", metrics.folds},
               {"spearman", number(metrics.spearman)},
               {"spearman_std", number(metrics.spearman_std)},
               {"kendall", number(metrics.kendall)},
               {"gain_spearman", number(metrics.gain_spearman)}};
  json["pairs"] = metrics.pairs;
  json["gain_error"] = number(metrics.gain_error);
  json["trust"] = metrics.trust;
  for (const Correlations& c : metrics.alone) {
    json["alone"][c.name] = {{"accuracy", number(c.accuracy)}, {"gain", number(c.gain)}};
  }
  return json;
}

bool train_torch_predictor(const TrainOptions& options, Log& log) {
  use_one_thread();
  keep_freed_memory();
  AUTOGO_REQUIRE(!options.out.empty(), ErrorKind::kUsage, "no output file given");
  return Session(options, log).run();
}

std::vector<CorpusMetrics> evaluate_torch_predictor(const std::string& predictor,
                                                    const std::vector<std::string>& corpora,
                                                    bool all, int threads, Log& log) {
  use_one_thread();
  const TrainedNet trained = read_predictor(predictor);
  const NetView net(trained.shape, NetWeights(trained.shape).views(trained.weights));
  DatasetOptions reading;
  reading.threads = threads > 0 ? threads : available_threads();
  const LabelledData dataset = load_dataset(corpora, reading, log);
  std::vector<CorpusMetrics> metrics;
  for (const LabelledCorpus& corpus : dataset.corpora) {
    std::vector<const LabelledGraph*> graphs;
    for (const LabelledGraph& graph : corpus.graphs) {
      if (all || trained.trained_on.count(id_hash(graph.id)) == 0) graphs.push_back(&graph);
    }
    AUTOGO_REQUIRE(graphs.size() >= 2, ErrorKind::kInput,
                   corpus.path +
                       ": fewer than two networks that the predictor was not trained "
                       "on; --all measures on the others too");
    Judgement judgement = trained.judgement;
    if (corpus.training_images > 0) judgement.length = training_length(corpus.training_images);
    metrics.push_back(
        measure(net, judgement, dataset.table, corpus, graphs, trained.seed, reading.threads));
  }
  return metrics;
}

}  // namespace autogo
