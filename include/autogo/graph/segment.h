#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// The unit of everything (DESIGN.md, "One idea"): a subgraph with ports. A port is a value that
/// crosses the border: an input port is an outer value that inner nodes use, an output port an
/// inner value that outer nodes use. Every crossing edge belongs to exactly one port, inner nodes
/// included, so a replacement can never lose an operand.
///
/// A segment is held as a Graph, its "body": kInput nodes are the input ports in order, kOutput
/// nodes the output ports in order. All graph algorithms thus work on segments.
struct Ports {
  std::vector<ValueId> inputs;   ///< outer values, in order of first use
  std::vector<ValueId> outputs;  ///< inner values, in order of production
};

/// A cut of a graph into predecessor, segment, successor (AutoGO, section 3.3 and A.3.1):
/// P = order[0, begin), S = order[begin, end), C = order[end, ...). `order` is topological, so no
/// edge runs backwards.
struct Cut {
  std::span<const NodeId> order;
  std::size_t begin = 0, end = 0;
};

/// The ports of S.
Ports segment_ports(const Graph& graph, const Uses& uses, const Cut& cut);

/// S as a body of its own; its nodes keep their origins.
Graph extract_segment(const Graph& graph, const Ports& ports, const Cut& cut);

/// The graph with S replaced by `body`. Input port i of the body reads `inputs[i]`, a value of
/// `graph`; output port j takes the place of the value `outputs[j]`: its consumers, its name. Nodes
/// outside S are untouched and keep their origins; body nodes are new (no origin).
/// Requires: types agree at the ports, `outputs` covers every output port of S exactly once.
/// @throws Error kInternal when they do not
Graph splice(const Graph& graph, const Cut& cut, const Graph& body,
             std::span<const ValueId> inputs, std::span<const ValueId> outputs);

/// A candidate replacement at a cut: a resolved body and how its ports are wired (see splice()).
struct Candidate {
  const Graph* body = nullptr;
  std::span<const ValueId> inputs;   ///< values of the parent graph
  std::span<const ValueId> outputs;  ///< values of the parent graph
};

}  // namespace autogo
