#pragma once

#include <optional>

#include "prior.h"
#include "refinement.h"

namespace autogo {

/// What the judgement needs to know of a network beside its net's score.
struct WholeNetwork {
  PartSums sums;
  PathLengths paths;
};
WholeNetwork whole_network(const EncodedGraph& graph, const FeatureTable& table);

/// What stands beside a net in a predictor.
struct Judgement {
  Prior prior;
  double length = kFullLength;  ///< of the training whose results are predicted
  Familiarity familiarity;
  /// Knowledge::gain_error where the net decides: on held-out networks; and where the prior does:
  /// on each family for a prior of the others. NaN: no pairs, one family.
  double net_error = 0, prior_error = 0;
  LabelSpan span;
  std::optional<Refinement> refinement;  ///< by trained networks
  /// The predictor's score. @param net  the net's normal score
  double score(double net, const WholeNetwork& network, double trust) const {
    const Traits traits = network_traits(network.sums, network.paths);
    const double combined =
        combined_score(net, prior(traits, length), prior(traits, kFullLength), trust, span);
    if (!refinement) return combined;
    return (*refinement)(combined, refined_traits(network.sums, network.paths));
  }
};

}  // namespace autogo
