// Computing equal things once.
//
// A k-GNN layer makes a node's new embedding from its own and the sum of its in-neighbours'. So
// after k layers an embedding depends on nothing but the node's k-hop in-neighbourhood, unfolded as
// a tree; two nodes with equal trees have equal embeddings, in whatever graph they sit. Benchmark
// networks repeat one cell 9 or 15 times, all networks of a family share stem and skeleton, and the
// parts of the cuts of one graph share nearly everything. A batch therefore holds far fewer
// different trees than nodes: 32 graphs with 4 cuts each have 90,000 nodes in their parts, and
// about 5,000 trees.
//
// The unfolder gives every tree one row. Layer 0 has one row per distinct feature row. A row of
// layer k is named by (row of layer k-1, sorted rows of the in-neighbours at layer k-1) and
// interned in a hash table; equal names are equal trees by induction, and the tables compare names,
// not only hashes, so that the result is exact. The encoder computes each row once, and mean
// pooling reads the last layer's rows with their counts. Automatic differentiation through the
// gathers adds up the gradients of all the places where a row is used.
//
// Cuts. Edges across a cut are dropped, which changes trees only downstream of it:
//   - the predecessor's nodes see what they see in the whole graph, because edges run forward;
//   - the segment's are unfolded afresh: it is small;
//   - the successor's nodes that are d > 0 hops after a dropped edge differ from layer d on; those
//     with d > 6 not at all.
//
// The plain way, tested against this one: encode every part as a graph of its own, node by node.
// Order of rows: first come, first numbered; it depends on the batch's content only.
// Complexity: O(layers x edges) per graph, plus the neighbourhoods of the cuts.
// Tested by tests/predict/unfolding_test.cc.

#include "unfolding.h"

#include <algorithm>
#include <limits>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"

namespace autogo {

void Unfolder::Interner::clear() {
  std::fill(slots_.begin(), slots_.end(), 0U);
  used_ = 0;
}

void Unfolder::Interner::grow() {
  const std::size_t size = std::max<std::size_t>(1024, slots_.size() * 2);
  std::vector<std::uint64_t> hashes(size);
  std::vector<std::uint32_t> slots(size, 0U);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i] == 0) continue;
    std::size_t at = hashes_[i] & (size - 1);
    while (slots[at] != 0) at = (at + 1) & (size - 1);
    slots[at] = slots_[i];
    hashes[at] = hashes_[i];
  }
  hashes_ = std::move(hashes);
  slots_ = std::move(slots);
}

std::uint32_t Unfolder::Interner::intern(std::uint32_t own,
                                         std::span<const std::uint32_t> neighbours,
                                         Unfolding::Layer& layer) {
  if (2 * used_ >= slots_.size()) grow();
  std::uint64_t hash = mix64(own);
  for (const std::uint32_t neighbour : neighbours) hash = mix64(hash ^ neighbour);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    if (slots_[at] == 0) {
      const auto row = static_cast<std::uint32_t>(layer.own.size());
      layer.own.indices.push_back(own);
      layer.own.close();
      layer.neighbours.indices.insert(layer.neighbours.indices.end(), neighbours.begin(),
                                      neighbours.end());
      layer.neighbours.close();
      slots_[at] = row + 1;
      hashes_[at] = hash;
      ++used_;
      return row;
    }
    if (hashes_[at] != hash) continue;
    const std::uint32_t row = slots_[at] - 1;
    const auto& lists = layer.neighbours;
    if (layer.own.indices[row] == own &&
        std::equal(neighbours.begin(), neighbours.end(), lists.indices.begin() + lists.first[row],
                   lists.indices.begin() + lists.first[row + 1])) {
      return row;
    }
  }
}

void Unfolder::clear() {
  for (const std::uint32_t row : result_.rows) row_slots_[row] = 0;
  result_.rows.clear();
  const auto clear_lists = [](IndexLists& lists) {
    lists.first.assign(1, 0U);
    lists.indices.clear();
    lists.weights.clear();
  };
  for (Unfolding::Layer& layer : result_.layers) {
    clear_lists(layer.own);
    clear_lists(layer.neighbours);
  }
  clear_lists(result_.pools);
  result_.sums.clear();
  for (Interner& interner : interners_) interner.clear();
}

std::uint32_t Unfolder::intern_row(std::uint32_t row) {
  if (row >= row_slots_.size()) row_slots_.resize(table_->rows().size(), 0U);
  std::uint32_t& slot = row_slots_[row];
  if (slot == 0) {
    result_.rows.push_back(row);
    slot = static_cast<std::uint32_t>(result_.rows.size());
  }
  return slot - 1;
}

/// Interns (own, neighbours_), sorting the latter.
std::uint32_t Unfolder::intern_node(std::size_t layer, std::uint32_t own) {
  if (neighbours_.size() > 1) std::sort(neighbours_.begin(), neighbours_.end());
  return interners_[layer].intern(own, neighbours_, result_.layers[layer]);
}

