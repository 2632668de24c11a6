// Files of our own formats, and those that benchmarks come as.

#include <filesystem>
#include <fstream>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/corpus/corpus.h"
#include "autogo/cost/cost.h"
#include "autogo/graph/canonical.h"
#include "autogo/segment/mine.h"
#include "autogo/segment/segmentation.h"
#include "graph/graph_json.h"
#include "mutation.h"
#include "search/search_support.h"
#include "segment/database_impl.h"
#include "support/temp_dir.h"
#include "target.h"

namespace autogo::fuzz {
namespace {

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// What a command does with a graph, its origin left aside.
void use_graph(const Graph& graph) {
  graph_cost(graph);
  canonical_hash(graph);
  canonical_hash(graph, NodeIdentity::kSegment);
}

std::string edited(Json json, Rng& rng) {
  for (std::uint64_t edit = 1 + rng.below(3); edit-- > 0;) edit_json(json, rng);
  return json.dump();
}

class DatabaseTarget : public Target {
 public:
  DatabaseTarget() : network_(testing::concat_network()) {
    const TempDir folder;
    testing::small_database().save(folder / "s.json");
    text_ = read_file(folder / "s.json");
    json_ = parse_json(text_, "s.json");
    Json& entries = json_["entries"];  // a few do, and an input is quick
    while (entries.size() > 30) entries.erase(entries.size() / 2);
  }
  std::string name() const override { return "database"; }
  std::string make(Rng& rng) const override {
    return rng.below(8) == 0 ? edit_bytes(json_.dump(), rng) : edited(json_, rng);
  }
  void use(const std::string& input, const std::string& folder) const override {
    const std::string path = folder + "/s.json";
    write(path, input);
    attempt([&] { SegmentDatabase::load(path); });
    SegmentDatabase database;  // as if its hash were right
    if (!attempt([&] { database = read_unchecked(input, path); })) return;
    segment_statistics(database);
    Rng rng(1);
    segment_network(database, network_, 0.5, rng);
    SearchConfig config = testing::small_config();
    attempt([&] { plan_search(config, network_, database); });
    database.save(path);
    SegmentDatabase::load(path);  // what was written is read back
    database.add_segments_of(network_, "own");
    database.merge(SegmentDatabase::load(path));
  }

 private:
  Graph network_;
  std::string text_;
  Json json_;
};

class CorpusTarget : public Target {
 public:
  CorpusTarget() {
    header_ = {{"format", "autogo.corpus"}, {"version", 1}, {"family", "onnx"},
               {"label", "a"},              {"size", 3},    {"training_images", 1000}};
    items_.push_back({{"id", "nb201:333s33"}, {"label", 94.25}});
    for (const Graph& graph : {testing::residual_network(), testing::token_network()}) {
      items_.push_back({{"id", "m"}, {"graph", graph_to_json(graph)}});
    }
    Graph opaque;
    const ValueId x = opaque.add_input(testing::tensor({1, 4, 8, 8}));
    Attrs attrs;
    attrs.text = "Einsum";
    const std::vector<ValueId> inputs{x};
    const std::vector<Value> outputs{Value{testing::tensor({1, 4, 8, 8}), NodeId{}}};
    Attrs up;
    up.kernel = up.stride = {2, 2};
    up.out_channels = 4;
    const NodeId node = opaque.add_typed(OpKind::kOpaque, attrs, inputs, outputs);
    opaque.add_output(opaque.add(OpKind::kConvTranspose, up, {opaque.output(node)}));
    items_.push_back({{"id", "o"}, {"graph", graph_to_json(opaque)}});
  }
  std::string name() const override { return "corpus"; }
  std::uint64_t weight() const override { return 2; }
  std::string make(Rng& rng) const override {
    std::string text;
    const std::size_t chosen = rng.below(items_.size() + 1);
    text += (chosen == items_.size() ? edited(header_, rng) : header_.dump()) + "\n";
    for (std::size_t i = 0; i < items_.size(); ++i) {
      text += (chosen == i ? edited(items_[i], rng) : items_[i].dump()) + "\n";
    }
    return rng.below(8) == 0 ? edit_bytes(text, rng) : text;
  }
  void use(const std::string& input, const std::string& folder) const override {
    const std::string path = folder + "/c.jsonl";
    write(path, input);
    attempt([&] {
      CorpusReader reader(path);
      for_each_graph(reader, 1, [](CorpusItem&& item) { use_graph(item.graph); });
    });
  }

