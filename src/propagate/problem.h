#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/graph/map_axes.h"
#include "autogo/propagate/propagate.h"

namespace autogo {

/// Adjustments are counted in 1/65536 of the public objective, as integers, so that solvers which
/// sum in different orders agree exactly.
inline constexpr std::int64_t kCostUnit = 65536;

/// The types at the ports, as feature maps, in port order.
struct PortMaps {
  std::vector<FeatureMap> inputs, outputs;
};

// ---- Sums ---------------------------------------------------------------------------------------

/// scale * X[out] = sum of coefficient * X[in], X being the channels or the size of a class: a
/// concat, a depthwise multiplier, depth-to-space.
struct SumRelation {
  using Term = std::pair<int, std::int64_t>;  ///< class, coefficient

  const char* op = "";  ///< the node's, for reasons
  int out = 0;
  std::int64_t scale = 1;
  std::vector<Term> ins;  ///< distinct classes, positive coefficients
};

/// Adds coefficient * X[cls] to a sum, which lists a class once.
inline void add_to_sum(std::vector<SumRelation::Term>& ins, int cls, std::int64_t coefficient) {
  for (auto& [have, sum] : ins) {
    if (have != cls) continue;
    sum += coefficient;
    return;
  }
  ins.emplace_back(cls, coefficient);
}

/// The dimension along which a concat of a body joins maps; empty for other nodes, and for a concat
/// over the batch or of what is no map.
std::optional<MapDim> concat_dim(const Graph& body, NodeId id);

// ---- Height or width --------------------------------------------------------------------------

/// One way for a node to turn an input size into an output size.
struct Transition {
  std::int64_t in = 0, out = 0;
  std::int32_t stride = 0;  ///< 0: the node has none (global pooling, depth-to-space)
  bool changed = false;     ///< the stride differs from the segment's own
  std::int64_t cost = 0;    ///< |log2(stride / own stride)| in kCostUnit
};

/// A node between two classes of equal sizes, with every transition that can be reached.
struct SizeNode {
  NodeId node{};
  int in = 0, out = 0;  ///< classes
  std::vector<Transition> transitions;
};

/// Heights or widths of a body: values that must be equal form a class, a class has a finite
/// domain (sorted, from the input ports forward, cut down by the demands), and the nodes which
/// change sizes connect the classes, as do the concats along this dimension.
struct SizeProblem {
  std::vector<int> class_of;                       ///< by ValueId
  std::vector<std::vector<std::int64_t>> domains;  ///< by class
  std::vector<SizeNode> nodes;                     ///< in topological order
  std::vector<SumRelation> sums;                   ///< in topological order; scale 1
  std::string reason;                              ///< not empty: infeasible already
};

/// @param dim  0 height, 1 width
SizeProblem build_size_problem(const Graph& body, const PortMaps& ports,
                               const PropagateOptions& options, int dim);

// ---- Channels ---------------------------------------------------------------------------------

/// Values whose channels must be equal: a multiple of `step` in [lo, hi].
struct ChannelClass {
  std::int64_t lo = 1, hi = 0, step = 1;
};

/// A node that chooses its output channels C pays weight * |C - ref|.
struct ChannelTerm {
  NodeId node{};
  int cls = 0;
  std::int64_t ref = 0, weight = 0;
};

struct ChannelProblem {
  std::vector<int> class_of;  ///< by ValueId
  std::vector<ChannelClass> classes;
  std::vector<ChannelTerm> terms;      ///< in topological order
  std::vector<SumRelation> relations;  ///< in topological order
  std::string reason;                  ///< not empty: infeasible already
};

ChannelProblem build_channel_problem(const Graph& body, const PortMaps& ports,
                                     const PropagateOptions& options);

/// Rounds x up or down to a multiple of step; x >= 0.
constexpr std::int64_t round_up(std::int64_t x, std::int64_t step) {
  return (x + step - 1) / step * step;
}
constexpr std::int64_t round_down(std::int64_t x, std::int64_t step) { return x / step * step; }

/// "64", "16 ... 256", "32 ... 128 in steps of 32".
std::string range_text(const ChannelClass& range);

}  // namespace autogo
