#include <gtest/gtest.h>

#include <bit>

#include "autogo/base/parallel.h"
#include "autogo/corpus/corpus.h"
#include "autogo/graph/canonical.h"
#include "plain_forward.h"
#include "predict/archive.h"
#include "predict/session.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// Error of the net's arithmetic, 2e-5, times the steepest slope of accuracy_scale.
constexpr double kClose = 7e-5;

/// A prior of its own, and about half a trust in the net for networks like `graph`.
Judgement half_trusting(const Graph& graph) {
  Judgement judgement;
  judgement.prior = {{-0.5, 0.1, -0.4, 0, -1}, {0.5, 0.3, 0.2, 0.1, -2}, {2, 1, 1, 10, 0.5}};
  judgement.familiarity.ranges.emplace_back().fill({-100, 100});
  for (std::uint32_t i = 0; i < graph.num_nodes(); ++i) {
    if (graph.node(NodeId{i}).op == OpKind::kBatchNorm) continue;
    judgement.familiarity.rows.insert(node_features(graph, NodeId{i}).hash());
  }
  return judgement;
}

/// What the predictor of these parts says.
double combined(const TrainedNet& trained, double net, const Traits& traits, double trust) {
  const Judgement& judgement = trained.judgement;
  return combined_score(net, judgement.prior(traits, judgement.length), judgement.prior(traits),
                        trust, judgement.span);
}

/// A predictor file with random weights.
std::unique_ptr<Predictor> random_predictor(const std::string& path, PredictorKind kind,
                                            const Judgement& judgement) {
  NetShape shape;
  shape.kind = kind;
  Archive archive;
  archive.header["recipe"] = {{"kind", kind == PredictorKind::kPsc ? "psc" : "gnn"},
                              {"width", shape.width},
                              {"head", shape.head},
                              {"operators", kNumOps},
                              {"seed", 1}};
  archive.tensors["weights"] = random_weights(NetWeights(shape), 17);
  archive.tensors["trained_on"] = torch::zeros({0}, torch::kInt64);
  put_judgement(archive, judgement);
  write_archive(path, kPredictorFile, archive);
  return load_torch_predictor(path, 0);
}

TensorType map(std::int64_t c, std::int64_t size) {
  return {DType::kFloat32, Layout::kChannelsFirst, Shape{1, c, size, size}};
}

/// A body with one input and one output of `type`: a random chain with skips.
Graph random_body(const TensorType& type, std::size_t nodes, Rng& rng) {
  Graph body;
  std::vector<ValueId> values = {body.add_input(type)};
  for (std::size_t i = 0; i < nodes; ++i) {
    const ValueId last = values.back();
    Attrs attrs;
    switch (rng.below(4)) {
      case 0: {
        attrs.kernel = {3, 3};
        attrs.padding = Padding::kSame;
        attrs.out_channels = static_cast<std::int32_t>(type.shape[1]);
        values.push_back(body.add(OpKind::kConv, attrs, {last}));
        break;
      }
      case 1:
        values.push_back(body.add(OpKind::kBatchNorm, attrs, {last}));
        break;
      case 2:
        values.push_back(body.add(OpKind::kRelu, attrs, {last}));
        break;
      default: {
        values.push_back(body.add(OpKind::kAdd, attrs, {last, values[rng.below(values.size())]}));
      }
    }
  }
  body.add_output(values.back());
  return body;
}

/// A cut of a benchmark cell with one input and one output port, and candidates for it.
struct Scene {
  Graph graph = family_graph("nb201:333s33");
  std::vector<NodeId> order = canonical_order(graph, NodeIdentity::kSegment);
  Cut cut;
  Ports ports;
  std::vector<Graph> bodies;
  std::vector<Candidate> candidates;

