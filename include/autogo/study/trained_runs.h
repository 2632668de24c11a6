#pragma once

#include <string>

#include "autogo/predict/predictor.h"

namespace autogo {

/// What `autogo search --validate` or `autogo train network` has trained, with the networks read
/// back: what refine_predictor() learns from. Networks whose training diverged are left out.
/// @param directory  a run directory with validation.json, or a folder with training.json
/// @throws Error kIo, kInput: neither is there, damaged, a network is missing
TrainedNetworks read_trained_run(const std::string& directory);

}  // namespace autogo
