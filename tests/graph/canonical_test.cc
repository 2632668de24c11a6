#include "autogo/graph/canonical.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "autogo/corpus/networks.h"
#include "graph_support.h"

namespace autogo {
namespace {

using namespace testing;  // NOLINT: test helpers of this folder
using enum OpKind;

constexpr std::uint64_t kSeed = 20240607;

/// Order and hash must not see the numbering: the graph written in its canonical order is the same
/// text for every renumbering.
void expect_numbering_does_not_matter(const Graph& g, std::uint64_t seed, int times = 5) {
  for (const NodeIdentity identity : {NodeIdentity::kFull, NodeIdentity::kSegment}) {
    const bool keep_ports = identity == NodeIdentity::kFull;
    const Canonical canonical = canonicalize(g, identity);
    const std::string text = dump(in_order(g, canonical.order));
    Rng rng(seed);
    for (int i = 0; i < times; ++i) {
      const Graph other = renumbered(g, rng, keep_ports);
      const Canonical again = canonicalize(other, identity);
      ASSERT_EQ(again.hash, canonical.hash) << "seed " << seed << ", renumbering " << i;
      ASSERT_EQ(dump(in_order(other, again.order)), text) << "seed " << seed << ", " << i;
    }
  }
}

ValueId relu_conv_norm(Graph& g, ValueId x, std::int32_t kernel, std::int32_t channels) {
  x = g.add(kRelu, {}, {x});
  x = g.add(kConv, conv_attrs(channels, kernel), {x});
  return g.add(kBatchNorm, {}, {x});
}

/// A NAS-Bench-201 network of `cells` equal cells with operation 3x3 convolution on every edge but
/// those of `skip`, bit by edge: symmetric wherever two edges lead from one node to one add.
Graph cell_network(int cells, unsigned skip = 0) {
  Graph g;
  ValueId x = g.add_input(map_type(3, 32, 32));
  x = g.add(kConv, conv_attrs(16), {x});
  for (int c = 0; c < cells; ++c) {
    std::vector<ValueId> nodes{x};
    unsigned edge = 0;
    for (std::size_t to = 1; to < 4; ++to) {
      std::vector<ValueId> terms;
      for (std::size_t from = 0; from < to; ++from, ++edge) {
        terms.push_back((skip >> edge & 1U) != 0 ? nodes[from]
                                                 : relu_conv_norm(g, nodes[from], 3, 16));
      }
      nodes.push_back(terms.size() == 1 ? terms[0] : g.add(kAdd, {}, std::span(terms)));
    }
    x = nodes.back();
  }
  g.add_output(g.add(kGlobalAvgPool, {}, {x}));
  return g;
}

/// `fan` parallel branches that each hold such a bundle again, `depth` deep.
ValueId nested_branches(Graph& g, ValueId x, int fan, int depth) {
  if (depth == 0) return g.add(kRelu, {}, {x});
  std::vector<ValueId> ends;
  for (int i = 0; i < fan; ++i) {
    ends.push_back(nested_branches(g, g.add(kSigmoid, {}, {x}), fan, depth - 1));
  }
  return g.add(kAdd, {}, std::span(ends));
}

/// One relu a vertex, one two-operand node an edge, all joined in the end: isomorphic to each other
/// exactly when the undirected graphs are.
Graph of_edges(int vertices, const std::vector<std::pair<int, int>>& edges) {
  Graph g;
  const ValueId in = g.add_input(map_type());
  std::vector<ValueId> v, ends;
  for (int i = 0; i < vertices; ++i) v.push_back(loose(g, kRelu, {in}));
  for (const auto& [a, b] : edges) {
    ends.push_back(
        loose(g, kMul, {v[static_cast<std::size_t>(a)], v[static_cast<std::size_t>(b)]}));
  }
  g.add_output(loose(g, kAdd, ends));
  return g;
}

Graph random_small(Rng& rng, std::uint32_t nodes) {
  Graph g;
  std::vector<ValueId> values{g.add_input(map_type())};
  if (rng.below(3) == 0) values.push_back(g.add_input(map_type()));
  while (g.num_nodes() + 1 < nodes) {
    constexpr std::array<OpKind, 4> kOps = {kRelu, kAdd, kAdd, kConcat};
    const OpKind op = kOps[rng.below(kOps.size())];
    std::vector<ValueId> inputs;
    const std::uint64_t arity = op == kRelu ? 1 : 1 + rng.below(3);
    for (std::uint64_t i = 0; i < arity; ++i) inputs.push_back(values[rng.below(values.size())]);
    values.push_back(loose(g, op, inputs));
  }
  g.add_output(values.back());
  return g;
}

TEST(Canonical, AgreesWithBruteForceOnSmallGraphs) {
  for (const std::uint32_t nodes : {4U, 5U, 6U, 7U, 8U}) {
    const std::uint64_t seed = kSeed + nodes;
    Rng rng(seed);
    std::vector<Graph> graphs;
    for (int i = 0; i < 150; ++i) {
      graphs.push_back(random_small(rng, nodes));
      // Renumbered relatives make isomorphic pairs common at every size.
      if (i % 3 == 0) graphs.push_back(renumbered(graphs.back(), rng, i % 2 == 0));
    }
    for (const NodeIdentity identity : {NodeIdentity::kFull, NodeIdentity::kSegment}) {
      const bool ordered = identity == NodeIdentity::kFull;
      std::vector<std::uint64_t> hashes;
      for (const Graph& g : graphs) hashes.push_back(canonical_hash(g, identity));
      int equal = 0;
      for (std::size_t i = 0; i < graphs.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          const bool same = isomorphic_by_trial(graphs[i], graphs[j], ordered);
          equal += same ? 1 : 0;
          ASSERT_EQ(hashes[i] == hashes[j], same)
              << "seed " << seed << ", graphs " << i << " and " << j << "\n"
              << dump(graphs[i]) << dump(graphs[j]);
        }
      }
      EXPECT_GT(equal, 40);
    }
  }
}

TEST(Canonical, NumberingDoesNotMatterOnRandomGraphs) {
  for (std::uint64_t seed = kSeed; seed < kSeed + 60; ++seed) {
    Rng rng(seed);
    expect_numbering_does_not_matter(random_small(rng, 10 + static_cast<std::uint32_t>(seed % 50)),
                                     seed);
  }
}

TEST(Canonical, NumberingDoesNotMatterOnCellNetworks) {
  for (unsigned skip = 0; skip < 64; skip += 3) {
    expect_numbering_does_not_matter(cell_network(15, skip), kSeed + skip, 2);
  }
}

TEST(Canonical, NumberingDoesNotMatterOnRealNetworks) {
  std::set<std::uint64_t> hashes;
  for (const SampleNetwork& network : sample_networks()) {
    SCOPED_TRACE(network.name);
    const Graph g = network.build();
    expect_numbering_does_not_matter(g, kSeed, 2);
    hashes.insert(canonical_hash(g));
  }
  EXPECT_EQ(hashes.size(), sample_networks().size());
}

TEST(Canonical, TellsCycleCoversApart) {
  // Unions of cycles of 12 vertices are alike to colour refinement, whatever the lengths.
  const std::vector<std::vector<int>> covers = {
      {12}, {3, 9}, {4, 8}, {5, 7}, {6, 6}, {3, 3, 6}, {3, 4, 5}, {4, 4, 4}, {3, 3, 3, 3}};
  std::set<std::uint64_t> hashes;
  for (const auto& lengths : covers) {
    std::vector<std::pair<int, int>> edges;
    int first = 0;
    for (const int length : lengths) {
      for (int i = 0; i < length; ++i) edges.emplace_back(first + i, first + (i + 1) % length);
      first += length;
    }
    const Graph g = of_edges(12, edges);
    expect_numbering_does_not_matter(g, kSeed);
    hashes.insert(canonical_hash(g));
  }
  EXPECT_EQ(hashes.size(), covers.size());
}

using Edges = std::vector<std::pair<int, int>>;

/// Steps of a Cayley graph on Z4 x Z4, vertices from `first` on.
Edges cayley(const std::set<std::pair<int, int>>& steps, int first) {
  Edges edges;
  for (int a = 0; a < 16; ++a) {
    for (int b = a + 1; b < 16; ++b) {
      const std::pair step(((a % 4) - (b % 4) + 4) % 4, ((a / 4) - (b / 4) + 4) % 4);
      if (steps.contains(step)) edges.emplace_back(first + a, first + b);
    }
  }
  return edges;
}

// Both strongly regular with parameters (16, 6, 2, 2): refinement cannot tell them apart, not even
// after one vertex has been individualised.
Edges rook(int first) { return cayley({{0, 1}, {0, 2}, {0, 3}, {1, 0}, {2, 0}, {3, 0}}, first); }
Edges shrikhande(int first) {
  return cayley({{0, 1}, {0, 3}, {1, 0}, {3, 0}, {1, 1}, {3, 3}}, first);
}

TEST(Canonical, TellsStronglyRegularGraphsApart) {
  ASSERT_EQ(rook(0).size(), 48U);
  ASSERT_EQ(shrikhande(0).size(), 48U);
  const Graph a = of_edges(16, rook(0)), b = of_edges(16, shrikhande(0));
  EXPECT_NE(canonical_hash(a), canonical_hash(b));
  expect_numbering_does_not_matter(a, kSeed);
  expect_numbering_does_not_matter(b, kSeed);
}

TEST(Canonical, ExploresWhatNoAutomorphismExchanges) {
  // One tied cell of 32 with two orbits that look the same to refinement: whichever is tried first,
  // the other has to be tried too.
  const auto both = [](Edges a, const Edges& b) {
    a.insert(a.end(), b.begin(), b.end());
    return of_edges(32, a);
  };
  const Graph mixed = both(rook(0), shrikhande(16));
  expect_numbering_does_not_matter(mixed, kSeed);
  EXPECT_EQ(canonical_hash(mixed), canonical_hash(both(shrikhande(0), rook(16))));
  EXPECT_NE(canonical_hash(mixed), canonical_hash(both(rook(0), rook(16))));
  EXPECT_NE(canonical_hash(mixed), canonical_hash(both(shrikhande(0), shrikhande(16))));
}

TEST(Canonical, RandomRegularGraphs) {
  // Cubic graphs from random perfect matchings on a cycle: refinement sees nothing.
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = kSeed; seed < kSeed + 20; ++seed) {
    Rng rng(seed);
    std::vector<int> half(20);
    std::iota(half.begin(), half.end(), 0);
    rng.shuffle(half);
    std::vector<std::pair<int, int>> edges;
    for (int i = 0; i < 20; ++i) edges.emplace_back(i, (i + 1) % 20);
    for (std::size_t i = 0; i < 20; i += 2) edges.emplace_back(half[i], half[i + 1]);
    const Graph g = of_edges(20, edges);
    hashes.insert(canonical_hash(g));
    expect_numbering_does_not_matter(g, seed, 3);
  }
  EXPECT_GT(hashes.size(), 15U);
}

