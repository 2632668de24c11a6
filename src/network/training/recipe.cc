// The presets, and how the learning rate moves.
//
// The `autogo-` presets repeat the paper's A.4. What it leaves open is filled in from the code that
// it names: TensorFlow's RMSprop (CIFAR-10), timm (ImageNet), semseg and PSPNet (segmentation: SGD,
// polynomial of power 0.9, an auxiliary loss of 0.4), simple baselines (pose). Augmentations are
// the usual ones of each task.
//
// `short` is what a machine with two cores can afford for hundreds of networks. For classification
// it is the one-cycle recipe of the small CIFAR benchmarks: a high rate with Nesterov momentum, a
// short warm-up, a cosine to nothing.
//
// Tested by tests/network/recipe_test.cc.

#include "autogo/network/recipe.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autogo/base/error.h"
#include "base/json.h"

namespace autogo {
namespace {

template <typename Kind>
struct Named {
  const char* name;
  Kind kind;
};

constexpr Named<Optimizer> kOptimizers[] = {
    {"sgd", Optimizer::kSgd}, {"rmsprop", Optimizer::kRmsprop}, {"adam", Optimizer::kAdam}};
constexpr Named<Schedule> kSchedules[] = {{"constant", Schedule::kConstant},
                                          {"cosine", Schedule::kCosine},
                                          {"steps", Schedule::kSteps},
                                          {"polynomial", Schedule::kPolynomial}};

template <typename Kind, std::size_t N>
Kind kind_from(const Named<Kind> (&table)[N], const std::string& name, const std::string& what) {
  std::string names;
  for (const Named<Kind>& row : table) {
    if (name == row.name) return row.kind;
    names.append(names.empty() ? "" : ", ").append(row.name);
  }
  throw Error(ErrorKind::kUsage, what + " '" + name + "': expected one of " + names);
}

TrainingRecipe cifar10() {
  TrainingRecipe r;
  r.epochs = 200;
  r.batch_size = 256;
  r.optimizer = Optimizer::kRmsprop;
  r.learning_rate = 1e-3;
  r.momentum = 0.9;
  r.epsilon = 1e-7;
  r.augmentation.pad = 4;
  r.augmentation.flip = true;
  return r;
}

TrainingRecipe imagenet() {
  TrainingRecipe r;
  r.epochs = 200;
  r.batch_size = 1024;
  r.momentum = 0.9;
  r.weight_decay = 1e-4;
  r.clip_norm = 5;
  r.label_smoothing = 0.1;
  r.test_crop = 0.875;
  r.augmentation.min_area = 0.08;
  r.augmentation.flip = true;
  return r;
}

TrainingRecipe segmentation() {
  TrainingRecipe r;
  r.epochs = 200;
  r.batch_size = 16;
  r.learning_rate = 0.01;
  r.momentum = 0.9;
  r.weight_decay = 1e-4;
  r.decay_all = true;
  r.schedule = Schedule::kPolynomial;
  r.image_size = 713;
  r.augmentation.flip = true;
  r.augmentation.scale_range = 1;
  return r;
}

TrainingRecipe pose() {
  TrainingRecipe r;
  r.epochs = 140;
  r.batch_size = 32;
  r.optimizer = Optimizer::kAdam;
  r.learning_rate = 1e-3;
  r.schedule = Schedule::kSteps;
  r.milestones = {90, 120};
  r.image_size = 256;
  r.augmentation.flip = true;
  r.augmentation.scale_range = 0.25;
  r.augmentation.rotate_deg = 30;
  return r;
}

TrainingRecipe restoration(int epochs, std::int64_t batch, double rate, std::int64_t patch) {
  TrainingRecipe r;
  r.epochs = epochs;
  r.batch_size = batch;
  r.optimizer = Optimizer::kAdam;
  r.learning_rate = rate;
  r.patch = patch;
  r.augmentation.flip = true;
  r.augmentation.turn = true;
  return r;
}

TrainingRecipe denoise() {
  TrainingRecipe r = restoration(2000, 128, 1e-3, 128);
  r.schedule = Schedule::kPolynomial;
  r.power = 1;
  r.final_learning_rate = 1e-6;
  return r;
}

TrainingRecipe short_classification() {
  TrainingRecipe r = cifar10();
  r.epochs = 8;
  r.batch_size = 128;
  r.optimizer = Optimizer::kSgd;
  r.learning_rate = 0.1;
  r.nesterov = true;
  r.weight_decay = 5e-4;
  r.clip_norm = 5;  // found networks may lack normalisations; others hardly notice
  r.epsilon = 1e-8;
  r.warmup_epochs = 1;
  return r;
}

TrainingRecipe short_segmentation() {
  TrainingRecipe r = segmentation();
  r.epochs = 20;
  r.batch_size = 8;
  r.image_size = 0;
  r.warmup_epochs = 1;
  return r;
}

TrainingRecipe short_pose() {
  TrainingRecipe r = pose();
  r.epochs = 20;
  r.batch_size = 16;
  r.image_size = 0;
  r.milestones = {14, 18};
  return r;
}

TrainingRecipe short_restoration(std::int64_t patch) {
  TrainingRecipe r = restoration(10, 16, 1e-3, patch);
  r.repeat = 16;
  r.warmup_epochs = 0.2;
  return r;
}

struct Preset {
  Task task;
  const char* name;
  TrainingRecipe (*make)();
};

constexpr Preset kPresets[] = {
    {Task::kClassification, "short", short_classification},
    {Task::kClassification, "autogo-cifar10", cifar10},
    {Task::kClassification, "autogo-imagenet", imagenet},
    {Task::kSuperResolution, "short", [] { return short_restoration(32); }},
    {Task::kSuperResolution, "autogo-sr", [] { return restoration(1000, 16, 1e-4, 64); }},
    {Task::kSuperResolution, "autogo-sr-fsrcnn", [] { return restoration(1000, 16, 1e-4, 48); }},
    {Task::kDenoising, "short", [] { return short_restoration(48); }},
    {Task::kDenoising, "autogo-denoise", denoise},
    {Task::kSegmentation, "short", short_segmentation},
    {Task::kSegmentation, "autogo-segmentation", segmentation},
    {Task::kPose, "short", short_pose},
    {Task::kPose, "autogo-pose", pose},
};

void require(bool holds, const char* option, const char* expected) {
  AUTOGO_REQUIRE(holds, ErrorKind::kUsage, std::string(option) + ": expected " + expected);
}

}  // namespace

const char* optimizer_name(Optimizer optimizer) {
  return kOptimizers[static_cast<std::size_t>(optimizer)].name;
}
const char* schedule_name(Schedule schedule) {
  return kSchedules[static_cast<std::size_t>(schedule)].name;
}
Optimizer optimizer_from(const std::string& name) {
  return kind_from(kOptimizers, name, "optimizer");
}
Schedule schedule_from(const std::string& name) { return kind_from(kSchedules, name, "schedule"); }

std::vector<std::string> recipe_names(Task task) {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) {
    if (preset.task == task) names.emplace_back(preset.name);
  }
  return names;
}

