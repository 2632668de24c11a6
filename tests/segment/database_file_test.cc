#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "autogo/base/file.h"
#include "autogo/segment/database.h"
#include "collector.h"
#include "database_impl.h"
#include "segment_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using namespace testing;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class DatabaseFile : public ::testing::Test {
 protected:
  /// What load() says of a file with this content, the path taken off.
  std::string complaint(const std::string& content) {
    const std::string path = (dir_ / "bad.json");
    write_file_atomic(path, content);
    const std::string text = error_text([&] { SegmentDatabase::load(path); });
    EXPECT_TRUE(text.empty() || text.starts_with(path + ": ")) << text;
    return text.empty() ? "" : text.substr(path.size() + 2);
  }

  TempDir dir_;
  SegmentDatabase db_ = random_database(11, 8);
};

TEST_F(DatabaseFile, RoundTrips) {
  const std::string path = (dir_ / "s.json");
  db_.save(path);
  const SegmentDatabase back = SegmentDatabase::load(path);
  EXPECT_EQ(back.content_hash(), db_.content_hash());
  EXPECT_EQ(back.corpora(), db_.corpora());
  EXPECT_EQ(back.num_labels(), db_.num_labels());
  EXPECT_EQ(back.num_pieces(), db_.num_pieces());
  ASSERT_EQ(back.entries().size(), db_.entries().size());
  for (std::size_t e = 0; e < db_.entries().size(); ++e) {
    const SegmentEntry &a = db_.entries()[e], &b = back.entries()[e];
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(dump(a.body), dump(b.body));
    EXPECT_EQ(a.counts, b.counts);
    EXPECT_EQ(a.body_count, b.body_count);
    EXPECT_EQ(a.ops, b.ops);
    EXPECT_EQ(a.insertable, b.insertable);
    EXPECT_EQ(a.connected, b.connected);
    EXPECT_EQ(a.num_inputs, b.num_inputs);
    EXPECT_EQ(a.num_outputs, b.num_outputs);
    EXPECT_EQ(a.num_nodes, b.num_nodes);
  }
  const std::string again = (dir_ / "t.json");
  back.save(again);
  EXPECT_EQ(read_file(again), read_file(path));
}

TEST_F(DatabaseFile, SegmentsAlikeAfterLoading) {
  const std::string path = (dir_ / "s.json");
  db_.save(path);
  const SegmentDatabase back = SegmentDatabase::load(path);
  Rng rng(1);
  const Graph g = random_network(rng, 80);
  const std::vector<NodeId> order = canonical_order(g, NodeIdentity::kSegment);
  for (const double keep : {1.0, 0.5}) {
    Rng a(9), b(9);
    EXPECT_EQ(back.segment(g, order, keep, a), db_.segment(g, order, keep, b));
  }
}

TEST_F(DatabaseFile, SaysWhatIsWrong) {
  const std::string path = (dir_ / "s.json");
  db_.save(path);
  const std::string good = read_file(path);
  EXPECT_EQ(complaint(good), "");
  EXPECT_EQ(complaint(replaced(good, "\"version\": 1", "\"version\": 7")),
            "version 7 of \"autogo.segments\", this autogo reads version 1");
  EXPECT_EQ(complaint(replaced(good, "autogo.segments", "autogo.corpus")),
            "expected a file of format \"autogo.segments\", found \"autogo.corpus\"");
  EXPECT_EQ(complaint(good.substr(0, good.size() / 2)).substr(0, 22), "not valid JSON at byte");
  EXPECT_EQ(complaint(replaced(good, "\"seed\": 0", "\"seed\": 1")),
            "damaged: its contents do not have the hash it states");
  EXPECT_EQ(complaint(replaced(good, "\"pieces\"", "\"peaces\"")),
            "\"pieces\" is missing or no list");
  EXPECT_EQ(complaint(replaced(good, "\"conv3x3\"", "\"conv3y3\"")),
            "label 'conv3y3': unknown operation 'conv3y3'");
  EXPECT_EQ(complaint(replaced(good, "\"pieces\": [\n[", "\"pieces\": [\n[9999999,")),
            "piece 0 has a label that is not in the alphabet");
  EXPECT_EQ(complaint(replaced(good, "\"entries\": [\n[\"", "\"entries\": [\n[\"x")),
            "entry 0: id: expected 16 hexadecimal digits");
  EXPECT_EQ(complaint("[]"), "expected a file of format \"autogo.segments\", found no format name");
  EXPECT_EQ(error_text([&] {
              SegmentDatabase::load((dir_ / "none.json"));
            }).substr(0, (dir_ / "none.json").size()),
            (dir_ / "none.json"));
}

