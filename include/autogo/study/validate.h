#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autogo/base/log.h"
#include "autogo/network/train.h"
#include "autogo/search/run.h"
#include "autogo/search/search.h"

namespace autogo {

struct ValidationOptions {
  std::size_t top = 3;  ///< members of the front, by predicted gain
  TaskOptions task;
  /// Recipe, first seed, limits, device, what the weights begin with. The input and the members
  /// are trained alike.
  TrainingOptions training;
  int seeds = 1;
  bool inherit = false;  ///< train members also from the trained input's weights
  int jobs = 0;          ///< trainings side by side; 0: all cores
};

/// Images that a training sees: epochs times those that are used.
double images_seen(const Data& data, const TrainingOptions& training);

/// A claim meets the truth: trains the input and the members of the front with the highest
/// predicted gains under one recipe (AutoGO, section 4.3), and writes what came of it into the run
/// directory: validation.json, validation/HASH.onnx with the trained weights of the first seed, and
/// the trained gains into pareto.json. What an earlier call has trained under the same options is
/// not trained again.
/// @param observe  of a training, by its name; may be null
/// @throws Error as make_trainable() and train_network(); kIo: a training diverged, or the disk
Validation validate_front(
    const std::string& directory, const SearchConfig& config, const Graph& input,
    const SearchResult& found, const Data& data, const ValidationOptions& options,
    const std::function<std::function<void(const TrainingProgress&)>(const std::string& name)>&
        observe = nullptr);

/// The members that validate_front() trains, by predicted gain; indices into found.front.
std::vector<std::size_t> validated_members(const SearchResult& found, std::size_t top);

}  // namespace autogo
