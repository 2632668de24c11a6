#pragma once

#include "replay.h"
#include "search/mutation/mutate.h"

namespace autogo {

/// Checks what a journal says of a work item against the networks it speaks of: the place is the
/// one that the search has come to, every cut, port map, body, cost and count is possible there,
/// and the network that a child's mutation makes has the hash and the cost that are claimed. What
/// only a predictor could tell, the gains, is checked against the limits of the run. Costs what
/// building the children costs. Thread-safe.
/// @param run  the source that the search would replace now
/// @throws Error kInput: line and claim
void check_item(const JournalItem& item, std::uint32_t iteration, const Parent& parent,
                const Individual& individual, const SourceRun& run, const MutationSetup& setup);

}  // namespace autogo
