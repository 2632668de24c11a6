#pragma once

// A search in miniature, taken apart so that its pieces can be timed one by one.

#include <memory>
#include <span>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/predict/predictor.h"
#include "autogo/propagate/propagate.h"
#include "autogo/search/search.h"
#include "autogo/segment/database.h"
#include "search/mutation/mutate.h"
#include "search/mutation/pool.h"
#include "search/mutation/sources.h"
#include "search/setup.h"

namespace autogo::bench {

/// Question that the search asked of propagation.
struct PropagationCall {
  const Graph* body = nullptr;  ///< in the pool
  std::vector<TensorType> inputs, outputs;
};

/// Everything that mutating one network takes.
class SearchSample {
 public:
  SearchSample(const Graph& input, const SegmentDatabase& database, const Predictor& predictor,
               SearchOptions options);

  /// One mutation of the input with nothing remembered: 10 sources, 100 replacements each.
  /// @return candidates resolved; all of them are costed, those in the window predicted
  std::uint64_t mutate_once(int threads) const;

  /// What propagation is asked over some generations from the input on, port maps that do not fit
  /// included, as mutate.cc draws them.
  std::vector<PropagationCall> propagation_calls(std::size_t at_most) const;

 private:
  struct Item {
    std::uint32_t parent = 0;
    SourceRun run;
  };
  std::vector<SourceRun> sources(const Parent& parent, Rng rng) const;
  void record(const Parent& parent, const SourceRun& run, Rng rng, std::size_t at_most,
              std::vector<PropagationCall>& calls) const;

  const Graph& input_;
  const SegmentDatabase& database_;
  const Predictor& predictor_;
  SearchOptions options_;
  SearchSetup setup_;
  ReplacementPool pool_;
};

/// Stands in where there is no trained predictor: a fixed pseudo-random score of a candidate.
std::unique_ptr<Predictor> stand_in_predictor();

}  // namespace autogo::bench
