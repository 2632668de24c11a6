// Exact canonical ranks by individualisation and refinement.
//
// Colour refinement leaves ties where a network is symmetrical: twin branches, the fifteen equal
// cells of NAS-Bench-201 with two equal edges each. Which of two tied nodes comes first may be
// chosen freely if an automorphism exchanges them, and must be tried both ways otherwise. The
// textbook search tree has a leaf for every automorphism, 2^15 for the network above, so the whole
// art is to see automorphisms early:
//
//   1. Take the smallest tied cell W. For each v in W, give v a cell of its own and refine. What
//      happened is hashed; only the members with the smallest hash stay.
//   2. Compare two members u, v by their refined partitions. Cells of one element say which node
//      maps to which, nodes swap with their image, and the rest stays where it is. If this map
//      preserves every edge (O(E), no luck involved) it is an automorphism, and v is dropped. So
//      branches that merely swap cost one refinement of their own length.
//   3. If not (symmetries inside symmetries), break the remaining ties on both sides greedily and
//      compare the discrete partitions in the same way. Greedy is enough where cells are orbits,
//      which holds for trees of branches.
//   4. Members that no automorphism was found for are all explored, and the least certificate
//      wins. This keeps the search exact whatever 2 and 3 miss.
//   5. If u swaps with every other member of W, leaving the others alone, then every permutation
//      of W is an automorphism and its members are ranked at once: k equal branches cost k
//      refinements, not k^2.
//
// Worst case exponential (as every such search), on graphs made for it; the smallest cell first
// keeps the tree of nested symmetries shallow. After B. McKay and A. Piperno, "Practical graph
// isomorphism, II" (2014), reduced to what networks need: no base change, no Schreier-Sims.
// Tested by tests/graph/canonical_test.cc, against brute force over all permutations.
#include "canonical_search.h"

#include <algorithm>
#include <numeric>

#include "autogo/base/error.h"
#include "canonical_partition.h"

namespace autogo {
namespace {

using Permutation = std::vector<std::uint32_t>;
constexpr std::uint32_t kUnmapped = 0xffffffffU;

/// Groups the members of a cell that automorphisms are known to exchange.
class Orbits {
 public:
  explicit Orbits(std::uint32_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0U); }
  std::uint32_t find(std::uint32_t v) {
    while (parent_[v] != v) v = parent_[v] = parent_[parent_[v]];
    return v;
  }
  void join(const Permutation& automorphism) {
    for (std::uint32_t v = 0; v < automorphism.size(); ++v) {
      parent_[find(v)] = find(automorphism[v]);
    }
  }

 private:
  std::vector<std::uint32_t> parent_;
};

/// One way to break a tie, and what became of the partition.
struct Branch {
  std::uint32_t node = 0;
  std::vector<std::uint32_t> elements, cells;  ///< of the partition after refinement
  std::vector<std::uint32_t> picks, leaf;      ///< greedy descent from there; empty until needed
};

/// Which branches of a cell have to be explored.
struct Choice {
  std::vector<Branch> branches;  ///< one for each orbit known
  bool interchangeable = false;  ///< every permutation of the cell is an automorphism
};

class Search {
 public:
  Search(const Wiring& wiring, std::span<const std::uint64_t> colours)
      : wiring_(wiring), partition_(wiring, colours) {}

  Permutation best_leaf();

 private:
  Choice choose(std::uint32_t cell);
  bool exchanges(Branch& left, std::uint32_t right, std::size_t mark, Permutation& map);
  bool swap_map(const Branch& left, Permutation& map);
  bool greedy_map(Branch& left, std::uint32_t right, std::size_t mark, Permutation& map);
  Permutation explore(const Choice& choice);
  bool is_automorphism(const Permutation& map);
  bool inputs_map(std::uint32_t from, std::uint32_t to, const Permutation& map);
  std::vector<std::uint64_t> certificate(const Permutation& leaf) const;

