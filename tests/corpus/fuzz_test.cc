// Mutated files and rows: an Error or a result, never a crash, and never another exception.

#include <vector>

#include "autogo/base/rng.h"
#include "autogo/corpus/corpus.h"
#include "support.h"

namespace autogo {
namespace {

constexpr std::uint64_t kSeed = 20231;
constexpr int kCases = 3000;
constexpr int kFileCases = 300;  // each writes files

/// A few random edits: bytes replaced, removed, inserted or doubled, pieces swapped, ends cut.
std::string mutate(std::string text, Rng& rng) {
  static const std::string kAlphabet = "{}[]\",:|~+019-.eE3asnm \n\\u\t\xff\x80";
  const std::uint64_t edits = 1 + rng.below(4);
  for (std::uint64_t e = 0; e < edits && !text.empty(); ++e) {
    const std::size_t at = rng.below(text.size());
    switch (rng.below(5)) {
      case 0:
        text[at] = kAlphabet[rng.below(kAlphabet.size())];
        break;
      case 1:
        text.erase(at, 1 + rng.below(8));
        break;
      case 2:
        text.insert(at, 1, kAlphabet[rng.below(kAlphabet.size())]);
        break;
      case 3:
        text.insert(at, text.substr(rng.below(text.size()), rng.below(20)));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

/// Runs `use` on mutations of `text`. @return how many were refused
int fuzz(const std::string& text, int cases, const std::function<void(const std::string&)>& use) {
  int refused = 0;
  const Rng root(kSeed);
  for (int i = 0; i < cases; ++i) {
    Rng rng = root.fork(static_cast<std::uint64_t>(i));
    const std::string mutated = mutate(text, rng);
    try {
      use(mutated);
    } catch (const Error& e) {
      EXPECT_NE(e.kind(), ErrorKind::kInternal) << "seed " << kSeed << " case " << i << "\n"
                                                << mutated;
      EXPECT_NE(std::string(e.what()), "");
      ++refused;
    } catch (const std::exception& e) {
      ADD_FAILURE() << "seed " << kSeed << " case " << i << ": " << e.what() << "\n" << mutated;
    }
  }
  EXPECT_GT(refused, cases / 10);  // the mutations do reach the checks
  return refused;
}

TEST(CorpusFuzz, Nasbench201Ids) {
  fuzz("nb201:333s33", kCases, [](const std::string& id) { nasbench201_graph(id); });
  fuzz("|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|", kCases,
       [](const std::string& id) { nasbench201_graph(id); });
}

TEST(CorpusFuzz, Nasbench101Ids) {
  fuzz("nb101:5:1111111101:m33", kCases, [](const std::string& id) { nasbench101_graph(id); });
}

TEST(CorpusFuzz, Nasbench201Tables) {
  const TemporaryFolder folder;
  fuzz(
      "index,arch,acc\n0,|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|"
      "nor_conv_3x3~2|,93.5\n",
      kFileCases, [&](const std::string& text) {
        TableOptions options;
        options.table = folder.write("t.csv", text);
        options.label = "acc";
        write_nasbench201_corpus(options, folder.file("c.jsonl"));
      });
}

TEST(CorpusFuzz, Nasbench101Tables) {
  const TemporaryFolder folder;
  fuzz(
      "{\"adjacency\":[[0,1,1],[0,0,1],[0,0,0]],\"ops\":[\"input\",\"maxpool3x3\",\"output\"],"
      "\"acc\":0.5}\n",
      kFileCases, [&](const std::string& text) {
        TableOptions options;
        options.table = folder.write("t.jsonl", text);
        options.label = "acc";
        write_nasbench101_corpus(options, folder.file("c.jsonl"));
      });
}

TEST(CorpusFuzz, CorpusFiles) {
  const TemporaryFolder folder;
  fuzz(
      "{\"format\":\"autogo.corpus\",\"version\":1,\"family\":\"onnx\",\"label\":\"a\",\"size\":2}"
      "\n"
      "{\"id\":\"nb201:333s33\",\"label\":94.25}\n"
      "{\"id\":\"m\",\"graph\":[[\"input\",[],{},[[1,1,[1,3,8,8]]]],[\"conv\",[0],"
      "{\"out_channels\":4,\"kernel\":[3,3]}],[\"output\",[1]]]}\n",
      kFileCases, [&](const std::string& text) {
        CorpusReader reader(folder.write("c.jsonl", text));
        for_each_graph(reader, 1, [](CorpusItem&&) {});
      });
}

TEST(CorpusFuzz, AutogoGraphs) {
  fuzz(R"({"nodes":[{"op":"input","hin":4,"hout":4,"win":4,"wout":4,"cin":3,"cout":3},)"
       R"({"op":"conv2d","hout":2,"wout":2,"cout":8,"kernel":[3,3],"strides":[1,2,2,1],)"
       R"("metadata":{"dilations":[1,1,1,1],"padding":"same","use_bias":true}},)"
       R"({"op":"maxpool","hout":1,"wout":1,"cout":8,"strides":[1,2,2,1],)"
       R"("metadata":{"padding":"valid","ksize":[1,2,2,1]}}],"edges":[[0,1],[1,2]]})",
       kCases, [](const std::string& text) { autogo_graph(text, "g"); });
}

}  // namespace
}  // namespace autogo
