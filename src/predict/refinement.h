#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "predict/net/node_features.h"
#include "prior.h"

namespace autogo {

/// What a refinement looks at: logarithms of sums and path lengths, cheap for every candidate.
inline constexpr std::size_t kRefinedTraits = 8;
using RefinedTraits = std::array<double, kRefinedTraits>;
RefinedTraits refined_traits(const PartSums& all, const PathLengths& paths);

/// A predictor's correction by networks that were trained (AutoGO's loop closed): what it says,
/// times `trust`, plus a linear function of the traits.
struct Refinement {
  double trust = 1;
  RefinedTraits slopes{};
  double operator()(double score, const RefinedTraits& traits) const;
};

/// Trained networks that compare: one input, one recipe.
struct TrainedRun {
  std::vector<double> metrics;  ///< trained, mean over seeds; higher is better
  std::vector<double> scores;   ///< predicted
  std::vector<RefinedTraits> traits;
};

struct FittedRefinement {
  Refinement refinement;
  /// Spearman of predicted against trained within the runs, weighted by their sizes: of the
  /// predictor as it was, and refined, each network predicted without itself.
  double spearman_before = 0, spearman_after = 0;
};
/// Ridge regression towards the predictor as it was, its strength chosen by leave-one-out: with few
/// or contradicting networks little changes (refinement.cc). Deterministic.
/// @param runs  each of at least two networks, five in all, metrics not all the same
FittedRefinement fit_refinement(std::span<const TrainedRun> runs);

}  // namespace autogo
