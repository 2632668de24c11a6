// Bottlenecks on purpose. No benchmark has layers of a few channels, yet mutation makes some, and
// they are the worst of its networks (docs/results/ranking.md); labels that should teach a
// predictor what they cost need networks that have them.
//
// Tested by tests/search/mutants_test.cc.

#include "narrow.h"

#include <vector>

namespace autogo {
namespace {

/// How a node takes fewer channels at its input.
enum class Reaction : std::uint8_t { kPasses, kEnds, kRefuses };

bool is_one_pixel(const Graph& graph, ValueId value) {
  const Shape& shape = graph.type(value).shape;
  return shape.rank() == 4 && shape[2] == 1 && shape[3] == 1;
}

Reaction reaction(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const ValueId input = graph.inputs(id).empty() ? ValueId{} : graph.inputs(id)[0];
  switch (node.op) {
    case OpKind::kConv:
    case OpKind::kConvTranspose:
      return node.attrs.group == 1 && node.attrs.ints.empty() ? Reaction::kEnds
                                                              : Reaction::kRefuses;
    case OpKind::kDense:
      return Reaction::kEnds;
    case OpKind::kDepthwiseConv:
      return node.attrs.out_channels == feature_map(graph.type(input)).c ? Reaction::kPasses
                                                                         : Reaction::kRefuses;
    case OpKind::kGroupNorm:
    case OpKind::kAttention:  // its masks and tables are no part of a new one
    case OpKind::kSoftmax:
    case OpKind::kLogSoftmax:
      return Reaction::kRefuses;
    case OpKind::kFlatten:  // N x C x 1 x 1: channels stay channels
      return node.attrs.axis == 1 && is_one_pixel(graph, input) ? Reaction::kPasses
                                                                : Reaction::kRefuses;
    default:
      break;
  }
  const ShapeClass shape = op_info(node.op).shape_class;
  const bool passes = shape == ShapeClass::kPreserve || shape == ShapeClass::kPoolLike ||
                      shape == ShapeClass::kGlobalPool;
  return passes && node.attrs.ints.empty() ? Reaction::kPasses : Reaction::kRefuses;
}

bool is_frozen(const Graph& graph, NodeId id, const std::vector<char>& frozen) {
  const std::uint32_t origin = graph.node(id).origin;
  return origin < frozen.size() && frozen[origin] != 0;
}

/// By node: whether its channels change with those of `layer`, or its weights do. Empty where
/// something refuses.
std::vector<bool> touched_by(const Graph& graph, const Uses& uses, const std::vector<char>& frozen,
                             NodeId layer) {
  if (is_frozen(graph, layer, frozen)) return {};
  std::vector<bool> touched(graph.num_nodes(), false);
  std::vector<NodeId> open{layer};
  touched[index(layer)] = true;
  while (!open.empty()) {
    const NodeId at = open.back();
    open.pop_back();
    for (const Uses::Use& use : uses.of(graph.output(at))) {
      if (touched[index(use.node)]) continue;
      const Reaction answer = reaction(graph, use.node);
      if (answer == Reaction::kRefuses || is_frozen(graph, use.node, frozen)) return {};
      touched[index(use.node)] = true;
      if (answer == Reaction::kPasses) open.push_back(use.node);
    }
  }
  return touched;
}

Graph rebuilt(const Graph& graph, NodeId layer, const std::vector<bool>& touched,
              std::int32_t channels) {
  Graph result;
  result.set_source(graph.source());
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    if (!touched[n]) {  // the ids of nodes and values stay
      const std::span<const Value> outputs =
          graph.values().subspan(node.first_output, node.num_outputs);
      result.add_typed(node.op, node.attrs, graph.inputs(id), outputs, node.origin);
      continue;
    }
    Attrs attrs = node.attrs;
    if (id == layer || node.op == OpKind::kDepthwiseConv) attrs.out_channels = channels;
    result.add(node.op, attrs, graph.inputs(id), kNoOrigin, graph.value(graph.output(id)).origin);
  }
  return result;
}

}  // namespace

std::optional<NarrowedGraph> narrow_layer(const Graph& graph, const std::vector<char>& frozen,
                                          Rng rng) {
  const Uses uses(graph);
  std::vector<NodeId> layers;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const Node& node = graph.node(NodeId{n});
    const bool chooses = node.op == OpKind::kConv || node.op == OpKind::kDense;
    if (chooses && node.attrs.group == 1 && node.attrs.out_channels > kNarrowChannels) {
      layers.push_back(NodeId{n});
    }
  }
  rng.shuffle(layers);
  for (const NodeId layer : layers) {
    const std::vector<bool> touched = touched_by(graph, uses, frozen, layer);
    if (touched.empty() || uses.of(graph.output(layer)).empty()) continue;
    const auto channels = static_cast<std::int32_t>(1 + rng.below(kNarrowChannels));
    return NarrowedGraph{rebuilt(graph, layer, touched, channels), channels};
  }
  return std::nullopt;
}

}  // namespace autogo
