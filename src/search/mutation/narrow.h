#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "autogo/base/rng.h"
#include "autogo/graph/graph.h"

namespace autogo {

inline constexpr std::int32_t kNarrowChannels = 8;  ///< the most that a narrowed layer has

struct NarrowedGraph {
  Graph graph;
  std::int32_t channels = 0;  ///< of the layer that was narrowed
};

/// One convolution or dense layer, chosen by chance, gets 1 to 8 channels, and what reads them is
/// made anew; everything else keeps its origin. Only layers whose channels end in other layers'
/// weights qualify: an addition, a concatenation or an output on the way would need its other
/// operands changed too. @param frozen  by Node::origin: nodes that stay
/// @return empty where no layer qualifies. Cost O(layers x nodes).
std::optional<NarrowedGraph> narrow_layer(const Graph& graph, const std::vector<char>& frozen,
                                          Rng rng);

}  // namespace autogo
