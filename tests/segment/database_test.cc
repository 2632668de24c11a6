#include "autogo/segment/database.h"

#include <gtest/gtest.h>

#include <numeric>

#include "autogo/segment/segmentation.h"
#include "database_impl.h"
#include "segment_support.h"

namespace autogo {
namespace {

using namespace testing;

std::vector<NodeId> order_of(const Graph& g) { return canonical_order(g, NodeIdentity::kSegment); }

/// A database whose pieces are the given lists of labels.
SegmentDatabase with_pieces(const std::vector<std::vector<std::string>>& pieces) {
  SegmentDatabase db;
  std::vector<std::vector<Symbol>> symbols;
  for (const auto& piece : pieces) {
    symbols.emplace_back();
    for (const std::string& label : piece) {
      symbols.back().push_back(db.impl().alphabet.add(parse_label(label)));
    }
  }
  db.impl().merger = Merger(symbols);
  db.impl().finish();
  return db;
}

TEST(Database, AnEmptyOneSplitsIntoSingleNodes) {
  const Graph g = chain(3);
  Rng rng(1);
  EXPECT_EQ(SegmentDatabase().segment(g, order_of(g), 1, rng),
            std::vector<std::uint32_t>(g.num_nodes(), 1));
}

TEST(Database, SegmentsByContextFirst) {
  const SegmentDatabase db = with_pieces({{"batch_norm[conv][relu]", "relu[batch_norm][conv]"}});
  const Graph g = chain(2);
  Rng rng(1);
  // The last relu feeds the output: another label, so nothing merges there.
  EXPECT_EQ(db.segment(g, order_of(g), 1, rng), (std::vector<std::uint32_t>{1, 1, 2, 1, 1, 1, 1}));
}

TEST(Database, BacksOffToContextFreePiecesOnlyForUnknownLabels) {
  const SegmentDatabase bare = with_pieces({{"batch_norm", "relu"}});
  const SegmentDatabase mixed =
      with_pieces({{"batch_norm", "relu"}, {"relu[batch_norm][conv]", "add"}});
  const Graph g = chain(2);
  Rng rng(1);
  EXPECT_EQ(bare.segment(g, order_of(g), 1, rng), (std::vector<std::uint32_t>{1, 1, 2, 1, 2, 1}));
  // The first relu has a letter of its own now, which "batch_norm relu" does not spell.
  EXPECT_EQ(mixed.segment(g, order_of(g), 1, rng),
            (std::vector<std::uint32_t>{1, 1, 1, 1, 1, 2, 1}));
}

TEST(Database, UnknownOperationsNeverMerge) {
  Graph g;
  ValueId x = g.add_input(map_type());
  for (int i = 0; i < 4; ++i) x = unary(g, OpKind::kTanh, x);
  g.add_output(x);
  Rng rng(1);
  EXPECT_EQ(with_pieces({{"relu", "relu"}}).segment(g, order_of(g), 1, rng),
            std::vector<std::uint32_t>(6, 1));
}

TEST(Database, PartitionsEveryGraphUnderEveryVocabulary) {
  const SegmentDatabase db = random_database(1);
  ASSERT_GT(db.num_pieces(), 50U);
  std::size_t full = 0, sparse = 0;
  for (std::uint64_t seed = 100; seed < 160; ++seed) {
    Rng rng(seed);
    const Graph g = random_network(rng, 60);
    const std::vector<NodeId> order = order_of(g);
    for (const double keep : {1.0, 0.9, 0.5, 0.0}) {
      Rng draw = rng.fork(7), again = rng.fork(7);
      const std::vector<std::uint32_t> sizes = db.segment(g, order, keep, draw);
      EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), order.size());
      for (const std::uint32_t size : sizes) EXPECT_GE(size, 1U);
      EXPECT_EQ(sizes, db.segment(g, order, keep, again)) << "seed " << seed;
      if (keep == 1.0) full += sizes.size();
      if (keep == 0.5) sparse += sizes.size();
      if (keep == 0.0) {
        EXPECT_EQ(sizes.size(), order.size());
      }
    }
  }
  EXPECT_LT(full, sparse);
}

