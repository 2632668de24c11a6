// make_children MODEL SEGMENTS COUNT SEED FOLDER: writes COUNT distinct random mutations of a model
// as ONNX files and judges each by the ONNX checker with strict shape inference (opsets that the
// library knows). tools/check_children.sh runs them in ONNX Runtime afterwards.
//
// A random walk with few limits: every operator, any FLOPs, any gain, up to kDepth mutations deep,
// so that it goes where searches do not. Prints one line a child, "PATH" or "FAIL PATH REASON",
// with the lineage of a refused one; exit code 1 when any was refused.

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <set>

#include "autogo/graph/canonical.h"
#include "autogo/onnx/model.h"
#include "search/mutation/mutate.h"
#include "search_support.h"

namespace autogo {
namespace {

constexpr int kDepth = 6;
constexpr int kLastKnownOpset = 17;
constexpr std::int64_t kMaxRandomParams = 2'000'000;

/// Why ONNX refuses the file; empty when it does not.
std::string refusal(const std::string& path) {
  onnx::ModelProto model;
  std::ifstream stream(path, std::ios::binary);
  if (!model.ParseFromIstream(&stream)) return "not a protobuf";
  for (const auto& opset : model.opset_import()) {
    if (opset.domain().empty() && opset.version() > kLastKnownOpset) return "";
  }
  try {
    onnx::checker::check_model(model);
    const onnx::ShapeInferenceOptions strict{true, 1, false};
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), strict);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

struct Walk {
  Graph input;
  ReplacementPool pool;
  PropagationMemo memo;
  testing::FlatPredictor predictor;
  SearchOptions options;
  Rng rng;
  std::set<std::uint64_t> seen;
  testing::Limits limits;

  Walk(Graph graph, const SegmentDatabase& database, const SearchOptions& o)
      : input(std::move(graph)),
        pool(database, input, allowed_ops(o, input), o),
        options(o),
        rng(o.seed),
        limits(o, input) {}

  /// New children of one random run of one to six nodes.
  std::vector<Child> step(const Parent& parent, const Individual& individual) {
    const MutationSetup setup{pool,
                              memo,
                              predictor,
                              {},
                              limits.models,
                              limits.bounds,
                              -std::numeric_limits<double>::infinity(),
                              4};
    std::vector<std::uint32_t> sizes(parent.order.size(), 1);
    const auto runs = source_runs(parent, sizes, 6, {}, pool);
    if (runs.empty()) return {};
    SourceResult result = mutate_source(setup, parent, individual, runs[rng.below(runs.size())],
                                        rng.fork(rng.next()));
    std::erase_if(result.children, [&](const Child& c) { return !seen.insert(c.hash).second; });
    return std::move(result.children);
  }
};

int make_children(const std::string& model, const std::string& segments, std::size_t count,
                  std::uint64_t seed, const std::string& folder) {
  SearchOptions options;
  options.seed = seed;
  options.allow_ops = {"all"};
  options.max_flops_decrease = 100;
  options.max_flops_increase = 1000;
  Walk walk(import_onnx(model), SegmentDatabase::load(segments), options);
  std::size_t written = 0, refused = 0;
  for (int rounds = 0; written < count && rounds < 100000; ++rounds) {
    Graph graph = walk.input;
    Individual individual;
    individual.costs = walk.limits.costs;
    for (int depth = 0; depth < kDepth && written < count; ++depth) {
      const Parent parent(0, 0, graph);
      const std::vector<Child> children = walk.step(parent, individual);
      for (const Child& child : children) {
        if (written == count) break;
        const Graph made = apply(child.step, parent.graph, parent.uses, parent.order);
        const std::string path = folder + "/" + std::to_string(written++) + ".onnx";
        ExportOptions out;
        out.seed = child.hash;
        const bool small =
            graph_cost(*child.step.body).total.params < kMaxRandomParams && depth < 2;
        out.new_weights =
            small && walk.rng.below(2) == 0 ? NewWeights::kRandom : NewWeights::kConstantOfShape;
        export_onnx(made, path, out);
        const std::string why = refusal(path);
        if (!why.empty()) {
          ++refused;
          std::cout << "FAIL " << path << " " << why << "\n" << dump(*child.step.body);
        } else {
          std::cout << path << "\n";
        }
      }
      if (children.empty()) continue;
      const Child& next = children[walk.rng.below(children.size())];
      graph = apply(next.step, parent.graph, parent.uses, parent.order);
      individual.costs = next.costs;
    }
  }
  std::cerr << model << ": " << written << " children, " << refused << " refused by the checker\n";
  return written < count || refused > 0 ? 1 : 0;
}

}  // namespace
}  // namespace autogo

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: make_children MODEL SEGMENTS COUNT SEED FOLDER\n";
    return 2;
  }
  try {
    return autogo::make_children(argv[1], argv[2], std::stoul(argv[3]), std::stoull(argv[4]),
                                 argv[5]);
  } catch (const std::exception& e) {
    std::cerr << "make_children: " << e.what() << "\n";
    return 1;
  }
}
