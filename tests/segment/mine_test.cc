#include "autogo/segment/mine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "autogo/segment/segmentation.h"
#include "database_impl.h"
#include "segment_support.h"

namespace autogo {
namespace {

using namespace testing;

std::vector<std::string> piece_texts(const SegmentDatabase& db) {
  std::vector<std::string> texts;
  for (const auto& piece : db.impl().merger.pieces()) {
    std::string text;
    for (const Symbol s : piece) text += (text.empty() ? "" : " ") + db.impl().alphabet.text(s);
    texts.push_back(text);
  }
  return texts;
}

TEST(Mine, ToyCorpusExactPieces) {
  // conv-bn-relu four times, read in context and context-free. Context-free conv-bn and bn-relu
  // stand 4 times each: the smaller string wins, and takes the relu along next. In context, the
  // first conv and the last relu are other letters, so bn-relu stands 3 times, and so on.
  ListStream stream("toy", {chain(4)});
  MineOptions options;
  options.vocab_size = 20;
  const MineResult mined = mine({&stream}, options);
  EXPECT_EQ(mined.report.graphs, 1U);
  EXPECT_EQ(mined.report.nodes, 14U);
  EXPECT_EQ(mined.report.distinct_strings, 1U);
  EXPECT_EQ(mined.report.labels_seen, 5U);
  std::vector<std::string> pieces = piece_texts(mined.database);
  EXPECT_EQ(pieces.size(), 20U - 8U - 1U);
  pieces.resize(6);
  EXPECT_EQ(pieces, (std::vector<std::string>{
                        "conv3x3 batch_norm", "conv3x3 batch_norm relu",
                        "batch_norm[conv][relu] relu[batch_norm][conv]",
                        "batch_norm[conv][relu] relu[batch_norm][conv] conv3x3[relu][batch_norm]",
                        "conv3x3 batch_norm relu conv3x3 batch_norm relu",
                        "batch_norm[conv][relu] relu[batch_norm][output]"}));
}

TEST(Mine, CountsOccurrencesByCorpus) {
  ListStream chains("chains", {chain(2), chain(2), chain(3)}), blocks("blocks", {residual(2)});
  const SegmentDatabase db = mine({&chains, &blocks}).database;
  EXPECT_EQ(db.corpora(), (std::vector<std::string>{"chains", "blocks"}));
  Graph relu;
  relu.add_output(unary(relu, OpKind::kRelu, relu.add_input(map_type())));
  const SegmentEntry* entry = db.find(canonical_hash(relu, NodeIdentity::kSegment));
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->counts, (std::vector<std::uint64_t>{7, 2}));
  EXPECT_EQ(dump(entry->body), dump(relu));
}

TEST(Mine, FindsTheRepeatedBlock) {
  std::vector<Graph> graphs;
  for (int i = 0; i < 5; ++i) graphs.push_back(residual(6, 8 + i));
  ListStream stream("blocks", std::move(graphs));
  MineOptions options;
  options.vocab_size = 40;
  const SegmentDatabase db = mine({&stream}, options).database;
  // The block or a rotation of it: one of each operation, as often as blocks follow each other.
  const OpSet ops = describe_body(residual(1)).ops;
  const auto block = std::ranges::find_if(db.entries(), [&](const SegmentEntry& entry) {
    return entry.num_nodes == 4 && entry.ops == ops;
  });
  ASSERT_NE(block, db.entries().end());
  EXPECT_GE(block->counts[0], 5U * 4U);
  EXPECT_TRUE(block->insertable);
  Rng rng(1);
  EXPECT_LE(segment_network(db, residual(6), 1, rng).size(), 10U);
}

TEST(Mine, ResultDoesNotDependOnThreads) {
  std::vector<Graph> graphs;
  for (std::uint64_t i = 0; i < 700; ++i) {
    Rng rng(i);
    graphs.push_back(random_network(rng, 20));
  }
  ListStream stream("random", std::move(graphs));
  MineOptions options;
  options.vocab_size = 150;
  const std::uint64_t one = mine({&stream}, options).database.content_hash();
  options.threads = 3;
  EXPECT_EQ(mine({&stream}, options).database.content_hash(), one);
}

TEST(Mine, NumberingOfNodesDoesNotMatter) {
  auto network = [](bool relu_first) {
    Graph g;
    ValueId x = g.add_input(map_type());
    for (int i = 0; i < 5; ++i) {
      const ValueId first = unary(g, relu_first ? OpKind::kRelu : OpKind::kSigmoid, x);
      const ValueId second = unary(g, relu_first ? OpKind::kSigmoid : OpKind::kRelu, x);
      x = add(g, first, second);
    }
    g.add_output(x);
    return g;
  };
  ListStream both("n", {network(true), network(false)}), one("n", {network(true), network(true)});
  const MineResult mined = mine({&both});
  EXPECT_EQ(mined.report.distinct_strings, 1U);
  EXPECT_EQ(mined.database.content_hash(), mine({&one}).database.content_hash());
}

TEST(Mine, SamplesBySeed) {
  std::vector<Graph> graphs;
  for (std::uint64_t i = 0; i < 60; ++i) {
    Rng rng(i);
    graphs.push_back(random_network(rng, 20));
  }
  ListStream stream("random", std::move(graphs));
  MineOptions options;
  options.sample = 10;
  const MineResult a = mine({&stream}, options), again = mine({&stream}, options);
  options.seed = 1;
  const MineResult b = mine({&stream}, options);
  EXPECT_EQ(a.report.graphs, 10U);
  EXPECT_EQ(a.database.content_hash(), again.database.content_hash());
  EXPECT_NE(a.database.content_hash(), b.database.content_hash());
  options.sample = 1000;
  EXPECT_EQ(mine({&stream}, options).report.graphs, 60U);
}

TEST(Mine, KeepsTheAlphabetToHalfTheVocabulary) {
  std::vector<Graph> graphs;
  for (std::uint64_t i = 0; i < 100; ++i) {
    Rng rng(i);
    graphs.push_back(random_network(rng, 40));
  }
  ListStream stream("random", std::move(graphs));
  MineOptions options;
  options.vocab_size = 60;
  const MineResult mined = mine({&stream}, options);
  EXPECT_GT(mined.report.labels_seen, 30U);
  EXPECT_EQ(mined.database.num_labels(), 30U);
  EXPECT_EQ(mined.database.num_pieces(), 60U - 30U - 1U);
}

TEST(Mine, SaysWhatCannotBeMined) {
  Graph empty;
  empty.add_output(empty.add_input(map_type()));
  ListStream nothing("nothing", {empty}), none("none", {}), some("some", {chain(2)});
  EXPECT_EQ(error_text([&] { mine({&nothing}); }),
            "nothing to mine: the corpora hold no operation that can be mutated");
  EXPECT_EQ(error_text([&] { mine({&none}); }),
            "nothing to mine: the corpora hold no operation that can be mutated");
  MineOptions options;
  options.vocab_size = 4;
  EXPECT_EQ(error_text([&] { mine({&some}, options); }),
            "a vocabulary of 4 is too small: the corpora have 3 operations");
}

TEST(Mine, PassesOnWhatAStreamThrows) {
  class Broken : public ListStream {
   public:
    Broken() : ListStream("broken", {}) {}
    std::function<Graph()> next() override {
      return []() -> Graph { throw Error(ErrorKind::kInput, "a.onnx: truncated"); };
    }
  } stream;
  MineOptions options;
  options.threads = 2;
  EXPECT_EQ(error_text([&] { mine({&stream}, options); }), "a.onnx: truncated");
}

TEST(Statistics, CountWhatFigure5Shows) {
  ListStream stream("toy", {residual(1)});
  const SegmentStatistics s = segment_statistics(mine({&stream}).database);
  // conv, batch_norm, add, relu alone; merges on the way to the whole block.
  EXPECT_EQ(s.nodes.at(1), 4U);
  EXPECT_EQ(s.nodes.at(4), 1U);
  EXPECT_EQ(s.multi_node, s.entries - 4U);
  EXPECT_EQ(s.corpora.at("toy"), (std::map<std::string, std::uint64_t>{
                                     {"add", 1}, {"batch_norm", 1}, {"conv", 1}, {"relu", 1}}));
  EXPECT_EQ(s.insertable, s.entries);
  EXPECT_EQ(s.edges.at(0), 4U);
  EXPECT_EQ(s.outputs.at(1), s.entries);
}

TEST(Statistics, TellWiringAndWhichCorporaHaveAnOperator) {
  // residual: conv and add read the input; only relu feeds the output.
  ListStream block("block", {residual(1)}), other("other", {chain(1)});
  const SegmentStatistics s = segment_statistics(mine({&block, &other}).database);
  std::uint64_t whole = 0, nodes = 0;
  for (const auto& [count, segments] : s.nodes) nodes += count * segments;
  EXPECT_EQ(s.input_nodes.at(2), 1U) << "the whole block";
  EXPECT_EQ(s.output_nodes.at(1), s.entries);
  // Every add has two operands, every other node one.
  EXPECT_EQ(s.in_degrees.at(2), s.operators.at("add"));
  EXPECT_EQ(s.in_degrees.at(1) + s.in_degrees.at(2), nodes);
  EXPECT_DOUBLE_EQ(s.mean_nodes, static_cast<double>(nodes) / static_cast<double>(s.entries));
  for (const auto& [count, topologies] : s.topology_segments) whole += count * topologies;
  EXPECT_EQ(whole, s.entries);
  EXPECT_EQ(s.exclusive.at("add"), (std::vector<std::string>{"block"}));
  EXPECT_FALSE(s.exclusive.contains("relu"));
}

}  // namespace
}  // namespace autogo
