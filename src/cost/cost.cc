// Cost of a node from its attributes and types, never from its weights: the same function serves
// imported nodes and candidates that have no weights yet.
//
// Multiply-accumulates are those of weights: convolution, transposed convolution, dense, the two
// small convolutions of a squeeze-and-excite, attention with its projections, and products of two
// computed matrices. This is the
// count that papers, torchvision and fvcore publish. Everything else is `elementwise`, one per
// output element and operation, so that the two can be added without counting twice:
//
//   bias                                        1 per output element
//   batch norm (folded to scale and shift)      2
//   layer, instance, group norm                 5: mean, variance, subtract, scale, shift
//   activations                                 1 (softmax 3: exp, sum, divide)
//   add, sub, mul, div                          number of operands - 1
//   attention                                   its biases, 3 per score and 1 per score and mask
//   pooling                                     window size; global: size of the map
//   resize                                      1; shapes, concat, identity, zero: 0
//
// Parameters are the trainable ones: a batch norm has 2 per channel, its running statistics count
// only as stored bytes. Those of an imported node come from its importer, who has seen its weights:
// a PReLU may have one slope, a group norm one scale a group, a layer norm no shift. Those of a new
// node are what the exporter writes for it. A weight that several nodes read is one weight: a sum
// over a graph counts it where it is read first.
//
// Tested by tests/cost/cost_test.cc, tests/cost/models_test.cc.

#include "autogo/cost/cost.h"

#include <algorithm>
#include <unordered_map>

#include "attention_counts.h"
#include "autogo/base/error.h"
#include "count.h"
#include "node_costs.h"

namespace autogo {
namespace {

std::int64_t elements(const TensorType& type) {
  return std::max<std::int64_t>(type.shape.elements(), 0);
}

/// Channels that a node reads of its operand (NAS-Bench-101 cells may truncate).
std::int64_t channels_read(const Node& node, const TensorType& in) {
  return node.op == OpKind::kConv && !node.attrs.ints.empty() ? node.attrs.ints[0] : in.shape[1];
}

struct Weights {
  std::int64_t trained = 0;  ///< parameters
  std::int64_t stored = 0;   ///< elements in a file: running statistics too
};

/// Weights of a convolution-like node. @param in  input channels @param out  output channels
Weights filter_weights(const Attrs& a, std::int64_t in, std::int64_t out, std::int64_t group) {
  Count count = Count(a.kernel[0]) * a.kernel[1] * (in / group) * out;
  if (a.bias) count += out;
  return {count.value(), count.value()};
}

std::int64_t last_dim(const TensorType& type) {
  const auto dims = type.shape.dims();
  return dims.empty() ? 1 : dims.back();
}

/// Weights of which every channel has one.
Weights channel_weights(const Node& node, const TensorType& in) {
  const OpInfo& op = op_info(node.op);
  Weights per_channel;
  for (const ChannelWeight& weight : op.channel_weights) {
    if (weight.name == nullptr) break;
    per_channel.stored += 1;
    per_channel.trained += weight.trained ? 1 : 0;
  }
  if (per_channel.stored == 0) return {};
  std::int64_t channels = 1;
  if (op.along_axis) {
    const std::int32_t axis = node.attrs.axis;
    channels = in.shape[static_cast<std::size_t>(axis < 0 ? axis + in.shape.rank() : axis)];
  } else if (op.last_only) {
    channels = last_dim(in);
  } else if (op.first_only) {
    channels = in.shape[1];
  } else if (in.shape.rank() > 1) {
    channels = feature_map(in).c;
  }
  return {per_channel.trained * channels, per_channel.stored * channels};
}

Weights node_weights(const Node& node, const TensorType& in) {
  using enum OpKind;
  const Attrs& a = node.attrs;
  switch (node.op) {
    case kConv:
      return filter_weights(a, channels_read(node, in), a.out_channels, a.group);
    case kDepthwiseConv:
      return filter_weights(a, in.shape[1], a.out_channels, in.shape[1]);
    case kConvTranspose:
      return filter_weights(a, in.shape[1], a.out_channels, a.group);
    case kDense: {
      const Count count = Count(last_dim(in)) * a.out_channels + (a.bias ? a.out_channels : 0);
      return {count.value(), count.value()};
    }
    case kAttention: {
      const std::int64_t c = feature_map(in).c, inner = std::int64_t{a.group} * a.block;
      const Count count =
          Count(inner) * (3 * c + a.out_channels) + (a.bias ? 3 * inner + a.out_channels : 0);
      return {count.value(), count.value()};
    }
    case kSqueezeExcite: {
      const std::int64_t c = in.shape[1], squeezed = a.out_channels;
      const Count count = Count(2) * c * squeezed + (a.bias ? c + squeezed : 0);
      return {count.value(), count.value()};
    }
    default:
      return channel_weights(node, in);
  }
}

Count node_macs(const Graph& graph, NodeId id) {
  using enum OpKind;
  const Node& node = graph.node(id);
  const Attrs& a = node.attrs;
  const Count window = Count(a.kernel[0]) * a.kernel[1];
  if (node.num_inputs == 0) return 0;
  const TensorType& in = graph.type(graph.inputs(id)[0]);
  const TensorType& out = graph.output_type(id);
  switch (node.op) {
    case kConv:
      return Count(elements(out)) * window * (channels_read(node, in) / a.group);
    case kDepthwiseConv:
      return Count(elements(out)) * window;
    case kConvTranspose:
      return Count(elements(in)) * window * (a.out_channels / a.group);
    case kDense:
      return Count(elements(out)) * last_dim(in);
    case kMatMul:
      return Count(elements(out)) * last_dim(in);
    case kAttention: {
      const AttentionCounts counts = attention_counts(graph, id);
      return counts.projections + counts.products;
    }
    case kSqueezeExcite:
      return Count(in.shape[0]) * 2 * in.shape[1] * a.out_channels;
    default:
      return 0;
  }
}

Count node_elementwise(const Graph& graph, NodeId id) {
  using enum OpKind;
  const Node& node = graph.node(id);
  const Attrs& a = node.attrs;
  if (node.num_inputs == 0 || node.num_outputs == 0) return 0;
  const Count in = elements(graph.type(graph.inputs(id)[0]));
  const Count out = elements(graph.output_type(id));
  switch (node.op) {
    case kConv:
    case kDepthwiseConv:
    case kConvTranspose:
    case kDense:
      return a.bias ? out : Count(0);
    case kAttention: {
      const AttentionCounts counts = attention_counts(graph, id);
      return counts.scores * (3 + counts.masks) + (a.bias ? counts.projected : Count(0));
    }
    case kAdd:
    case kSub:
    case kMul:
    case kDiv:
      return Count(std::int64_t{node.num_inputs} - 1) * out;
    case kMaxPool:
    case kAvgPool:
      return Count(a.kernel[0]) * a.kernel[1] * out;
    case kGlobalAvgPool:
    case kGlobalMaxPool:
    case kReduceMean:
      return in;
    case kSqueezeExcite:  // the mean and the product; the gate's vectors are negligible but counted
      return Count(2) * in + Count(graph.output_type(id).shape[0]) *
                                 (graph.output_type(id).shape[1] + a.out_channels) *
                                 (a.bias ? 2 : 1);
    default:
      return Count(op_info(node.op).per_output) * out;
  }
}

/// What the importer knows of an imported node; null for a new one.
const Source::NodeFacts* facts_of(const Graph& graph, const Node& node) {
  const Source* source = graph.source().get();
  if (source == nullptr || node.origin >= source->node_facts.size()) return nullptr;
  return &source->node_facts[node.origin];
}

/// Takes weights that an earlier node of the same graph reads out of a node's cost.
class SharedWeights {
 public:
  void deduct(const Source::NodeFacts* facts, Cost& cost) {
    if (facts == nullptr) return;
    for (const Source::SharedWeight& weight : facts->shared) {
      Counted& counted = counted_[weight.id];
      cost.params -= std::min(weight.params, counted.params);
      cost.weight_bytes -= std::min(weight.bytes, counted.bytes);
      counted.params = std::max(weight.params, counted.params);
      counted.bytes = std::max(weight.bytes, counted.bytes);
    }
  }

