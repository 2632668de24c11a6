#include <set>

#include "autogo/corpus/corpus.h"
#include "autogo/graph/canonical.h"
#include "families.h"
#include "support.h"

namespace autogo {
namespace {

std::vector<CorpusItem> read_all(const std::string& path) {
  CorpusReader reader(path);
  std::vector<CorpusItem> items;
  for (CorpusItem item; reader.next(item);) items.push_back(std::move(item));
  return items;
}

SampleOptions options_of(const std::string& family, std::uint64_t count, std::uint64_t seed) {
  SampleOptions options;
  options.family = family;
  options.count = count;
  options.seed = seed;
  return options;
}

TEST(SampledCorpus, HoldsDistinctNetworksOfTheFamily) {
  const TemporaryFolder folder;
  for (const char* family : {"hiaml", "inception", "two-path"}) {
    write_sampled_corpus(options_of(family, 40, 7), folder.file("c"));
    CorpusReader reader(folder.file("c"));
    EXPECT_EQ(reader.header().family, family);
    EXPECT_EQ(reader.header().source, "sampled with seed 7");
    EXPECT_EQ(reader.header().size, 40U);
    std::set<std::uint64_t> hashes;
    for (CorpusItem item; reader.next(item);) {
      EXPECT_EQ(family_of_id(item.id)->name, family);
      EXPECT_FALSE(item.label.has_value());
      hashes.insert(canonical_hash(item.graph));
    }
    EXPECT_EQ(hashes.size(), 40U);
  }
}

TEST(SampledCorpus, DependsOnTheSeedAndGrowsAtTheEnd) {
  const TemporaryFolder folder;
  auto lines = [&](std::uint64_t count, std::uint64_t seed) {
    write_sampled_corpus(options_of("two-path", count, seed), folder.file("c"));
    const std::string text = read_text(folder.file("c"));
    return text.substr(text.find('\n') + 1);  // without the header
  };
  const std::string ten = lines(10, 1), twenty = lines(20, 1);
  EXPECT_EQ(lines(10, 1), ten);
  EXPECT_NE(lines(10, 2), ten);
  EXPECT_TRUE(twenty.starts_with(ten));
}

TEST(SampledCorpus, SkipsTwinsOfOtherIds) {
  // d3 is c3+c3 where nothing is halved, and another network where something is.
  EXPECT_EQ(canonical_hash(two_path_graph("c3*,c5*,d3|s3*,d3*")),
            canonical_hash(two_path_graph("c3*,c5*,c3+c3|s3*,d3*")));
  EXPECT_NE(canonical_hash(two_path_graph("c3*,c5*,d3|s3*,d3*")),
            canonical_hash(two_path_graph("c3*,c5*,d3|s3*,c3+c3*")));
}

/// Networks with twins: ids "toy:0" to "toy:9", of which i and i + 5 are the same chain.
const Family kToy{
    "toy",
    "toy:",
    [](const std::string& id) {
      Graph graph;
      ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, 3, 8, 8}});
      for (int i = 0; i <= (id.back() - '0') % 5; ++i) {
        x = graph.add(OpKind::kRelu, {}, {x});
      }
      graph.add_output(x);
      return graph;
    },
    [](const std::string&) {},
    [](Rng& rng, bool) { return "toy:" + std::to_string(rng.below(10)); },
    10};

TEST(SampledCorpus, EndsWhereAFamilyHasFewerNetworksThanIds) {
  const auto drawn = [](const Family& family, std::uint64_t count) {
    std::vector<std::string> ids;
    draw_distinct(family, options_of("toy", count, 3),
                  [&](const std::string& id) { ids.push_back(id); });
    return ids.size();
  };
  EXPECT_EQ(drawn(kToy, 5), 5U);
  EXPECT_EQ(error_of([&] { drawn(kToy, 6); }), "6 networks, but toy has only 5");
  Family unknown = kToy;
  unknown.size = 0;  // nobody counted its ids
  EXPECT_EQ(drawn(unknown, 5), 5U);
  EXPECT_EQ(error_of([&] { drawn(unknown, 6); }), "6 networks, but toy seems to have only 5");
}

