#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autogo/predict/predictor.h"
#include "dataset.h"
#include "net.h"

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

/// Correlations by folds: each fold has one cut per network, so that no label repeats.
CorpusMetrics measure(const NetView& net, const FeatureTable& table, const LabelledCorpus& corpus,
                      std::span<const LabelledGraph* const> graphs, std::uint64_t seed,
                      int threads);

}  // namespace autogo
