#include "node_features.h"

#include <cmath>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "autogo/cost/cost.h"

namespace autogo {
namespace {

float log_scaled(std::int64_t value, double scale) {
  return static_cast<float>(std::log1p(static_cast<double>(std::max<std::int64_t>(value, 0))) /
                            scale);
}

/// The scales bring every feature of the benchmark families to about [0, 1].
void put_map(FeatureRow& row, std::size_t at, const FeatureMap& map) {
  row.values[at] = log_scaled(map.c, 6);
  row.values[at + 1] = log_scaled(map.h, 4);
  row.values[at + 2] = log_scaled(map.w, 4);
}

}  // namespace

FeatureRow node_features(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const Attrs& attrs = node.attrs;
  const Cost cost = node_cost(graph, id);
  FeatureRow row;
  row.op = node.op;
  row.macs = cost.macs;
  row.params = cost.params;
  row.weighted = op_info(node.op).weighted;
  if (node.num_inputs > 0) {
    put_map(row, 0, feature_map(graph.type(graph.inputs(id)[0])));
  }
  if (node.num_outputs > 0) put_map(row, 3, feature_map(graph.type(graph.output(id))));
  for (std::size_t dim = 0; dim < 2; ++dim) {
    row.values[6 + dim] = static_cast<float>(attrs.kernel[dim] - 1) / 4;
    row.values[8 + dim] = log_scaled(attrs.stride[dim] - 1, 1);
    row.values[10 + dim] = log_scaled(attrs.dilation[dim] - 1, 1);
  }
  row.values[12] = log_scaled(attrs.group - 1, 4);
  row.values[13] = node.op == OpKind::kDepthwiseConv ? 1 : 0;
  row.values[14] = attrs.bias ? 1 : 0;
  row.values[15] = log_scaled(cost.macs, 18);
  row.values[16] = log_scaled(cost.params, 14);
  row.values[17] = log_scaled(static_cast<std::int64_t>(node.num_inputs), 1);
  const bool mapped = node.num_outputs > 0 && feature_map(graph.type(graph.output(id))).c > 0;
  row.values[18] = mapped ? 1 : 0;
  return row;
}

PartSums& PartSums::operator+=(const PartSums& other) {
  nodes += other.nodes;
  macs += other.macs;
  params += other.params;
  weighted += other.weighted;
  activations += other.activations;
  spatial += other.spatial;
  return *this;
}

std::array<float, kPartFeatures> part_features(const PartSums& sums) {
  return {static_cast<float>(std::log1p(sums.nodes) / 5),
          static_cast<float>(std::log1p(sums.macs) / 20),
          static_cast<float>(std::log1p(sums.params) / 15),
          static_cast<float>(std::log1p(sums.weighted) / 4)};
}

std::uint64_t FeatureRow::hash() const {
  std::uint64_t h = hash_bytes(values.data(), sizeof(values));
  h = hash_combine(h, static_cast<std::uint64_t>(op_number(op)));
  h = hash_combine(h, static_cast<std::uint64_t>(macs));
  return hash_combine(h, static_cast<std::uint64_t>(params));
}

std::uint32_t FeatureTable::intern(const FeatureRow& row) {
  const auto [it, added] = ids_.try_emplace(row, static_cast<std::uint32_t>(rows_.size()));
  if (added) rows_.push_back(row);
  return it->second;
}

EncodedGraph encode_graph(const Graph& graph, std::span<const NodeId> order, FeatureTable& table) {
  AUTOGO_CHECK(order.size() == graph.num_nodes());
  std::vector<std::uint32_t> position(graph.num_nodes());
  for (std::size_t i = 0; i < order.size(); ++i) {
    position[index(order[i])] = static_cast<std::uint32_t>(i);
  }
  EncodedGraph encoded;
  encoded.rows.reserve(order.size());
  encoded.first_edge.reserve(order.size() + 1);
  encoded.sources.reserve(graph.num_edges());
  encoded.first_edge.push_back(0);
  for (std::size_t i = 0; i < order.size(); ++i) {
    encoded.rows.push_back(table.intern(node_features(graph, order[i])));
    for (const ValueId input : graph.inputs(order[i])) {
      const std::uint32_t source = position[index(graph.value(input).producer)];
      AUTOGO_CHECK(source < i);
      encoded.sources.push_back(source);
    }
    encoded.first_edge.push_back(static_cast<std::uint32_t>(encoded.sources.size()));
  }
  return encoded;
}

EncodedGraph encode_body(const Graph& body, std::vector<FeatureRow>& rows) {
  constexpr std::uint32_t kPort = 0xffffffffU;
  std::vector<std::uint32_t> position(body.num_nodes(), kPort);
  EncodedGraph encoded;
  encoded.first_edge.push_back(0);
  for (std::size_t i = 0; i < body.num_nodes(); ++i) {
    const NodeId id{static_cast<std::uint32_t>(i)};
    const OpKind op = body.node(id).op;
    if (op == OpKind::kInput || op == OpKind::kOutput) continue;
    position[i] = static_cast<std::uint32_t>(encoded.rows.size());
    encoded.rows.push_back(static_cast<std::uint32_t>(rows.size()));
    rows.push_back(node_features(body, id));
    for (const ValueId input : body.inputs(id)) {
      const std::uint32_t source = position[index(body.value(input).producer)];
      if (source != kPort) encoded.sources.push_back(source);
    }
    encoded.first_edge.push_back(static_cast<std::uint32_t>(encoded.sources.size()));
  }
  return encoded;
}

}  // namespace autogo
