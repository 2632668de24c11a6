// Measuring a predictor: Spearman's correlation by folds (AutoGO, A.2.2), Kendall's tau-b, the
// trivial predictors beside it, and gains.
//
// A gain is what the search asks for: by how much is network b better than a, where b differs from
// a in one operation. Over all such pairs of the measured NAS-Bench-201 cells (ids "nb201:......"
// that differ in one letter), the predicted differences are correlated with the true ones, per
// fold. Pairs are ordered with the lexicographically smaller id first; since every pair appears
// once, the sign of a gain is not chosen by its value.
//
// Tested by tests/predict/evaluate_test.cc.

#include "evaluate.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "autogo/base/parallel.h"
#include "metrics.h"

namespace autogo {
namespace {

constexpr std::size_t kBatch = 16;  ///< networks; decides the last bits of scores, not their worth

/// Pairs of indices whose ids differ in one letter after the prefix.
std::vector<std::pair<std::size_t, std::size_t>> one_operation_pairs(
    std::span<const LabelledGraph* const> graphs) {
  constexpr std::string_view kLetters = "13ans";
  std::unordered_map<std::string, std::size_t> by_id;
  for (std::size_t i = 0; i < graphs.size(); ++i) by_id.emplace(graphs[i]->id, i);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    std::string id = graphs[i]->id;
    const std::size_t start = id.rfind(':') + 1;
    for (std::size_t at = start; at < id.size(); ++at) {
      const char own = id[at];
      for (const char letter : kLetters) {
        if (letter <= own) continue;  // the pair comes from its smaller side
        id[at] = letter;
        const auto other = by_id.find(id);
        if (other != by_id.end()) pairs.emplace_back(i, other->second);
      }
      id[at] = own;
    }
  }
  return pairs;
}

double gain_correlation(std::span<const LabelledGraph* const> graphs,
                        const std::vector<std::vector<double>>& scores) {
  const auto pairs = one_operation_pairs(graphs);
  std::vector<double> truth, folds;
  for (const auto& [a, b] : pairs) truth.push_back(graphs[b]->label - graphs[a]->label);
  for (const std::vector<double>& fold : scores) {
    std::vector<double> gains;
    for (const auto& [a, b] : pairs) gains.push_back(fold[b] - fold[a]);
    folds.push_back(spearman(gains, truth));
  }
  return mean(folds);
}

std::vector<std::pair<std::string, double>> trivial_predictors(
    const FeatureTable& table, std::span<const LabelledGraph* const> graphs,
    std::span<const double> labels) {
  std::vector<double> macs, params, weighted;
  for (const LabelledGraph* graph : graphs) {
    PartSums sums;
    for (const std::uint32_t row : graph->graph.rows) sums.add(table.rows()[row]);
    macs.push_back(sums.macs);
    params.push_back(sums.params);
    weighted.push_back(sums.weighted);
  }
  return {{"macs", spearman(macs, labels)},
          {"params", spearman(params, labels)},
          {"weighted_nodes", spearman(weighted, labels)}};
}

}  // namespace

std::vector<std::vector<double>> score_graphs(const NetView& net, const FeatureTable& table,
                                              std::span<const LabelledGraph* const> graphs,
                                              const std::vector<std::vector<CutRange>>& cuts,
                                              int threads) {
  const bool whole = net.shape.kind == PredictorKind::kGnn;
  const std::size_t folds = whole ? 1 : (cuts.empty() ? 0 : cuts[0].size());
  std::vector<std::vector<double>> scores(folds, std::vector<double>(graphs.size()));
  const RowTensors rows = row_tensors(table.rows());
  parallel_for((graphs.size() + kBatch - 1) / kBatch, threads, [&](std::size_t batch) {
    use_one_thread();
    const c10::InferenceMode inference;
    Unfolder unfolder(table);
    const std::size_t begin = batch * kBatch, end = std::min(begin + kBatch, graphs.size());
    for (std::size_t i = begin; i < end; ++i) {
      if (whole) {
        unfolder.add_whole(graphs[i]->graph);
      } else {
        unfolder.add_cuts(graphs[i]->graph, cuts[i]);
      }
    }
    const torch::Tensor y = forward(net, rows, unfolder.result());
    const float* value = y.data_ptr<float>();
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t fold = 0; fold < folds; ++fold) scores[fold][i] = *value++;
    }
  });
  return scores;
}

std::size_t fold_count(PredictorKind kind, std::span<const LabelledGraph* const> graphs) {
  if (kind == PredictorKind::kGnn) return 1;
  std::size_t folds = 10;
  for (const LabelledGraph* graph : graphs) folds = std::min(folds, graph->graph.num_nodes());
  return folds;
}

CorpusMetrics measure(const NetView& net, const FeatureTable& table, const LabelledCorpus& corpus,
                      std::span<const LabelledGraph* const> graphs, std::uint64_t seed,
                      int threads) {
  CorpusMetrics metrics;
  metrics.corpus = corpus.path;
  metrics.graphs = graphs.size();
  metrics.folds = fold_count(net.shape.kind, graphs);
  std::vector<std::vector<CutRange>> cuts;
  std::vector<double> labels;
  for (const LabelledGraph* graph : graphs) {
    cuts.push_back(fold_cuts(*graph, metrics.folds, seed));
    labels.push_back(graph->label);
  }
  const auto scores = score_graphs(net, table, graphs, cuts, threads);
  std::vector<double> spearmans, kendalls;
  for (const std::vector<double>& fold : scores) {
    spearmans.push_back(spearman(fold, labels));
    kendalls.push_back(kendall_tau_b(fold, labels));
  }
  metrics.spearman = mean(spearmans);
  metrics.spearman_std = sample_std(spearmans);
  metrics.kendall = mean(kendalls);
  metrics.baselines = trivial_predictors(table, graphs, labels);
  metrics.gain_spearman = corpus.family == "nasbench201" ? gain_correlation(graphs, scores)
                                                         : std::numeric_limits<double>::quiet_NaN();
  return metrics;
}

}  // namespace autogo
