#pragma once

#include <cstdint>
#include <map>

#include "autogo/network/network.h"

namespace autogo {

/// Weights and statistics drawn from a seed, for those constants that `source` says.
/// @return  float32 tensors by index of the program's constants
/// The stream of a weight depends on the seed and its name only.
std::map<std::size_t, ProgramTensor> initial_weights(const Program& program, WeightSource source,
                                                     std::uint64_t seed);

}  // namespace autogo
