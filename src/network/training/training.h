#pragma once

#include <vector>

#include "autogo/network/train.h"

namespace autogo {

/// The implementations behind train_network() and test_network().
TrainingResult run_training(const TrainableNetwork& network, const Data& data,
                            const TrainingOptions& options);
std::vector<TestMetric> run_test(const TrainableNetwork& network, const Data& data,
                                 const TrainingOptions& options);

}  // namespace autogo
