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

/// The value that a head for maps reads: by its name, or, without one, the last map on the way from
/// the input to the graph's first output that is larger than one pixel.
/// @throws Error kUsage: no such value, or no map; kUnsupported: the way has none
ValueId find_tap(const Graph& graph, const std::string& name);
/// The graph up to a value, which becomes its output.
Graph backbone(const Graph& graph, ValueId tap);

/// A PSP head on a backbone: pooled at four scales, brought back, joined, classified, brought up to
/// at least the input's size (Zhao et al., 2017; the paper's A.4.2).
Graph with_psp_head(const Graph& backbone, std::int64_t classes);
/// The same graph with a second output behind it, for training only: an auxiliary classifier on the
/// map three quarters of the way through the backbone.
Graph with_auxiliary_head(const Graph& network, const Graph& backbone, std::int64_t classes);
/// A head of deconvolutions that bring the backbone's map up to a quarter of the input's size, one
/// heat map a joint (Xiao et al., 2018; the paper's A.4.2).
Graph with_pose_head(const Graph& backbone, std::int64_t joints);

}  // namespace autogo
