// What a training depends on, and the door to the module that does it.
//
// Tested by tests/network/train_test.cc.

#include "autogo/network/train.h"

#include <algorithm>
#include <limits>
#include <set>

#include "autogo/base/error.h"
#include "autogo/base/memory.h"
#include "autogo/base/parallel.h"
#include "autogo/base/rng.h"
#include "network/module_api.h"
#include "train_plan.h"

namespace autogo {
namespace {

std::uint64_t hash_text(const std::string& text, std::uint64_t seed) {
  return hash_bytes(text.data(), text.size(), seed);
}

std::uint64_t hash_tensor(const ProgramTensor& tensor, std::uint64_t seed) {
  for (const std::int64_t d : tensor.dims) seed = hash_combine(seed, static_cast<std::uint64_t>(d));
  return hash_bytes(tensor.bytes.data(), tensor.bytes.size(), seed);
}

const Shape& input_shape(const TrainableNetwork& network) {
  return network.graph.output_type(network.graph.input_nodes().at(0)).shape;
}

}  // namespace

bool makes_images(Task task) { return task == Task::kSuperResolution || task == Task::kDenoising; }

BatchSpec batch_spec(const TrainableNetwork& network, const Data& data,
                     const TrainingRecipe& recipe, bool training) {
  const Shape& in = input_shape(network);
  const TaskOptions& options = network.options;
  BatchSpec spec;
  spec.task = options.task;
  spec.channels = in[1];
  spec.height = in[2];
  spec.width = in[3];
  spec.mean = options.mean;
  spec.deviation = options.deviation;
  spec.patch = recipe.patch;
  spec.test_crop = recipe.test_crop;
  spec.noise = options.task == Task::kDenoising ? options.noise : 0;
  spec.training = training;
  spec.augmentation = recipe.augmentation;
  spec.mirrored_joints = data.mirrored_joints;
  const Shape& out = network.graph.output_type(network.graph.output_nodes().at(0)).shape;
  if (makes_images(options.task)) spec.scale = out[2] / in[2];
  if (options.task == Task::kPose) {
    spec.heat_height = out[2];
    spec.heat_width = out[3];
  }
  return spec;
}

std::int64_t test_batch_size(Task task) {
  switch (task) {
    case Task::kClassification:
      return 128;
    case Task::kPose:
      return 32;
    default:
      return 1;
  }
}

Program program_to_run(const TrainableNetwork& network) {
  Program program = network.program;
  if (!makes_images(network.options.task)) return program;
  Shape& shape = program.values[static_cast<std::size_t>(program.inputs.at(0))].shape;
  shape[2] = shape[3] = -1;
  return program;
}

double TrainingResult::metric() const {
  for (auto epoch = epochs.rbegin(); epoch != epochs.rend(); ++epoch) {
    if (!epoch->tests.empty()) return epoch->tests[0].values.at(0).second;
  }
  return before.empty() ? std::numeric_limits<double>::quiet_NaN() : before[0].values.at(0).second;
}

std::uint64_t training_hash(const TrainableNetwork& network, const TrainingOptions& options) {
  const TaskOptions& task = network.options;
  std::uint64_t hash = hash_text(dump(network.graph, true) + dump(network.training_graph), 0);
  hash = hash_text(recipe_text(options.recipe), hash);
  hash = hash_text(network.output + task_name(task.task), hash);
  for (const std::uint64_t number :
       {options.seed, std::uint64_t{options.max_train_images},
        std::uint64_t{options.mixed_precision}, static_cast<std::uint64_t>(options.weights),
        std::uint64_t{task.predicts_noise}}) {
    hash = hash_combine(hash, number);
  }
  hash = hash_bytes(&task.noise, sizeof(task.noise), hash);
  for (const std::vector<float>* values : {&task.mean, &task.deviation}) {
    hash = hash_bytes(values->data(), values->size() * sizeof(float), hash);
  }
  for (const ProgramConstant& constant : network.program.constants) {
    hash = hash_tensor(constant.tensor, hash);
  }
  for (const auto& [name, tensor] : options.initial)
    hash = hash_tensor(tensor, hash_text(name, hash));
  return hash;
}

TrainingResult train_network(const TrainableNetwork& network, const Data& data,
                             const TrainingOptions& options) {
  check_recipe(options.recipe);
  TrainingResult result = network_module().train(network, data, options);
  if (network.training_graph.num_nodes() > 0 && !result.weights.empty()) {
    std::set<std::string> kept;  // what the written graph has
    const Program program = lower(network.graph, kTrainableExport);
    for (const ProgramConstant& constant : program.constants) {
      kept.insert(program.values[static_cast<std::size_t>(constant.value)].name);
    }
    std::erase_if(result.weights, [&](const auto& entry) { return !kept.contains(entry.first); });
  }
  return result;
}

std::vector<TrainingResult> train_networks(const std::vector<TrainingJob>& jobs, const Data& data,
                                           int at_once) {
  keep_freed_memory();  // before there are threads
  std::vector<TrainingResult> results(jobs.size());
  parallel_for(jobs.size(), at_once, [&](std::size_t i) {
    results[i] = train_network(*jobs[i].network, data, jobs[i].options);
  });
  return results;
}

std::uint64_t training_steps(const Data& data, const TrainingOptions& options) {
  const std::uint64_t size = data.train->size();
  const std::uint64_t max = options.max_train_images;
  const std::uint64_t images = (max == 0 ? size : std::min(size, max)) * options.recipe.repeat;
  const auto batch = static_cast<std::uint64_t>(options.recipe.batch_size);
  const std::uint64_t steps = images >= batch ? images / batch : 1;  // as the Loader has it
  return steps * static_cast<std::uint64_t>(options.recipe.epochs);
}

std::vector<TestMetric> test_network(const TrainableNetwork& network, const Data& data,
                                     const TrainingOptions& options) {
  return network_module().test(network, data, options);
}

}  // namespace autogo
