#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// A list for reasons, largest first, the first eight: "56, 28, 14".
inline std::string sizes_text(std::span<const std::int64_t> ascending) {
  std::string text;
  std::size_t shown = 0;
  for (std::size_t i = ascending.size(); i-- > 0 && shown < 8; ++shown) {
    if (!text.empty()) text += ", ";
    text += std::to_string(ascending[i]);
  }
  if (shown < ascending.size()) text += ", ...";
  return text;
}

/// Why a size problem has no solution although every demand can be reached by itself.
inline std::string infeasible_sizes_text(const char* dim_name) {
  return std::string(dim_name) + ": no choice of strides meets all joins and output ports at once";
}

/// Input ports (positions) that a value of a body depends on, ascending.
inline std::vector<std::size_t> source_ports(const Graph& body, ValueId value) {
  std::vector<char> needed(body.num_values(), 0);
  needed[index(value)] = 1;
  for (std::size_t i = body.num_nodes(); i-- > 0;) {
    const NodeId id{static_cast<std::uint32_t>(i)};
    bool wanted = false;
    for (std::uint32_t p = 0; p < body.node(id).num_outputs; ++p) {
      wanted = wanted || needed[index(body.output(id, p))];
    }
    if (!wanted) continue;
    for (const ValueId v : body.inputs(id)) needed[index(v)] = 1;
  }
  std::vector<std::size_t> ports;
  const std::vector<NodeId> inputs = body.input_nodes();
  for (std::size_t port = 0; port < inputs.size(); ++port) {
    if (needed[index(body.output(inputs[port]))]) ports.push_back(port);
  }
  return ports;
}

}  // namespace autogo