 private:
  struct Counted {
    std::int64_t params = 0, bytes = 0;
  };
  std::unordered_map<std::uint32_t, Counted> counted_;  // by id
};

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  macs = (Count(macs) + other.macs).value();
  elementwise = (Count(elementwise) + other.elementwise).value();
  params = (Count(params) + other.params).value();
  weight_bytes = (Count(weight_bytes) + other.weight_bytes).value();
  return *this;
}

Cost node_cost(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const Source::NodeFacts* facts = facts_of(graph, node);
  Cost cost;
  if (node.op == OpKind::kOpaque) {
    if (facts == nullptr) return cost;
    cost.macs = std::max<std::int64_t>(facts->macs, 0);
    cost.params = facts->params;
    cost.weight_bytes = facts->weight_bytes;
    return cost;
  }
  cost.macs = node_macs(graph, id).value();
  cost.elementwise = node_elementwise(graph, id).value();
  if (node.num_inputs > 0) {
    const TensorType& in = graph.type(graph.inputs(id)[0]);
    const Weights weights = node_weights(node, in);
    const auto width = static_cast<std::int64_t>(dtype_size(in.dtype));
    cost.params = facts != nullptr ? facts->params : weights.trained;
    cost.weight_bytes = facts != nullptr
                            ? facts->weight_bytes
                            : (Count(weights.stored) * width).value();
  }
  return cost;
}

bool unknown_cost(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.op != OpKind::kOpaque) return false;
  const Source::NodeFacts* facts = facts_of(graph, node);
  return facts == nullptr || facts->macs < 0;
}

std::int64_t graph_macs(const Graph& graph) {
  Count macs = 0;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    macs += graph.node(id).op == OpKind::kOpaque ? node_cost(graph, id).macs : node_macs(graph, id);
  }
  return macs.value();
}

std::vector<Cost> node_costs(const Graph& graph, std::span<const char> left_out) {
  std::vector<Cost> costs;
  costs.reserve(graph.num_nodes());
  SharedWeights shared;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    if (!left_out.empty() && left_out[n] != 0) {
      costs.emplace_back();
      continue;
    }
    costs.push_back(node_cost(graph, id));
    shared.deduct(facts_of(graph, graph.node(id)), costs.back());
  }
  return costs;
}

std::int64_t graph_params(const Graph& graph) {
  Count params = 0;
  for (const Cost& cost : node_costs(graph)) params += cost.params;
  return params.value();
}

}  // namespace autogo
