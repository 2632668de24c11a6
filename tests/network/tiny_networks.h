#pragma once

#include <initializer_list>

#include "autogo/graph/graph.h"

namespace autogo {

/// Convolutions of stride 2 with batch normalisation, pooled, and a dense layer.
inline Graph tiny_classifier(std::int64_t channels, std::int64_t size, std::int32_t classes,
                             std::initializer_list<std::int32_t> widths = {8, 16},
                             bool softmax = false, OpKind last = OpKind::kSoftmax) {
  Graph graph;
  ValueId x =
      graph.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, channels, size, size}});
  for (const std::int32_t width : widths) {
    Attrs conv, norm;
    conv.out_channels = width;
    conv.kernel = {3, 3};
    conv.stride = {2, 2};
    conv.pads = {1, 1, 1, 1};
    norm.epsilon = 1e-5F;
    x = graph.add(OpKind::kConv, conv, {x});
    x = graph.add(OpKind::kRelu, {}, {graph.add(OpKind::kBatchNorm, norm, {x})});
  }
  x = graph.add(OpKind::kFlatten, {}, {graph.add(OpKind::kGlobalAvgPool, {}, {x})});
  Attrs dense;
  dense.out_channels = classes;
  dense.bias = true;
  x = graph.add(OpKind::kDense, dense, {x});
  if (softmax) x = graph.add(last, {}, {x});
  graph.add_output(x);
  return graph;
}

/// Three convolutions at the input's size, then depth to space.
inline Graph tiny_super_resolution(std::int64_t channels, std::int32_t width) {
  Graph graph;
  ValueId x =
      graph.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, channels, 24, 24}});
  Attrs conv;
  conv.kernel = {3, 3};
  conv.pads = {1, 1, 1, 1};
  conv.bias = true;
  conv.out_channels = width;
  x = graph.add(OpKind::kRelu, {}, {graph.add(OpKind::kConv, conv, {x})});
  x = graph.add(OpKind::kRelu, {}, {graph.add(OpKind::kConv, conv, {x})});
  conv.out_channels = static_cast<std::int32_t>(4 * channels);
  x = graph.add(OpKind::kConv, conv, {x});
  Attrs shuffle;
  shuffle.block = 2;
  shuffle.text = "CRD";
  graph.add_output(graph.add(OpKind::kDepthToSpace, shuffle, {x}));
  return graph;
}

}  // namespace autogo
