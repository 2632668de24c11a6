#pragma once

#include <cstdint>

#include "autogo/search/search.h"
#include "base/json.h"

namespace autogo {

/// Bit 1 << OpKind for every operator that a replacement may use: the input's own, plus allow_ops
/// ("all": every operator that can be created anew), minus deny_ops. Never an operator that cannot
/// be created anew. @throws Error kUsage for an unknown operator, with the nearest name
OpSet allowed_ops(const SearchOptions& options, const Graph& input);

/// For messages: "-12.3 %", "+4.0 %".
std::string percent_text(double percent);
/// 100 (value - input) / input.
double change_percent(double value, double input);

/// Versions of what decides a run's result (versions.h).
OrderedJson algorithms_to_json();

/// config.json without its hashes and algorithms. `jobs` is not in it.
OrderedJson config_to_json(const SearchConfig& config);
/// @param where  the file, for error texts. @throws Error kInput, also for values that an option
///               may not have
SearchConfig config_from_json(const Json& json, const std::string& where);

}  // namespace autogo