  explicit Scene(std::size_t count) {
    const Uses uses(graph);
    for (std::size_t begin = 100; begin < 200; ++begin) {
      cut = {order, begin, begin + 3};
      ports = segment_ports(graph, uses, cut);
      if (ports.inputs.size() == 1 && ports.outputs.size() == 1 &&
          graph.type(ports.inputs[0]) == graph.type(ports.outputs[0])) {
        break;
      }
    }
    Rng rng(9);
    for (std::size_t i = 0; i < count; ++i) {
      bodies.push_back(random_body(graph.type(ports.inputs[0]), rng.below(20), rng));
    }
    bodies.push_back(extract_segment(graph, ports, cut));
    for (const Graph& body : bodies) candidates.push_back({&body, ports.inputs, ports.outputs});
  }
};

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

TEST(Infer, AScoreDoesNotDependOnItsBatch) {
  const TempDir dir;
  const Scene scene(300);
  for (const PredictorKind kind : {PredictorKind::kPsc, PredictorKind::kGnn}) {
    const auto predictor = random_predictor(dir / "p.pt", kind, half_trusting(scene.graph));
    const auto context = predictor->prepare(scene.graph, scene.cut);
    std::vector<Candidate> candidates = scene.candidates;
    if (kind == PredictorKind::kGnn) candidates.resize(20);
    const std::vector<double> all = predictor->score(*context, candidates);
    ASSERT_EQ(all.size(), candidates.size());
    Rng rng(4);
    for (int round = 0; round < 5; ++round) {
      // Any part of the batch in any order.
      const auto picked = rng.sample(candidates.size(), 1 + rng.below(candidates.size()));
      std::vector<Candidate> some;
      for (const std::size_t i : picked) some.push_back(candidates[i]);
      const std::vector<double> scores = predictor->score(*context, some);
      for (std::size_t k = 0; k < picked.size(); ++k) {
        EXPECT_TRUE(same_bits(scores[k], all[picked[k]])) << "candidate " << picked[k];
      }
    }
    // Alone, and from four threads with contexts of their own.
    std::vector<double> alone(candidates.size());
    parallel_for(candidates.size(), 4, [&](std::size_t i) {
      const auto own = predictor->prepare(scene.graph, scene.cut);
      alone[i] = predictor->score(*own, {&candidates[i], 1})[0];
    });
    for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(same_bits(alone[i], all[i])) << i;
    EXPECT_NE(all[0], all[1]);
  }
}

TEST(Infer, TheOriginalSegmentScoresTheOriginal) {
  const TempDir dir;
  const Scene scene(3);
  const auto predictor =
      random_predictor(dir / "p.pt", PredictorKind::kPsc, half_trusting(scene.graph));
  const auto context = predictor->prepare(scene.graph, scene.cut);
  EXPECT_EQ(predictor->score(*context, scene.candidates).back(),
            predictor->score_original(*context));
}

/// After a full training, and after a short one.
class InferAfter : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(Trainings, InferAfter, testing::Values(0, 30000));