  const Wiring& wiring_;
  Partition partition_;
  std::vector<std::uint64_t> mapped_, actual_;  ///< scratch of inputs_map
};

/// The leaf with the least certificate below the current partition, which is left as it was.
Permutation Search::best_leaf() {
  const std::size_t mark = partition_.mark();
  Permutation leaf;
  for (;;) {
    const auto tie = partition_.smallest_tie();
    if (!tie) {
      leaf = partition_.elements();
      break;
    }
    const Choice choice = choose(*tie);
    if (choice.branches.size() > 1) {
      leaf = explore(choice);
      break;
    }
    if (!choice.interchangeable) {
      partition_.individualise(choice.branches[0].node);
      continue;
    }
    const auto span = partition_.members(*tie);
    const std::vector<std::uint32_t> members(span.begin(), span.end());
    for (std::size_t i = 0; i + 1 < members.size(); ++i) partition_.individualise(members[i]);
  }
  partition_.undo(mark);
  return leaf;
}

/// Steps 1 to 3 and the test of step 5 for one cell. Leaves the partition as it was.
Choice Search::choose(std::uint32_t cell) {
  const auto span = partition_.members(cell);
  const std::vector<std::uint32_t> members(span.begin(), span.end());
  const std::size_t mark = partition_.mark();
  Choice choice;
  Orbits orbits(wiring_.size());
  std::uint64_t least = 0;
  std::size_t swaps = 0;
  Permutation map;
  for (const std::uint32_t v : members) {
    const auto known = [&](const Branch& b) { return orbits.find(b.node) == orbits.find(v); };
    if (std::any_of(choice.branches.begin(), choice.branches.end(), known)) continue;

    const std::uint64_t trace = partition_.individualise(v);
    if (choice.branches.empty() || trace < least) {
      choice.branches.clear();
      least = trace;
      swaps = 0;
    }
    if (trace == least) {
      bool found = false;
      for (Branch& branch : choice.branches) {
        if (!exchanges(branch, v, mark, map)) continue;
        found = true;
        orbits.join(map);
        const auto stays = [&](std::uint32_t w) { return map[w] == w; };
        const bool swap = map[v] == branch.node && map[branch.node] == v;
        if (swap && std::count_if(members.begin(), members.end(), stays) + 2 ==
                        static_cast<std::ptrdiff_t>(members.size())) {
          ++swaps;
        }
        break;
      }
      if (!found) choice.branches.push_back({v, partition_.elements(), partition_.cells(), {}, {}});
    }
    partition_.undo(mark);
  }
  choice.interchangeable = choice.branches.size() == 1 && swaps + 1 == members.size();
  return choice;
}

/// Looks for an automorphism that takes left.node to `right`, which has just been individualised
/// in the partition as it was at `mark`. The partition is that one again afterwards.
bool Search::exchanges(Branch& left, std::uint32_t right, std::size_t mark, Permutation& map) {
  return swap_map(left, map) || greedy_map(left, right, mark, map);
}

/// Step 2.
bool Search::swap_map(const Branch& left, Permutation& map) {
  const std::uint32_t n = wiring_.size();
  map.assign(n, kUnmapped);
  const std::vector<std::uint32_t>& elements = partition_.elements();
  // Images of those that both sides know alone.
  for (std::uint32_t p = 0; p < n; ++p) {
    const std::uint32_t from = left.elements[p], to = elements[p];
    if (left.cells[from] == p && partition_.cell_of(to) == p && partition_.cell_size(p) == 1 &&
        (p + 1 == n || left.cells[left.elements[p + 1]] != p)) {
      map[from] = to;
    }
  }
  for (std::uint32_t v = 0; v < n; ++v) {
    const std::uint32_t to = map[v];
    if (to != kUnmapped && to != v && map[to] == kUnmapped) map[to] = v;
  }
  for (std::uint32_t v = 0; v < n; ++v) {
    if (map[v] == kUnmapped) map[v] = v;
  }
  return is_automorphism(map);
}

/// Step 3. Redoes the right side, because its partition goes down to a leaf and back.
bool Search::greedy_map(Branch& left, std::uint32_t right, std::size_t mark, Permutation& map) {
  if (left.leaf.empty()) {
    partition_.undo(mark);
    partition_.individualise(left.node);
    while (const auto tie = partition_.smallest_tie()) {
      left.picks.push_back(partition_.members(*tie)[0]);
      partition_.individualise(left.picks.back());
    }
    left.leaf = partition_.elements();
    partition_.undo(mark);
    partition_.individualise(right);
  }
  for (std::size_t i = 0;; ++i) {
    const auto tie = partition_.smallest_tie();
    if (!tie || i == left.picks.size()) break;
    // The same node as on the left where it is still tied: what need not move stays.
    const bool shared = partition_.cell_of(left.picks[i]) == *tie;
    partition_.individualise(shared ? left.picks[i] : partition_.members(*tie)[0]);
  }
  bool found = false;
  if (partition_.discrete()) {
    map.resize(wiring_.size());
    for (std::size_t p = 0; p < map.size(); ++p) map[left.leaf[p]] = partition_.elements()[p];
    found = is_automorphism(map);
  }
  partition_.undo(mark);
  partition_.individualise(right);
  return found;
}

/// Step 4.
Permutation Search::explore(const Choice& choice) {
  Permutation best;
  std::vector<std::uint64_t> best_certificate;
  const std::size_t mark = partition_.mark();
  for (const Branch& branch : choice.branches) {
    partition_.individualise(branch.node);
    Permutation leaf = best_leaf();
    partition_.undo(mark);
    std::vector<std::uint64_t> text = certificate(leaf);
    if (best.empty() || text < best_certificate) {
      best = std::move(leaf);
      best_certificate = std::move(text);
    }
  }
  return best;
}

/// Is `map` a bijection that preserves identities and inputs? Only what moves is looked at; an
/// unmoved consumer of a moved node is.
bool Search::is_automorphism(const Permutation& map) {
  std::vector<std::uint8_t> taken(map.size(), 0);
  for (const std::uint32_t to : map) {
    if (taken[to]++ != 0) return false;
  }
  for (std::uint32_t v = 0; v < map.size(); ++v) {
    if (map[v] == v) continue;
    if (!inputs_map(v, map[v], map)) return false;
    for (const Wiring::Edge& e : wiring_.out(v)) {
      if (map[e.node] == e.node && !inputs_map(e.node, e.node, map)) return false;
    }
  }
  return true;
}

/// Are the inputs of `to` the images of those of `from`?
bool Search::inputs_map(std::uint32_t from, std::uint32_t to, const Permutation& map) {
  const auto a = wiring_.in(from), b = wiring_.in(to);
  if (wiring_.identity[from] != wiring_.identity[to] || a.size() != b.size()) return false;
  mapped_.clear();
  actual_.clear();
  for (std::size_t i = 0; i < a.size(); ++i) {
    mapped_.push_back((std::uint64_t{map[a[i].node]} << 32) | a[i].port);
    actual_.push_back((std::uint64_t{b[i].node} << 32) | b[i].port);
  }
  if (wiring_.commutative[from] != 0) {
    std::sort(mapped_.begin(), mapped_.end());
    std::sort(actual_.begin(), actual_.end());
  }
  return mapped_ == actual_;
}

/// The inputs of all nodes, in the numbering of the leaf. Identities need not be written: nodes of
/// the same rank have the same in every leaf.
std::vector<std::uint64_t> Search::certificate(const Permutation& leaf) const {
  Permutation rank(leaf.size());
  for (std::uint32_t p = 0; p < leaf.size(); ++p) rank[leaf[p]] = p;
  std::vector<std::uint64_t> text;
  text.reserve(wiring_.in_edges.size());
  for (const std::uint32_t v : leaf) {
    const auto begin = static_cast<std::ptrdiff_t>(text.size());
    for (const Wiring::Edge& e : wiring_.in(v)) {
      text.push_back((std::uint64_t{rank[e.node]} << 32) | e.port);
    }
    if (wiring_.commutative[v] != 0) std::sort(text.begin() + begin, text.end());
  }
  return text;
}

}  // namespace

std::vector<std::uint32_t> canonical_ranks(const Wiring& wiring,
                                           std::span<const std::uint64_t> colours) {
  return Search(wiring, colours).best_leaf();
}

}  // namespace autogo
