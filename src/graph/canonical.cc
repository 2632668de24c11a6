// Canonical order and hash of a graph.
//
// Mining reads a network as a sequence of nodes (AutoGO, section 3.1) and its stated limit is that
// a topological order is not unique: the authors number the nodes as a framework wrote them and
// walk level by level, so parallel branches interleave, and the same cell gives other sequences in
// another file. Here the sequence depends on the isomorphism class alone, in three steps:
//
//   colours  Hashes of each node's surroundings: one pass over all ancestors and one over all
//            descendants. On most networks nearly every colour is unique.
//   ranks    Colour refinement and exact search over what is still tied (canonical_search.cc).
//   order    Kahn's algorithm with a stack: follow the branch just opened to its end, then the one
//            opened before it. Segments are runs of this order, so neighbours in it should be
//            neighbours in the graph. Inputs come first and outputs last, so that runs in between
//            hold operators only.
//
// Among the nodes that become ready together, the one with the least hash goes first: of itself,
// then of what follows within one edge, two, ... and only then the rank, which knows the whole
// graph. So the equal cells of a network (or of two) are walked in the same way, and mining finds
// them equal. Why this order: docs/decisions/0002-canonical-order.md.
//
// Operand order counts unless the operator commutes: then its inputs are a multiset and its
// producers see no slot. The hash is one of the certificate, that is of the whole graph written in
// canonical numbering, so two graphs with equal hashes are isomorphic but for 64-bit collisions.
// Cost: O((V + E) log V) when few ties remain. Tested by tests/graph/canonical_test.cc.
#include "autogo/graph/canonical.h"

#include <algorithm>
#include <array>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "canonical_search.h"
#include "canonical_wiring.h"

namespace autogo {
namespace {

using Hashes = std::vector<std::uint64_t>;

/// How far ahead the choice between branches looks before it looks everywhere. Three steps reach
/// from the first node of a relu-conv-bn branch to the add where it ends, six past the next one.
constexpr std::size_t kLookahead = 6;

std::uint64_t sum_edges(std::span<const Wiring::Edge> edges, const Hashes& hashes) {
  std::uint64_t sum = 0;
  for (const Wiring::Edge& e : edges) sum += mix64(hashes[e.node] ^ e.label);
  return sum;
}

using Levels = std::array<Hashes, kLookahead + 1>;

/// [0] is the identity, [r] a hash of what follows within r edges. What came before is left out:
/// the first cell of a network is to be walked like the second.
Levels lookahead(const Wiring& wiring) {
  Levels levels;
  levels[0] = wiring.identity;
  for (std::size_t r = 1; r <= kLookahead; ++r) {
    levels[r].resize(wiring.size());
    for (std::uint32_t v = 0; v < wiring.size(); ++v) {
      levels[r][v] = mix64(levels[0][v] + sum_edges(wiring.out(v), levels[r - 1]));
    }
  }
  return levels;
}

/// Hashes of all ancestors, then of all descendants with their ancestors. Node numbers are a
/// topological order, so that one pass each way does.
Hashes global_colours(const Wiring& wiring) {
  Hashes colours = wiring.identity;
  for (std::uint32_t v = 0; v < wiring.size(); ++v) {
    colours[v] = mix64(colours[v] + sum_edges(wiring.in(v), colours));
  }
  for (std::uint32_t v = wiring.size(); v-- > 0;) {
    colours[v] = mix64(colours[v] + sum_edges(wiring.out(v), colours));
  }
  return colours;
}

std::vector<NodeId> branch_order(const Graph& graph, const Wiring& wiring, const Levels& levels,
                                 const std::vector<std::uint32_t>& ranks) {
  const std::uint32_t n = wiring.size();
  std::vector<std::uint32_t> rank(n), waiting(n), stack, outputs;
  for (std::uint32_t p = 0; p < n; ++p) rank[ranks[p]] = p;
  const auto after = [&](std::uint32_t a, std::uint32_t b) {
    for (const Hashes& level : levels) {
      if (level[a] != level[b]) return level[a] > level[b];
    }
    return rank[a] > rank[b];
  };
  const auto is = [&](std::uint32_t v, OpKind op) { return graph.nodes()[v].op == op; };

  std::vector<NodeId> order;
  order.reserve(n);
  const auto place = [&](std::uint32_t v) {
    order.push_back(NodeId{v});
    const auto first = static_cast<std::ptrdiff_t>(stack.size());
    for (const Wiring::Edge& e : wiring.out(v)) {
      if (--waiting[e.node] == 0 && !is(e.node, OpKind::kOutput)) stack.push_back(e.node);
    }
    std::sort(stack.begin() + first, stack.end(), after);
  };
  // Nodes without inputs, in canonical order: inputs are placed, others start branches.
  for (std::uint32_t v = 0; v < n; ++v) {
    waiting[v] = static_cast<std::uint32_t>(wiring.in(v).size());
  }
  std::vector<std::uint32_t> inputs;
  for (const std::uint32_t v : ranks) {
    if (is(v, OpKind::kInput)) inputs.push_back(v);
    if (is(v, OpKind::kOutput)) outputs.push_back(v);
    if (!is(v, OpKind::kInput) && wiring.in(v).empty()) stack.push_back(v);
  }
  for (const std::uint32_t v : inputs) place(v);
  std::sort(stack.begin(), stack.end(), after);
  while (!stack.empty()) {
    const std::uint32_t v = stack.back();
    stack.pop_back();
    place(v);
  }
  for (const std::uint32_t v : outputs) order.push_back(NodeId{v});
  AUTOGO_CHECK(order.size() == n);
  return order;
}

std::uint64_t certificate_hash(const Wiring& wiring, const std::vector<NodeId>& order) {
  std::vector<std::uint32_t> place(wiring.size());
  for (std::uint32_t p = 0; p < order.size(); ++p) place[index(order[p])] = p;
  std::uint64_t h = mix64(wiring.size());
  std::vector<std::uint64_t> operands;
  for (const NodeId id : order) {
    const auto v = static_cast<std::uint32_t>(id);
    operands.clear();
    for (const Wiring::Edge& e : wiring.in(v)) {
      operands.push_back((std::uint64_t{place[e.node]} << 32) | e.port);
    }
    if (wiring.commutative[v] != 0) std::sort(operands.begin(), operands.end());
    h = hash_combine(h, wiring.identity[v]);
    for (const std::uint64_t operand : operands) h = hash_combine(h, operand);
  }
  return h;
}

}  // namespace

Canonical canonicalize(const Graph& graph, NodeIdentity identity) {
  const Wiring wiring(graph, identity);
  const Levels levels = lookahead(wiring);
  const Hashes colours = global_colours(wiring);
  Canonical result;
  result.order = branch_order(graph, wiring, levels, canonical_ranks(wiring, colours));
  result.hash = certificate_hash(wiring, result.order);
  return result;
}

std::vector<NodeId> canonical_order(const Graph& graph, NodeIdentity identity) {
  return canonicalize(graph, identity).order;
}

std::uint64_t canonical_hash(const Graph& graph, NodeIdentity identity) {
  return canonicalize(graph, identity).hash;
}

}  // namespace autogo
