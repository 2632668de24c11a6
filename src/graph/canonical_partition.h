#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "canonical_wiring.h"

namespace autogo {

/// An ordered partition of the nodes into cells, always equitable: two nodes of a cell have as many
/// neighbours over equal edges in every other cell. A cell is named by the position of its first
/// element, so the names do not depend on the node numbering, only on the structure.
class Partition {
 public:
  /// Cells of equal colour in the order of the colours, then refined.
  Partition(const Wiring& wiring, std::span<const std::uint64_t> colours);

  bool discrete() const { return num_cells_ == elements_.size(); }
  /// Nodes by position; in a discrete partition the position is the node's rank.
  const std::vector<std::uint32_t>& elements() const { return elements_; }
  std::uint32_t cell_of(std::uint32_t node) const { return cell_[node]; }
  std::span<const std::uint32_t> members(std::uint32_t cell) const {
    return {elements_.data() + cell, size_[cell]};
  }
  /// The smallest cell of two or more, the first of them; empty when discrete.
  std::optional<std::uint32_t> smallest_tie() const;

  /// Gives the node a cell of its own and refines. Requires a cell of two or more.
  /// @return a hash of everything that happened, equal for nodes that an automorphism exchanges
  std::uint64_t individualise(std::uint32_t node);

  /// A position whose cell has one element, and that element.
  struct Single {
    std::uint32_t position, node;
  };
  /// Cells of one element that were none at `mark`, by position.
  std::vector<Single> singles_since(std::size_t mark) const;

  /// A point to come back to: `undo` takes back what was split since.
  std::size_t mark() const { return splits_.size(); }
  void undo(std::size_t mark);

 private:
  struct Split {
    std::uint32_t cell, parent;
  };
  struct Touched {
    std::uint32_t cell, node;
    std::uint64_t key;
    bool operator<(const Touched& o) const { return cell != o.cell ? cell < o.cell : key < o.key; }
  };
  std::uint64_t refine();
  void touch_neighbours();
  void split_touched(std::size_t begin, std::size_t end);
  void new_cell(std::uint32_t cell, std::uint32_t size, std::uint32_t parent);
  void resize_cell(std::uint32_t cell, std::uint32_t size);

  const Wiring& wiring_;
  std::vector<std::uint32_t> elements_, position_, cell_, size_;
  std::vector<Split> splits_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> ties_;  ///< size and name of cells of two or more
  std::size_t num_cells_ = 0;
  std::vector<std::uint32_t> dirty_;  ///< nodes whose cell changed in the last round
  std::vector<Touched> touched_;      ///< their neighbours in cells of two or more
  std::vector<std::uint32_t> stamp_;  ///< round in which a node was touched last
  std::uint32_t round_ = 0;
};

}  // namespace autogo
