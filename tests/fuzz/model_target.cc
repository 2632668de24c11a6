// ONNX files: the small models of all operators that the tests have, and a few of the shapes in
// which networks come. What is read goes everywhere that a command would take it.

#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/codegen/codegen.h"
#include "autogo/cost/cost.h"
#include "autogo/graph/canonical.h"
#include "autogo/onnx/model.h"
#include "autogo/program/program.h"
#include "autogo/search/search.h"
#include "autogo/segment/segmentation.h"
#include "mutation.h"
#include "onnx/attention_builder.h"
#include "onnx/op_samples.h"
#include "onnx/operator_cases.h"
#include "search/search_support.h"
#include "target.h"

namespace autogo::fuzz {
namespace {

/// New weights are as large as a file of a few bytes says: what it asks for is not held against it.
constexpr std::int64_t kMostWeights = 1 << 20;
constexpr std::size_t kMostExported = 1000;  ///< nodes: two languages, beside all else, in a second
constexpr std::size_t kMostSearched = 60;  ///< nodes

/// A small model with a bit of everything that the importer reads.
onnx::ModelProto mixed_model() {
  OnnxBuilder b;
  b.input("x", {-1, 8, 8, 8})
      .weight("w", {8, 8, 3, 3})
      .weight("v", {8})
      .weight("v1", {1})
      .output("y");
  b.ints("zero", {0}).ints("shape", {1, 72}).ints("axes", {2, 3}).scalar("six", 6).scalar("nil", 0);
  b.ints("starts", {1}).ints("ends", {7}).ints("one", {1});
  auto& conv = b.node("Conv", {"x", "w"}, {"a"});
  set_attribute(conv, "pads", std::vector<std::int64_t>{1, 1, 1, 1});
  set_attribute(conv, "strides", std::vector<std::int64_t>{2, 2});
  set_attribute(conv, "dilations", std::vector<std::int64_t>{1, 1});
  b.node("BatchNormalization", {"a", "v", "v", "v", "v"}, {"n"});
  b.node("Clip", {"n", "nil", "six"}, {"r"});
  b.node("Sigmoid", {"r"}, {"s"});
  b.node("Mul", {"r", "s"}, {"m"});
  auto& pool = b.node("MaxPool", {"m"}, {"p"});
  set_attribute(pool, "kernel_shape", std::vector<std::int64_t>{2, 2});
  b.node("Shape", {"p"}, {"sh"});
  b.node("Gather", {"sh", "zero"}, {"g"});
  set_attribute(b.node("Concat", {"g", "shape"}, {"c"}), "axis", std::int64_t{0});
  b.node("Slice", {"c", "one", "ends", "zero", "one"}, {"sl"});
  b.node("ConstantOfShape", {"sl"}, {"k"});
  b.node("Reshape", {"p", "shape"}, {"f"});
  b.node("Softmax", {"f"}, {"so"});
  auto& split = b.node("Split", {"so"}, {"s1", "s2"});
  set_attribute(split, "axis", std::int64_t{1});
  b.node("Expand", {"v1", "sl"}, {"ex"});
  b.node("Add", {"ex", "so"}, {"e2"});
  b.node("ReduceSum", {"e2"}, {"e3"});
  b.node("Transpose", {"s2"}, {"t"});
  b.node("MatMul", {"s1", "t"}, {"mm"});
  b.node("TopK", {"mm", "one"}, {"tk", "ti"});
  b.node("Add", {"tk", "v"}, {"e4"});
  b.node("Add", {"e4", "e3"}, {"y"});
  return b.model();
}

/// Chains of small constants, as exporters of shape arithmetic leave them: all of them are folded.
onnx::ModelProto arithmetic_model() {
  OnnxBuilder b;
  b.input("x", {2, 3, 4, 4}).output("y");
  b.ints("a", {2, 3}).ints("b", {4, 4}).ints("zero", {0}).ints("one", {1}).ints("table", {});
  b.ints("two", {2}).scalar("factor", 1.5);
  set_attribute(b.node("Concat", {"a", "b"}, {"dims"}), "axis", std::int64_t{0});
  b.node("Shape", {"x"}, {"shape"});
  b.node("Sub", {"shape", "dims"}, {"zeros"});
  b.node("Add", {"zeros", "dims"}, {"same"});
  b.node("Gather", {"same", "one"}, {"three"});
  b.node("Range", {"zero", "three", "one"}, {"range"});
  b.node("Unsqueeze", {"range", "zero"}, {"wide"});
  b.node("Expand", {"wide", "a"}, {"grid"});
  b.node("Transpose", {"grid"}, {"turned"});
  set_attribute(b.node("Cast", {"turned"}, {"real"}), "to", std::int64_t{1});
  b.node("Mul", {"real", "factor"}, {"scaled"});
  b.node("ReduceSum", {"grid"}, {"sum"});
  b.node("Slice", {"same", "zero", "two"}, {"head"});
  b.node("ConstantOfShape", {"head"}, {"empty"});
  set_attribute(b.node("Concat", {"head", "table"}, {"joined"}), "axis", std::int64_t{0});
  b.node("Equal", {"head", "joined"}, {"equal"});
  b.node("Where", {"equal", "head", "joined"}, {"chosen"});
  b.node("Reshape", {"x", "same"}, {"r"});
  b.node("Tile", {"r", "dims"}, {"tiled"});
  b.node("Split", {"dims"}, {"left", "right"});
  b.node("Reshape", {"scaled", "chosen"}, {"small"});
  b.node("ReduceMean", {"tiled"}, {"mean"});
  b.node("Add", {"mean", "small"}, {"y"});
  return b.model();
}

/// A network as the search likes it, exported: segments, residuals, a join.
onnx::ModelProto exported(const Graph& graph, const std::string& path) {
  ExportOptions options;
  options.new_weights = NewWeights::kConstantOfShape;
  export_onnx(graph, path, options);
  return read_model(path);
}

std::vector<onnx::ModelProto> valid_models() {
  std::vector<onnx::ModelProto> models{mixed_model(), arithmetic_model(),
                                       masked_attention().model()};
  const TempDir folder;
  const std::string path = folder / "m.onnx";
  for (const Graph& graph : {testing::residual_network(), testing::concat_network(),
                             testing::token_network()}) {
    models.push_back(exported(graph, path));
  }
  const CheckModels keep = [&](const std::vector<std::string>& paths, const std::string&) {
    for (const std::string& p : paths) models.push_back(read_model(p));
  };
  for (const auto& cases : {window_cases, convolution_cases, elementwise_cases, normalisation_cases,
                            product_cases, movement_cases, index_cases, resize_cases}) {
    cases(keep);
  }
  return models;
}

class ModelTarget : public Target {
 public:
  ModelTarget() : models_(valid_models()), database_(testing::small_database()) {}
  std::string name() const override { return "model"; }
  std::uint64_t weight() const override { return 10; }

