// The training loop.
//
// A training is a function of the network, the data set, the recipe and the seed. The loader's
// batches are keyed by (seed, epoch, batch), dropout by (seed, step), the learning rate by the
// step: so its state is the parameters and running statistics, the optimiser's moments, the place
// in the data and the sums that the epoch's report needs. A checkpoint holds these, and a resumed
// training goes on bit for bit as if nothing had happened (on the CPU; a GPU's sums may differ).
//
// Where the time goes (ResNet-20, batch 128, one core): convolutions and normalisations. Channels
// last in memory makes a step a quarter faster than LibTorch's default order, because oneDNN then
// need not reorder between convolutions. Updates run over flat parameters (updates.cc). Freed
// memory is kept (base/memory.h): otherwise page faults cost more than anything but convolutions.
//
// A loss that is not finite ends the training: the result says so, the last checkpoint stays as it
// is. The check waits for the device, so a GPU is asked every few steps only.
//
// Tested by tests/network/train_test.cc.

#include "training.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/generated/variable_factories.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/base/memory.h"
#include "autogo/base/rng.h"
#include "checkpoint.h"
#include "image_shower.h"
#include "network/heads/task_loss.h"
#include "network/initial_weights.h"
#include "network/net_module.h"
#include "tensors/torch_tensors.h"
#include "train_plan.h"
#include "updates.h"

namespace autogo {
namespace {

using Clock = std::chrono::steady_clock;
using torch::Tensor;

constexpr std::uint64_t kLoaderStream = 1, kDropoutStream = 2;
constexpr double kReportSeconds = 0.25;
constexpr std::uint64_t kStepsBetweenChecks = 8;  ///< on a GPU
constexpr double kFirstLossScale = 65536;
const std::string kWeightPrefix = "weight/", kUpdatePrefix = "update/";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

NetworkOptions network_options(const TrainingOptions& options) {
  NetworkOptions result;
  result.weights = options.weights;
  result.seed = options.seed;
  result.device = options.device;
  result.mixed_precision = options.mixed_precision;
  result.threads = options.threads;
  return result;
}

/// Splats of new nodes cannot train, wherever the other weights come from.
std::map<std::string, ProgramTensor> starting_weights(const TrainableNetwork& network,
                                                      const TrainingOptions& options) {
  std::map<std::string, ProgramTensor> result;
  if (options.weights == WeightSource::kFile) {
    for (const auto& [i, tensor] :
         initial_weights(network.program, WeightSource::kMixed, options.seed)) {
      const ProgramConstant& constant = network.program.constants[i];
      const bool is_new =
          constant.node != kNoNode && network.graph.node(constant.node).origin == kNoOrigin;
      if (!is_new) continue;
      result[network.program.values[static_cast<std::size_t>(constant.value)].name] = tensor;
    }
  }
  for (const auto& [name, tensor] : options.initial) result[name] = tensor;
  return result;
}

void load_weights(NetModule& net, const std::map<std::string, ProgramTensor>& weights,
                  const std::string& what) {
  if (weights.empty()) return;
  std::map<std::string, Tensor> state = net.state();
  for (const auto& [name, tensor] : weights) {
    const auto it = state.find(name);
    AUTOGO_REQUIRE(it != state.end(), ErrorKind::kInput,
                   what + ": the network has no weight '" + name + "'");
    it->second = to_torch(tensor, net.float_type());
  }
  try {
    net.load_state(state);
  } catch (Error& e) {
    e.prepend(what);
    throw;
  }
}

/// Runs a network over the test splits.
class Tester {
 public:
  Tester(NetModule& net, TaskLoss& loss, const TrainableNetwork& network, const Data& data,
         const TrainingOptions& options)
      : net_(net), loss_(loss), data_(data), shower_(network) {
    const BatchSpec spec = batch_spec(network, data, options.recipe, false);
    LoaderOptions reading;
    reading.batch_size = test_batch_size(network.options.task);
    reading.threads = options.loader_threads;
    reading.max_samples = options.max_test_images;
    for (const DataSplit& split : data.tests) {
      loaders_.push_back(std::make_unique<Loader>(*split.set, spec, reading));
    }
  }

  std::vector<TestMetric> run() {
    const at::NoGradGuard no_grad;
    const bool training = net_.training();
    net_.train(false);
    std::vector<TestMetric> result;
    skipped_ = 0;
    for (std::size_t i = 0; i < loaders_.size(); ++i) {
      loss_.reset();
      std::int64_t images = 0;
      loaders_[i]->start(0);
      while (const std::optional<Batch> batch = loaders_[i]->next()) {
        note(*batch);
        if (batch->count == 0) continue;
        const DeviceBatch placed = to_device(*batch, net_.device());
        loss_.add(shower_.forward(net_, placed.input), placed);
        images += batch->count;
      }
      AUTOGO_REQUIRE(images > 0, ErrorKind::kInput,
                     data_.path + ": every image of '" + data_.tests[i].name +
                         "' is damaged: " + first_problem_);
      result.push_back({data_.tests[i].name, loss_.values()});
    }
    net_.train(training);
    return result;
  }
  std::uint64_t skipped() const { return skipped_; }  ///< in the last run
  const std::string& first_problem() const { return first_problem_; }

