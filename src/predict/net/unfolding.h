#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "node_features.h"

namespace autogo {

inline constexpr std::size_t kNumLayers = 6;  ///< k-GNN layers (AutoGO, A.2.1)

/// Lists of indices with optional weights, CSR: list i is [first[i], first[i + 1]).
struct IndexLists {
  std::vector<std::uint32_t> first{0};
  std::vector<std::uint32_t> indices;
  std::vector<float> weights;  ///< empty: all one
  std::size_t size() const { return first.size() - 1; }
  void close() { first.push_back(static_cast<std::uint32_t>(indices.size())); }
};

/// What the encoder has to compute for a batch, each different thing once (unfolding.cc).
struct Unfolding {
  std::vector<std::uint32_t> rows;  ///< layer 0: distinct rows of the FeatureTable
  struct Layer {
    IndexLists own;         ///< one entry each: the same node one layer below
    IndexLists neighbours;  ///< its in-neighbours one layer below
  };
  std::array<Layer, kNumLayers> layers;
  IndexLists pools;            ///< per part: rows of the last layer, weights sum to 1
  std::vector<PartSums> sums;  ///< per part
};

/// Half-open range of positions: the segment of a cut.
struct CutRange {
  std::uint32_t begin = 0, end = 0;
  bool operator==(const CutRange&) const = default;
};

class Unfolder {
 public:
  explicit Unfolder(const FeatureTable& table) : table_(&table) {}

  /// Starts a new batch; buffers are kept.
  void clear();
  /// Appends three parts per cut: predecessor, segment, successor, each a graph of its own (edges
  /// that cross the cut are dropped).
  void add_cuts(const EncodedGraph& graph, std::span<const CutRange> cuts);
  /// Appends one part: the whole graph.
  void add_whole(const EncodedGraph& graph);
  const Unfolding& result() const { return result_; }

 private:
  /// Finds or adds a row of a layer by its content.
  class Interner {
   public:
    void clear();
    std::uint32_t intern(std::uint32_t own, std::span<const std::uint32_t> neighbours,
                         Unfolding::Layer& layer);

   private:
    void grow();
    std::vector<std::uint64_t> hashes_;
    std::vector<std::uint32_t> slots_;  ///< row + 1; 0: free
    std::size_t used_ = 0;
  };
  using Levels = std::array<std::vector<std::uint32_t>, kNumLayers + 1>;

  std::uint32_t intern_row(std::uint32_t row);
  void unfold_whole(const EncodedGraph& graph);
  void unfold_segment(const EncodedGraph& graph, const CutRange& cut);
  void unfold_successor(const EncodedGraph& graph, std::uint32_t begin);
  std::uint32_t intern_node(std::size_t layer, std::uint32_t own);
  void add_pool(const EncodedGraph& graph, std::uint32_t begin, std::uint32_t end,
                const std::vector<std::uint32_t>& last);

  const FeatureTable* table_;
  Unfolding result_;
  std::array<Interner, kNumLayers> interners_;
  std::vector<std::uint32_t> row_slots_;  ///< FeatureTable row to layer-0 row + 1
  Levels whole_, part_;                   ///< by position: row of each layer
  std::vector<std::uint8_t> hops_;
  std::vector<std::uint32_t> neighbours_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint32_t> touched_;
};

}  // namespace autogo
