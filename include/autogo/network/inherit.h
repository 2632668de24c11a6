#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/program/program.h"

namespace autogo {

/// What a child network takes over from its parent's weights.
enum class Inheritance : std::uint8_t {
  kKept,     ///< an untouched node: bit for bit
  kCopied,   ///< a new node in the place of one of the same kind and size
  kSliced,   ///< in the place of a wider one: its first channels
  kWidened,  ///< in the place of a narrower one: channels repeated, their readers divided (Net2Net)
  kFresh,    ///< nothing fits: as the exporter makes it
};
const char* inheritance_name(Inheritance kind);

struct InheritedWeight {
  std::string name;    ///< value name in the child
  std::string parent;  ///< value name in the parent; empty: kFresh
  Inheritance kind = Inheritance::kFresh;
  std::int64_t elements = 0;
};

struct InheritedWeights {
  /// Weights and statistics for the child, by value name: replace_weights and training take them.
  std::map<std::string, ProgramTensor> weights;
  std::vector<InheritedWeight> report;  ///< every weight of the child, in its program's order
  /// Share of the child's weight elements that are not fresh, in [0, 1].
  double survived() const;
};

/// Weights for a child from its parent's trained ones. Nodes with an origin in common are the same
/// node. New nodes are matched, in topological order, with nodes of the parent that the child lost:
/// same operator, kernel and grouping (the longest such matching). Matrices and filters are sliced
/// or widened along both channel axes, consistently: where a value is widened, what reads it is
/// divided, so that widening alone keeps the function (Chen et al., Net2Net, 2016).
/// @param trained  the parent's weights by value name (Network::weights()); missing ones are taken
///                 from `parent_program`
/// @param child_program  lower(child): its splats and new weights count as fresh
/// Cost O(weights + lost x new nodes).
InheritedWeights inherit_weights(const Graph& parent, const Program& parent_program,
                                 const std::map<std::string, ProgramTensor>& trained,
                                 const Graph& child, const Program& child_program);

}  // namespace autogo
