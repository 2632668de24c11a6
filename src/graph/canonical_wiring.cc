#include "canonical_wiring.h"

#include <bit>

#include "autogo/base/rng.h"
#include "autogo/graph/map_axes.h"

namespace autogo {
namespace {

/// 32 bits that tell edges apart by where they leave and enter; bit 0 is the direction.
std::uint32_t edge_label(std::uint32_t port, std::uint32_t slot) {
  return ((port * 0x9e3779b1U) ^ (slot * 2U)) & ~1U;
}

std::uint64_t hash_type(const TensorType& type) {
  std::uint64_t h =
      hash_combine(static_cast<std::uint64_t>(type.dtype), static_cast<std::uint64_t>(type.layout));
  h = hash_combine(h, static_cast<std::uint64_t>(type.shape.rank() + 1));
  for (const std::int64_t d : type.shape.dims()) h = hash_combine(h, static_cast<std::uint64_t>(d));
  return h;
}

/// The attributes in one spelling: what means the same at the sizes that are there becomes equal.
/// "Same" becomes the pads that it stands for, a stride that is never taken becomes 1, and so does
/// the dilation of a single pixel; rounding up falls away where nothing is rounded, counting of
/// pads where there are none; an axis counts from the start.
Attrs plain_attrs(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  Attrs a = node.attrs;
  if (op_info(node.op).along_axis) {
    if (a.axis < 0) a.axis += graph.type(graph.inputs(id)[0]).shape.rank();
    return a;
  }
  const TensorType& in = graph.type(graph.inputs(id)[0]);
  const TensorType& out = graph.output_type(id);
  if (in.shape.rank() != 4 || !in.shape.known() || out.shape.rank() != 4) return a;
  Attrs floor = a;
  floor.ceil_mode = false;
  a.padding = Padding::kExplicit;
  bool rounds = false;  // whether ceil_mode makes a difference
  for (const int dim : {0, 1}) {
    const auto d = static_cast<std::size_t>(dim);
    const std::int64_t size = in.shape[d + 2], result = out.shape[d + 2];
    const auto [begin, end] = window_pads(size, node.attrs, dim);
    a.pads[d] = begin;
    a.pads[d + 2] = end;
    rounds = rounds || window_output_size(size, floor, dim) != result;
    if (result == 1) a.stride[d] = 1;
    if (a.kernel[d] == 1) a.dilation[d] = 1;
  }
  if (!rounds) a.ceil_mode = false;
  if (!a.ceil_mode && a.pads == std::array<std::int32_t, 4>{}) a.count_include_pad = false;
  return a;
}

std::uint64_t full_identity(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const bool spelled = slides_window(node.op) || op_info(node.op).along_axis;
  const std::uint64_t attrs = spelled && node.num_inputs > 0 && node.num_outputs == 1
                                  ? hash(plain_attrs(graph, id))
                                  : hash(node.attrs);
  return hash_combine(static_cast<std::uint64_t>(op_number(node.op)), attrs);
}

/// Types that no shape rule determines from the rest of the graph.
bool has_free_type(OpKind op) { return op == OpKind::kInput || op == OpKind::kOpaque; }

}  // namespace

Wiring::Wiring(const Graph& graph, NodeIdentity kind) {
  const auto n = static_cast<std::uint32_t>(graph.num_nodes());
  identity.resize(n);
  commutative.resize(n);
  in_first.resize(n + 1);
  out_first.assign(n + 2, 0);
  in_edges.resize(graph.num_edges());
  out_edges.resize(graph.num_edges());

  std::uint32_t num_inputs = 0, num_outputs = 0, edge = 0;
  for (std::uint32_t v = 0; v < n; ++v) {
    const Node& node = graph.nodes()[v];
    commutative[v] = op_info(node.op).commutative ? 1 : 0;

    std::uint64_t h = 0;
    if (kind == NodeIdentity::kSegment) {
      h = segment_identity(graph, NodeId{v});
    } else {
      h = full_identity(graph, NodeId{v});
      if (node.op == OpKind::kInput) h = hash_combine(h, ++num_inputs);
      if (node.op == OpKind::kOutput) h = hash_combine(h, ++num_outputs);
      if (has_free_type(node.op)) {
        for (std::uint32_t p = 0; p < node.num_outputs; ++p) {
          h = hash_combine(h, hash_type(graph.type(graph.output(NodeId{v}, p))));
        }
      }
    }
    identity[v] = hash_combine(h, (std::uint64_t{node.num_inputs} << 32) | node.num_outputs);

    in_first[v] = edge;
    const std::span<const ValueId> inputs = graph.inputs(NodeId{v});
    for (std::uint32_t slot = 0; slot < inputs.size(); ++slot) {
      const auto producer = static_cast<std::uint32_t>(graph.value(inputs[slot]).producer);
      const auto port =
          static_cast<std::uint32_t>(index(inputs[slot])) - graph.nodes()[producer].first_output;
      in_edges[edge++] = {producer, port, edge_label(port, commutative[v] ? 0 : slot + 1)};
      ++out_first[producer + 2];
    }
  }
  in_first[n] = edge;

  // Counting sort of the edges by producer: out_first[u + 1] is the next free place of u while
  // filling, and its end afterwards.
  for (std::uint32_t u = 0; u < n; ++u) out_first[u + 2] += out_first[u + 1];
  for (std::uint32_t v = 0; v < n; ++v) {
    for (std::uint32_t e = in_first[v]; e < in_first[v + 1]; ++e) {
      const Edge& in = in_edges[e];
      out_edges[out_first[in.node + 1]++] = {v, in.port, in.label | 1U};
    }
  }
  out_first.pop_back();
}

// ---- what a node keeps of itself in the segment database -----------------------------------

namespace {

/// Does padding by `pads` do to every size what "same" does? True when both sides get half of an
/// odd effective kernel: out = floor((in - 1) / stride) + 1 = ceil(in / stride).
bool pads_like_same(const Attrs& a) {
  for (std::size_t d = 0; d < 2; ++d) {
    const std::int32_t total = (a.kernel[d] - 1) * a.dilation[d];
    if (total % 2 != 0) return false;
    if (a.padding == Padding::kExplicit && (a.pads[d] != total / 2 || a.pads[d + 2] != total / 2)) {
      return false;
    }
  }
  return !a.ceil_mode;
}

std::uint64_t pair_bits(const std::array<std::int32_t, 2>& p) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(p[0])) << 32) |
         static_cast<std::uint32_t>(p[1]);
}

