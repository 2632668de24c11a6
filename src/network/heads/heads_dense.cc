// Heads that answer with maps, grafted on a backbone as nodes of the graph.
//
// The backbone is the graph up to its tap: the last map before it is pooled to one pixel or
// flattened. What came after it is left out.
//
// PSP (segmentation): the tap is averaged over k x k bins for k = 1, 2, 3, 6, each reduced to a
// quarter of the channels, brought back to the tap's size and joined with the tap; a 3x3
// convolution and a classifier follow. Bins must divide the map, because a fixed window is what an
// ONNX file can say: where 3 or 6 do not, the nearest divisor serves. The result is enlarged by the
// whole factor that covers the input; training and tests cut off what is too much.
//
// The auxiliary classifier sits on the map that is three quarters of the way through the backbone's
// nodes. It trains the earlier layers and is not part of the network that is written.
//
// Pose: transposed convolutions 4x4 of stride 2 with normalisation and ReLU, as many as it takes
// to a quarter of the input's size (three from 1/32), then one 1x1 convolution.
//
// Tested by tests/network/heads_test.cc.

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "autogo/base/error.h"
#include "graph_edit.h"
#include "heads.h"

namespace autogo {
namespace {

constexpr std::int64_t kPoseWidth = 256;
constexpr std::int64_t kPoseStride = 4;  ///< input pixels by heat map pixel
constexpr std::int64_t kPspWidth = 512;

bool is_map(const TensorType& type) {
  return type.layout == Layout::kChannelsFirst && type.shape.rank() == 4 && type.shape[2] > 1 &&
         type.shape[3] > 1;
}

std::int32_t narrow(std::int64_t value) { return static_cast<std::int32_t>(value); }

/// Adds layers to a graph.
class Layers {
 public:
  explicit Layers(Graph graph) : graph_(std::move(graph)) {}

  const Shape& shape(ValueId x) const { return graph_.type(x).shape; }
  ValueId add(OpKind op, const Attrs& attrs, std::vector<ValueId> inputs) {
    return graph_.add(op, attrs, inputs);
  }
  ValueId conv(ValueId x, std::int64_t channels, std::int32_t kernel, bool bias) {
    Attrs a;
    a.out_channels = narrow(channels);
    a.kernel = {kernel, kernel};
    a.pads = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
    a.bias = bias;
    return add(OpKind::kConv, a, {x});
  }
  ValueId norm_relu(ValueId x) {
    Attrs norm;
    norm.epsilon = 1e-5F;
    return add(OpKind::kRelu, {}, {add(OpKind::kBatchNorm, norm, {x})});
  }
  ValueId average(ValueId x, std::int64_t height, std::int64_t width) {
    Attrs a;
    a.kernel = a.stride = {narrow(height), narrow(width)};
    return add(OpKind::kAvgPool, a, {x});
  }
  ValueId enlarge(ValueId x, std::int64_t by_height, std::int64_t by_width) {
    if (by_height == 1 && by_width == 1) return x;
    Attrs a;
    a.stride = {narrow(by_height), narrow(by_width)};
    a.text = "linear";
    return add(OpKind::kResize, a, {x});
  }
  Graph finish(ValueId output) {
    graph_.add_output(output);
    return std::move(graph_);
  }

