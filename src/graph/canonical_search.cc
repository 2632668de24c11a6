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
//   6. Nothing that is done for one member looks at the whole graph: of the partition what was
//      split since the tie was broken, of a map what moves, of a node that many read or that reads
//      many only the edges that move. So n small ties, or one tie of n, cost n log n.
//
// Worst case exponential (as every such search), on graphs made for it; the smallest cell first
// keeps the tree of nested symmetries shallow. After B. McKay and A. Piperno, "Practical graph
// isomorphism, II" (2014), reduced to what networks need: no base change, no Schreier-Sims.
// Tested by tests/graph/canonical_test.cc, against brute force over all permutations.
#include "canonical_search.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "autogo/base/error.h"
#include "canonical_partition.h"

namespace autogo {
namespace {

using Permutation = std::vector<std::uint32_t>;

/// A map of the nodes to themselves; most stay where they are.
class NodeMap {
 public:
  explicit NodeMap(std::uint32_t n) : image_(n) { std::iota(image_.begin(), image_.end(), 0U); }
  std::uint32_t operator[](std::uint32_t v) const { return image_[v]; }
  bool moves(std::uint32_t v) const { return image_[v] != v; }
  /// In the order in which they were moved.
  const std::vector<std::uint32_t>& moved() const { return moved_; }
  /// Once for each v, to another node.
  void move(std::uint32_t v, std::uint32_t to) {
    image_[v] = to;
    moved_.push_back(v);
  }
  void clear() {
    for (const std::uint32_t v : moved_) image_[v] = v;
    moved_.clear();
  }

 private:
  Permutation image_;
  std::vector<std::uint32_t> moved_;
};

/// Groups the nodes that automorphisms are known to exchange.
class Orbits {
 public:
  std::uint32_t find(std::uint32_t v) const {
    for (auto it = parent_.find(v); it != parent_.end(); it = parent_.find(v)) v = it->second;
    return v;
  }
  void join(const NodeMap& automorphism) {
    for (const std::uint32_t v : automorphism.moved()) {
      const std::uint32_t a = find(v), b = find(automorphism[v]);
      if (a != b) parent_.emplace(std::max(a, b), std::min(a, b));
    }
  }

 private:
  std::unordered_map<std::uint32_t, std::uint32_t> parent_;  ///< of those that are no root
};

/// One way to break a tie, and what became of the partition.
struct Branch {
  std::uint32_t node = 0;
  std::vector<Partition::Single> singles;  ///< that breaking it made
  std::vector<std::uint32_t> picks, leaf;  ///< greedy descent from there; empty until needed
};

/// Which branches of a cell have to be explored.
struct Choice {
  std::vector<Branch> branches;  ///< one for each orbit known
  bool interchangeable = false;  ///< every permutation of the cell is an automorphism
};

class Search {
 public:
  Search(const Wiring& wiring, std::span<const std::uint64_t> colours)
      : wiring_(wiring), partition_(wiring, colours), map_(wiring.size()) {}

  Permutation best_leaf();

 private:
  Choice choose(std::uint32_t cell);
  bool exchanges(Branch& left, std::uint32_t right, std::size_t mark);
  bool swap_map(const Branch& left, std::size_t mark);
  bool greedy_map(Branch& left, std::uint32_t right, std::size_t mark);
  Permutation explore(const Choice& choice);
  bool is_automorphism();
  bool is_bijection() const;
  bool unmoved_readers_agree() const;
  bool inputs_map(std::uint32_t from, std::uint32_t to);
  std::vector<std::uint64_t> certificate(const Permutation& leaf) const;