TEST(Canonical, ManyAutomorphismsStayCheap) {
  // Unpruned, each of these has at least 2^20 leaves: the test would not end.
  Graph wide;
  nested_branches(wide, wide.add_input(map_type()), 60, 1);  // 60!
  expect_numbering_does_not_matter(wide, kSeed);
  Graph deep;
  nested_branches(deep, deep.add_input(map_type()), 2, 6);  // 2^63
  expect_numbering_does_not_matter(deep, kSeed, 2);
  Graph mixed;
  nested_branches(mixed, mixed.add_input(map_type()), 4, 3);
  expect_numbering_does_not_matter(mixed, kSeed, 2);
  expect_numbering_does_not_matter(cell_network(40), kSeed, 2);

  Graph chain;  // 20 twins in a row
  ValueId x = chain.add_input(map_type());
  for (int i = 0; i < 20; ++i) x = nested_branches(chain, x, 2, 1);
  chain.add_output(x);
  expect_numbering_does_not_matter(chain, kSeed);
}

// With a step for each of n ties that looks at all of the graph this takes minutes.
TEST(Canonical, ManyTiesTakeNoSquareOfThem) {
  constexpr int kTies = 20'000;
  Graph star;
  const ValueId in = star.add_input(map_type());
  std::vector<ValueId> all;
  for (int i = 0; i < kTies; ++i) all.push_back(loose(star, kRelu, {in}));
  star.add_output(loose(star, kAdd, all));
  EXPECT_EQ(canonical_order(star).size(), star.num_nodes());
  Graph chain;
  ValueId x = chain.add_input(map_type());
  for (int i = 0; i < kTies; ++i) x = nested_branches(chain, x, 3, 1);
  chain.add_output(x);
  EXPECT_EQ(canonical_order(chain).size(), chain.num_nodes());
}

