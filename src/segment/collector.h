#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "autogo/segment/database.h"
#include "fingerprint.h"

namespace autogo {

/// The body of a run: its nodes in canonical order (kSegment) between its ports, without names,
/// origins and source.
Graph segment_body(const Graph& graph, const Uses& uses, std::span<const NodeId> order,
                   const Merger::Run& run);

/// Could these nodes stand in a replacement? See SegmentEntry::insertable.
bool is_insertable(const Graph& graph, std::span<const NodeId> nodes);

/// An entry with everything that follows from its body; no id, no counts.
SegmentEntry describe_body(Graph body);

/// Gathers segments over many graphs into isomorphism classes. Memory: some 100 bytes for each
/// distinct (class, attributes, shapes); bodies are cut out at the end, one a class.
class SegmentCollector {
 public:
  /// Where a segment was seen first.
  struct Location {
    std::uint64_t graph = 0;  ///< the number that add() was given
    Merger::Run run;
  };
  struct Class {
    std::uint64_t id = 0;
    std::vector<std::uint64_t> counts;  ///< by corpus
    Location location;                  ///< of its most frequent shapes
    std::uint64_t body_count = 0;       ///< how often those were seen
  };

  explicit SegmentCollector(std::size_t num_corpora) : num_corpora_(num_corpora) {}

  /// Counts what find_segments() found in a graph.
  void add(const Graph& graph, const Uses& uses, std::span<const NodeId> order,
           std::span<const FoundSegment> found, std::uint64_t graph_number, std::size_t corpus);

  /// The classes in order of first appearance. Shapes of insertable variants win over others, then
  /// the more frequent, then the smaller hash.
  std::vector<Class> classes() const;
  std::size_t num_variants() const { return variants_.size(); }

 private:
  struct Variant {
    std::uint64_t exact = 0;
    std::uint32_t of = 0;  ///< its class
    bool insertable = false;
    std::uint64_t count = 0;
    Location location;
  };
  std::uint32_t class_of(const Graph& graph, const Uses& uses, std::span<const NodeId> order,
                         const FoundSegment& found);

  std::size_t num_corpora_;
  std::vector<Class> classes_;
  std::vector<Variant> variants_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_id_, by_structure_, by_exact_;
};

}  // namespace autogo