TrainingRecipe named_recipe(const std::string& name, Task task) {
  std::string names;
  for (const Preset& preset : kPresets) {
    if (preset.task != task) continue;
    if (name == preset.name) {
      TrainingRecipe recipe = preset.make();
      recipe.name = name;
      return recipe;
    }
    names.append(names.empty() ? "" : ", ").append(preset.name);
  }
  throw Error(ErrorKind::kUsage, "recipe '" + name + "': " + task_name(task) + " has " + names);
}

void check_recipe(const TrainingRecipe& r) {
  require(r.epochs >= 0, "--epochs", "at least 0");
  require(r.batch_size > 0, "--batch-size", "at least 1");
  require(r.repeat > 0, "--repeat", "at least 1");
  require(r.learning_rate > 0 && std::isfinite(r.learning_rate), "--learning-rate", "above 0");
  require(r.final_learning_rate >= 0 && r.final_learning_rate <= r.learning_rate,
          "--final-learning-rate", "at least 0 and at most the learning rate");
  require(r.momentum >= 0 && r.momentum < 1, "--momentum", "at least 0 and below 1");
  require(!r.nesterov || (r.momentum > 0 && r.optimizer == Optimizer::kSgd), "--nesterov",
          "the optimizer sgd with a momentum above 0");
  require(r.beta1 >= 0 && r.beta1 < 1, "--beta1", "at least 0 and below 1");
  require(r.beta2 >= 0 && r.beta2 < 1, "--beta2", "at least 0 and below 1");
  require(r.alpha >= 0 && r.alpha < 1, "--alpha", "at least 0 and below 1");
  require(r.epsilon > 0, "--epsilon", "above 0");
  require(r.weight_decay >= 0, "--weight-decay", "at least 0");
  require(r.clip_norm >= 0, "--clip", "at least 0");
  require(r.warmup_epochs >= 0, "--warmup-epochs", "at least 0");
  require(r.step_factor > 0 && r.step_factor <= 1, "--step-factor", "above 0 and at most 1");
  require(std::ranges::is_sorted(r.milestones), "--milestones", "epochs in rising order");
  require(r.power > 0, "--power", "above 0");
  require(r.label_smoothing >= 0 && r.label_smoothing < 1, "--label-smoothing",
          "at least 0 and below 1");
  require(r.auxiliary_weight >= 0, "--auxiliary-weight", "at least 0");
  require(r.patch >= 0, "--patch", "at least 0");
  require(r.image_size >= 0, "--image-size", "at least 0");
  require(r.test_crop > 0 && r.test_crop <= 1, "--test-crop", "above 0 and at most 1");
  require(r.augmentation.pad >= 0, "--pad", "at least 0");
  require(r.augmentation.min_area >= 0 && r.augmentation.min_area <= 1, "--min-area",
          "at least 0 and at most 1");
  require(r.augmentation.scale_range >= 0, "--scale-range", "at least 0");
}

