#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "canonical_wiring.h"

namespace autogo {

/// Nodes by canonical rank: two graphs have the same wiring up to node numbering if and only if
/// writing each in the order of its ranks gives the same text.
/// @param colours  a hash per node that an isomorphism preserves, at least as fine as the identity
std::vector<std::uint32_t> canonical_ranks(const Wiring& wiring,
                                           std::span<const std::uint64_t> colours);

}  // namespace autogo