 private:
  Graph graph_;
};

/// The divisor nearest to `wanted`, the larger of two.
std::int64_t nearest_divisor(std::int64_t number, std::int64_t wanted) {
  std::int64_t best = 1;
  for (std::int64_t d = 1; d <= number; ++d) {
    if (number % d == 0 && std::abs(d - wanted) <= std::abs(best - wanted)) best = d;
  }
  return best;
}

std::int64_t factor_to(std::int64_t size, std::int64_t target) {
  return (target + size - 1) / size;
}

/// What a value needs, without outputs.
struct OpenEnd {
  Graph graph;
  ValueId value;
};
OpenEnd open_end(const Graph& graph, ValueId value) {
  GraphCopy copy(graph);
  copy.copy_cone({value});
  const ValueId there = copy.at(value);
  return {copy.take(), there};
}

ValueId output_value(const Graph& graph) { return graph.inputs(graph.output_nodes().at(0))[0]; }

const Shape& input_shape(const Graph& graph) {
  return graph.output_type(graph.input_nodes().at(0)).shape;
}

}  // namespace

ValueId find_tap(const Graph& graph, const std::string& name) {
  if (!name.empty()) {
    for (std::uint32_t v = 0; v < graph.num_values(); ++v) {
      if (graph.value_name(ValueId{v}) != name) continue;
      AUTOGO_REQUIRE(is_map(graph.type(ValueId{v})), ErrorKind::kUsage,
                     "--tap '" + name + "': has shape " + to_string(graph.type(ValueId{v}).shape) +
                         ", expected a map N x C x H x W of more than one pixel");
      return ValueId{v};
    }
    throw Error(ErrorKind::kUsage, "--tap '" + name + "': the network has no such value");
  }
  AUTOGO_REQUIRE(!graph.output_nodes().empty(), ErrorKind::kUnsupported,
                 "the network has no output");
  ValueId value = output_value(graph);
  for (;;) {
    const NodeId producer = graph.value(value).producer;
    AUTOGO_REQUIRE(graph.node(producer).num_inputs > 0, ErrorKind::kUnsupported,
                   "no feature map found on the way to the output; name one with --tap");
    if (is_map(graph.type(value))) return value;
    value = graph.inputs(producer)[0];
  }
}

Graph backbone(const Graph& graph, ValueId tap) {
  OpenEnd end = open_end(graph, tap);
  end.graph.add_output(end.value);
  return std::move(end.graph);
}

Graph with_psp_head(const Graph& backbone, std::int64_t classes) {
  const Shape in = input_shape(backbone);
  OpenEnd end = open_end(backbone, output_value(backbone));
  const ValueId tap = end.value;
  Layers net(std::move(end.graph));
  const Shape map = net.shape(tap);
  const std::int64_t reduced = std::max<std::int64_t>(1, map[1] / 4);
  std::vector<ValueId> parts = {tap};
  std::vector<std::int64_t> used;
  for (const std::int64_t wanted : {1, 2, 3, 6}) {
    const std::int64_t bins = nearest_divisor(std::gcd(map[2], map[3]), wanted);
    if (std::ranges::find(used, bins) != used.end()) continue;
    used.push_back(bins);
    ValueId x = net.average(tap, map[2] / bins, map[3] / bins);
    x = net.norm_relu(net.conv(x, reduced, 1, false));
    parts.push_back(net.enlarge(x, map[2] / bins, map[3] / bins));
  }
  ValueId x = net.add(OpKind::kConcat, {}, parts);
  x = net.norm_relu(net.conv(x, std::min(kPspWidth, map[1]), 3, false));
  x = net.conv(x, classes, 1, true);
  return net.finish(net.enlarge(x, factor_to(map[2], in[2]), factor_to(map[3], in[3])));
}

Graph with_auxiliary_head(const Graph& network, const Graph& backbone, std::int64_t classes) {
  // The network begins with the backbone's nodes, so the values are the same.
  std::vector<ValueId> maps;
  for (std::uint32_t v = 0; v < backbone.num_values(); ++v) {
    const OpKind op = backbone.node(backbone.value(ValueId{v}).producer).op;
    if (op != OpKind::kInput && is_map(backbone.type(ValueId{v}))) maps.push_back(ValueId{v});
  }
  const ValueId from = maps.at(maps.size() * 3 / 4);
  Layers net(network);
  const std::int64_t width = std::max<std::int64_t>(1, net.shape(from)[1] / 4);
  const ValueId x = net.norm_relu(net.conv(from, width, 3, false));
  return net.finish(net.conv(x, classes, 1, true));
}

Graph with_pose_head(const Graph& backbone, std::int64_t joints) {
  const Shape in = input_shape(backbone);
  OpenEnd end = open_end(backbone, output_value(backbone));
  ValueId x = end.value;
  Layers net(std::move(end.graph));
  const std::int64_t width = std::min(kPoseWidth, net.shape(x)[1]);
  while (net.shape(x)[2] * 2 * kPoseStride <= in[2] && net.shape(x)[3] * 2 * kPoseStride <= in[3]) {
    Attrs up;
    up.out_channels = narrow(width);
    up.kernel = {4, 4};
    up.stride = {2, 2};
    up.pads = {1, 1, 1, 1};
    x = net.norm_relu(net.add(OpKind::kConvTranspose, up, {x}));
  }
  return net.finish(net.conv(x, joints, 1, true));
}

}  // namespace autogo
