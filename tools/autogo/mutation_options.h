#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "autogo/search/search.h"

namespace autogo {

/// Options of mutation as words, before they are resolved.
struct MutationWords {
  std::string mutation = "segment", new_weights = "auto";
};

/// What `search` and `mutate` have in common: the FLOPs window, operators, frozen nodes, units.
void declare_mutation(CLI::App& app, SearchOptions& options, MutationWords& words,
                      const std::string& group);
/// Reads the words, fills in the bundled database and predictor, makes the paths absolute.
void resolve_mutation(SearchConfig& config, const MutationWords& words, bool needs_predictor);

}  // namespace autogo
