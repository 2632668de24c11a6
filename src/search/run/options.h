#pragma once

#include <cstdint>

#include "autogo/cost/cost.h"
#include "autogo/search/search.h"
#include "base/json.h"

namespace autogo {

/// What is minimised.
enum class Objective { kFlops, kMacs, kParams };

/// @throws Error kUsage that lists the allowed ones
Objective objective_of(const std::string& name);

/// Bit 1 << OpKind for every operator that a replacement may use: the input's own, plus allow_ops
/// ("all": every operator that can be created anew), minus deny_ops. Never an operator that cannot
/// be created anew. @throws Error kUsage for an unknown operator, with the nearest name
std::uint64_t allowed_ops(const SearchOptions& options, const Graph& input);

/// The FLOPs window in multiply-accumulates, both bounds exclusive.
struct MacsWindow {
  double min_macs = 0, max_macs = 0;
  bool contains(std::int64_t macs) const {
    return static_cast<double>(macs) > min_macs && static_cast<double>(macs) < max_macs;
  }
};
MacsWindow macs_window(const SearchOptions& options, std::int64_t input_macs);

/// For messages: "-12.3 %", "+4.0 %".
std::string percent_text(double percent);
/// 100 (macs - input) / input.
double change_percent(std::int64_t macs, std::int64_t input_macs);

/// Versions of what decides a run's result (versions.h).
OrderedJson algorithms_to_json();

/// config.json without its hashes and algorithms. `jobs` is not in it.
OrderedJson config_to_json(const SearchConfig& config);
/// @param where  the file, for error texts. @throws Error kInput, also for values that an option
///               may not have
SearchConfig config_from_json(const Json& json, const std::string& where);

}  // namespace autogo
