#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "autogo/base/error.h"
#include "autogo/graph/graph.h"
#include "autogo/search/search.h"
#include "autogo/segment/database.h"

namespace autogo {

/// Options of mutation as words, before they are resolved.
struct MutationWords {
  std::string mutation = "segment", new_weights = "auto";
};

/// What `search` and `mutate` have in common: the FLOPs window, operators, frozen nodes, units.
void declare_mutation(CLI::App& app, SearchOptions& options, MutationWords& words,
                      const std::string& group);
/// Reads the words, fills in the bundled database and predictor, makes the paths absolute
/// (standard input, "-", aside).
void resolve_mutation(const CLI::App& app, SearchConfig& config, const MutationWords& words,
                      bool needs_predictor);

/// What mutations work on: the model, and a database with the model's own segments, for networks
/// outside of the mined families.
struct MutationInputs {
  Graph network;
  SegmentDatabase database;
};
/// @param directory  see name_model()
MutationInputs load_mutation_inputs(const SearchConfig& config, const std::string& directory,
                                    Log& log);

/// Puts the model's path in front of an error about it; what the library says of a Graph names no
/// file. Errors about the files of a run begin with its folder and stay.
void name_model(Error& error, const std::string& model, const std::string& directory);

/// The result of `work`, whose errors are about the model.
template <typename Work>
auto about_model(const std::string& model, const std::string& directory, const Work& work) {
  try {
    return work();
  } catch (Error& e) {
    name_model(e, model, directory);
    throw;
  }
}

}  // namespace autogo