TEST(Canonical, CompleteBipartiteStaysCheap) {
  Graph g;
  const ValueId in = g.add_input(map_type());
  std::vector<ValueId> layer(12, in);
  for (int depth = 0; depth < 3; ++depth) {
    std::vector<ValueId> next;
    for (int i = 0; i < 12; ++i) next.push_back(loose(g, kAdd, layer));
    layer = next;
  }
  g.add_output(loose(g, kAdd, layer));
  expect_numbering_does_not_matter(g, kSeed, 2);
}

TEST(Canonical, OneAttributeChangesTheHash) {
  const Graph g = cell_network(3);
  const std::uint64_t before = canonical_hash(g);
  for (std::uint32_t v = 0; v < g.num_nodes(); ++v) {
    Graph changed;
    for (std::uint32_t u = 0; u < g.num_nodes(); ++u) {
      const Node& node = g.node(NodeId{u});
      Attrs attrs = node.attrs;
      if (u == v) attrs.epsilon += 1e-5F;
      std::vector<Value> outputs;
      if (node.num_outputs > 0) outputs.push_back(g.value(g.output(NodeId{u})));
      changed.add_typed(node.op, attrs, g.inputs(NodeId{u}), outputs);
    }
    EXPECT_NE(canonical_hash(changed), before) << "node " << v;
    // Epsilon is not what a segment is told apart by.
    EXPECT_EQ(canonical_hash(changed, NodeIdentity::kSegment),
              canonical_hash(g, NodeIdentity::kSegment));
  }
}

