#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "autogo/base/rng.h"
#include "pareto.h"

namespace autogo {

/// Of points off the front, the `count` with the least sum of ranks, least first (A.5.4, Table 8).
/// A rank counts the points that are strictly better, by gain and by each cost; ties of the sum go
/// to the higher gain, then to the earlier individual.
std::vector<std::uint32_t> least_rank_sum(std::span<const ParetoPoint> points, std::size_t count);

/// The parents of an iteration: the whole front when it has at most `k` members, else its two
/// extremes and a random sample of the others; what is missing of `k` comes from the rest of the
/// history: those that keep the constraints by rank sum, then those that break them least.
/// @param history   every valid child so far and the input, by individual
/// @param breaches  of each, see breach(); empty: none breaks any
/// @return individuals, ascending
std::vector<std::uint32_t> select_parents(const ParetoFront& front,
                                          std::span<const ParetoPoint> history,
                                          std::span<const double> breaches, std::size_t k, Rng rng);

}  // namespace autogo
