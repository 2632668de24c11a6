#pragma once

#include "autogo/data/loader.h"
#include "autogo/network/train.h"

namespace autogo {

/// Is the output an image, and are tests whole images of any size?
bool makes_images(Task task);
/// What the batches of a training, or of its tests, look like.
BatchSpec batch_spec(const TrainableNetwork& network, const Data& data,
                     const TrainingRecipe& recipe, bool training);
/// Images in a batch of the tests; results do not depend on it. 1 where images differ in size.
std::int64_t test_batch_size(Task task);
/// The program with inputs of any height and width, where the task tests whole images.
Program program_to_run(const TrainableNetwork& network);

}  // namespace autogo
