#pragma once

#include <cstdint>
#include <optional>

#include "autogo/graph/graph.h"

namespace autogo {

/// How a network says what another says with other operators, on maps of one layout: which
/// activation, which normalisation, which product.
struct NetworkDialect {
  Layout layout = Layout::kChannelsFirst;
  OpSet allowed;                   ///< operators of replacements, see allowed_ops()
  std::optional<Node> activation;  ///< the commonest of the network, allowed; empty: it has none
  std::optional<Node> norm;        ///< likewise, for this layout
  std::optional<Node> dense;       ///< likewise, kChannelsLast only
};

/// The dialect of `input` on this layout. Empty when no node of the input that could be replaced
/// works on it.
std::optional<NetworkDialect> dialect_of(const Graph& input, Layout layout, const OpSet& allowed);

/// The body with operators that are not allowed, or want another layout, said in the dialect:
/// activations and normalisations become the network's own, or fall away where it has none (folded
/// batch normalisation); on channels-last maps a convolution without stride becomes a dense
/// product. Empty when something has no counterpart (pooling of tokens, an operator that is
/// denied), or when nothing changes.
std::optional<Graph> translate(const Graph& body, const NetworkDialect& dialect);

}  // namespace autogo
