#pragma once

#include "autogo/graph/graph.h"

namespace autogo {

/// Does it make images of images, as super-resolution and denoising do? Every output is a feature
/// map at least as high and wide as some input, of at most four channels.
bool answers_with_images(const Graph& graph);

}  // namespace autogo
