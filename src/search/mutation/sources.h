#pragma once

#include <cstdint>
#include <vector>

#include "autogo/base/rng.h"
#include "autogo/cost/cost.h"
#include "autogo/graph/graph.h"
#include "autogo/graph/segment.h"
#include "pool.h"

namespace autogo {

/// A run of segments of a parent that may be replaced: order[begin, end).
struct SourceRun {
  std::uint32_t begin = 0, end = 0;
  Cost cost;
  bool operator==(const SourceRun&) const = default;
};

/// A parent with all that its work items share.
struct Parent {
  std::uint32_t individual = 0;
  std::uint64_t hash = 0;
  Graph graph;
  std::uint64_t computes = 0;  ///< computation_hash()
  Uses uses;
  std::vector<NodeId> order;  ///< canonical_order under kSegment
  std::vector<Cost> costs;    ///< by NodeId
  double trust = 1;           ///< Knowledge::trust; whoever asks the predictor sets it

  Parent(std::uint32_t individual, std::uint64_t hash, Graph graph);
  Parent(Parent&&) = default;
  Cut cut(const SourceRun& run) const { return {order, run.begin, run.end}; }
};

/// May the search take this node away? Not ports, not frozen nodes, not operators that are not
/// adjustable.
/// @param frozen  by Node::origin, see frozen_origins()
bool is_replaceable(const Graph& graph, NodeId id, const std::vector<char>& frozen);

/// Segment sizes along parent.order: BPE under a random sparse vocabulary V', or single nodes for
/// MutationUnit::kOperator.
std::vector<std::uint32_t> segment_sizes(const Parent& parent, const SearchOptions& options,
                                         const SegmentDatabase& database, Rng& rng);

/// How many consecutive segments are replaced together at most: one for MutationUnit::kOperator.
std::uint32_t longest_run(const SearchOptions& options);

/// Every run of 1 to `max_segments` consecutive segments that may be replaced: no frozen or fixed
/// node inside, feature maps with known shapes at all ports, and at least one fitting replacement
/// in the pool.
/// @param sizes  of the segments along parent.order, see SegmentDatabase::segment()
std::vector<SourceRun> source_runs(const Parent& parent, const std::vector<std::uint32_t>& sizes,
                                   std::uint32_t max_segments, const std::vector<char>& frozen,
                                   const ReplacementPool& pool);

/// `m` of them: the m/2 with the least multiply-accumulates (ties at random), the rest at random
/// (A.5.5). In order of position.
std::vector<SourceRun> select_sources(std::vector<SourceRun> runs, std::size_t m, Rng rng);

/// Layouts at the input ports; what replacements find there.
PortLayouts port_layouts(const Graph& graph, const Ports& ports);

}  // namespace autogo
