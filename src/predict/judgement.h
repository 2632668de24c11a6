#pragma once

// What the predictor says of a network, from the inside out.
//
//   net         the PSC graph neural network (AutoGO, section 3.3; net/net.cc): embeddings of
//               predecessor, segment and successor, and a head that makes one normal score of them.
//               A search keeps h_P and h_C of a cut (psc_predictor.cc).
//   prior       five traits that mean the same in every network, weighted linearly (prior.cc): the
//               score of networks that the net never saw the like of
//   trust       from 0, outside of every family's range, to 1: how much of the score is the net's,
//               the rest is the prior's (Familiarity); without trust the score stays within what
//               labels span
//   refinement  of `train predictor --refine`: a factor on that score and slopes of eight sizes,
//               learned from networks that were trained (refinement.cc)
//   length      of the training that is predicted: the prior's slopes change with it
//
// Judgement::score() puts them together in this order. A gain is the difference of two scores at
// one cut; what a search promises of it is the search's business (search/promise.h).

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