void Unfolder::unfold_whole(const EncodedGraph& graph) {
  const std::size_t n = graph.num_nodes();
  for (auto& level : whole_) level.resize(n);
  for (auto& level : part_) level.resize(n);
  for (std::size_t i = 0; i < n; ++i) whole_[0][i] = intern_row(graph.rows[i]);
  for (std::size_t k = 0; k < kNumLayers; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      neighbours_.clear();
      for (std::uint32_t e = graph.first_edge[i]; e < graph.first_edge[i + 1]; ++e) {
        neighbours_.push_back(whole_[k][graph.sources[e]]);
      }
      whole_[k + 1][i] = intern_node(k, whole_[k][i]);
    }
  }
}

void Unfolder::unfold_segment(const EncodedGraph& graph, const CutRange& cut) {
  for (std::size_t i = cut.begin; i < cut.end; ++i) part_[0][i] = whole_[0][i];
  for (std::size_t k = 0; k < kNumLayers; ++k) {
    for (std::size_t i = cut.begin; i < cut.end; ++i) {
      neighbours_.clear();
      for (std::uint32_t e = graph.first_edge[i]; e < graph.first_edge[i + 1]; ++e) {
        if (graph.sources[e] >= cut.begin) neighbours_.push_back(part_[k][graph.sources[e]]);
      }
      part_[k + 1][i] = intern_node(k, part_[k][i]);
    }
  }
}

void Unfolder::unfold_successor(const EncodedGraph& graph, std::uint32_t begin) {
  constexpr auto kFar = static_cast<std::uint8_t>(kNumLayers + 1);
  const std::size_t n = graph.num_nodes();
  hops_.assign(n, kFar);
  touched_.clear();
  for (std::size_t i = begin; i < n; ++i) {
    std::uint8_t hops = kFar;
    for (std::uint32_t e = graph.first_edge[i]; e < graph.first_edge[i + 1]; ++e) {
      const std::uint32_t source = graph.sources[e];
      const int through = source < begin ? 1 : hops_[source] + 1;
      hops = static_cast<std::uint8_t>(std::min<int>(hops, through));
    }
    hops_[i] = hops;
    for (std::size_t k = 0; k < std::min<std::size_t>(hops, kNumLayers + 1); ++k) {
      part_[k][i] = whole_[k][i];
    }
    if (hops < kFar) touched_.push_back(static_cast<std::uint32_t>(i));
  }
  for (std::size_t k = 0; k < kNumLayers; ++k) {
    for (const std::uint32_t i : touched_) {
      if (hops_[i] > k + 1) continue;
      neighbours_.clear();
      for (std::uint32_t e = graph.first_edge[i]; e < graph.first_edge[i + 1]; ++e) {
        if (graph.sources[e] >= begin) neighbours_.push_back(part_[k][graph.sources[e]]);
      }
      part_[k + 1][i] = intern_node(k, part_[k][i]);
    }
  }
}

void Unfolder::add_pool(const EncodedGraph& graph, std::uint32_t begin, std::uint32_t end,
                        const std::vector<std::uint32_t>& last) {
  IndexLists& pools = result_.pools;
  counts_.resize(std::max(counts_.size(), result_.layers[kNumLayers - 1].own.size()), 0U);
  touched_.clear();
  PartSums sums;
  for (std::uint32_t i = begin; i < end; ++i) {
    if (counts_[last[i]]++ == 0) touched_.push_back(last[i]);
    sums.add(table_->rows()[graph.rows[i]]);
  }
  const float share = end > begin ? 1.0F / static_cast<float>(end - begin) : 0;
  for (const std::uint32_t row : touched_) {
    pools.indices.push_back(row);
    pools.weights.push_back(static_cast<float>(counts_[row]) * share);
    counts_[row] = 0;
  }
  pools.close();
  result_.sums.push_back(sums);
}

void Unfolder::add_cuts(const EncodedGraph& graph, std::span<const CutRange> cuts) {
  const auto n = static_cast<std::uint32_t>(graph.num_nodes());
  unfold_whole(graph);
  for (const CutRange& cut : cuts) {
    AUTOGO_CHECK(cut.begin <= cut.end && cut.end <= n);
    add_pool(graph, 0, cut.begin, whole_[kNumLayers]);
    unfold_segment(graph, cut);
    add_pool(graph, cut.begin, cut.end, part_[kNumLayers]);
    unfold_successor(graph, cut.end);
    add_pool(graph, cut.end, n, part_[kNumLayers]);
  }
}

void Unfolder::add_whole(const EncodedGraph& graph) {
  unfold_whole(graph);
  add_pool(graph, 0, static_cast<std::uint32_t>(graph.num_nodes()), whole_[kNumLayers]);
}

}  // namespace autogo
