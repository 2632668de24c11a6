#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/cost/cost_model.h"
#include "autogo/search/search.h"

namespace autogo {

/// What a network may cost, as --constraint says it: 'params<=5e6', 'macs<=80%' (of the input's) or,
/// with a sign, a change from the input: 'macs<=-20%', 'params<=-1e6'.
struct Constraint {
  std::string measure;  ///< as it was written
  double value = 0;
  bool percent = false, change = false;

  /// The highest value allowed. @param input  the input's
  double limit(double input) const;
};

/// @throws Error kUsage, with what is expected
Constraint parse_constraint(std::string_view text);

/// A bound of one measure.
struct Bound {
  enum class Kind : std::uint8_t { kAtMost, kBelow, kAbove };
  std::size_t place = 0;  ///< in the run's CostModels
  Kind kind = Kind::kAtMost;
  double limit = 0;
  double scale = 1;    ///< the input's measure, which breaches are counted in
  std::string option;  ///< that set it: "--constraint 'macs<=80%'"

  bool holds(double value) const;
};

/// Do measures keep all bounds? NaN, not measured yet, breaks none.
bool keeps(std::span<const Bound> bounds, std::span<const double> costs);
/// By how much they break the constraints in sum, in parts of the input's measures; 0: not at all.
/// The FLOPs window does not count.
double breach(std::span<const Bound> bounds, std::span<const double> costs);
/// May a network of these measures be a step towards ones that keep the constraints? It keeps the
/// FLOPs window and breaks the constraints less than its parent (Deb's rule of feasibility, 2000).
bool approaches(std::span<const Bound> bounds, std::span<const double> costs,
                std::span<const double> parent);

/// May the run have a network of these measures, as a find or as a step?
bool admits(std::span<const Bound> bounds, std::span<const double> costs,
            std::span<const double> parent);

/// All bounds of a run: the FLOPs window, exclusive, then the constraints in their order.
/// @param input  the input's measures, by place
/// @throws Error kUsage: an unknown measure, a limit below zero
std::vector<Bound> bounds_of(const SearchOptions& options, const CostModels& models,
                             std::span<const double> input);

/// The words of --objective. @throws Error kUsage: none, one twice
std::vector<std::string> objectives_of(const SearchOptions& options);

/// Those models that give "macs", an objective or a bounded measure.
/// @throws Error kUsage: no model gives a measure that the options name
CostModels asked_models(const SearchOptions& options, const CostModels& models);

}  // namespace autogo
