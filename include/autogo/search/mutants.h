#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autogo/search/search.h"

namespace autogo {

/// A random neighbour of a network.
struct Mutant {
  std::uint64_t hash = 0;  ///< canonical_hash
  std::int64_t macs = 0, params = 0;
  std::uint32_t mutations = 0;
  double predicted_gain = 0;  ///< sum over its mutations, as the predictor says it
  std::int32_t narrowed = 0;  ///< channels of the layer that was narrowed afterwards; 0: none was
  Graph graph;
};

struct MutantOptions {
  /// The window, operators, frozen nodes, the unit of mutation, sparsity, seed and jobs count; what
  /// guides a search (gain, objective, parents) does not.
  SearchOptions search;
  std::size_t count = 40;
  std::uint32_t max_mutations = 1;  ///< in a row; mutants have 1 to this many, equally often
  double narrow = 0;  ///< share of the mutants that get a layer of 1 to 8 channels besides
};

/// Distinct networks that the mutation of a search reaches by chance, good and bad ones alike: a
/// sample to train and to judge predictors by. Which ones depends on the input, the database and
/// the options, never on the predictor. Deterministic for any number of threads.
/// @return at most `count`, fewer when chance finds no more
/// @throws Error kUsage, kUnsupported, kInfeasible: as run_search; none at all
std::vector<Mutant> random_mutants(const Graph& input, const SegmentDatabase& database,
                                   const Predictor& predictor, const MutantOptions& options);

/// Writes them into a new folder: models/<hash>.onnx and mutants.json (docs/formats.md), the latter
/// last. @param config  paths of the model and of what the mutants were made with
/// @throws Error kUsage: the folder has files in it; kIo
void write_mutants(const std::string& directory, const SearchConfig& config, const Graph& input,
                   const std::vector<Mutant>& mutants);
/// Where write_mutants() puts it.
std::string mutant_path(const std::string& directory, const Mutant& mutant);

}  // namespace autogo
