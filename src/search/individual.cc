#include "individual.h"

#include <algorithm>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "autogo/graph/canonical.h"
#include "graph/graph_json.h"

namespace autogo {

std::uint64_t hash_of_body(const Graph& body) {
  const std::string text = dump_json(graph_to_json(body));
  return hash_bytes(text.data(), text.size());
}

std::vector<ValueId> mapped_ports(std::span<const ValueId> ports,
                                  std::span<const std::uint32_t> map) {
  std::vector<ValueId> values;
  values.reserve(map.size());
  for (const std::uint32_t port : map) {
    AUTOGO_CHECK(port < ports.size());
    values.push_back(ports[port]);
  }
  return values;
}

Graph apply(const Mutation& step, const Graph& parent, const Uses& uses,
            std::span<const NodeId> order) {
  const Cut cut{order, step.begin, step.end};
  const Ports ports = segment_ports(parent, uses, cut);
  return splice(parent, cut, *step.body, mapped_ports(ports.inputs, step.inputs),
                mapped_ports(ports.outputs, step.outputs));
}

History::History(const Graph& input, Individual root) : input_(input) {
  individuals_.push_back(std::move(root));
}

std::uint32_t History::add(Individual individual) {
  individuals_.push_back(std::move(individual));
  return size() - 1;
}

std::vector<std::uint32_t> History::lineage(std::uint32_t i) const {
  std::vector<std::uint32_t> line;
  for (; individuals_[i].parent != kNoParent; i = individuals_[i].parent) line.push_back(i);
  std::ranges::reverse(line);
  return line;
}

Graph History::graph(std::uint32_t i) const {
  Graph graph = input_;
  for (const std::uint32_t step : lineage(i)) {
    const std::vector<NodeId> order = canonical_order(graph, NodeIdentity::kSegment);
    graph = apply(individuals_[step].step, graph, Uses(graph), order);
  }
  return graph;
}

}  // namespace autogo
