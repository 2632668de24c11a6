#pragma once

#include <cstdint>
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
  std::uint64_t id = 0;          ///< the canonical hash; stable across databases
  Graph body;                    ///< a representative with the shapes it was most often seen with
  std::uint64_t body_count = 0;  ///< how often it was seen with exactly these shapes
  OpSet ops;                     ///< of the inner nodes
  std::uint32_t num_nodes = 0;   ///< inner nodes (ports not counted), at least 1
  std::uint32_t num_inputs = 0, num_outputs = 0;
  std::vector<std::uint64_t> counts;  ///< occurrences by corpus, parallel to `corpora()`
  /// A candidate replacement: every operator can be created anew, no operand is sliced, and all
  /// values are feature maps.
  bool insertable = false;
  bool connected = true;  ///< in one piece, ports left aside
};

/// Operations between ports, mined from corpora, and the vocabulary that splits graphs into them
/// (AutoGO, section 3.1, A.3, A.5.2, A.5.3). An occurrence is a run of nodes that merging produced
/// on the way to the segmentation, so the parts of longer segments count as well; every single
/// operation occurs as itself. Const calls are thread-safe.
class SegmentDatabase {
 public:
  SegmentDatabase();
  ~SegmentDatabase();
  SegmentDatabase(SegmentDatabase&&) noexcept;
  SegmentDatabase& operator=(SegmentDatabase&&) noexcept;

  /// Reads "autogo.segments" version 1 (docs/formats.md).
  /// @throws Error kIo, kInput (damaged, another version)
  static SegmentDatabase load(const std::string& path);
  /// Reads what it is about to write and compares. @throws Error kIo, kInternal (it differs); an
  /// older file of that name is whole then
  void save(const std::string& path) const;

  /// Sorted by occurrences, then id.
  std::span<const SegmentEntry> entries() const;
  const std::vector<std::string>& corpora() const;
  std::uint64_t content_hash() const;  ///< of everything in it; goes into run configurations
  /// Entry indices of insertable segments with these port counts; in a stable order.
  std::span<const std::uint32_t> by_ports(std::uint32_t num_inputs,
                                          std::uint32_t num_outputs) const;
  /// The entry of that id. nullptr when there is none.
  const SegmentEntry* find(std::uint64_t id) const;

  std::size_t num_labels() const;  ///< size of the alphabet
  std::size_t num_pieces() const;  ///< multi-node pieces of the vocabulary

  /// Segment sizes along `order` (a canonical order of `graph` under kSegment): consecutive groups
  /// that add up to order.size(). Labels that the alphabet lacks back off to their context-free
  /// label, then to a segment of one node. Ports and nodes that are never mutated stand alone.
  /// @param keep  the share of multi-node pieces kept, at random: 1 is the full vocabulary V,
  ///              below 1 a sparse V', which merges anew without the dropped pieces
  /// O(n log n); some 50 us for 200 nodes.
  std::vector<std::uint32_t> segment(const Graph& graph, std::span<const NodeId> order, double keep,
                                     Rng& rng) const;

  /// Prepares for a network of the user's own. Where its labels are not in the alphabet, the
  /// vocabulary learns what repeats in it, so that segmentation does not leave it in single nodes;
  /// and its segments become entries: every run that merging produces, every single operation, and
  /// around labels outside the alphabet every short run of neighbours. Pointers and indices to
  /// entries become invalid.
  /// @param corpus  name under which they are counted
  void add_segments_of(const Graph& graph, const std::string& corpus);

  /// Adds the other's entries, counts (corpora of one name add up) and pieces (behind ours).
  void merge(const SegmentDatabase& other);

  struct Impl;  // private to the layer
  Impl& impl() { return *impl_; }
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace autogo
