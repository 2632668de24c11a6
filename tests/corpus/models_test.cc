#include <filesystem>
#include <vector>

#include "autogo/corpus/corpus.h"
#include "support.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

/// A network whose output has as many channels as the file's name has letters.
Graph load_fake(const std::string& path) {
  const std::string name = fs::path(path).stem().string();
  if (name == "bad") throw Error(ErrorKind::kInput, path + ": is truncated");
  if (name == "gone") throw Error(ErrorKind::kIo, path + ": cannot open");
  Graph graph;
  const Shape shape{1, 3, 8, 8};
  const ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsFirst, shape});
  Attrs attrs;
  attrs.out_channels = static_cast<std::int32_t>(name.size());
  graph.add_output(graph.add(OpKind::kConv, attrs, {x}));
  return graph;
}

TEST(ModelCorpus, FindsFilesInOrder) {
  const TemporaryFolder folder;
  fs::create_directories(folder.file("models/deep"));
  for (const char* name :
       {"models/b.onnx", "models/deep/c.onnx", "models/a.txt", "models/a.onnx"}) {
    folder.write(name, "");
  }
  std::vector<std::string> ids;
  for (const ModelFile& file :
       find_onnx_files({folder.file("models/"), folder.file("models/b.onnx")})) {
    EXPECT_TRUE(fs::exists(file.path));
    ids.push_back(file.id);
  }
  EXPECT_EQ(ids, (std::vector<std::string>{"b.onnx", "models/a.onnx", "models/b.onnx",
                                           "models/deep/c.onnx"}));
}

TEST(ModelCorpus, RefusesMissingAndEmptyFolders) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { find_onnx_files({folder.file("nowhere")}); }),
            folder.file("nowhere") + ": no such file or folder, expected .onnx files");
  fs::create_directories(folder.file("empty"));
  EXPECT_EQ(error_of([&] { find_onnx_files({folder.file("empty")}); }),
            folder.file("empty") + ": holds no .onnx file");
}

TEST(ModelCorpus, HoldsTheGraphs) {
  const TemporaryFolder folder;
  const std::string out = folder.file("c.jsonl");
  const CorpusSummary summary = write_onnx_corpus(
      {{"x/a.onnx", "x/a.onnx"}, {"x/bad.onnx", "x/bad.onnx"}, {"x/abc.onnx", "x/abc.onnx"}},
      load_fake, out);
  EXPECT_EQ(summary.items, 2U);
  EXPECT_EQ(summary.failed, 1U);
  CorpusReader reader(out);
  EXPECT_EQ(reader.header().family, "onnx");
  EXPECT_EQ(reader.header().source, "x");
  CorpusItem item;
  ASSERT_TRUE(reader.next(item));
  EXPECT_EQ(item.id, "x/a.onnx");
  EXPECT_EQ(item.label, std::nullopt);
  EXPECT_EQ(dump(item.graph), dump(load_fake("a.onnx")));
  ASSERT_TRUE(reader.next(item));
  EXPECT_EQ(dump(item.graph), dump(load_fake("abc.onnx")));
  EXPECT_FALSE(reader.next(item));
}

TEST(ModelCorpus, WritesNothingWhenAllFail) {
  const TemporaryFolder folder;
  const std::string out = folder.write("c.jsonl", "an earlier corpus");
  EXPECT_EQ(error_of([&] {
              write_onnx_corpus({{"bad.onnx", "bad.onnx"}}, load_fake, out);
            }),
            "none of 1 files can be imported; the first: bad.onnx: is truncated");
  EXPECT_EQ(read_text(out), "an earlier corpus");
  EXPECT_EQ(folder.num_files(), 1U);
}

TEST(ModelCorpus, StopsWhenTheSystemFails) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] {
              write_onnx_corpus({{"a.onnx", "a.onnx"}, {"gone.onnx", "gone.onnx"}}, load_fake,
                                folder.file("c.jsonl"));
            }),
            "gone.onnx: cannot open");
  EXPECT_EQ(folder.num_files(), 0U);
}

}  // namespace
}  // namespace autogo
