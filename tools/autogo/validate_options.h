#pragma once

#include <string>

#include "autogo/study/validate.h"
#include "command.h"

namespace autogo {

/// What --validate asks for.
struct ValidationRequest {
  Data data;
  ValidationOptions options;
};

/// Reads "top=3,data=DIR,epochs=N,..." and opens the data set.
/// @throws Error kUsage that lists the keys; as open_data()
ValidationRequest parse_validation(const std::string& text);
/// Trains and, unless the answer is JSON, prints the table of predicted and trained gains.
/// @return false: stopped
bool run_validation(Cli& cli, const std::string& directory, const SearchConfig& config,
                    const Graph& input, const SearchResult& found, ValidationRequest& request);

}  // namespace autogo
