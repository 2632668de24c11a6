// autogo train predictor --refine: reads a predictor, scores trained networks, fits the correction
// (refinement.cc), writes the predictor with it.

#include <algorithm>
#include <cmath>

#include "archive.h"
#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "autogo/graph/canonical.h"
#include "predict/training/evaluate.h"
#include "predict/training/metrics.h"
#include "session.h"

namespace autogo {
namespace {

/// The networks of a run, encoded; the id is the structure's hash, so that the same network is cut
/// alike in every run.
std::vector<LabelledGraph> encode(const TrainedNetworks& run, FeatureTable& table) {
  std::vector<LabelledGraph> graphs;
  for (std::size_t i = 0; i < run.graphs.size(); ++i) {
    const Graph& graph = run.graphs[i];
    LabelledGraph labelled;
    labelled.id = std::to_string(canonical_hash(graph));
    labelled.label = run.metrics[i];
    labelled.graph = encode_graph(graph, canonical_order(graph, NodeIdentity::kSegment), table);
    graphs.push_back(std::move(labelled));
  }
  return graphs;
}

/// Scores as the search sees them, with the trust of the network that the others came from; means
/// over cuts.
TrainedRun scored(const TrainedNet& predictor, const NetView& net,
                  const TrainedNetworks& networks) {
  Judgement judgement = predictor.judgement;
  judgement.length = training_length(networks.training_images);
  FeatureTable table;
  const std::vector<LabelledGraph> graphs = encode(networks, table);
  std::vector<const LabelledGraph*> pointers;
  for (const LabelledGraph& graph : graphs) pointers.push_back(&graph);
  const std::size_t folds = fold_count(predictor.shape.kind, pointers);
  std::vector<std::vector<CutRange>> cuts;
  for (const LabelledGraph& graph : graphs) {
    cuts.push_back(fold_cuts(graph, folds, predictor.seed));
  }
  const auto net_scores = score_graphs(net, table, pointers, cuts, 1);
  const WholeNetwork input = whole_network(graphs[0].graph, table);
  const double trust =
      judgement.familiarity.trust(graphs[0].graph, table, network_traits(input.sums, input.paths));
  TrainedRun run;
  run.metrics = networks.metrics;
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    const WholeNetwork whole = whole_network(graphs[i].graph, table);
    double score = 0;
    for (const std::vector<double>& fold : net_scores) {
      score += judgement.score(fold[i], whole, trust) / static_cast<double>(folds);
    }
    run.scores.push_back(score);
    run.traits.push_back(refined_traits(whole.sums, whole.paths));
  }
  return run;
}

void require_enough(const std::vector<TrainedNetworks>& runs) {
  std::size_t networks = 0;
  for (const TrainedNetworks& run : runs) {
    AUTOGO_CHECK(run.graphs.size() == run.metrics.size());
    networks += run.graphs.size();
    AUTOGO_REQUIRE(
        run.graphs.size() >= 3, ErrorKind::kInput,
        run.name + ": has " + std::to_string(run.graphs.size()) +
            " trained networks, at least 3 are needed; validate more (--validate top=N)");
    for (const double metric : run.metrics) AUTOGO_CHECK(std::isfinite(metric));
    const auto [low, high] = std::minmax_element(run.metrics.begin(), run.metrics.end());
    AUTOGO_REQUIRE(*low < *high, ErrorKind::kInput,
                   run.name +
                       ": all networks were trained to the same metric; nothing can be "
                       "learned from them");
  }
  AUTOGO_REQUIRE(networks >= 5, ErrorKind::kInput,
                 "--refine: " + std::to_string(networks) +
                     " trained networks are too few, at least 5 are needed");
}

}  // namespace

RefineReport refine_torch_predictor(const std::string& predictor,
                                    const std::vector<TrainedNetworks>& runs,
                                    const std::string& out) {
  require_enough(runs);
  TrainedNet trained = read_predictor(predictor);
  trained.judgement.refinement.reset();
  double length = 0;  // of the mean run
  const NetView net(trained.shape, NetWeights(trained.shape).views(trained.weights));
  std::vector<TrainedRun> scored_runs;
  RefineReport report;
  for (const TrainedNetworks& run : runs) {
    scored_runs.push_back(scored(trained, net, run));
    report.networks += run.graphs.size();
    length += training_length(run.training_images) / static_cast<double>(runs.size());
  }
  const FittedRefinement fitted = fit_refinement(scored_runs);
  report.spearman_before = fitted.spearman_before;
  report.spearman_after = fitted.spearman_after;
  report.trust = fitted.refinement.trust;

  Archive archive = read_archive(predictor, kPredictorFile);
  std::vector<double> numbers{fitted.refinement.trust};
  numbers.insert(numbers.end(), fitted.refinement.slopes.begin(), fitted.refinement.slopes.end());
  archive.tensors["refinement"] = torch::tensor(numbers, torch::kFloat64);
  const auto number = [](double value) { return std::isnan(value) ? Json(nullptr) : Json(value); };
  archive.header["refined"] = {{"runs", Json::array()},
                               {"networks", report.networks},
                               {"training_length", length},
                               {"spearman_before", number(report.spearman_before)},
                               {"spearman_after", number(report.spearman_after)}};
  for (const TrainedNetworks& run : runs) archive.header["refined"]["runs"].push_back(run.name);
  write_archive(out, kPredictorFile, archive);
  return report;
}

}  // namespace autogo