TEST(Canonical, OneEdgeChangesTheHash) {
  const auto network = [](std::uint32_t moved) {
    Graph g;
    std::vector<ValueId> v{g.add_input(map_type())};
    for (int i = 0; i < 6; ++i) v.push_back(g.add(kRelu, {}, {v.back()}));
    g.add_output(g.add(kAdd, {}, {v[moved], v.back()}));
    return canonical_hash(g);
  };
  std::set<std::uint64_t> hashes;
  for (std::uint32_t moved = 0; moved < 6; ++moved) hashes.insert(network(moved));
  EXPECT_EQ(hashes.size(), 6U);
}

TEST(Canonical, OperandOrderCountsUnlessTheOperatorCommutes) {
  const auto joined = [](OpKind op, bool swap) {
    Graph g;
    const ValueId x = g.add_input(map_type());
    const ValueId a = g.add(kRelu, {}, {x}), b = g.add(kSigmoid, {}, {x});
    g.add_output(swap ? g.add(op, {}, {b, a}) : g.add(op, {}, {a, b}));
    return canonical_hash(g);
  };
  EXPECT_EQ(joined(kAdd, false), joined(kAdd, true));
  EXPECT_EQ(joined(kMul, false), joined(kMul, true));
  EXPECT_NE(joined(kConcat, false), joined(kConcat, true));
  EXPECT_NE(joined(kSub, false), joined(kSub, true));
  EXPECT_NE(joined(kAdd, false), joined(kMul, false));
}

