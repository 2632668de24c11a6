#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "autogo/base/rng.h"
#include "autogo/cost/cost_model.h"
#include "autogo/predict/predictor.h"
#include "autogo/propagate/propagate.h"
#include "pool.h"
#include "search/constraints.h"
#include "search/individual.h"
#include "search/run/options.h"
#include "sources.h"

namespace autogo {

/// A network that passed the window and the least gain.
struct Child {
  Mutation step;
  std::uint64_t hash = 0;
  std::vector<double> costs;  ///< by place in MutationSetup::models
  GainSum gains;              ///< the parent's included
  double gain = 0;            ///< promised of them
};

/// What a work item, one source of one parent, gave.
struct SourceResult {
  std::uint64_t drawn = 0;          ///< replacements tried
  std::uint64_t resolved = 0;       ///< with shapes that fit
  std::uint64_t in_window = 0;      ///< within the bounds, and no copy of the input
  std::uint64_t steps = 0;          ///< outside, but nearer to the constraints than the parent
  std::vector<double> least, most;  ///< of each measure over the resolved ones; empty without any
  double best_gain = 0;             ///< over those in the window; 0 without any
  std::vector<Child> children;
};

/// What all work items share. Thread-safe.
struct MutationSetup {
  const ReplacementPool& pool;
  PropagationMemo& memo;
  const Predictor& predictor;
  GainPromise promise;
  const CostModels& models;  ///< those that the run asks
  const std::vector<Bound>& bounds;
  double min_gain = 0;
  std::uint32_t replacements = 100;
  std::uint64_t input_computes = 0;  ///< computation_hash() of the network that is searched
};

/// Takes a network's measures into the least and the most of each.
void widen(std::span<const double> costs, SourceResult& result);

/// Replaces one source by up to `replacements` segments of the pool: draws, maps ports, propagates
/// shapes, costs, predicts, and makes the children that pass. Deterministic in its arguments.
SourceResult mutate_source(const MutationSetup& setup, const Parent& parent,
                           const Individual& individual, const SourceRun& run, Rng rng);

}  // namespace autogo
