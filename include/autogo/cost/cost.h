#pragma once

#include <cstdint>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// Cost of one node, or a sum over nodes. All counts are for the batch size of the input.
struct Cost {
  std::int64_t macs = 0;          ///< multiply-accumulates of weights (and of kMatMul)
  std::int64_t elementwise = 0;   ///< other arithmetic: one per output element and operation
  std::int64_t params = 0;        ///< trainable parameters: weights, biases, norm scales and shifts
  std::int64_t weight_bytes = 0;  ///< stored weights
  Cost& operator+=(const Cost& other);
  bool operator==(const Cost&) const = default;
};

/// The named views of a count (fvcore #69: "FLOPs or multiply-adds?").
enum class FlopsConvention {
  kMacs,    ///< macs
  k2Macs,   ///< 2 x macs
  kAutogo,  ///< the published AutoGO count, notes in docs/formats.md: 2 x, every node weighted by
            ///< its number of incoming edges, batch norm, activations, pooling and biases included
};

/// Cost of a node as if it stood alone; O(1). A node whose cost cannot be known counts 0 (see
/// unknown_cost).
Cost node_cost(const Graph& graph, NodeId id);
/// A node whose multiply-accumulates cannot be told (an opaque one with computed weights).
bool unknown_cost(const Graph& graph, NodeId id);
std::int64_t node_flops(const Graph& graph, NodeId id, FlopsConvention convention);

struct GraphCost {
  Cost total;
  std::vector<Cost> nodes;  ///< by NodeId; a weight that several read counts at the first
  std::vector<std::int64_t> live_bytes;    ///< by NodeId: values held in memory while it runs
  std::int64_t peak_activation_bytes = 0;  ///< live values when nodes run in id order, inputs and
                                           ///< outputs included, no in-place reuse
};
GraphCost graph_cost(const Graph& graph);
/// Just the sum of multiply-accumulates, and of parameters.
std::int64_t graph_macs(const Graph& graph);
std::int64_t graph_params(const Graph& graph);
std::int64_t graph_flops(const Graph& graph, FlopsConvention convention);

}  // namespace autogo