TEST(Database, TheFullVocabularyDrawsNothing) {
  const SegmentDatabase db = random_database(1);
  const Graph g = chain(2);
  Rng used(5), fresh(5);
  db.segment(g, order_of(g), 1, used);
  EXPECT_EQ(used.next(), fresh.next());
}

TEST(Database, SegmentationListsEveryNodeOnce) {
  const SegmentDatabase db = random_database(1);
  Rng rng(3);
  const Graph g = random_network(rng, 60);
  std::vector<int> seen(g.num_nodes(), 0);
  std::size_t known = 0;
  for (const NetworkSegment& segment : segment_network(db, g, 1, rng)) {
    for (const NodeId id : segment.nodes) ++seen[index(id)];
    const SegmentEntry* entry = db.find(segment.id);
    EXPECT_EQ(segment.known, entry != nullptr);
    if (entry == nullptr) continue;
    ++known;
    EXPECT_EQ(entry->num_nodes, segment.nodes.size());
    EXPECT_EQ(entry->num_inputs, segment.num_inputs);
    EXPECT_EQ(entry->num_outputs, segment.num_outputs);
  }
  EXPECT_EQ(seen, std::vector<int>(g.num_nodes(), 1));
  EXPECT_GT(known, 5U);
}

TEST(Database, BucketsHoldTheInsertableEntriesByPorts) {
  const SegmentDatabase db = random_database(2);
  std::size_t in_buckets = 0, insertable = 0;
  for (std::uint32_t in = 0; in < 20; ++in) {
    for (std::uint32_t out = 0; out < 20; ++out) {
      for (const std::uint32_t e : db.by_ports(in, out)) {
        EXPECT_EQ(db.entries()[e].num_inputs, in);
        EXPECT_EQ(db.entries()[e].num_outputs, out);
        EXPECT_TRUE(db.entries()[e].insertable);
        ++in_buckets;
      }
    }
  }
  for (const SegmentEntry& entry : db.entries()) insertable += entry.insertable ? 1 : 0;
  EXPECT_EQ(in_buckets, insertable);
  EXPECT_GT(insertable, 20U);
}

TEST(Database, EntriesAreWhatTheirIdSays) {
  const SegmentDatabase db = random_database(2);
  for (const SegmentEntry& entry : db.entries()) {
    EXPECT_EQ(canonical_hash(entry.body, NodeIdentity::kSegment), entry.id);
    EXPECT_EQ(db.find(entry.id), &entry);
  }
}

/// Patches as tokens: layer_norm, dense, gelu, dense, residual, as the corpora never have them.
Graph transformer(int blocks) {
  Graph g;
  const Shape shape{1, 16, 32};
  ValueId x = g.add_input({DType::kFloat32, Layout::kChannelsLast, shape});
  Attrs dense;
  dense.out_channels = 32;
  for (int b = 0; b < blocks; ++b) {
    ValueId y = unary(g, OpKind::kLayerNorm, x);
    y = unary(g, OpKind::kGelu, g.add(OpKind::kDense, dense, {y}));
    x = add(g, x, g.add(OpKind::kDense, dense, {y}));
  }
  g.add_output(x);
  return g;
}

TEST(Database, ForeignNetworksBringTheirOwnSegments) {
  SegmentDatabase db = random_database(3);
  const std::size_t before = db.entries().size();
  const std::uint64_t hash = db.content_hash();
  const Graph g = transformer(3);
  db.add_segments_of(g, "mine");
  EXPECT_EQ(db.corpora(), (std::vector<std::string>{"random", "mine"}));
  EXPECT_GT(db.entries().size(), before + 10);
  EXPECT_NE(db.content_hash(), hash);

  // norm-dense-gelu-dense is there, in one piece, as often as there are blocks.
  const Uses uses(g);
  const std::vector<NodeId> order = order_of(g);
  const Graph body = segment_body(g, uses, order, {1, 4});
  const SegmentEntry* entry = db.find(canonical_hash(body, NodeIdentity::kSegment));
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->counts, (std::vector<std::uint64_t>{0, 3}));
  EXPECT_TRUE(entry->insertable);
  for (const SegmentEntry& e : db.entries()) {
    if (e.counts[1] > 0 && e.counts[0] == 0) {
      EXPECT_TRUE(e.connected);
    }
  }
}