 private:
  void note(const Batch& batch) {
    skipped_ += batch.skipped;
    if (first_problem_.empty()) first_problem_ = batch.first_problem;
  }

  NetModule& net_;
  TaskLoss& loss_;
  const Data& data_;
  const ImageShower shower_;
  std::vector<std::unique_ptr<Loader>> loaders_;
  std::uint64_t skipped_ = 0;
  std::string first_problem_;
};

/// The value that the loss reads, and nothing behind it.
void read_output(NetModule& net, const TrainableNetwork& network) {
  std::vector<std::string> taps = {network.output};
  if (!network.auxiliary.empty()) taps.push_back(network.auxiliary);
  net.set_taps(taps);
  net.taps_only(true);
}

LoaderOptions loader_options(const TrainingOptions& options) {
  LoaderOptions result;
  result.batch_size = options.recipe.batch_size;
  result.threads = options.loader_threads;
  result.seed = Rng(options.seed).fork(kLoaderStream).next();
  result.max_samples = options.max_train_images;
  result.repeat = options.recipe.repeat;
  return result;
}

class Training {
 public:
  Training(const TrainableNetwork& network, const Data& data, const TrainingOptions& options)
      : options_(options),
        data_(data),
        hash_(options.checkpoint.empty() ? 0 : training_hash(network, options)),
        net_(program_to_run(network), network_options(options)),
        loss_(make_task_loss(network, data, options.recipe)),
        loader_(*data.train, batch_spec(network, data, options.recipe, true),
                loader_options(options)),
        tester_(net_, *loss_, network, data, options) {
    load_weights(net_, starting_weights(network, options), "initial weights");
    read_output(net_, network);
    updates_ = std::make_unique<Updates>(net_, options.recipe);
    result_.training_images = loader_.samples();
    result_.parameters = net_.num_parameters();
    net_.train(true);
  }

  TrainingResult run();

 private:
  bool train_epoch();  ///< false: stopped or diverged
  void train_step(const Batch& batch);
  bool diverged();
  void finish_epoch();
  void report(bool force, const EpochResult* finished = nullptr);
  void save();
  void resume();
  void restore(const std::map<std::string, FileTensor>& tensors);
  bool stopping() const { return options_.stop != nullptr && options_.stop->load(); }
  std::uint64_t total_steps() const {
    return static_cast<std::uint64_t>(options_.recipe.epochs) * loader_.batches();
  }
  std::uint64_t step() const { return epoch_ * loader_.batches() + batch_; }
  double elapsed() const { return elapsed_before_ + seconds_since(start_); }

  const TrainingOptions& options_;
  const Data& data_;
  const std::uint64_t hash_;
  NetModule net_;
  std::unique_ptr<TaskLoss> loss_;
  Loader loader_;
  Tester tester_;
  std::unique_ptr<Updates> updates_;
  TrainingResult result_;

  // The place in the training, and the epoch's sums: part of a checkpoint.
  std::uint64_t epoch_ = 0, batch_ = 0;  ///< the next batch to train on
  double loss_sum_ = 0;
  std::uint64_t loss_steps_ = 0;
  double epoch_seconds_ = 0, wait_seconds_ = 0, loss_scale_ = kFirstLossScale;
  std::uint64_t epoch_skipped_ = 0, good_steps_ = 0;

