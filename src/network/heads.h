#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// The value before a trailing softmax (and the reshapes around it) that leads to the graph's first
/// output; that output where there is none.
ValueId logits_of(const Graph& graph);
/// Elements of a value beside the batch.
std::int64_t elements_per_image(const Graph& graph, ValueId value);

/// The graph with a classifier of so many classes: the last dense layer, or convolution before
/// global pooling, is replaced by a new one.
/// @throws Error kUnsupported: there is none
Graph with_new_classifier(const Graph& graph, std::int64_t classes);

}  // namespace autogo