TEST(Canonical, SameOperandTwiceIsNotTwoTwins) {
  const auto square = [](bool twins) {
    Graph g;
    const ValueId x = g.add_input(map_type());
    const ValueId a = g.add(kRelu, {}, {x}), b = twins ? g.add(kRelu, {}, {x}) : a;
    g.add_output(g.add(kMul, {}, {a, b}));
    return g;
  };
  EXPECT_NE(canonical_hash(square(false)), canonical_hash(square(true)));
  expect_numbering_does_not_matter(square(false), kSeed);
}

TEST(Canonical, OutputPortsOfANodeAreTold) {
  const auto split = [](bool swap) {
    Graph g;
    const std::array<ValueId, 1> in{g.add_input(map_type())};
    Attrs attrs;
    attrs.text = "Split";
    const std::array<Value, 2> outputs{Value{map_type(2)}, Value{map_type(2)}};
    const NodeId s = g.add_typed(kOpaque, attrs, in, outputs);
    const ValueId a = g.add(kRelu, {}, {g.output(s, swap ? 1 : 0)});
    g.add_output(g.add(kConcat, {}, {a, g.output(s, swap ? 0 : 1)}));
    return canonical_hash(g);
  };
  EXPECT_NE(split(false), split(true));
}

TEST(Canonical, PortsAreOrderedInNetworksAndNotInSegments) {
  const auto network = [](bool swap) {
    Graph g;
    ValueId x = g.add_input(map_type()), y = g.add_input(map_type());
    if (swap) std::swap(x, y);
    g.add_output(g.add(kSub, {}, {x, y}));
    return g;
  };
  EXPECT_NE(canonical_hash(network(false)), canonical_hash(network(true)));
  EXPECT_EQ(canonical_hash(network(false), NodeIdentity::kSegment),
            canonical_hash(network(true), NodeIdentity::kSegment));

  const auto outputs = [](bool swap) {
    Graph g;
    const ValueId x = g.add_input(map_type());
    ValueId a = g.add(kRelu, {}, {x}), b = g.add(kSigmoid, {}, {x});
    if (swap) std::swap(a, b);
    g.add_output(a);
    g.add_output(b);
    return g;
  };
  EXPECT_NE(canonical_hash(outputs(false)), canonical_hash(outputs(true)));
  EXPECT_EQ(canonical_hash(outputs(false), NodeIdentity::kSegment),
            canonical_hash(outputs(true), NodeIdentity::kSegment));
}

TEST(Canonical, SegmentsForgetSizesAndNetworksDoNot) {
  const auto network = [](std::int64_t size, std::int32_t channels) {
    Graph g;
    const ValueId x = g.add_input(map_type(4, size, size));
    g.add_output(g.add(kConv, conv_attrs(channels), {x}));
    return g;
  };
  EXPECT_EQ(canonical_hash(network(8, 4), NodeIdentity::kSegment),
            canonical_hash(network(16, 32), NodeIdentity::kSegment));
  EXPECT_NE(canonical_hash(network(8, 4)), canonical_hash(network(16, 4)));
  EXPECT_NE(canonical_hash(network(8, 4)), canonical_hash(network(8, 32)));
}

TEST(Canonical, NamesDoNotMatter) {
  Graph a, b;
  a.add_output(a.add(kRelu, {}, {a.add_input(map_type())}));
  const std::array<ValueId, 1> in{b.add_input(map_type(), 7, 9)};
  b.add_output(b.add(kRelu, {}, in, 3, 4), 5);
  EXPECT_EQ(canonical_hash(a), canonical_hash(b));
}

