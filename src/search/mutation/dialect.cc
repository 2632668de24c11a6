// Mined segments for networks that speak otherwise.
//
// By default a replacement uses the input network's own operators only, so that a search introduces
// no newer generation of them (AutoGO, section 5). The database was mined from networks of conv,
// batch norm and ReLU. A network with folded batch norms, with ReLU6 or Swish, or one of tokens
// with layer norm, dense and GELU, would find nearly nothing in it, though the topologies
// (bottlenecks, parallel branches, residuals) mean as much there. So the segments that the filter
// would drop are translated: structure from the database, words from the network. A convolution
// without stride over channels-last maps is a dense product; what it sees of its neighbours is
// lost, as in any token-wise operator.
//
// A translated segment is a class of its own; duplicates of what the database or another
// translation has are dropped by the pool.
//
// Tested by tests/search/dialect_test.cc.

#include "dialect.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/graph/map_axes.h"

namespace autogo {
namespace {

using enum OpKind;

bool is_activation(OpKind op) { return op_info(op).role == OpRole::kActivation; }
bool is_norm(OpKind op) { return op_info(op).role == OpRole::kNorm && op_info(op).insertable; }

bool fits_layout(OpKind op, Layout layout) {
  const OpInfo& info = op_info(op);
  return layout == Layout::kChannelsFirst ? !info.last_only : !info.first_only;
}

/// The first node of the commonest kind; ties to the kind that comes first in the operator table.
struct Commonest {
  std::map<OpKind, std::pair<std::size_t, const Node*>> seen;
  void count(const Node& node) {
    auto [it, added] = seen.try_emplace(node.op, 0, &node);
    ++it->second.first;
  }
  std::optional<Node> best() const {
    std::size_t most = 0;
    std::optional<Node> node;
    for (const auto& [op, entry] : seen) {
      if (entry.first <= most) continue;
      most = entry.first;
      node = *entry.second;
    }
    return node;
  }
};

/// Tokens stand for maps: the propagation takes only the ratios of channels from a body.
TensorType port_type(const TensorType& type, Layout layout) {
  if (layout == Layout::kChannelsFirst) return type;
  constexpr std::int64_t kTokens = 49;
  const Shape shape{1, kTokens, feature_map(type).c};
  return {DType::kFloat32, Layout::kChannelsLast, shape};
}

}  // namespace

std::optional<NetworkDialect> dialect_of(const Graph& input, Layout layout, const OpSet& allowed) {
  Commonest activation, norm, dense;
  bool any = false;
  for (std::uint32_t n = 0; n < input.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = input.node(id);
    if (node.num_outputs != 1 || !allowed.contains(node.op)) continue;
    if (input.output_type(id).layout != layout) continue;
    any = true;
    if (is_activation(node.op)) activation.count(node);
    if (is_norm(node.op)) norm.count(node);
    if (node.op == kDense) dense.count(node);
  }
  if (!any) return std::nullopt;
  return NetworkDialect{layout, allowed, activation.best(), norm.best(), dense.best()};
}

std::optional<Graph> translate(const Graph& body, const NetworkDialect& dialect) {
  Graph result;
  std::vector<ValueId> map(body.num_values());
  std::vector<ValueId> inputs;
  bool changed = false;
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = body.node(id);
    inputs.clear();
    for (const ValueId v : body.inputs(id)) inputs.push_back(map[index(v)]);
    if (node.op == kInput) {
      const TensorType& type = body.output_type(id);
      if (type.layout != Layout::kChannelsFirst || type.shape.rank() != 4) return std::nullopt;
      map[index(body.output(id))] = result.add_input(port_type(type, dialect.layout));
      continue;
    }
    if (node.op == kOutput) {
      result.add_output(inputs[0]);
      continue;
    }
    const ValueId output = body.output(id);
    Node word = node;
    if (!dialect.allowed.contains(node.op) || !fits_layout(node.op, dialect.layout)) {
      changed = true;
      if (is_activation(node.op) || is_norm(node.op)) {
        const std::optional<Node>& own = is_norm(node.op) ? dialect.norm : dialect.activation;
        if (!own) {
          map[index(output)] = inputs[0];
          continue;
        }
        word = *own;
      } else if (node.op == kConv && dialect.dense && node.attrs.group == 1 &&
                 node.attrs.stride == std::array<std::int32_t, 2>{1, 1}) {
        word = *dialect.dense;
        word.attrs.out_channels = node.attrs.out_channels;
      } else {
        return std::nullopt;
      }
    }
    if (word.op == kConcat && dialect.layout == Layout::kChannelsLast) {
      // Tokens have channels to join, but neither rows nor columns.
      if (map_dim_of(body.type(body.inputs(id)[0]), node.attrs.axis) != MapDim::kC) {
        return std::nullopt;
      }
      word.attrs.axis = 2;
    }
    // Branches that differed in what fell away have become one: x + x says nothing.
    std::vector<ValueId> distinct = inputs;
    std::ranges::sort(distinct);
    if (std::ranges::adjacent_find(distinct) != distinct.end()) return std::nullopt;
    try {
      map[index(output)] = result.add(word.op, word.attrs, inputs);
    } catch (const Error&) {  // where the network's word has another shape, it is no counterpart
      return std::nullopt;
    }
  }
  if (!changed) return std::nullopt;
  return result;
}

}  // namespace autogo
