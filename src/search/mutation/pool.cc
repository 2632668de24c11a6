// What may replace a source segment (AutoGO, section 3.2): segments of the database, with the
// operators that the user allows.
//
// What uses other operators is translated where the network has its own words for them (dialect.h).
//
// The input network's own parts are added. The database was mined from benchmark families, and a
// network outside them (a vision transformer, DenseNet) shares few operators with those; its own
// runs of nodes are segments that fit its layouts and operators, at other places and sizes than
// where they stand. Every run of one to kOwnRun nodes of its canonical order is taken: cheap, and
// independent of how the vocabulary happens to cut it.
//
// Those parts come at half and at twice their inner width too: propagation keeps a body's widths as
// near as it can to what they were, so that without this a bottleneck or a transformer's MLP could
// never be replaced by a leaner or richer one of its kind.
//
// One representative a class: the database's, which is the commonest, else the first translation,
// else the first in the input. The order is theirs, so draws do not depend on hashing.
//
// Tested by tests/search/pool_test.cc.

#include "pool.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "autogo/graph/canonical.h"
#include "autogo/graph/creatable.h"
#include "autogo/graph/map_axes.h"
#include "dialect.h"

namespace autogo {
namespace {

constexpr std::size_t kOwnRun = 8;

OpSet inner_ops(const Graph& body) {
  OpSet ops;
  for (const Node& node : body.nodes()) {
    if (op_info(node.op).shape_class != ShapeClass::kPort) ops.insert(node.op);
  }
  return ops;
}

std::size_t inner_nodes(const Graph& body) {
  return static_cast<std::size_t>(std::ranges::count_if(body.nodes(), [](const Node& node) {
    return op_info(node.op).shape_class != ShapeClass::kPort;
  }));
}

bool is_port(const Graph& graph, NodeId id) {
  return op_info(graph.node(id).op).shape_class == ShapeClass::kPort;
}

/// Whether the channels of a node's operands and of its result depend on each other otherwise than
/// by being equal: a concat of channels, a shuffle of channels and space, a join that broadcasts.
bool mixes_channels(const Graph& body, NodeId id) {
  const Node& node = body.node(id);
  if (node.op == OpKind::kDepthToSpace) return true;
  const std::span<const ValueId> inputs = body.inputs(id);
  if (node.op == OpKind::kConcat) {
    return map_dim_of(body.type(inputs[0]), node.attrs.axis).value_or(MapDim::kC) == MapDim::kC;
  }
  if (op_info(node.op).shape_class != ShapeClass::kJoin) return false;
  return std::ranges::any_of(inputs, [&](ValueId v) {
    return feature_map(body.type(v)).c != feature_map(body.type(inputs[0])).c;
  });
}

/// By value: its number of channels is that of a port, or takes part in what mixes channels,
/// through operators that keep or multiply them. Those must not change.
std::vector<char> tied_to_ports(const Graph& body) {
  std::vector<char> tied(body.num_values(), 0);
  bool changed = true;
  while (changed) {  // a few rounds: bodies are small
    changed = false;
    auto tie = [&](ValueId v) {
      changed = changed || tied[index(v)] == 0;
      tied[index(v)] = 1;
    };
    for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
      const NodeId id{n};
      const OpKind op = body.node(id).op;
      const bool port = is_port(body, id);
      if (op_info(op).chooses_channels) continue;
      bool any = port || mixes_channels(body, id);
      for (const ValueId v : body.inputs(id)) any = any || tied[index(v)] != 0;
      for (std::uint32_t p = 0; p < body.node(id).num_outputs; ++p) {
        any = any || tied[index(body.output(id, p))] != 0;
      }
      if (!any) continue;
      for (const ValueId v : body.inputs(id)) tie(v);
      for (std::uint32_t p = 0; p < body.node(id).num_outputs; ++p) tie(body.output(id, p));
    }
  }
  return tied;
}

}  // namespace

bool sound_body(const Graph& body) {
  const auto count = static_cast<std::uint32_t>(body.num_nodes());
  std::vector<char> reached(body.num_values(), 0);  // from an input port
  std::vector<char> used(body.num_values(), 0);     // by something that reaches an output port
  std::vector<char> is_output(body.num_values(), 0);
  for (std::uint32_t n = 0; n < count; ++n) {
    const NodeId id{n};
    const Node& node = body.node(id);
    if (node.op == OpKind::kInput) {
      reached[index(body.output(id))] = 1;
      continue;
    }
    const bool from_input =
        node.op != OpKind::kZero &&
        std::ranges::any_of(body.inputs(id), [&](ValueId v) { return reached[index(v)] != 0; });
    if (!from_input) return false;
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      reached[index(body.output(id, port))] = 1;
    }
    if (node.op != OpKind::kOutput) continue;
    const ValueId value = body.inputs(id)[0];
    if (body.node(body.value(value).producer).op == OpKind::kInput) return false;
    if (is_output[index(value)]) return false;
    is_output[index(value)] = 1;
  }
  for (std::uint32_t n = count; n-- > 0;) {
    const NodeId id{n};
    const Node& node = body.node(id);
    bool needed = node.op == OpKind::kOutput;
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      needed = needed || used[index(body.output(id, port))] != 0;
    }
    if (!needed) return false;
    for (const ValueId v : body.inputs(id)) used[index(v)] = 1;
  }
  return true;
}