  Tensor pending_loss_;  ///< of steps whose loss was not read yet
  std::uint64_t pending_steps_ = 0;
  double learning_rate_ = 0;
  Clock::time_point start_ = Clock::now();
  double elapsed_before_ = 0, last_report_ = 0, last_checkpoint_ = 0, step_seconds_ = 0;
  std::uint64_t session_steps_ = 0;
};

TrainingResult Training::run() {
  if (options_.resume) resume();
  last_checkpoint_ = last_report_ = elapsed();
  if (step() == 0 && options_.test_before) {
    result_.before = tester_.run();
  }
  const auto epochs = static_cast<std::uint64_t>(options_.recipe.epochs);
  while (epoch_ < epochs) {
    if (!train_epoch()) break;
    finish_epoch();
  }
  result_.seconds = elapsed();
  result_.finished = epoch_ == epochs && result_.diverged.empty();
  if (session_steps_ > 0) {
    result_.seconds_per_step = step_seconds_ / static_cast<double>(session_steps_);
  }
  result_.skipped += tester_.skipped();
  if (result_.first_problem.empty()) result_.first_problem = tester_.first_problem();
  if (result_.diverged.empty()) result_.weights = net_.weights();
  return std::move(result_);
}

bool Training::train_epoch() {
  const Clock::time_point start = Clock::now();
  const double before = epoch_seconds_;
  const auto keep_time = [&] { epoch_seconds_ = before + seconds_since(start); };
  loader_.start(epoch_, batch_);
  for (;;) {
    const Clock::time_point begin = Clock::now();
    const std::optional<Batch> batch = loader_.next();
    wait_seconds_ += seconds_since(begin);
    if (!batch) break;
    if (batch->skipped > 0 && result_.first_problem.empty()) {
      result_.first_problem = batch->first_problem;
    }
    epoch_skipped_ += batch->skipped;
    if (batch->count > 0) train_step(*batch);
    ++batch_;
    ++session_steps_;
    step_seconds_ += seconds_since(begin);
    if ((net_.device().is_cpu() || pending_steps_ >= kStepsBetweenChecks) && diverged()) {
      return false;
    }
    report(false);
    const bool stop = stopping();
    if (stop || elapsed() - last_checkpoint_ > options_.checkpoint_seconds) {
      if (diverged()) return false;
      keep_time();
      save();
    }
    if (stop) return false;
  }
  keep_time();
  return !diverged();
}

void Training::train_step(const Batch& batch) {
  const TrainingRecipe& recipe = options_.recipe;
  net_.seed(Rng(options_.seed).fork(kDropoutStream).fork(step()).next());
  const DeviceBatch placed = to_device(batch, net_.device());
  updates_->clear_gradients();
  const Tensor loss = loss_->loss(net_.forward({placed.input}), placed);
  const double scale = options_.mixed_precision ? loss_scale_ : 1;
  (scale == 1 ? loss : loss * scale).backward();
  learning_rate_ = learning_rate_at(recipe, step(), total_steps());
  const bool updated = updates_->step(learning_rate_, scale);
  const Tensor value = loss.detach();
  pending_loss_ = pending_loss_.defined() ? pending_loss_ + value : value;
  ++pending_steps_;
  if (!options_.mixed_precision) return;
  // Half precision: the loss is scaled so that small gradients survive; less after an overflow.
  good_steps_ = updated ? good_steps_ + 1 : 0;
  if (!updated) loss_scale_ = std::max(loss_scale_ / 2, 1.0);
  if (good_steps_ > 0 && good_steps_ % 2000 == 0) loss_scale_ *= 2;
}

/// Reads the losses since the last time.
bool Training::diverged() {
  if (!pending_loss_.defined()) return false;
  const double sum = pending_loss_.item<double>();
  pending_loss_.reset();
  loss_sum_ += sum;
  loss_steps_ += std::exchange(pending_steps_, 0);
  if (std::isfinite(sum)) return false;
  result_.diverged = std::string("the loss is ") + (std::isnan(sum) ? "NaN" : "infinite") +
                     " at step " + std::to_string(step()) + " of " + std::to_string(total_steps()) +
                     " (epoch " + std::to_string(epoch_ + 1) + ")";
  return true;
}

void Training::finish_epoch() {
  AUTOGO_REQUIRE(loss_steps_ > 0, ErrorKind::kInput,
                 data_.path + ": every training image is damaged: " + result_.first_problem);
  EpochResult epoch;
  epoch.epoch = static_cast<int>(epoch_) + 1;
  epoch.training_loss = loss_sum_ / static_cast<double>(loss_steps_);
  epoch.learning_rate = learning_rate_;
  epoch.wait_share = epoch_seconds_ > 0 ? wait_seconds_ / epoch_seconds_ : 0;
  const Clock::time_point start = Clock::now();
  const bool last = epoch.epoch == options_.recipe.epochs;
  if (last || (options_.test_every > 0 && epoch.epoch % options_.test_every == 0)) {
    epoch.tests = tester_.run();
  }
  epoch.seconds = epoch_seconds_ + seconds_since(start);
  result_.skipped = std::max(result_.skipped, epoch_skipped_);
  result_.epochs.push_back(std::move(epoch));
  report(true, &result_.epochs.back());
  ++epoch_;
  batch_ = loss_steps_ = epoch_skipped_ = 0;
  loss_sum_ = epoch_seconds_ = wait_seconds_ = 0;
  save();
}

void Training::report(bool force, const EpochResult* finished) {
  if (!options_.observer || (!force && elapsed() - last_report_ < kReportSeconds)) return;
  last_report_ = elapsed();
  TrainingProgress progress;
  progress.epoch = static_cast<int>(epoch_) + 1;
  progress.epochs = options_.recipe.epochs;
  progress.step = step();
  progress.steps = total_steps();
  progress.loss = loss_steps_ > 0 ? loss_sum_ / static_cast<double>(loss_steps_) : 0;
  progress.seconds = elapsed();
  const double session = seconds_since(start_);
  progress.seconds_left = session_steps_ > 0
                              ? session / static_cast<double>(session_steps_) *
                                    static_cast<double>(progress.steps - progress.step)
                              : 0;
  progress.finished = finished;
  options_.observer(progress);
}

void Training::save() {
  last_checkpoint_ = elapsed();
  if (options_.checkpoint.empty()) return;
  Checkpoint checkpoint;
  checkpoint.training_hash = hash_;
  checkpoint.data_hash = data_.content_hash;
  TrainingState& state = checkpoint.state;
  state.epoch = epoch_;
  state.batch = batch_;
  state.loss_sum = loss_sum_;
  state.loss_steps = loss_steps_;
  state.epoch_skipped = epoch_skipped_;
  state.epoch_seconds = epoch_seconds_;
  state.wait_seconds = wait_seconds_;
  state.loss_scale = loss_scale_;
  state.good_steps = good_steps_;
  state.elapsed_seconds = elapsed();
  state.learning_rate = learning_rate_;
  state.skipped = result_.skipped;
  state.first_problem = result_.first_problem;
  state.before = result_.before;
  state.epochs = result_.epochs;
  for (const auto& [name, tensor] : net_.state()) {
    checkpoint.tensors.emplace(kWeightPrefix + name, to_stored(tensor));
  }
  for (const auto& [name, tensor] : updates_->state()) {
    checkpoint.tensors.emplace(kUpdatePrefix + name, to_stored(tensor));
  }
  write_checkpoint(options_.checkpoint, checkpoint);
}

void Training::resume() {
  const std::string& path = options_.checkpoint;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;
  const Checkpoint checkpoint = read_checkpoint(path);
  const auto require = [&](bool holds, const std::string& what) {
    if (holds) return;
    throw Error(ErrorKind::kInput, path + ": is the checkpoint of a training with another " + what)
        .with_hint("repeat that training's options, or delete the file to begin anew");
  };
  require(checkpoint.data_hash == data_.content_hash, "data set");
  require(checkpoint.training_hash == hash_, "network, recipe or seed");
  const TrainingState& state = checkpoint.state;
  const auto epochs = static_cast<std::uint64_t>(options_.recipe.epochs);
  require(state.epoch <= epochs && state.batch <= loader_.batches(), "length");
  try {
    restore(checkpoint.tensors);
  } catch (Error& e) {
    e.prepend(path).with_hint("delete the file to begin anew");
    throw;
  }
  epoch_ = state.epoch;
  batch_ = state.batch;
  loss_sum_ = state.loss_sum;
  loss_steps_ = state.loss_steps;
  epoch_skipped_ = state.epoch_skipped;
  epoch_seconds_ = state.epoch_seconds;
  wait_seconds_ = state.wait_seconds;
  loss_scale_ = state.loss_scale;
  good_steps_ = state.good_steps;
  elapsed_before_ = state.elapsed_seconds;
  learning_rate_ = state.learning_rate;
  result_.skipped = state.skipped;
  result_.first_problem = state.first_problem;
  result_.before = state.before;
  result_.epochs = state.epochs;
}

void Training::restore(const std::map<std::string, FileTensor>& tensors) {
  std::map<std::string, Tensor> weights, updates;
  for (const auto& [name, tensor] : tensors) {
    const bool weight = name.starts_with(kWeightPrefix);
    AUTOGO_REQUIRE(weight || name.starts_with(kUpdatePrefix), ErrorKind::kInput,
                   "holds the unknown tensor '" + name.substr(0, 80) + "'");
    const std::size_t prefix = (weight ? kWeightPrefix : kUpdatePrefix).size();
    (weight ? weights : updates).emplace(name.substr(prefix), to_torch(tensor));
  }
  net_.load_state(weights);
  updates_->restore(updates);
}

}  // namespace

TrainingResult run_training(const TrainableNetwork& network, const Data& data,
                            const TrainingOptions& options) {
  keep_freed_memory();
  return Training(network, data, options).run();
}

std::vector<TestMetric> run_test(const TrainableNetwork& network, const Data& data,
                                 const TrainingOptions& options) {
  keep_freed_memory();
  NetModule net(program_to_run(network), network_options(options));
  load_weights(net, starting_weights(network, options), "initial weights");
  read_output(net, network);
  const std::unique_ptr<TaskLoss> loss = make_task_loss(network, data, options.recipe);
  return Tester(net, *loss, network, data, options).run();
}

}  // namespace autogo
