#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// A node of the file that a Graph was imported from. Several may stand behind one node of the
/// Graph (a MatMul and an Add behind a dense), and some behind none.
struct FileNode {
  std::string name;  ///< made up where the file has none, as Graph::node_name does it
  std::string op_type;
};

/// The nodes of the file in their order; empty for a graph that was not imported.
std::vector<FileNode> file_nodes(const Graph& graph);

/// Names of the file's nodes that a node of the Graph stands for, in their order; the node's own
/// name where there are none (ports, new nodes).
std::vector<std::string> names_behind(const Graph& graph, NodeId node);

/// Node::origin of the Graph's nodes that keep these nodes of the file in the network: those that
/// they are part of; for nodes that compute constants, those that read them. Nodes that the import
/// removes (an identity, what no output needs) add none.
/// @param nodes  indices into file_nodes(graph)
/// @return       ascending, without doubles
/// Cost O(nodes and edges of the file).
std::vector<std::uint32_t> origins_of(const Graph& graph, std::span<const std::size_t> nodes);

}  // namespace autogo