  std::string make(Rng& rng) const override {
    const std::size_t first = rng.below(2) == 0 ? rng.below(5) : rng.below(models_.size());
    onnx::ModelProto model = models_[first];
    if (rng.below(8) == 0) return edit_bytes(model.SerializeAsString(), rng);
    if (rng.below(8) == 0) model.MergeFrom(models_[rng.below(models_.size())]);
    for (std::uint64_t edit = 1 + rng.below(4); edit-- > 0;) edit_model(model, rng);
    return model.SerializeAsString();
  }

  void use(const std::string& input, const std::string& folder) const override {
    const std::string path = folder + "/m.onnx";
    std::ofstream(path, std::ios::binary) << input;
    Graph graph;
    try {
      graph = import_onnx(path);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::kInternal || std::string(e.what()).starts_with(path)) {
        if (e.kind() != ErrorKind::kInternal) return;
        throw;
      }
      throw Error(ErrorKind::kInternal, std::string("a refusal without the file: ") + e.what());
    }
    const GraphCost cost = graph_cost(graph);
    canonical_hash(graph, NodeIdentity::kSegment);
    const std::string copy = folder + "/copy.onnx";
    if (attempt([&] { export_onnx(graph, copy); })) attempt([&] { import_onnx(copy); });
    const bool small = graph.num_nodes() <= kMostExported && cost.total.params <= kMostWeights;
    if (small && exported_bytes(graph) <= kMostWeights * 8) {
      attempt([&] { export_pytorch(graph, folder + "/m.py"); });
      attempt([&] { export_keras(graph, folder + "/k.py"); });
    }
    Rng rng(1);
    attempt([&] { segment_network(database_, graph, 0.5, rng); });
    if (graph.num_nodes() <= kMostSearched) search(graph);
  }

 private:
  /// Bytes that an export to code writes: a module has weights of its own, also where nodes share
  /// them, and an Expand makes large ones of nothing.
  static std::int64_t exported_bytes(const Graph& graph) {
    std::int64_t bytes = 0;
    attempt([&] {
      const Program program = lower(graph);
      for (const ProgramNode& node : program.nodes) {
        for (const int value : node.inputs) {
          const int c = value < 0 ? -1 : program.values[static_cast<std::size_t>(value)].constant;
          if (c < 0) continue;
          const auto& tensor = program.constants[static_cast<std::size_t>(c)].tensor;
          bytes += std::min(tensor.elements(), kMostWeights * 2) * 4;
        }
      }
    });
    return bytes;
  }

  void search(const Graph& graph) const {
    SearchConfig config = testing::small_config();
    config.options.iterations = 1;
    config.options.sources = 2;
    config.options.replacements = 4;
    config.options.jobs = 1;
    attempt([&] { plan_search(config, graph, database_); });
    attempt([&] { run_search(config, {}, graph, database_, testing::FakePredictor()); });
  }

  std::vector<onnx::ModelProto> models_;
  SegmentDatabase database_;
};

}  // namespace

std::unique_ptr<Target> model_target() { return std::make_unique<ModelTarget>(); }

}  // namespace autogo::fuzz
