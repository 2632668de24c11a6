#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "autogo/base/rng.h"
#include "autogo/graph/graph.h"
#include "autogo/graph/segment.h"

namespace autogo {

/// One isomorphism class of segments (canonical_hash under NodeIdentity::kSegment), ports included.
struct SegmentEntry {
  std::uint64_t id = 0;      ///< the canonical hash; stable across databases
  Graph body;                ///< a representative with the shapes it was most often seen with
  std::uint64_t op_mask = 0; ///< bit 1 << OpKind for every inner operator
  std::uint32_t num_nodes = 0;   ///< inner nodes (ports not counted)
  std::uint32_t num_inputs = 0, num_outputs = 0;
  std::vector<std::uint64_t> counts;  ///< occurrences by corpus, parallel to `corpora()`
  bool insertable = false;   ///< every operator can be created anew: a candidate replacement
};

/// A BPE token of the vocabulary: a sequence of label code points, and its merge rank.
struct Piece {
  std::u32string symbols;
  float score = 0;  ///< SentencePiece's: higher merges first
};

/// Splits graphs into segments under a vocabulary (AutoGO, section 3.1, A.3, A.5.2, A.5.3).
class SegmentDatabase {
 public:
  SegmentDatabase();
  ~SegmentDatabase();
  SegmentDatabase(SegmentDatabase&&) noexcept;
  SegmentDatabase& operator=(SegmentDatabase&&) noexcept;

  /// @throws Error kIo, kInput (damaged, another version)
  static SegmentDatabase load(const std::string& path);
  void save(const std::string& path) const;

  std::span<const SegmentEntry> entries() const;
  const std::vector<std::string>& corpora() const;
  std::uint64_t content_hash() const;  ///< of everything in it; goes into run configurations
  /// Entry indices of insertable segments with these port counts; in a stable order.
  std::span<const std::uint32_t> by_ports(std::uint32_t num_inputs, std::uint32_t num_outputs) const;

  /// Segment sizes along `order` (a canonical order of `graph` under kSegment): consecutive groups
  /// that add up to order.size(). Labels that the alphabet lacks back off to their context-free
  /// label, then to a segment of one node.
  /// @param keep  the share of multi-node pieces kept, at random: 1 is the full vocabulary V,
  ///              below 1 a sparse V', which merges anew without the dropped pieces
  std::vector<std::uint32_t> segment(const Graph& graph, std::span<const NodeId> order, double keep,
                                     Rng& rng) const;

  /// Adds the segments (every run of nodes that `segment` yields, plus single nodes) of one graph
  /// as entries, so that a network outside the mined families can be mutated with its own parts.
  /// @param corpus  name under which they are counted
  void add_segments_of(const Graph& graph, const std::string& corpus);

  /// Adds the other's entries, counts and pieces.
  void merge(const SegmentDatabase& other);

  struct Impl;  // private to the layer
  Impl& impl() { return *impl_; }
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace autogo
