#include <vector>

#include "autogo/corpus/corpus.h"
#include "support.h"

namespace autogo {
namespace {

constexpr const char* kHeader =
    R"({"format":"autogo.corpus","version":1,"family":"nasbench201","label":"acc","source":"t.csv"})"
    "\n";

std::vector<CorpusItem> read_all(const std::string& path) {
  CorpusReader reader(path);
  std::vector<CorpusItem> items;
  CorpusItem item;
  while (reader.next(item)) items.push_back(item);
  return items;
}

std::string read_error(const std::string& content) {
  const TemporaryFolder folder;
  const std::string path = folder.write("c.jsonl", content);
  std::string text = error_of([&] { read_all(path); });
  if (text.starts_with(path)) text.replace(0, path.size(), "FILE");
  return text;
}

TEST(CorpusReader, GeneratesTheGraphsOfFamilies) {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("c.jsonl", std::string(kHeader) + "{\"id\":\"nb201:333s33\",\"label\":94.25}\n" +
                                  "{\"id\":\"nb101:3:111:1\"}\n");
  CorpusReader reader(path);
  EXPECT_EQ(reader.header().family, "nasbench201");
  EXPECT_EQ(reader.header().label, "acc");
  EXPECT_EQ(reader.header().source, "t.csv");
  EXPECT_EQ(reader.header().size, 0U);
  const std::vector<CorpusItem> items = read_all(path);
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].id, "nb201:333s33");
  EXPECT_EQ(items[0].label, 94.25);
  EXPECT_EQ(dump(items[0].graph), dump(nasbench201_graph("333s33")));
  EXPECT_EQ(items[1].label, std::nullopt);
  EXPECT_EQ(dump(items[1].graph), dump(nasbench101_graph("3:111:1")));
}

TEST(CorpusReader, NextRecordLeavesTheGraphToBuild) {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("c.jsonl", std::string(kHeader) + "{\"id\":\"nb201:ssssss\",\"label\":1}\n");
  CorpusReader reader(path);
  CorpusItem item;
  ASSERT_TRUE(reader.next_record(item));
  EXPECT_EQ(item.graph.num_nodes(), 0U);
  EXPECT_EQ(reader.build(item).num_nodes(), 156U);
  EXPECT_FALSE(reader.next_record(item));
}

TEST(CorpusReader, ConsumesInOrderOnAnyNumberOfThreads) {
  const TemporaryFolder folder;
  const std::string letters = "31as";
  std::string content = kHeader;
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) {  // several windows, the last one not full
    std::string id = "nb201:";
    for (int e = 0, rest = i; e < 6; ++e, rest /= 4) id += letters[rest % 4];
    ids.push_back(id);
    content += "{\"id\":\"" + id + "\"}\n";
  }
  const std::string path = folder.write("c.jsonl", content);
  for (const int threads : {1, 2, 3}) {
    CorpusReader reader(path);
    std::vector<std::string> seen;
    for_each_graph(reader, threads, [&](CorpusItem&& item) {
      EXPECT_GE(item.graph.num_nodes(), 156U);
      seen.push_back(item.id);
    });
    EXPECT_EQ(seen, ids) << threads;
  }
}

TEST(CorpusReader, StopsAtAConsumersErrorAndAtABadItem) {
  const TemporaryFolder folder;
  std::string content = kHeader;
  for (int i = 0; i < 200; ++i) content += "{\"id\":\"nb201:ssssss\"}\n";
  const std::string good = folder.write("good.jsonl", content);
  const std::string bad = folder.write("bad.jsonl", content + "{\"id\":\"nb201:x\"}\n");
  for (const int threads : {1, 2}) {
    CorpusReader reader(good);
    EXPECT_EQ(error_of([&] {
                for_each_graph(reader, threads,
                               [](CorpusItem&&) { throw Error(ErrorKind::kIo, "enough"); });
              }),
              "enough");
    CorpusReader broken(bad);
    EXPECT_EQ(error_of([&] { for_each_graph(broken, threads, [](CorpusItem&&) {}); }),
              bad +
                  ":202: NAS-Bench-201 cell 'nb201:x': expected six letters of 3, 1, a, s, n or "
                  "the benchmark's architecture string");
  }
}

TEST(CorpusReader, NamesTheLineOfABadItem) {
  const std::string header = kHeader;
  EXPECT_EQ(read_error(header + "{\"id\":\"nb201:ssssss\"}\n{\"id\":7}\n"),
            "FILE:3: \"id\" has the wrong type");
  EXPECT_EQ(read_error(header + "{\"label\":1}\n"), "FILE:2: \"id\" is missing");
  EXPECT_EQ(read_error(header + "{\"id\":\"nb201:ssssss\",\"label\":\"1\"}\n"),
            "FILE:2: \"label\" is not a number");
  EXPECT_EQ(read_error(header + "{\"id\":\"my.onnx\"}\n"),
            "FILE:2: item 'my.onnx' has neither a graph nor the id of a family");
  EXPECT_EQ(read_error(header + "{\"id\":\n"), "FILE:2: not valid JSON at byte 7 of 6");
  EXPECT_EQ(read_error(header + "{\"id\":\"a\",\"graph\":[[\"magic\",[]]]}\n"),
            "FILE:2: node 0: unknown operator 'magic'");
}

TEST(CorpusReader, RefusesAnotherFormatOrVersion) {
  EXPECT_EQ(read_error(""), "FILE: is empty, expected a corpus file");
  EXPECT_EQ(read_error("{\"format\":\"autogo.segments\",\"version\":1}\n"),
            "FILE:1: expected a file of format \"autogo.corpus\", found \"autogo.segments\"");
  EXPECT_EQ(read_error("{\"format\":\"autogo.corpus\",\"version\":9}\n"),
            "FILE:1: version 9 of \"autogo.corpus\", this autogo reads version 1");
}

TEST(CorpusReader, NoticesATruncatedFile) {
  const std::string header =
      R"({"format":"autogo.corpus","version":1,"family":"nasbench201","label":"a","size":2})"
      "\n";
  const std::string item = "{\"id\":\"nb201:ssssss\"}\n";
  EXPECT_EQ(read_error(header + item + item), "no error");
  EXPECT_EQ(read_error(header + item),
            "FILE: ends after 1 items, expected 2; the file is truncated, write it again");
  EXPECT_EQ(read_error(header + item + item + item),
            "FILE:4: more items than the 2 that the header says");
}

}  // namespace
}  // namespace autogo
