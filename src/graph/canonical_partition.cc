// Colour refinement on an ordered partition.
//
// A round looks only at nodes that have a neighbour whose cell has just changed and that are still
// tied themselves; each gets a key, the multiset of (edge label, neighbour's cell) as a sum of
// mixed 64-bit words. A cell falls apart by key: untouched members keep its place (none of their
// neighbours changed, so they still agree with each other and with nobody who was touched), the
// rest follow in the order of their keys. All keys of a round are computed before the first split,
// so the outcome depends on the structure and not on the order in which nodes are visited.
//
// Sums may collide. That merges what could have been told apart, alike in every numbering of the
// graph: refinement becomes weaker, and the exact search above it has more to do, never wrong.
//
// Cost: a round O(edges at changed nodes + t log t) for t touched nodes, so breaking the tie of two
// parallel branches costs as much as the branches are long, not as the network is. `undo` merges
// the splits back in reverse; the order of elements inside a cell is not restored and means
// nothing.
#include "canonical_partition.h"

#include <algorithm>
#include <numeric>

#include "autogo/base/rng.h"

namespace autogo {

Partition::Partition(const Wiring& wiring, std::span<const std::uint64_t> colours)
    : wiring_(wiring) {
  const std::uint32_t n = wiring.size();
  elements_.resize(n);
  position_.resize(n);
  cell_.resize(n);
  size_.assign(n, 0);
  stamp_.assign(n, 0);
  std::iota(elements_.begin(), elements_.end(), 0U);
  std::sort(elements_.begin(), elements_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return colours[a] < colours[b]; });
  std::uint32_t cell = 0;
  for (std::uint32_t p = 0; p < n; ++p) {
    const std::uint32_t v = elements_[p];
    if (p == 0 || colours[v] != colours[elements_[p - 1]]) {
      cell = p;
      ++num_cells_;
    }
    position_[v] = p;
    cell_[v] = cell;
    ++size_[cell];
  }
  for (std::uint32_t c = 0; c < n; c += size_[c]) {
    if (size_[c] > 1) ties_.emplace(size_[c], c);
  }
  if (discrete()) return;
  // In the first round every tied node counts as touched: its neighbours "changed" from nothing.
  dirty_ = elements_;
  refine();
}

std::optional<std::uint32_t> Partition::smallest_tie() const {
  return ties_.empty() ? std::nullopt : std::optional(ties_.begin()->second);
}

std::vector<Partition::Single> Partition::singles_since(std::size_t mark) const {
  std::vector<Single> singles;
  const auto add = [&](std::uint32_t cell) {
    if (size_[cell] == 1) singles.push_back({cell, elements_[cell]});
  };
  for (std::size_t i = mark; i < splits_.size(); ++i) {
    add(splits_[i].cell);
    add(splits_[i].parent);  // what is left of it
  }
  const auto position = [](const Single& s) { return s.position; };
  std::ranges::sort(singles, {}, position);
  const auto doubles = std::ranges::unique(singles, {}, position);
  singles.erase(doubles.begin(), doubles.end());
  return singles;
}

void Partition::resize_cell(std::uint32_t cell, std::uint32_t size) {
  if (size_[cell] > 1) ties_.erase({size_[cell], cell});
  size_[cell] = size;
  if (size > 1) ties_.emplace(size, cell);
}

std::uint64_t Partition::individualise(std::uint32_t node) {
  const std::uint32_t cell = cell_[node];
  const std::uint32_t last = cell + size_[cell] - 1;
  const std::uint32_t other = elements_[last];
  std::swap(elements_[last], elements_[position_[node]]);
  std::swap(position_[node], position_[other]);
  resize_cell(cell, size_[cell] - 1);
  new_cell(last, 1, cell);
  return refine();
}

/// Names the `size` elements from position `cell` on a cell of their own; `parent` has shrunk.
void Partition::new_cell(std::uint32_t cell, std::uint32_t size, std::uint32_t parent) {
  resize_cell(cell, size);
  for (std::uint32_t p = cell; p < cell + size; ++p) {
    cell_[elements_[p]] = cell;
    dirty_.push_back(elements_[p]);
  }
  splits_.push_back({cell, parent});
  ++num_cells_;
}

void Partition::undo(std::size_t mark) {
  while (splits_.size() > mark) {
    const Split split = splits_.back();
    splits_.pop_back();
    for (const std::uint32_t v : members(split.cell)) cell_[v] = split.parent;
    resize_cell(split.parent, size_[split.parent] + size_[split.cell]);
    resize_cell(split.cell, 0);
    --num_cells_;
  }
}

/// Fills touched_ with the tied neighbours of dirty_, keyed and sorted; empties dirty_.
void Partition::touch_neighbours() {
  touched_.clear();
  ++round_;
  const auto touch = [&](std::uint32_t v) {
    if (stamp_[v] == round_ || size_[cell_[v]] < 2) return;
    stamp_[v] = round_;
    std::uint64_t key = 0;
    for (const auto edges : {wiring_.in(v), wiring_.out(v)}) {
      for (const Wiring::Edge& e : edges) {
        key += mix64((std::uint64_t{cell_[e.node]} << 32) | e.label);
      }
    }
    touched_.push_back({cell_[v], v, key});
  };
  for (const std::uint32_t v : dirty_) {
    for (const Wiring::Edge& e : wiring_.in(v)) touch(e.node);
    for (const Wiring::Edge& e : wiring_.out(v)) touch(e.node);
  }
  dirty_.clear();
  std::sort(touched_.begin(), touched_.end());
}

/// Splits the cell of touched_[begin, end), all of it one cell, by key.
void Partition::split_touched(std::size_t begin, std::size_t end) {
  const std::uint32_t cell = touched_[begin].cell;
  const auto count = static_cast<std::uint32_t>(end - begin);
  const std::uint32_t size = size_[cell];
  if (count == size && touched_[begin].key == touched_[end - 1].key) return;

  // The touched ones to the cell's tail, in the order of their keys.
  std::uint32_t place = cell + size;
  for (std::size_t i = end; i-- > begin;) {
    const std::uint32_t v = touched_[i].node;
    const std::uint32_t other = elements_[--place];
    std::swap(elements_[place], elements_[position_[v]]);
    std::swap(position_[v], position_[other]);
  }
  std::size_t group = begin;
  for (std::size_t i = begin + 1; i <= end; ++i) {
    if (i < end && touched_[i].key == touched_[group].key) continue;
    const auto length = static_cast<std::uint32_t>(i - group);
    const std::uint32_t start = place + static_cast<std::uint32_t>(group - begin);
    if (start != cell) {  // else the group keeps the old name
      resize_cell(cell, size_[cell] - length);
      new_cell(start, length, cell);
    }
    group = i;
  }
}

/// Rounds until nothing changes, starting from dirty_. @return a hash of all keys seen
std::uint64_t Partition::refine() {
  std::uint64_t trace = 0;
  while (!dirty_.empty() && !discrete()) {
    touch_neighbours();
    for (std::size_t begin = 0; begin < touched_.size();) {
      std::size_t end = begin;
      while (end < touched_.size() && touched_[end].cell == touched_[begin].cell) {
        trace = hash_combine(trace ^ touched_[end].cell, touched_[end].key);
        ++end;
      }
      split_touched(begin, end);
      begin = end;
    }
  }
  dirty_.clear();
  return hash_combine(trace, num_cells_);
}

}  // namespace autogo
