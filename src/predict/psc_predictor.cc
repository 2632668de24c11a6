// Scoring in a search: h_P and h_C once per cut, then one small encoding per candidate.
//
// A candidate's score must not depend on its batch, to the last bit: a run with another number of
// threads, or one that remembers some scores, must write the same journal. Matrix kernels round
// differently for different numbers of rows and for different places in a block of rows, so
// candidates are never rows of one product. Each is padded to 4, 8, 16, ... nodes, whatever fits
// it, and is one slice of a batched product: LibTorch runs the same kernel on the same shape for
// every slice. Element-wise operators see multiples of 32 numbers, so that none falls into a
// vector loop's remainder, and normalisation works row by row. Padding rows have no edges, and the
// pooling gives them weight zero.
//
// The segment that is there now goes through the same code, so a candidate equal to it scores the
// same.
//
// Where the net is not trusted at all, it is not asked.
//
// The prior (prior.cc) is worked out for every candidate, from sums and paths kept per cut. How far
// the net is trusted is a matter of the parent: a gain compares two scores of the same kind.
//
// The GNN has no parts to keep: it scores the spliced graph, each candidate in a batch of its own.
// It is the baseline, some 50 times slower.
//
// Complexity: O(layers x nodes) per cut and per candidate; about 0.1 ms a candidate of 5 nodes.
// Tested by tests/predict/psc_predictor_test.cc: shuffled, alone and in company, from several
// threads.

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "image_task.h"
#include "predict/net/unfolding.h"
#include "session.h"

namespace autogo {
namespace {

constexpr std::int64_t kMaxBatch = 64;  ///< candidates; bounds memory, changes no value
constexpr std::size_t kMinNodes = 4;

struct Context : CutContext {
  const Graph* graph = nullptr;
  std::optional<double> trust;  ///< the parent's, for every candidate: a gain has one trust
  std::optional<PathFrame> paths;
  std::vector<std::uint32_t> positions;  ///< by node
  Cut cut;
  torch::Tensor predecessor, successor;  ///< [width]
  PartSums predecessor_sums, successor_sums;
  double original = 0;
};

/// A body and its rows.
struct Body {
  EncodedGraph graph;
  std::vector<FeatureRow> rows;
  PartSums sums() const {
    PartSums sums;
    for (const FeatureRow& row : rows) sums.add(row);
    return sums;
  }
};

/// Nodes [begin, end) of an encoded graph as a body.
Body body_of(const EncodedGraph& graph, const FeatureTable& table, const CutRange& cut) {
  Body body;
  body.graph.first_edge.push_back(0);
  for (std::uint32_t i = cut.begin; i < cut.end; ++i) {
    body.graph.rows.push_back(i - cut.begin);
    body.rows.push_back(table.rows()[graph.rows[i]]);
    for (std::uint32_t e = graph.first_edge[i]; e < graph.first_edge[i + 1]; ++e) {
      if (graph.sources[e] >= cut.begin) body.graph.sources.push_back(graph.sources[e] - cut.begin);
    }
    body.graph.first_edge.push_back(static_cast<std::uint32_t>(body.graph.sources.size()));
  }
  return body;
}

/// Nodes as they stand, which is topological.
std::vector<NodeId> node_order(const Graph& graph) {
  std::vector<NodeId> order(graph.num_nodes());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = NodeId{static_cast<std::uint32_t>(i)};
  return order;
}

std::size_t padded_nodes(std::size_t nodes) {
  std::size_t padded = kMinNodes;
  while (padded < nodes) padded *= 2;
  return padded;
}

/// Bodies of one padded size as dense tensors.
struct PaddedBatch {
  torch::Tensor values;     ///< [n, nodes, kNumFeatures]
  torch::Tensor operators;  ///< [n * nodes]
  torch::Tensor edges;      ///< [n, nodes, nodes], [i][to][from]: number of edges
  torch::Tensor pool;       ///< [n, 1, nodes]: 1 / number of nodes
};

PaddedBatch pad(std::span<const Body* const> bodies, std::size_t padded) {
  const auto n = static_cast<std::int64_t>(bodies.size());
  const auto nodes = static_cast<std::int64_t>(padded);
  PaddedBatch batch{torch::zeros({n, nodes, static_cast<std::int64_t>(kNumFeatures)}),
                    torch::zeros({n * nodes}, torch::kInt64), torch::zeros({n, nodes, nodes}),
                    torch::zeros({n, 1, nodes})};
  for (std::size_t b = 0; b < bodies.size(); ++b) {
    const Body& body = *bodies[b];
    const std::size_t size = body.rows.size();
    float* values = batch.values.data_ptr<float>() + b * padded * kNumFeatures;
    auto* operators = batch.operators.data_ptr<std::int64_t>() + b * padded;
    float* edges = batch.edges.data_ptr<float>() + b * padded * padded;
    float* pool = batch.pool.data_ptr<float>() + b * padded;
    for (std::size_t i = 0; i < size; ++i) {
      values = std::copy(body.rows[i].values.begin(), body.rows[i].values.end(), values);
      operators[i] = static_cast<std::int64_t>(body.rows[i].op);
      pool[i] = 1.0F / static_cast<float>(size);
      for (std::uint32_t e = body.graph.first_edge[i]; e < body.graph.first_edge[i + 1]; ++e) {
        edges[i * padded + body.graph.sources[e]] += 1;
      }
    }
  }
  return batch;
}

/// A product with the same matrix for every slice.
torch::Tensor times(const torch::Tensor& x, const torch::Tensor& matrix) {
  return at::bmm(x, matrix.unsqueeze(0).expand({x.size(0), matrix.size(0), matrix.size(1)}));
}

class TorchPredictor : public Predictor {
 public:
  explicit TorchPredictor(TrainedNet trained)
      : trained_(std::move(trained)),
        net_(trained_.shape, NetWeights(trained_.shape).views(trained_.weights)) {}