TEST(SampledCorpus, NoTwoHiamlIdsAreTheSameNetwork) {
  const TemporaryFolder folder;
  const CorpusSummary all = write_sampled_corpus(options_of("hiaml", 38'416, 1), folder.file("c"));
  EXPECT_EQ(all.items, 38'416U);
}

TEST(SampledCorpus, RefusesWhatCannotBeDrawn) {
  const TemporaryFolder folder;
  auto text = [&](const std::string& family, std::uint64_t count) {
    return error_of([&] { write_sampled_corpus(options_of(family, count, 0), folder.file("c")); });
  };
  EXPECT_EQ(text("hiaml", 38'417), "38417 networks, but hiaml has only 38416");
  EXPECT_EQ(text("hiaml", 0), "a corpus of 0 networks");
  EXPECT_EQ(text("nasbench101", 5), "the networks of 'nasbench101' are not sampled");
  EXPECT_EQ(folder.num_files(), 0U);
}

TEST(FamilyTable, ReadsCsvAndJsonLines) {
  const TemporaryFolder folder;
  const std::string csv = folder.write("t.csv",
                                       "id,epochs,acc\n"
                                       "\"two_path:c3*,c5*|s3*,d3*\",3,91.5\n"
                                       "\"two_path:c3*,c3*|s3*,d3*\",3,\n");
  const std::string json = folder.write("t.jsonl", R"({"id":"two_path:c3*,c5*|s3*,d3*","acc":91.5})"
                                                   "\n"
                                                   R"({"id":"two_path:c3*,c3*|s3*,d3*","acc":null})"
                                                   "\n");
  for (const std::string& table : {csv, json}) {
    TableOptions options;
    options.table = table;
    options.label = "acc";
    const CorpusSummary summary = write_family_corpus("two-path", options, folder.file("c"));
    EXPECT_EQ(summary.items, 1U);
    EXPECT_EQ(summary.unlabelled, 1U);
    const std::vector<CorpusItem> items = read_all(folder.file("c"));
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0].id, "two_path:c3*,c5*|s3*,d3*");
    EXPECT_EQ(items[0].label, 91.5);
  }
}

TEST(FamilyTable, RefusesBadRows) {
  const TemporaryFolder folder;
  auto text = [&](const std::string& content) {
    TableOptions options;
    options.table = folder.write("t", content);
    options.label = "acc";
    const std::string error =
        error_of([&] { write_family_corpus("hiaml", options, folder.file("c")); });
    return error.substr(error.find("/t:") + 1);
  };
  EXPECT_EQ(text("id,accuracy\n"), "t:1: has no column 'acc'");
  EXPECT_EQ(text("id,acc\nhiaml:z-z-z-z\n"),
            "t:2: has 1 columns, expected 2; an id that holds commas stands in quotes");
  EXPECT_EQ(text("id,acc\nhiaml:z-z-z-z,high\n"), "t:2: acc is 'high', not a number");
  EXPECT_EQ(text("id,acc\nnb201:333333,1\n"),
            "t:2: id 'nb201:333333' does not begin with 'hiaml:'");
  EXPECT_EQ(text("id,acc\nhiaml:z-z-z-z,1\nhiaml:z-z-z-z,2\n"),
            "t:3: id 'hiaml:z-z-z-z' stands in line 2 already");
  EXPECT_EQ(text("id,acc\nhiaml:z,1\n"),
            "t:2: HiAML network 'hiaml:z': has 1 blocks, expected 4 joined by '-', like "
            "z-a22-b23-j30");
  EXPECT_EQ(text("{\"id\":\"hiaml:z-z-z-z\"}\n"), "t:1: has no field 'acc'");
  EXPECT_EQ(text("{\"id\":\n"), "t:1: is not valid JSON");
  EXPECT_EQ(text("id,acc\n"), "t: no row gives a labelled network");
}

}  // namespace
}  // namespace autogo
