#pragma once

#include "autogo/graph/graph.h"
#include "count.h"

namespace autogo {

/// What an attention computes, by its parts.
struct AttentionCounts {
  Count projections = 0;   ///< multiply-accumulates of the products with weights
  Count products = 0;      ///< and of the two between queries, keys and values
  Count projected = 0;     ///< elements that the projections give
  Count scores = 0;        ///< elements of what the softmax reads
  Count values = 0;        ///< elements of v
  std::int64_t masks = 0;  ///< that are applied to the scores
};

/// @param id  a kAttention
AttentionCounts attention_counts(const Graph& graph, NodeId id);

}  // namespace autogo
