#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "autogo/graph/graph.h"
#include "bpe.h"

namespace autogo {

/// Hash of a type.
std::uint64_t type_hash(const TensorType& type);

/// Hash of a graph as it is written: operators, attributes, wiring, types; no names. Node numbering
/// matters.
std::uint64_t graph_hash(const Graph& graph);

/// Cheap keys of runs of nodes along an order, so that a run seen before is counted without being
/// cut out and canonicalised.
class Fingerprinter {
 public:
  struct Keys {
    /// Equal only for segments of one isomorphism class (a class may have several).
    std::uint64_t structure = 0;
    /// Equal only for segments that also agree in all attributes and types. Neither key sees the
    /// order of the operands of a commutative operator.
    std::uint64_t exact = 0;
  };

  /// O(nodes + edges)
  Fingerprinter(const Graph& graph, const Uses& uses, std::span<const NodeId> order);
  /// O(nodes of the run, their inputs)
  Keys keys(const Merger::Run& run) const;

 private:
  const Graph& graph_;
  std::span<const NodeId> order_;
  std::vector<std::uint32_t> position_;  ///< by node, in the order
  std::vector<std::uint32_t> last_use_;  ///< by value: the last position that uses it
  std::vector<std::uint64_t> identity_, exact_, types_;  ///< by node, by node, by value
  mutable std::vector<ValueId> ports_, operands_;        // scratch
};

/// Occurrences of one exact segment in one graph.
struct FoundSegment {
  Fingerprinter::Keys keys;
  Merger::Run run;  ///< the first of them
  std::uint64_t count = 0;
};

/// The distinct segments among some runs, in order of first appearance.
std::vector<FoundSegment> find_segments(const Graph& graph, const Uses& uses,
                                        std::span<const NodeId> order,
                                        std::span<const Merger::Run> runs);

}  // namespace autogo
