#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "autogo/cost/cost.h"
#include "support.h"

namespace autogo {

/// Published counts of a network (notes/families.md, section 7).
struct FamilyVector {
  const char* id;
  std::size_t nodes, edges;
  std::int64_t macs, params;
};

inline void expect_counts(const Graph& graph, const FamilyVector& v) {
  EXPECT_EQ(graph.num_nodes(), v.nodes) << v.id;
  EXPECT_EQ(graph.num_edges(), v.edges) << v.id;
  EXPECT_EQ(graph_macs(graph), v.macs) << v.id;
  EXPECT_EQ(graph_cost(graph).total.params, v.params) << v.id;
}

/// The operators in order of creation, from node `first` on, joined by blanks.
inline std::string operators(const Graph& graph, std::size_t first, std::size_t count) {
  std::string text;
  for (std::size_t n = first; n < first + count; ++n) {
    text += (text.empty() ? "" : " ") +
            std::string(op_name(graph.node(NodeId{static_cast<std::uint32_t>(n)}).op));
  }
  return text;
}

}  // namespace autogo