TEST(Database, ForeignNetworksTeachTheVocabularyTheirBlocks) {
  SegmentDatabase db = random_database(3);
  const Graph g = transformer(4);
  const std::vector<NodeId> order = order_of(g);
  Rng rng(1);
  EXPECT_EQ(db.segment(g, order, 1, rng), std::vector<std::uint32_t>(order.size(), 1));
  const Graph known = chain(3);
  const std::vector<std::uint32_t> before = db.segment(known, order_of(known), 1, rng);
  db.add_segments_of(g, "mine");
  // norm-dense-gelu-dense-add, twice, four times; the whole would be more than 8 nodes.
  EXPECT_EQ(db.segment(g, order, 1, rng), (std::vector<std::uint32_t>{1, 5, 5, 5, 5, 1}));
  EXPECT_EQ(db.segment(known, order_of(known), 1, rng), before);
  const Graph longer = transformer(6);
  EXPECT_EQ(db.segment(longer, order_of(longer), 1, rng),
            (std::vector<std::uint32_t>{1, 5, 5, 5, 5, 5, 5, 1}));
}

TEST(Database, AddingTheSameNetworkAgainOnlyCounts) {
  SegmentDatabase db;
  db.add_segments_of(transformer(2), "a");
  const std::size_t entries = db.entries().size();
  const std::uint64_t count = db.entries()[0].counts[0];
  db.add_segments_of(transformer(2), "a");
  EXPECT_EQ(db.entries().size(), entries);
  EXPECT_EQ(db.entries()[0].counts[0], 2 * count);
  EXPECT_EQ(db.entries()[0].body_count % 2, 0U);
}

TEST(Database, MergingAddsCountsByCorpusName) {
  const SegmentDatabase a = random_database(4), b = random_database(4);
  SegmentDatabase merged;
  merged.merge(a);
  EXPECT_EQ(merged.content_hash(), a.content_hash());
  merged.merge(b);
  EXPECT_EQ(merged.corpora(), a.corpora());
  EXPECT_EQ(merged.num_pieces(), a.num_pieces());
  ASSERT_EQ(merged.entries().size(), a.entries().size());
  for (std::size_t e = 0; e < a.entries().size(); ++e) {
    const SegmentEntry& twice = *merged.find(a.entries()[e].id);
    EXPECT_EQ(twice.counts[0], 2 * a.entries()[e].counts[0]);
    EXPECT_EQ(twice.body_count, 2 * a.entries()[e].body_count);
  }
}

TEST(Database, MergingUnitesEntriesAndVocabularies) {
  const SegmentDatabase a = random_database(5, 10);
  SegmentDatabase b;
  ListStream stream("chains", {chain(3), chain(4)});
  b = mine({&stream}).database;
  SegmentDatabase ab, ba;
  ab.merge(a);
  ab.merge(b);
  ba.merge(b);
  ba.merge(a);
  EXPECT_EQ(ab.corpora(), (std::vector<std::string>{"random", "chains"}));
  EXPECT_EQ(ba.corpora(), (std::vector<std::string>{"chains", "random"}));
  ASSERT_EQ(ab.entries().size(), ba.entries().size());
  for (const SegmentEntry& entry : ab.entries()) {  // the same whichever came first
    const SegmentEntry* other = ba.find(entry.id);
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(entry.counts[0], other->counts[1]);
    EXPECT_EQ(entry.counts[1], other->counts[0]);
    EXPECT_EQ(dump(entry.body), dump(other->body));
  }
  for (const SegmentEntry& entry : b.entries()) ASSERT_NE(ab.find(entry.id), nullptr);
  EXPECT_LE(ab.num_pieces(), a.num_pieces() + b.num_pieces());
  EXPECT_GE(ab.num_pieces(), a.num_pieces());
}

}  // namespace
}  // namespace autogo