TEST_P(InferAfter, ScoresAreTheTrainingsScores) {
  const TempDir dir;
  const Scene scene(10);
  const auto full = random_predictor(dir / "p.pt", PredictorKind::kPsc, half_trusting(scene.graph));
  const auto predictor = load_torch_predictor(dir / "p.pt", GetParam());
  EXPECT_EQ(predictor->content_hash() == full->content_hash(), GetParam() == 0);
  TrainedNet trained = read_predictor(dir / "p.pt");
  trained.judgement.length = training_length(GetParam());
  const PlainNet plain(NetView(trained.shape, NetWeights(trained.shape).views(trained.weights)));
  const auto context = predictor->prepare(scene.graph, scene.cut);
  FeatureTable table;
  const EncodedGraph whole = encode_graph(scene.graph, scene.order, table);
  const CutRange range{static_cast<std::uint32_t>(scene.cut.begin),
                       static_cast<std::uint32_t>(scene.cut.end)};
  const Traits traits = network_traits(whole, table);
  const double trust = trained.judgement.familiarity.trust(whole, table, traits);
  EXPECT_GT(trust, 0.1);
  EXPECT_LT(trust, 0.9);
  EXPECT_NEAR(predictor->score_original(*context),
              combined(trained, plain.score(whole, table.rows(), range), traits, trust), kClose);
  // A candidate: parts P and C of the parent, S of the body.
  const std::vector<double> scores = predictor->score(*context, scene.candidates);
  for (std::size_t i = 0; i < scene.candidates.size(); ++i) {
    std::vector<FeatureRow> rows;
    const EncodedGraph body = encode_body(scene.bodies[i], rows);
    Vector x = plain.part(whole, table.rows(), 0, range.begin);
    const Vector s = plain.part(body, rows, 0, rows.size());
    const Vector c = plain.part(whole, table.rows(), range.end, whole.num_nodes());
    x.insert(x.end(), s.begin(), s.end());
    x.insert(x.end(), c.begin(), c.end());
    PartSums sums[4];
    for (std::size_t p = 0; p < whole.num_nodes(); ++p) {
      if (p >= range.begin && p < range.end) continue;
      sums[p < range.begin ? 0 : 2].add(table.rows()[whole.rows[p]]);
    }
    for (const FeatureRow& row : rows) sums[1].add(row);
    for (std::size_t p = 0; p < 3; ++p) sums[3] += sums[p];
    for (const PartSums& part : sums) {
      for (const float value : part_features(part)) x.push_back(value);
    }
    FeatureTable child_table;
    const Graph child =
        splice(scene.graph, scene.cut, scene.bodies[i], scene.ports.inputs, scene.ports.outputs);
    const Traits child_traits = network_traits(
        encode_graph(child, canonical_order(child, NodeIdentity::kSegment), child_table),
        child_table);
    EXPECT_NEAR(scores[i], combined(trained, plain.head(x), child_traits, trust), kClose)
        << "body of " << rows.size() << " nodes";
  }
}

TEST(Infer, TheGnnScoresTheSplicedGraph) {
  const TempDir dir;
  const Scene scene(3);
  const auto predictor =
      random_predictor(dir / "p.pt", PredictorKind::kGnn, half_trusting(scene.graph));
  const TrainedNet trained = read_predictor(dir / "p.pt");
  const PlainNet plain(NetView(trained.shape, NetWeights(trained.shape).views(trained.weights)));
  const auto context = predictor->prepare(scene.graph, scene.cut);
  const std::vector<double> scores = predictor->score(*context, scene.candidates);
  FeatureTable parent_table;
  const EncodedGraph parent = encode_graph(scene.graph, scene.order, parent_table);
  const double trust = trained.judgement.familiarity.trust(parent, parent_table,
                                                           network_traits(parent, parent_table));
  for (std::size_t i = 0; i < scene.candidates.size(); ++i) {
    const Graph child =
        splice(scene.graph, scene.cut, scene.bodies[i], scene.ports.inputs, scene.ports.outputs);
    FeatureTable table;
    const EncodedGraph encoded =
        encode_graph(child, canonical_order(child, NodeIdentity::kSegment), table);
    const Traits traits = network_traits(encoded, table);
    EXPECT_NEAR(scores[i], combined(trained, plain.score(encoded, table.rows(), {}), traits, trust),
                kClose);
  }
}

TEST(Infer, FeaturesOfAConvolution) {
  Graph graph;
  Attrs attrs;
  attrs.kernel = {3, 5};
  attrs.stride = {2, 2};
  attrs.padding = Padding::kSame;
  attrs.out_channels = 32;
  attrs.bias = true;
  graph.add_output(graph.add(OpKind::kConv, attrs, {graph.add_input(map(16, 8))}));
  const FeatureRow row = node_features(graph, NodeId{1});
  EXPECT_EQ(row.op, OpKind::kConv);
  EXPECT_EQ(row.macs, 4 * 4 * 32 * 16 * 15);
  EXPECT_EQ(row.params, 32 * 16 * 15 + 32);
  EXPECT_TRUE(row.weighted);
  EXPECT_FLOAT_EQ(row.values[0], static_cast<float>(std::log1p(16.0) / 6));
  EXPECT_FLOAT_EQ(row.values[4], static_cast<float>(std::log1p(4.0) / 4));
  EXPECT_FLOAT_EQ(row.values[6], 0.5F);
  EXPECT_FLOAT_EQ(row.values[7], 1.0F);
  EXPECT_FLOAT_EQ(row.values[14], 1.0F);
}

}  // namespace
}  // namespace autogo