std::uint64_t window_identity(const Attrs& a) {
  std::uint64_t h = hash_combine(pair_bits(a.kernel), pair_bits(a.stride));
  h = hash_combine(h, pair_bits(a.dilation));
  h = hash_combine(h, pair_bits(a.output_padding));
  if (pads_like_same(a)) return hash_combine(h, static_cast<std::uint64_t>(Padding::kSame));
  h = hash_combine(h, static_cast<std::uint64_t>(a.padding));
  if (a.padding == Padding::kExplicit) {
    h = hash_combine(h, pair_bits({a.pads[0], a.pads[1]}));
    h = hash_combine(h, pair_bits({a.pads[2], a.pads[3]}));
  }
  return h;
}

/// `ints` holds sizes: a reshape's, or the channels that a truncating consumer reads.
bool lists_sizes(OpKind op) {
  return op == OpKind::kReshape || op == OpKind::kConv || op == OpKind::kMaxPool ||
         op == OpKind::kAdd;
}

/// Output channels per input channel of a depthwise convolution; 0 when the input is unknown.
std::int64_t channel_multiplier(const Graph& graph, NodeId id) {
  const std::int64_t in = feature_map(graph.type(graph.inputs(id)[0])).c;
  return in > 0 ? graph.node(id).attrs.out_channels / in : 0;
}

/// The axis attribute. Of what works along an axis, where its dimension is in N,C,H,W: channels
/// joined among tokens and among maps are one class, and neither is that of tokens joined to a
/// longer sequence. Not of a softmax: the ids of segments with one rest on its axis as it is.
std::int32_t axis_identity(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (!op_info(node.op).along_axis || node.op == OpKind::kSoftmax) return node.attrs.axis;
  const TensorType& type = graph.type(graph.inputs(id)[0]);
  if (const auto dim = map_dim_of(type, node.attrs.axis))
    return 1 + static_cast<std::int32_t>(*dim);
  constexpr std::int32_t kOfNoMap = 64;
  const std::int32_t axis = node.attrs.axis + (node.attrs.axis < 0 ? type.shape.rank() : 0);
  return type.layout == Layout::kNone ? kOfNoMap + axis : axis;
}

}  // namespace

std::uint64_t segment_identity(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const Attrs& a = node.attrs;
  std::uint64_t h = window_identity(a);
  h = hash_combine(h, (static_cast<std::uint64_t>(op_number(node.op)) << 8) |
                          (a.group > 1 ? 4U : 0U) | (a.ceil_mode ? 2U : 0U) |
                          (a.count_include_pad ? 1U : 0U));
  // Adding zero first makes -0 and +0 one.
  h = hash_combine(h, (std::uint64_t{std::bit_cast<std::uint32_t>(a.alpha + 0.0F)} << 32) |
                          std::bit_cast<std::uint32_t>(a.beta + 0.0F));
  h = hash_combine(h, pair_bits({axis_identity(graph, id), a.block}));
  if (node.op == OpKind::kDepthwiseConv) {
    h = hash_combine(h, static_cast<std::uint64_t>(channel_multiplier(graph, id)));
  }
  if (lists_sizes(node.op)) {
    h = hash_combine(h, a.ints.empty() ? 0 : 1);
  } else {
    for (const std::int64_t i : a.ints) h = hash_combine(h, static_cast<std::uint64_t>(i));
  }
  if (!a.text.empty()) h = hash_bytes(a.text.data(), a.text.size(), h);
  if (a.digest != 0) h = hash_combine(h, a.digest);
  return h;
}

}  // namespace autogo
