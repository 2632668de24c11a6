#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/graph/segment.h"
#include "pareto.h"
#include "promise.h"

namespace autogo {

inline constexpr std::uint32_t kNoParent = 0xffffffffU;

/// One replacement of a segment: with the parent's graph, all that makes the child.
struct Mutation {
  std::uint32_t begin = 0, end = 0;    ///< the cut, positions in the parent's canonical order
  std::uint64_t segment = 0;           ///< class of the replacement: SegmentEntry::id
  std::shared_ptr<const Graph> body;   ///< resolved; shared with children that got the same one
  std::uint64_t body_hash = 0;         ///< hash_of_body(); its name in the journal
  std::vector<std::uint32_t> inputs;   ///< body input port -> input port of the cut
  std::vector<std::uint32_t> outputs;  ///< body output port -> output port of the cut
};

/// A network of the run: its mutation and what is known of it. Its graph is made when needed:
/// thousands of children are found, few become parents or members of the front.
struct Individual {
  std::uint32_t parent = kNoParent;  ///< index into the history; kNoParent: the input
  std::uint32_t iteration = 0;
  std::uint64_t hash = 0;  ///< canonical_hash of its graph
  std::vector<double> costs;  ///< by place in the run's CostModels
  GainSum gains;              ///< over the searched network, along the lineage
  double gain = 0;  ///< promised of them
  Mutation step;
};

/// The bodies of a run by Mutation::body_hash, each once. Looked up, never iterated.
using Bodies = std::unordered_map<std::uint64_t, std::shared_ptr<const Graph>>;

/// Hash of a body as JSON.
std::uint64_t hash_of_body(const Graph& body);

/// Values at `ports` in the order of the body's ports.
std::vector<ValueId> mapped_ports(std::span<const ValueId> ports,
                                  std::span<const std::uint32_t> map);

/// The child that a mutation makes.
/// @param order  canonical_order(parent, kSegment)
Graph apply(const Mutation& step, const Graph& parent, const Uses& uses,
            std::span<const NodeId> order);

/// Every network of a run, the input first, in the order of acceptance.
class History {
 public:
  History(const Graph& input, Individual root);

  std::uint32_t add(Individual individual);
  const Individual& operator[](std::uint32_t i) const { return individuals_[i]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(individuals_.size()); }
  /// Replays the lineage. O(depth x nodes). Thread-safe while nothing is added.
  Graph graph(std::uint32_t i) const;
  /// From the input's first mutation to this one's.
  std::vector<std::uint32_t> lineage(std::uint32_t i) const;

 private:
  Graph input_;
  std::vector<Individual> individuals_;
};

}  // namespace autogo