std::optional<Graph> rescale_inner_channels(const Graph& body, double factor) {
  const std::vector<char> tied = tied_to_ports(body);
  Graph result;
  bool changed = false;
  std::vector<ValueId> inputs;
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = body.node(id);
    if (node.op == OpKind::kInput) {
      result.add_input(body.output_type(id));
      continue;
    }
    if (node.op == OpKind::kOutput) {
      result.add_output(body.inputs(id)[0]);
      continue;
    }
    Attrs attrs = node.attrs;
    if (node.op == OpKind::kDepthwiseConv) {
      const std::int64_t before = feature_map(body.type(body.inputs(id)[0])).c;
      const std::int64_t now = feature_map(result.type(body.inputs(id)[0])).c;
      attrs.out_channels = static_cast<std::int32_t>(attrs.out_channels / before * now);
    } else if (attrs.group != 1) {
      return std::nullopt;
    } else if (op_info(node.op).chooses_channels && tied[index(body.output(id))] == 0) {
      const double channels = attrs.out_channels * factor;
      if (channels < 1 || channels != std::floor(channels)) return std::nullopt;
      attrs.out_channels = static_cast<std::int32_t>(channels);
      changed = true;
    }
    inputs.assign(body.inputs(id).begin(), body.inputs(id).end());
    result.add(node.op, std::move(attrs), inputs);
  }
  if (!changed) return std::nullopt;
  return result;
}

Graph without_origins(const Graph& graph) {
  Graph result;  // node and value ids stay the same: nodes are copied in order
  std::vector<Value> outputs;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    if (node.op == OpKind::kOutput) {
      result.add_output(graph.inputs(id)[0]);
      continue;
    }
    outputs.clear();
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      outputs.push_back({graph.type(graph.output(id, port)), NodeId{}, kNoOrigin});
    }
    result.add_typed(node.op, node.attrs, graph.inputs(id), outputs);
  }
  return result;
}

void ReplacementPool::add(std::uint64_t id, const Graph& body, bool rescaled) {
  Replacement item;
  item.id = id;
  item.rescaled = rescaled;
  item.body = without_origins(body);
  item.memo_key = items_.size();
  for (std::uint32_t n = 0; n < item.body.num_nodes(); ++n) {
    const OpInfo& info = op_info(item.body.node(NodeId{n}).op);
    item.num_inputs += info.kind == OpKind::kInput ? 1 : 0;
    item.num_outputs += info.kind == OpKind::kOutput ? 1 : 0;
    item.needs_first = item.needs_first || info.first_only;
    item.needs_last = item.needs_last || info.last_only;
  }
  const auto at = static_cast<std::uint32_t>(items_.size());
  for (const std::uint32_t first : {0U, 1U}) {
    for (const std::uint32_t last : {0U, 1U}) {
      if ((item.needs_first && first == 0) || (item.needs_last && last == 0)) continue;
      buckets_[{item.num_inputs, item.num_outputs, first, last}].push_back(at);
    }
  }
  items_.push_back(std::move(item));
}

ReplacementPool::ReplacementPool(const SegmentDatabase& database, const Graph& input,
                                 const OpSet& allowed, const SearchOptions& options)
    : allowed_(allowed) {
  const bool single = options.mutation == MutationUnit::kOperator;
  auto offer = [&](std::uint64_t id, const Graph& body) {
    if (!allows(body) || inner_nodes(body) == 0) return;
    if (single && inner_nodes(body) != 1) return;
    if (sound_body(body) && classes_.insert(id).second) add(id, body, /*rescaled=*/false);
  };
  for (const SegmentEntry& entry : database.entries()) {
    if (entry.insertable) offer(entry.id, entry.body);
  }
  for (const Layout layout : {Layout::kChannelsFirst, Layout::kChannelsLast}) {
    const auto dialect = dialect_of(input, layout, allowed);
    if (!dialect) continue;
    for (const SegmentEntry& entry : database.entries()) {
      if (!entry.insertable) continue;
      const auto body = translate(entry.body, *dialect);
      if (body) offer(canonical_hash(*body, NodeIdentity::kSegment), *body);
    }
  }
  const std::vector<NodeId> order = canonical_order(input, NodeIdentity::kSegment);
  const Uses uses(input);
  std::set<std::uint64_t> rescaled;
  for (std::size_t begin = 0; begin < order.size(); ++begin) {
    for (std::size_t end = begin + 1; end <= std::min(order.size(), begin + kOwnRun); ++end) {
      const NodeId last = order[end - 1];
      if (!allowed.contains(input.node(last).op) || !is_creatable(input, last)) break;
      const Cut cut{order, begin, end};
      const Ports ports = segment_ports(input, uses, cut);
      const Graph body = extract_segment(input, ports, cut);
      const std::uint64_t id = canonical_hash(body, NodeIdentity::kSegment);
      offer(id, body);
      if (!rescaled.insert(id).second || !classes_.contains(id)) continue;
      for (const double factor : {0.5, 2.0}) {
        if (const auto variant = rescale_inner_channels(body, factor)) add(id, *variant, true);
      }
    }
  }
}

bool ReplacementPool::allows(const Graph& body) const { return inner_ops(body).within(allowed_); }

std::span<const std::uint32_t> ReplacementPool::fitting(std::size_t num_inputs,
                                                        std::size_t num_outputs,
                                                        PortLayouts layouts) const {
  const auto it = buckets_.find({static_cast<std::uint32_t>(num_inputs),
                                 static_cast<std::uint32_t>(num_outputs), layouts.first ? 1U : 0U,
                                 layouts.last ? 1U : 0U});
  if (it == buckets_.end()) return {};
  return it->second;
}

}  // namespace autogo
