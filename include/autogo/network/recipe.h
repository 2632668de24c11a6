#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autogo/data/dataset.h"
#include "autogo/data/loader.h"

namespace autogo {

/// "sgd", "rmsprop", "adam".
enum class Optimizer : std::uint8_t { kSgd, kRmsprop, kAdam };
/// How the learning rate falls after the warm-up: "constant", "cosine", "steps", "polynomial".
enum class Schedule : std::uint8_t { kConstant, kCosine, kSteps, kPolynomial };
const char* optimizer_name(Optimizer optimizer);
const char* schedule_name(Schedule schedule);
/// @throws Error kUsage that lists the names
Optimizer optimizer_from(const std::string& name);
Schedule schedule_from(const std::string& name);

/// How a network is trained: every number of it. Networks compare when they were trained under one
/// recipe on the same data. Updates are LibTorch's (torch::optim).
struct TrainingRecipe {
  std::string name;  ///< of the preset that it began as
  int epochs = 1;
  std::int64_t batch_size = 128;
  std::uint64_t repeat = 1;  ///< times that each training image is drawn in an epoch

  Optimizer optimizer = Optimizer::kSgd;
  double learning_rate = 0.1;         ///< the highest
  double momentum = 0;                ///< sgd, rmsprop
  bool nesterov = false;              ///< sgd
  double beta1 = 0.9, beta2 = 0.999;  ///< adam
  double alpha = 0.9;                 ///< rmsprop: smoothing of the squares (TensorFlow's rho)
  double epsilon = 1e-8;              ///< rmsprop, adam
  double weight_decay = 0;
  bool decay_all = false;  ///< biases and normalisations decay too
  double clip_norm = 0;    ///< of the whole gradient; 0: none

  Schedule schedule = Schedule::kCosine;
  double warmup_epochs = 0;        ///< linear, from 0; may have a fraction
  double final_learning_rate = 0;  ///< cosine, polynomial: at the end
  std::vector<int> milestones;     ///< steps: epochs after which it is multiplied
  double step_factor = 0.1;        ///< steps
  double power = 0.9;              ///< polynomial

  double label_smoothing = 0;     ///< classification
  double auxiliary_weight = 0.4;  ///< segmentation: share of the auxiliary head's loss
  std::int64_t patch = 0;         ///< restoration: input patch in training
  /// Size of the network's input; 0: as the model has it. Needs a network that fits any size up to
  /// its classifier.
  std::int64_t image_size = 0;
  double test_crop = 1;  ///< classification: share of the shorter side that tests keep
  Augmentation augmentation;
};

/// Names of the presets that serve a task, the default first. The `autogo-` ones are the paper's
/// (A.4); `short` is for small machines.
std::vector<std::string> recipe_names(Task task);
/// @throws Error kUsage that lists the names
TrainingRecipe named_recipe(const std::string& name, Task task);
/// @throws Error kUsage: a number out of its range; the text names the option
void check_recipe(const TrainingRecipe& recipe);

/// The learning rate of a step. @param step  from 0; @param total  steps of all epochs
double learning_rate_at(const TrainingRecipe& recipe, std::uint64_t step, std::uint64_t total);

/// One JSON object with every field: what checkpoints and results carry.
std::string recipe_text(const TrainingRecipe& recipe);

}  // namespace autogo