double learning_rate_at(const TrainingRecipe& r, std::uint64_t step, std::uint64_t total) {
  if (total == 0) return r.learning_rate;
  const double epoch_steps = static_cast<double>(total) / std::max(r.epochs, 1);
  const double warmup = std::min(r.warmup_epochs * epoch_steps, static_cast<double>(total));
  const double at = static_cast<double>(step);
  if (at < warmup) return r.learning_rate * (at + 1) / (warmup + 1);
  const double left = static_cast<double>(total) - warmup;
  const double done = left > 0 ? (at - warmup) / left : 1;
  const double span = r.learning_rate - r.final_learning_rate;
  switch (r.schedule) {
    case Schedule::kConstant:
      return r.learning_rate;
    case Schedule::kCosine:
      return r.final_learning_rate + span * 0.5 * (1 + std::cos(std::numbers::pi * done));
    case Schedule::kPolynomial:
      return r.final_learning_rate + span * std::pow(1 - done, r.power);
    case Schedule::kSteps:
      break;
  }
  const auto passed = std::ranges::count_if(
      r.milestones, [&](int epoch) { return at >= static_cast<double>(epoch) * epoch_steps; });
  return r.learning_rate * std::pow(r.step_factor, static_cast<double>(passed));
}

std::string recipe_text(const TrainingRecipe& r) {
  OrderedJson json;
  json["name"] = r.name;
  json["epochs"] = r.epochs;
  json["batch_size"] = r.batch_size;
  json["repeat"] = r.repeat;
  json["optimizer"] = optimizer_name(r.optimizer);
  json["learning_rate"] = r.learning_rate;
  json["momentum"] = r.momentum;
  json["nesterov"] = r.nesterov;
  json["beta1"] = r.beta1;
  json["beta2"] = r.beta2;
  json["alpha"] = r.alpha;
  json["epsilon"] = r.epsilon;
  json["weight_decay"] = r.weight_decay;
  json["decay_all"] = r.decay_all;
  json["clip_norm"] = r.clip_norm;
  json["schedule"] = schedule_name(r.schedule);
  json["warmup_epochs"] = r.warmup_epochs;
  json["final_learning_rate"] = r.final_learning_rate;
  json["milestones"] = r.milestones;
  json["step_factor"] = r.step_factor;
  json["power"] = r.power;
  json["label_smoothing"] = r.label_smoothing;
  json["auxiliary_weight"] = r.auxiliary_weight;
  json["patch"] = r.patch;
  json["image_size"] = r.image_size;
  json["test_crop"] = r.test_crop;
  json["pad"] = r.augmentation.pad;
  json["flip"] = r.augmentation.flip;
  json["turn"] = r.augmentation.turn;
  json["min_area"] = r.augmentation.min_area;
  json["scale_range"] = r.augmentation.scale_range;
  json["rotate_deg"] = r.augmentation.rotate_deg;
  return json.dump();
}

}  // namespace autogo