TEST(Canonical, HashIsStableAcrossVersions) {
  // It goes into files: segment ids, journals. Change it only with the versions of those.
  Graph g;
  const ValueId x = g.add_input(map_type());
  g.add_output(g.add(kConv, conv_attrs(8), {x}));
  EXPECT_EQ(canonical_hash(g), 4844012341088530503U);
  EXPECT_EQ(canonical_hash(g, NodeIdentity::kSegment), 14530266876508313474U);
}

std::string order_text(const Graph& g) {
  std::string text;
  for (const NodeId id : canonical_order(g, NodeIdentity::kSegment)) {
    text += (text.empty() ? "" : " ") + std::string(op_name(g.node(id).op));
  }
  return text;
}

TEST(CanonicalOrder, FollowsABranchToItsEnd) {
  Graph g;
  const ValueId x = g.add_input(map_type());
  std::vector<ValueId> ends;
  for (const auto& [first, second, third] :
       {std::array{kRelu, kSigmoid, kTanh}, std::array{kElu, kSelu, kMish},
        std::array{kGelu, kSwish, kRelu6}}) {
    ends.push_back(g.add(third, {}, {g.add(second, {}, {g.add(first, {}, {x})})}));
  }
  g.add_output(g.add(kAdd, {}, std::span(ends)));
  const std::string text = order_text(g);
  for (const char* branch : {"relu sigmoid tanh", "elu selu mish", "gelu swish relu6"}) {
    EXPECT_NE(text.find(branch), std::string::npos) << text;
  }
  EXPECT_EQ(text.substr(0, 6), "input ");
  EXPECT_EQ(text.substr(text.size() - 11), " add output");
}

TEST(CanonicalOrder, InputsComeFirstAndOutputsLast) {
  Graph g;
  const ValueId x = g.add_input(map_type());
  const ValueId a = g.add(kRelu, {}, {x});
  g.add_output(a);
  const ValueId y = g.add_input(map_type());
  g.add_output(g.add(kAdd, {}, {a, y}));
  EXPECT_EQ(order_text(g), "input input relu add output output");
}

TEST(CanonicalOrder, EqualCellsReadEqual) {
  // What follows is the same for every cell but the last.
  const Graph g = cell_network(8, 0b000100);
  const std::string text = order_text(g);
  std::vector<NodeId> order = canonical_order(g, NodeIdentity::kSegment);
  const std::size_t cell = (g.num_nodes() - 4) / 8;  // without input, stem, pool, output
  std::vector<std::string> cells;
  for (std::size_t c = 0; c < 8; ++c) {
    std::string ops;
    for (std::size_t i = 0; i < cell; ++i) {
      ops += std::string(op_name(g.node(order[2 + c * cell + i]).op)) + " ";
    }
    cells.push_back(ops);
  }
  for (std::size_t c = 1; c < 7; ++c) EXPECT_EQ(cells[c], cells[0]) << text;
}

TEST(CanonicalOrder, IsTopological) {
  for (std::uint64_t seed = kSeed; seed < kSeed + 50; ++seed) {
    Rng rng(seed);
    const Graph g = random_small(rng, 40);
    std::vector<std::size_t> place(g.num_nodes());
    const std::vector<NodeId> order = canonical_order(g);
    ASSERT_EQ(order.size(), g.num_nodes());
    for (std::size_t p = 0; p < order.size(); ++p) place[index(order[p])] = p;
    for (const NodeId id : order) {
      for (const ValueId v : g.inputs(id)) {
        EXPECT_LT(place[index(g.value(v).producer)], place[index(id)]) << "seed " << seed;
      }
    }
  }
}

TEST(Canonical, EmptyGraph) {
  const Canonical canonical = canonicalize(Graph{});
  EXPECT_TRUE(canonical.order.empty());
  EXPECT_NE(canonical.hash, canonical_hash(cell_network(1)));
}

}  // namespace
}  // namespace autogo
