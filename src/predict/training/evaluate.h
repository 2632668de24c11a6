#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autogo/predict/predictor.h"
#include "dataset.h"
#include "predict/judgement.h"
#include "predict/net/net.h"

namespace autogo {

/// Scores of networks through given cuts, batch by batch without gradients. A GNN ignores the cuts
/// and scores once. Batches are fixed runs of networks, so that threads do not change a value.
/// @param cuts  per network; the same number each
/// @return      [cut][network]
std::vector<std::vector<double>> score_graphs(const NetView& net, const FeatureTable& table,
                                              std::span<const LabelledGraph* const> graphs,
                                              const std::vector<std::vector<CutRange>>& cuts,
                                              int threads);

/// Number of folds (AutoGO, A.2.2): 10, or the smallest number of cuts of any network if that is
/// smaller; 1 for a GNN, which sees no cut.
std::size_t fold_count(PredictorKind kind, std::span<const LabelledGraph* const> graphs);

/// Knowledge::gain_error of scores over all pairs of graphs whose ids differ in one letter, against
/// the labels' own normal scores on the scale of scores. NaN without pairs.
double gain_error(std::span<const LabelledGraph* const> graphs, std::span<const double> scores);

/// What the labels of a corpus span, on the scale of scores. Its largest gain is that between two
/// graphs whose ids differ in one letter, the worse at least of the median: the networks that
/// people bring work, and mending a broken one is the larger gain. Without such pairs it is the
/// best label's distance from the median.
LabelSpan label_span(const LabelledCorpus& corpus);

/// Correlations by folds: each fold has one cut per network, so that no label repeats.
CorpusMetrics measure(const NetView& net, const Judgement& judgement, const FeatureTable& table,
                      const LabelledCorpus& corpus, std::span<const LabelledGraph* const> graphs,
                      std::uint64_t seed, int threads);

}  // namespace autogo