  std::string kind() const override {
    return trained_.shape.kind == PredictorKind::kPsc ? "psc" : "gnn";
  }
  std::uint64_t content_hash() const override {
    const double length = trained_.judgement.length;
    if (length == kFullLength) return trained_.content_hash;
    return hash_combine(trained_.content_hash, std::bit_cast<std::uint64_t>(length));
  }
  Knowledge knowledge(const Graph& graph) const override;

  std::unique_ptr<CutContext> prepare(const Graph& graph, const Cut& cut) const override;
  double score_original(const CutContext& context) const override {
    return static_cast<const Context&>(context).original;
  }
  std::vector<double> score(const CutContext& context,
                            std::span<const Candidate> candidates) const override;

 private:
  double score_whole(const Graph& graph, std::optional<double>& trust) const;
  torch::Tensor encode(const PaddedBatch& batch) const;
  std::vector<double> score_bodies(const Context& context, std::span<const Body> bodies) const;
  double combine(const Context& context, double net, PartSums segment,
                 const PathLengths& paths) const;

  TrainedNet trained_;
  NetView net_;
};

Knowledge TorchPredictor::knowledge(const Graph& graph) const {
  FeatureTable table;
  const EncodedGraph encoded = encode_graph(graph, node_order(graph), table);
  const Judgement& judgement = trained_.judgement;
  Knowledge k;
  k.of_task = judgement.refinement || !answers_with_images(graph);
  k.trust =
      k.of_task ? judgement.familiarity.trust(encoded, table, network_traits(encoded, table)) : 0;
  k.stranger_error = judgement.prior_error;
  k.largest_gain = judgement.span.largest_gain;
  // One of the two may not be known, and not matter.
  k.gain_error = (k.trust > 0 ? k.trust * judgement.net_error : 0) +
                 (k.trust < 1 ? (1 - k.trust) * judgement.prior_error : 0);
  return k;
}

/// [n, 1, width]: the mean embedding of each body.
torch::Tensor TorchPredictor::encode(const PaddedBatch& batch) const {
  const std::int64_t n = batch.values.size(0), nodes = batch.values.size(1);
  const std::int64_t width = net_.shape.width;
  torch::Tensor x = times(batch.values, net_.features) +
                    net_.operators.index_select(0, batch.operators).view({n, nodes, width});
  x = times(at::tanh(x), net_.mix) + net_.mix_bias;
  for (const NetView::Layer& layer : net_.layers) {
    const torch::Tensor sum = at::bmm(batch.edges, x);
    const torch::Tensor z = times(x, layer.own) + times(sum, layer.neighbours) + layer.bias;
    x = x + at::tanh(at::layer_norm(z, {width}, layer.gain, layer.shift));
  }
  return at::bmm(batch.pool, x);
}

std::vector<double> TorchPredictor::score_bodies(const Context& context,
                                                 std::span<const Body> bodies) const {
  std::map<std::size_t, std::vector<std::size_t>> by_size;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    by_size[padded_nodes(bodies[i].rows.size())].push_back(i);
  }
  std::vector<double> scores(bodies.size());
  if (*context.trust == 0) return scores;  // the prior decides
  const std::int64_t width = net_.shape.width;
  for (const auto& [padded, members] : by_size) {
    for (std::size_t begin = 0; begin < members.size(); begin += kMaxBatch) {
      const std::size_t end = std::min<std::size_t>(begin + kMaxBatch, members.size());
      std::vector<const Body*> batch;
      std::vector<PartSums> sums;
      for (std::size_t i = begin; i < end; ++i) {
        batch.push_back(&bodies[members[i]]);
        sums.insert(sums.end(),
                    {context.predecessor_sums, batch.back()->sums(), context.successor_sums});
      }
      const auto n = static_cast<std::int64_t>(batch.size());
      torch::Tensor x = at::cat(
          {context.predecessor.view({1, 1, width}).expand({n, 1, width}),
           encode(pad(batch, padded)), context.successor.view({1, 1, width}).expand({n, 1, width}),
           part_columns(net_.shape, sums).unsqueeze(1)},
          2);
      for (std::size_t k = 0; k < net_.head_weights.size(); ++k) {
        x = times(x, net_.head_weights[k]) + net_.head_biases[k];
        if (k + 1 < net_.head_weights.size()) x = at::silu(x);
      }
      const float* y = x.data_ptr<float>();
      for (std::size_t i = begin; i < end; ++i) scores[members[i]] = *y++;
    }
  }
  return scores;
}

/// The score of a network whose net says `net`: the prior of P, this segment and C beside it.
double TorchPredictor::combine(const Context& context, double net, PartSums segment,
                               const PathLengths& paths) const {
  segment += context.predecessor_sums;
  segment += context.successor_sums;
  return trained_.judgement.score(net, {segment, paths}, *context.trust);
}

/// @param trust  becomes the network's own when it has none
double TorchPredictor::score_whole(const Graph& graph, std::optional<double>& trust) const {
  FeatureTable table;
  const EncodedGraph encoded = encode_graph(graph, node_order(graph), table);
  Unfolder unfolder(table);
  unfolder.add_whole(encoded);
  const WholeNetwork whole = whole_network(encoded, table);
  if (!trust) {
    trust = trained_.judgement.familiarity.trust(encoded, table,
                                                 network_traits(whole.sums, whole.paths));
  }
  const double net = forward(net_, row_tensors(table.rows()), unfolder.result()).item<double>();
  return trained_.judgement.score(net, whole, *trust);
}

std::unique_ptr<CutContext> TorchPredictor::prepare(const Graph& graph, const Cut& cut) const {
  use_one_thread();
  const c10::InferenceMode inference;
  AUTOGO_CHECK(cut.begin <= cut.end && cut.end <= cut.order.size());
  auto context = std::make_unique<Context>();
  context->graph = &graph;
  context->cut = cut;
  if (trained_.shape.kind == PredictorKind::kGnn) {
    context->original = score_whole(graph, context->trust);
    return context;
  }
  FeatureTable table;
  const EncodedGraph encoded = encode_graph(graph, cut.order, table);
  const CutRange range{static_cast<std::uint32_t>(cut.begin), static_cast<std::uint32_t>(cut.end)};
  Unfolder unfolder(table);
  unfolder.add_cuts(encoded, {&range, 1});
  const Unfolding& parts = unfolder.result();
  context->predecessor_sums = parts.sums[0];
  context->successor_sums = parts.sums[2];
  const Body segment = body_of(encoded, table, range);
  context->trust =
      trained_.judgement.familiarity.trust(encoded, table, network_traits(encoded, table));
  if (*context->trust > 0) {
    const torch::Tensor embedded = embed_parts(net_, row_tensors(table.rows()), parts);
    context->predecessor = embedded[0];
    context->successor = embedded[2];
  }
  context->paths.emplace(encoded, table, range);
  context->positions.resize(graph.num_nodes());
  for (std::uint32_t i = 0; i < cut.order.size(); ++i) context->positions[index(cut.order[i])] = i;
  context->original = combine(*context, score_bodies(*context, {&segment, 1})[0], segment.sums(),
                              context->paths->original());
  return context;
}

std::vector<double> TorchPredictor::score(const CutContext& context,
                                          std::span<const Candidate> candidates) const {
  use_one_thread();
  const c10::InferenceMode inference;
  const auto& at = static_cast<const Context&>(context);
  if (trained_.shape.kind == PredictorKind::kGnn) {
    std::vector<double> scores;
    for (const Candidate& candidate : candidates) {
      std::optional<double> trust = at.trust;
      scores.push_back(score_whole(
          splice(*at.graph, at.cut, *candidate.body, candidate.inputs, candidate.outputs), trust));
    }
    return scores;
  }
  std::vector<Body> bodies(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    bodies[i].graph = encode_body(*candidates[i].body, bodies[i].rows);
  }
  std::vector<double> scores = score_bodies(at, bodies);
  const auto positions_of = [&](std::span<const ValueId> values) {
    std::vector<std::uint32_t> positions;
    for (const ValueId value : values) {
      positions.push_back(at.positions[index(at.graph->value(value).producer)]);
    }
    return positions;
  };
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& c = candidates[i];
    const PathLengths paths =
        at.paths->with(*c.body, bodies[i].rows, positions_of(c.inputs), positions_of(c.outputs));
    scores[i] = combine(at, scores[i], bodies[i].sums(), paths);
  }
  return scores;
}

}  // namespace

std::unique_ptr<Predictor> load_torch_predictor(const std::string& path, double training_images) {
  use_one_thread();
  TrainedNet trained = read_predictor(path);
  if (training_images > 0) trained.judgement.length = training_length(training_images);
  return std::make_unique<TorchPredictor>(std::move(trained));
}

}  // namespace autogo
