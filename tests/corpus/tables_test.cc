#include "autogo/corpus/corpus.h"
#include "support.h"

namespace autogo {
namespace {

constexpr const char* kSkips =
    "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|"
    "skip_connect~2|";
constexpr const char* kSomeNone =
    "|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
constexpr const char* kDisconnected = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";

std::string nb201_row(const std::string& index, const std::string& arch, const std::string& acc) {
  return index + "," + arch + "," + acc + "\n";
}

std::string nb101_row(const std::string& ops, const std::string& accuracy) {
  return "{\"adjacency\":[[0,1,1],[0,0,1],[0,0,0]],\"ops\":[\"input\",\"" + ops +
         "\",\"output\"],\"acc\":" + accuracy + "}\n";
}

TEST(Nasbench201Table, JoinsLabelsWithIds) {
  const TemporaryFolder folder;
  TableOptions options;
  options.table =
      folder.write("t.csv", "index,arch,acc\n" + nb201_row("0", kSkips, "85.5") +
                                nb201_row("1", kSomeNone, "90.25") +
                                nb201_row("2", kDisconnected, "10") + nb201_row("3", kSkips, ""));
  options.label = "acc";
  const CorpusSummary summary = write_nasbench201_corpus(options, folder.file("c.jsonl"));
  EXPECT_EQ(summary.items, 2U);
  EXPECT_EQ(summary.disconnected, 1U);
  EXPECT_EQ(summary.unlabelled, 1U);
  EXPECT_EQ(summary.with_none, 0U);
  EXPECT_EQ(read_text(folder.file("c.jsonl")),
            R"({"format":"autogo.corpus","version":1,"family":"nasbench201","label":"acc",)"
            R"("source":"t.csv","size":2})"
            "\n{\"id\":\"nb201:ssssss\",\"label\":85.5}\n"
            "{\"id\":\"nb201:3nna33\",\"label\":90.25}\n");

  options.skip_none = true;
  const CorpusSummary without = write_nasbench201_corpus(options, folder.file("c.jsonl"));
  EXPECT_EQ(without.items, 1U);
  EXPECT_EQ(without.with_none, 2U);
  EXPECT_EQ(without.disconnected, 0U);
}

TEST(Nasbench201Table, KnowsHowLongTheColumnsTrainingsWere) {
  const TemporaryFolder folder;
  const auto images = [&](const std::string& column, double given = 0) {
    TableOptions options;
    options.label = column;
    options.training_images = given;
    options.table =
        folder.write("t.csv", "index,arch," + column + "\n" + nb201_row("0", kSkips, "1"));
    write_nasbench201_corpus(options, folder.file("c.jsonl"));
    return CorpusReader(folder.file("c.jsonl")).header().training_images;
  };
  EXPECT_EQ(images("cifar10_test_200ep"), 200 * 50'000);
  EXPECT_EQ(images("cifar10_train_200ep_onerun"), 200 * 50'000);
  EXPECT_EQ(images("cifar10_valid_12ep"), 12 * 25'000) << "half of the images";
  EXPECT_EQ(images("imagenet16_120_test_12ep"), 12 * 151'700);
  EXPECT_EQ(images("acc"), 0) << "nobody knows";
  EXPECT_EQ(images("ep"), 0);
  EXPECT_EQ(images("x200ep"), 0);
  EXPECT_EQ(images("3ep_12ep_x"), 12 * 50'000);
  EXPECT_EQ(images(std::string(400, '9') + "ep"), 0) << "beyond a double";
  EXPECT_EQ(images("acc", 5e5), 5e5);
  EXPECT_EQ(images("cifar10_test_200ep", 5e5), 5e5);
}

TEST(Nasbench201Table, StopsAtTheLimitButChecksEveryRow) {
  const TemporaryFolder folder;
  TableOptions options;
  options.label = "acc";
  options.limit = 1;
  const std::string rows =
      "index,arch,acc\n" + nb201_row("0", kSkips, "1") + nb201_row("1", kSkips, "2");
  options.table = folder.write("t.csv", rows);
  EXPECT_EQ(write_nasbench201_corpus(options, folder.file("c.jsonl")).items, 1U);
  options.table = folder.write("bad.csv", rows + "2,what\n");
  EXPECT_EQ(error_of([&] { write_nasbench201_corpus(options, folder.file("d.jsonl")); }),
            options.table + ":4: has 2 columns, expected 3");
}

TEST(Nasbench201Table, ABadRowWritesNothingAndLosesNothing) {
  const TemporaryFolder folder;
  const std::string out = folder.write("c.jsonl", "an earlier corpus");
  TableOptions options;
  options.label = "acc";
  const auto text = [&](const std::string& row) {
    options.table = folder.write("t.csv", "index,arch,acc\n" + nb201_row("0", kSkips, "1") + row);
    std::string error = error_of([&] { write_nasbench201_corpus(options, out); });
    EXPECT_EQ(read_text(out), "an earlier corpus");
    EXPECT_EQ(folder.num_files(), 2U);
    return error.starts_with(options.table) ? error.substr(options.table.size()) : error;
  };
  EXPECT_EQ(text("1,|conv~0|,2\n"),
            ":3: NAS-Bench-201 cell '|conv~0|': unknown operation 'conv', expected one of "
            "nor_conv_3x3, nor_conv_1x1, avg_pool_3x3, skip_connect, none");
  EXPECT_EQ(text(nb201_row("1", kSkips, "high")), ":3: acc is 'high', not a number");
  EXPECT_EQ(text(nb201_row("1", kSkips, "nan")), ":3: acc is 'nan', not a number");
  EXPECT_EQ(text("\n"), ":3: has 1 columns, expected 3");
}

TEST(Nasbench201Table, NamesTheColumnsThatThereAre) {
  const TemporaryFolder folder;
  TableOptions options;
  options.label = "accuracy";
  options.table = folder.write("t.csv", "index,arch,acc\n");
  try {
    write_nasbench201_corpus(options, folder.file("c.jsonl"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()), options.table + ": has no column 'accuracy'");
    EXPECT_EQ(e.hint(), "its columns are index, arch, acc");
  }
  options.label = "acc";
  EXPECT_EQ(error_of([&] { write_nasbench201_corpus(options, folder.file("c.jsonl")); }),
            options.table + ": no row gives a labelled network");
}

TEST(Nasbench101Table, JoinsLabelsWithIds) {
  const TemporaryFolder folder;
  TableOptions options;
  options.table = folder.write("t.jsonl", nb101_row("maxpool3x3", "0.5") +
                                              nb101_row("conv1x1-bn-relu", "null") +
                                              nb101_row("conv3x3-bn-relu", "0.75"));
  options.label = "acc";
  const CorpusSummary summary = write_nasbench101_corpus(options, folder.file("c.jsonl"));
  EXPECT_EQ(summary.items, 2U);
  EXPECT_EQ(summary.unlabelled, 1U);
  EXPECT_EQ(read_text(folder.file("c.jsonl")),
            R"({"format":"autogo.corpus","version":1,"family":"nasbench101","label":"acc",)"
            R"("source":"t.jsonl","size":2})"
            "\n{\"id\":\"nb101:3:111:m\",\"label\":0.5}\n"
            "{\"id\":\"nb101:3:111:3\",\"label\":0.75}\n");
}

TEST(Nasbench101Table, NamesTheLineOfABadRow) {
  const TemporaryFolder folder;
  TableOptions options;
  options.label = "acc";
  const auto text = [&](const std::string& row) {
    options.table = folder.write("t.jsonl", nb101_row("maxpool3x3", "0.5") + row + "\n");
    std::string error =
        error_of([&] { write_nasbench101_corpus(options, folder.file("c.jsonl")); });
    EXPECT_EQ(folder.num_files(), 1U);
    return error.starts_with(options.table) ? error.substr(options.table.size()) : error;
  };
  EXPECT_EQ(text("{"), ":2: is not valid JSON");
  EXPECT_EQ(text("{}"), ":2: row: \"adjacency\" is missing");
  EXPECT_EQ(text(nb101_row("sep3x3", "1")),
            ":2: unknown operation 'sep3x3', expected conv3x3-bn-relu, conv1x1-bn-relu or "
            "maxpool3x3");
  EXPECT_EQ(text(R"({"adjacency":[[0,1],[1,0]],"ops":["input","output"],"acc":1})"),
            ":2: \"adjacency\"[1][0] is 1, expected 0, or 1 above the diagonal");
  EXPECT_EQ(text(R"({"adjacency":[[0,1]],"ops":["input","output"],"acc":1})"),
            ":2: \"adjacency\" has 1 rows, expected 2");
  EXPECT_EQ(text(R"({"adjacency":[[0,0],[0,0]],"ops":["input","output"],"acc":1})"),
            ":2: NAS-Bench-101 cell 'nb101:2:0:': has no path from input to output");
  EXPECT_EQ(text(R"({"adjacency":[[0,1],[0,0]],"ops":["input","output"],"val":1})"),
            ":2: has no field 'acc'");
  EXPECT_EQ(text(R"({"adjacency":[[0,1],[0,0]],"ops":["input","output"],"acc":"1"})"),
            ":2: \"acc\" is not a number");
}

TEST(Nasbench201Table, GivesTheKnownSizes) {
  AUTOGO_SHARED_FILE(table, "data/nasbench201.csv.gz");
  const TemporaryFolder folder;
  TableOptions options;
  options.table = table;
  options.label = "cifar10_test_200ep";
  const CorpusSummary all = write_nasbench201_corpus(options, folder.file("all.jsonl"));
  EXPECT_EQ(all.items + all.disconnected, 14'063U);
  EXPECT_EQ(all.unlabelled, 0U);
  options.skip_none = true;
  EXPECT_EQ(write_nasbench201_corpus(options, folder.file("some.jsonl")).items, 3'688U);
}

}  // namespace
}  // namespace autogo