TEST_F(DatabaseFile, AnyDamageIsRefused) {
  const std::string path = (dir_ / "s.json");
  db_.save(path);
  const std::string good = read_file(path);
  std::size_t refused = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    Rng rng(seed);
    std::string bad = good;
    const std::size_t at = rng.below(bad.size());
    switch (rng.below(4)) {
      case 0:
        bad[at] = static_cast<char>(rng.below(256));
        break;
      case 1:
        bad.erase(at, 1 + rng.below(100));
        break;
      case 2:
        bad.insert(at, std::string(1 + rng.below(3), "0123456789[],\""[rng.below(14)]));
        break;
      default:
        std::swap(bad[at], bad[rng.below(bad.size())]);
        break;
    }
    write_file_atomic(path, bad);
    try {
      const SegmentDatabase back = SegmentDatabase::load(path);
      EXPECT_EQ(back.content_hash(), db_.content_hash()) << "seed " << seed;  // spaces, say
    } catch (const Error& e) {
      ++refused;
      EXPECT_EQ(e.kind(), ErrorKind::kInput) << "seed " << seed << ": " << e.what();
      EXPECT_TRUE(std::string(e.what()).starts_with(path + ": ")) << e.what();
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    }
  }
  EXPECT_GT(refused, 500U);
}

TEST_F(DatabaseFile, SurvivesBeingKilledWhileWriting) {
  const std::string path = (dir_ / "s.json");
  db_.save(path);
  for (int round = 0; round < 10; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (;;) db_.save(path);
    }
    ::usleep(static_cast<useconds_t>(3000 + 1700 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(SegmentDatabase::load(path).content_hash(), db_.content_hash());
  }
}

TEST_F(DatabaseFile, WritesNothingThatWouldBeReadAsSomethingElse) {
  // A body that does not follow the shape rules: its types cannot be told from its text.
  Graph body;
  const ValueId x = body.add_input(map_type());
  const std::array<Value, 1> other{Value{map_type(3, 5, 7)}};
  body.add_output(body.output(body.add_typed(OpKind::kRelu, {}, std::array{x}, other)));
  SegmentEntry entry = describe_body(std::move(body));
  entry.id = 0x0123456789abcdefULL;
  entry.body_count = 1;
  db_.impl().absorb(std::move(entry));
  db_.impl().finish();
  const std::string path = (dir_ / "s.json");
  try {
    db_.save(path);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInternal);
    EXPECT_EQ(std::string(e.what()),
              path + ": not written, since when read again the segment 0123456789abcdef changes");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(DefaultDatabase, LoadsAndIsMadeOfFiveFamilies) {
  const std::string path = std::string(AUTOGO_SOURCE_DIR) + "/data/segments.json";
  const SegmentDatabase db = SegmentDatabase::load(path);
  EXPECT_EQ(db.corpora(), (std::vector<std::string>{"nasbench201", "nasbench101", "hiaml",
                                                    "two-path", "inception"}));
  EXPECT_GT(db.entries().size(), 500U);
  auto several_with = [&](OpKind op) {
    return std::ranges::count_if(db.entries(), [&](const SegmentEntry& entry) {
      return entry.num_nodes > 1 && entry.ops.contains(op);
    });
  };
  for (const OpKind op : {OpKind::kDepthwiseConv, OpKind::kMaxPool, OpKind::kAvgPool,
                          OpKind::kConcat, OpKind::kRelu6}) {
    EXPECT_GE(several_with(op), 20) << op_name(op);
  }
  EXPECT_GT(db.by_ports(1, 1).size(), 50U);
  for (const SegmentEntry& entry : db.entries()) {
    EXPECT_EQ(canonical_hash(entry.body, NodeIdentity::kSegment), entry.id);
  }
  EXPECT_LT(std::filesystem::file_size(path), 5U << 20);
}

}  // namespace
}  // namespace autogo
