#include "fingerprint.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "collector.h"
#include "segment_support.h"

namespace autogo {
namespace {

using namespace testing;

struct Keyed {
  Graph graph;
  std::vector<NodeId> order;
  explicit Keyed(Graph g) : graph(std::move(g)) {
    for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) order.push_back(NodeId{n});
  }
  Fingerprinter::Keys keys(std::uint32_t begin, std::uint32_t length) const {
    return Fingerprinter(graph, Uses(graph), order).keys({begin, length});
  }
};

TEST(Fingerprint, StructureIgnoresSizesAndExactDoesNot) {
  const Keyed narrow(chain(3, 8)), wide(chain(3, 16));
  EXPECT_EQ(narrow.keys(1, 3).structure, wide.keys(1, 3).structure);
  EXPECT_NE(narrow.keys(1, 3).exact, wide.keys(1, 3).exact);
  EXPECT_EQ(narrow.keys(1, 3).exact, narrow.keys(4, 3).exact);  // the same block again
}

TEST(Fingerprint, StructureSeesStridePortsAndSharing) {
  std::set<std::uint64_t> structures;
  {
    Graph g;
    g.add_output(conv(g, g.add_input(map_type()), 8, 3, 1));
    structures.insert(Keyed(g).keys(1, 1).structure);
  }
  {
    Graph g;
    g.add_output(conv(g, g.add_input(map_type()), 8, 3, 2));
    structures.insert(Keyed(g).keys(1, 1).structure);
  }
  for (const bool tap : {false, true}) {  // relu, sigmoid; the relu's value seen outside or not
    Graph g;
    const ValueId a = unary(g, OpKind::kRelu, g.add_input(map_type()));
    g.add_output(unary(g, OpKind::kSigmoid, a));
    if (tap) g.add_output(a);
    structures.insert(Keyed(g).keys(1, 2).structure);
  }
  for (const bool shared : {false, true}) {  // x + x, x + y
    Graph g;
    const ValueId x = g.add_input(map_type()), y = g.add_input(map_type());
    g.add_output(add(g, x, shared ? x : y));
    structures.insert(Keyed(g).keys(2, 1).structure);
  }
  EXPECT_EQ(structures.size(), 6U);
}

TEST(Fingerprint, AgreesWithTheSegmentsThemselves) {
  std::map<std::uint64_t, std::uint64_t> class_of;  // structure key -> canonical hash
  std::map<std::uint64_t, std::uint64_t> body_of;   // exact key -> hash of the body
  std::size_t repeated = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    const Graph g = random_network(rng, 40);
    const Uses uses(g);
    const std::vector<NodeId> order = canonical_order(g, NodeIdentity::kSegment);
    const Fingerprinter fingerprinter(g, uses, order);
    for (std::uint32_t begin = 1; begin + 1 < order.size(); ++begin) {
      for (std::uint32_t length = 1; length <= 6 && begin + length < order.size(); ++length) {
        const Fingerprinter::Keys keys = fingerprinter.keys({begin, length});
        const Cut cut{order, begin, begin + length};
        const Graph body = extract_segment(g, segment_ports(g, uses, cut), cut);
        const std::uint64_t id = canonical_hash(body, NodeIdentity::kSegment);
        const auto [known, fresh] = class_of.try_emplace(keys.structure, id);
        EXPECT_EQ(known->second, id) << "seed " << seed << ", run " << begin << "+" << length;
        repeated += fresh ? 0 : 1;
        const std::uint64_t content = graph_hash(segment_body(g, uses, order, {begin, length}));
        EXPECT_EQ(body_of.try_emplace(keys.exact, content).first->second, content)
            << "seed " << seed << ", run " << begin << "+" << length;
      }
    }
  }
  EXPECT_GT(repeated, 1000U);
}

TEST(Fingerprint, FindSegmentsCountsWhatIsEqual) {
  const Keyed k(chain(4));
  const std::vector<Merger::Run> runs = {{1, 3}, {2, 1}, {4, 3}, {7, 3}, {5, 1}};
  const std::vector<FoundSegment> found = find_segments(k.graph, Uses(k.graph), k.order, runs);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].count, 3U);
  EXPECT_EQ(found[0].run.begin, 1U);
  EXPECT_EQ(found[1].count, 2U);
}

}  // namespace
}  // namespace autogo
