#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/graph/segment.h"

namespace autogo {

/// Numbers that describe a node, beside its operator. Part of the file format: a change here is
/// a new version of predictor files.
inline constexpr std::size_t kNumFeatures = 19;

/// What the predictor sees of one node. Two nodes with equal rows are the same to it.
struct FeatureRow {
  OpKind op = OpKind::kOpaque;
  std::array<float, kNumFeatures> values{};
  std::int64_t macs = 0, params = 0;  ///< exact, for the sums over parts
  bool weighted = false;
  /// Has weights and looks at more than one place of its map.
  bool spatial() const { return weighted && (values[6] > 0 || values[7] > 0); }
  bool activation() const { return op_info(op).role == OpRole::kActivation; }
  /// Of everything above: the same on every machine.
  std::uint64_t hash() const;
  bool operator==(const FeatureRow&) const = default;
};

/// Row of a node: logarithms of the maps' channels, height and width in and out, kernel (a number,
/// so that sizes never seen in training still mean something), stride, dilation, groups, bias,
/// logarithms of multiply-accumulates and parameters. O(inputs of the node).
FeatureRow node_features(const Graph& graph, NodeId id);

/// Sums over the nodes of a part (predecessor, segment, successor or all).
struct PartSums {
  double nodes = 0, macs = 0, params = 0, weighted = 0;
  double activations = 0, spatial = 0;  ///< for the prior only (prior.h)
  void add(const FeatureRow& row) {
    nodes += 1;
    macs += static_cast<double>(row.macs);
    params += static_cast<double>(row.params);
    weighted += row.weighted ? 1 : 0;
    activations += row.activation() ? 1 : 0;
    spatial += row.spatial() ? 1 : 0;
  }
  PartSums& operator+=(const PartSums& other);
  bool operator==(const PartSums&) const = default;
};
inline constexpr std::size_t kPartFeatures = 4;
/// Their logarithms, scaled to about one.
std::array<float, kPartFeatures> part_features(const PartSums& sums);

/// The distinct rows of many graphs: a few thousand for tens of thousands of networks, so that
/// the first layer of the predictor runs over them and not over millions of nodes.
class FeatureTable {
 public:
  std::uint32_t intern(const FeatureRow& row);
  const std::vector<FeatureRow>& rows() const { return rows_; }

 private:
  struct Hash {
    std::size_t operator()(const FeatureRow& row) const {
      return static_cast<std::size_t>(row.hash());
    }
  };
  std::vector<FeatureRow> rows_;
  std::unordered_map<FeatureRow, std::uint32_t, Hash> ids_;
};

/// A network as the encoder reads it: nodes by their position in an order, in-edges as CSR.
struct EncodedGraph {
  std::vector<std::uint32_t> rows;        ///< by position: index into a FeatureTable
  std::vector<std::uint32_t> first_edge;  ///< by position, one more than nodes
  std::vector<std::uint32_t> sources;     ///< positions of the producers, one per edge
  std::size_t num_nodes() const { return rows.size(); }
};

/// Positions are those of `order`, which holds every node once and is topological.
EncodedGraph encode_graph(const Graph& graph, std::span<const NodeId> order, FeatureTable& table);

/// The inner nodes of a segment's body: ports are no nodes, edges from them are dropped.
EncodedGraph encode_body(const Graph& body, std::vector<FeatureRow>& rows);

}  // namespace autogo