  const Wiring& wiring_;
  Partition partition_;
  NodeMap map_;  ///< the one that exchanges() looks at
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
  std::vector<std::uint32_t> sorted = members;
  std::ranges::sort(sorted);
  const auto is_member = [&](std::uint32_t w) { return std::ranges::binary_search(sorted, w); };
  const std::size_t mark = partition_.mark();
  Choice choice;
  Orbits orbits;
  std::uint64_t least = 0;
  std::size_t swaps = 0;
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
        if (!exchanges(branch, v, mark)) continue;
        found = true;
        orbits.join(map_);
        const bool swap = map_[v] == branch.node && map_[branch.node] == v;
        if (swap && std::ranges::count_if(map_.moved(), is_member) == 2) ++swaps;
        break;
      }
      if (!found) choice.branches.push_back({v, partition_.singles_since(mark), {}, {}});
    }
    partition_.undo(mark);
  }
  choice.interchangeable = choice.branches.size() == 1 && swaps + 1 == members.size();
  return choice;
}

/// Looks for an automorphism, into map_, that takes left.node to `right`, which has just been
/// individualised in the partition as it was at `mark`. The partition is that one again afterwards.
bool Search::exchanges(Branch& left, std::uint32_t right, std::size_t mark) {
  return swap_map(left, mark) || greedy_map(left, right, mark);
}

/// Step 2.
bool Search::swap_map(const Branch& left, std::size_t mark) {
  map_.clear();
  // Images of those that both sides know alone; both lists are sorted by position.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> images;
  std::vector<std::uint32_t> known;
  auto other = left.singles.begin();
  for (const Partition::Single& single : partition_.singles_since(mark)) {
    while (other != left.singles.end() && other->position < single.position) ++other;
    if (other == left.singles.end() || other->position != single.position) continue;
    known.push_back(other->node);
    if (other->node != single.node) images.emplace_back(other->node, single.node);
  }
  std::ranges::sort(known);
  for (const auto& [from, to] : images) map_.move(from, to);
  for (const auto& [from, to] : images) {
    if (!std::ranges::binary_search(known, to)) map_.move(to, from);
  }
  return is_automorphism();
}

/// Step 3. Redoes the right side, because its partition goes down to a leaf and back.
bool Search::greedy_map(Branch& left, std::uint32_t right, std::size_t mark) {
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
    map_.clear();
    for (std::size_t p = 0; p < left.leaf.size(); ++p) {
      const std::uint32_t from = left.leaf[p], to = partition_.elements()[p];
      if (from != to) map_.move(from, to);
    }
    found = is_automorphism();
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

/// Is map_ a bijection that preserves identities and inputs? Only what moves is looked at, and of
/// what stays the readers of what moves.
bool Search::is_automorphism() {
  if (!is_bijection()) return false;
  for (const std::uint32_t v : map_.moved()) {
    if (!inputs_map(v, map_[v])) return false;
  }
  return unmoved_readers_agree();
}

bool Search::is_bijection() const {
  std::vector<std::uint32_t> from = map_.moved(), to;
  for (const std::uint32_t v : from) to.push_back(map_[v]);
  std::ranges::sort(from);
  std::ranges::sort(to);
  return from == to;
}

/// A reader that stays reads the same after the map: impossible where the order of its inputs
/// counts; else what it reads of the moved nodes is the same taken together.
bool Search::unmoved_readers_agree() const {
  using Read = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // reader, node, port
  std::vector<Read> before, after;
  for (const std::uint32_t v : map_.moved()) {
    for (const Wiring::Edge& e : wiring_.out(v)) {
      if (map_.moves(e.node)) continue;
      if (wiring_.commutative[e.node] == 0) return false;
      before.emplace_back(e.node, v, e.port);
      after.emplace_back(e.node, map_[v], e.port);
    }
  }
  std::ranges::sort(before);
  std::ranges::sort(after);
  return before == after;
}

/// Are the inputs of `to` the images of those of `from`?
bool Search::inputs_map(std::uint32_t from, std::uint32_t to) {
  const auto a = wiring_.in(from), b = wiring_.in(to);
  if (wiring_.identity[from] != wiring_.identity[to] || a.size() != b.size()) return false;
  mapped_.clear();
  actual_.clear();
  for (std::size_t i = 0; i < a.size(); ++i) {
    mapped_.push_back((std::uint64_t{map_[a[i].node]} << 32) | a[i].port);
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