 private:
  Json header_;
  std::vector<Json> items_;
};

class IdTarget : public Target {
 public:
  std::string name() const override { return "id"; }
  std::string make(Rng& rng) const override {
    static const std::vector<std::string> kIds{
        "nb201:333s33",
        "|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "nb101:5:1111111101:m33",
        "hiaml:src1-src1-r30-src3",
        "two_path:ap+c5*,mp+d3*|s3,r4k3*,s5+r2k1*,e2k1+e2k3",
        "inception:2@16>16:mp+p3;16>16:s3+w5/2@16>16:mp+p3;16>16:s3+w5/"
        "2@16>16:mp+p3;16>16:s3+w5/2@16>16:mp+p3;16>16:s3+w5",
        R"({"nodes":[{"op":"input","hin":4,"hout":4,"win":4,"wout":4,"cin":3,"cout":3},)"
        R"({"op":"conv2d","hout":2,"wout":2,"cout":8,"kernel":[3,3],"strides":[1,2,2,1],)"
        R"("metadata":{"dilations":[1,1,1,1],"padding":"same","use_bias":true}},)"
        R"({"op":"maxpool","hout":1,"wout":1,"cout":8,"strides":[1,2,2,1],)"
        R"("metadata":{"padding":"valid","ksize":[1,2,2,1]}}],"edges":[[0,1],[1,2]]})"};
    const std::string& id = kIds[rng.below(kIds.size())];
    return id[0] == '{' && rng.below(2) == 0 ? edited(Json::parse(id), rng) : edit_bytes(id, rng);
  }
  void use(const std::string& input, const std::string&) const override {
    Graph graph;
    const bool published = !input.empty() && input[0] == '{';
    if (attempt([&] { graph = published ? autogo_graph(input, "g") : family_graph(input); })) {
      use_graph(graph);
    }
    attempt([&] { use_graph(nasbench201_graph(input)); });
  }
};

class TableTarget : public Target {
 public:
  std::string name() const override { return "table"; }
  std::string make(Rng& rng) const override {
    static const std::vector<std::string> kTables{
        "index,arch,acc\n0,|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|"
        "nor_conv_3x3~2|,93.5\n",
        "{\"adjacency\":[[0,1,1],[0,0,1],[0,0,0]],\"ops\":[\"input\",\"maxpool3x3\",\"output\"],"
        "\"acc\":0.5}\n",
        "id,acc\nhiaml:src1-src1-r30-src3,0.5\n",
        "{\"id\":\"hiaml:src1-src1-r30-src3\",\"acc\":0.5}\n"};
    const std::string& table = kTables[rng.below(kTables.size())];
    return table[0] == '{' && rng.below(2) == 0 ? edited(Json::parse(table), rng)
                                                : edit_bytes(table, rng);
  }
  void use(const std::string& input, const std::string& folder) const override {
    TableOptions options;
    options.table = folder + (input.starts_with("{") ? "/t.jsonl" : "/t.csv");
    options.label = "acc";
    write(options.table, input);
    attempt([&] { write_nasbench201_corpus(options, folder + "/c1"); });
    attempt([&] { write_nasbench101_corpus(options, folder + "/c2"); });
    attempt([&] { write_family_corpus("hiaml", options, folder + "/c3"); });
  }
};

}  // namespace

std::unique_ptr<Target> database_target() { return std::make_unique<DatabaseTarget>(); }
std::unique_ptr<Target> corpus_target() { return std::make_unique<CorpusTarget>(); }
std::unique_ptr<Target> id_target() { return std::make_unique<IdTarget>(); }
std::unique_ptr<Target> table_target() { return std::make_unique<TableTarget>(); }

}  // namespace autogo::fuzz
