#pragma once

#include <cstdint>
#include <vector>

#include "autogo/base/rng.h"
#include "autogo/predict/predictor.h"
#include "autogo/propagate/propagate.h"
#include "pool.h"
#include "search/individual.h"
#include "search/run/options.h"
#include "sources.h"

namespace autogo {

/// A network that passed the window and the least gain.
struct Child {
  Mutation step;
  std::uint64_t hash = 0;
  std::int64_t macs = 0, params = 0;
  GainSum gains;    ///< the parent's included
  double gain = 0;  ///< promised of them
};

/// What a work item, one source of one parent, gave.
struct SourceResult {
  std::uint64_t drawn = 0;                  ///< replacements tried
  std::uint64_t resolved = 0;               ///< with shapes that fit
  std::uint64_t in_window = 0;              ///< with FLOPs in the window, and no copy of the input
  std::int64_t min_macs = 0, max_macs = 0;  ///< over the resolved ones; 0 without any
  double best_gain = 0;                     ///< over those in the window; 0 without any
  std::vector<Child> children;
};

/// What all work items share. Thread-safe.
struct MutationSetup {
  const ReplacementPool& pool;
  PropagationMemo& memo;
  const Predictor& predictor;
  GainPromise promise;
  MacsWindow window;
  double min_gain = 0;
  std::uint32_t replacements = 100;
  std::uint64_t input_computes = 0;  ///< computation_hash() of the network that is searched
};

/// What a body adds to a network.
Cost body_cost(const Graph& body);

/// Replaces one source by up to `replacements` segments of the pool: draws, maps ports, propagates
/// shapes, costs, predicts, and makes the children that pass. Deterministic in its arguments.
SourceResult mutate_source(const MutationSetup& setup, const Parent& parent,
                           const Individual& individual, const SourceRun& run, Rng rng);

}  // namespace autogo
