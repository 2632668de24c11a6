#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "autogo/graph/graph.h"
#include "autogo/graph/segment.h"
#include "autogo/search/search.h"
#include "autogo/segment/database.h"

namespace autogo {

/// A segment that may be put in.
struct Replacement {
  std::uint64_t id = 0;        ///< SegmentEntry::id: its isomorphism class
  std::uint64_t memo_key = 0;  ///< of the exact representative within its pool
  Graph body;                  ///< ports and new nodes only: no origins
  std::uint32_t num_inputs = 0, num_outputs = 0;
  bool rescaled = false;     ///< its inner channels are not those it was found with
  bool needs_first = false;  ///< has an operator that wants channels first
  bool needs_last = false;   ///< has an operator that wants channels last
};

/// Which layouts a source's ports offer; a replacement must find what it needs among them.
struct PortLayouts {
  bool first = false, last = false;
};

/// The segments that a run may put in: those of the database and of the input network itself that
/// pass the operator filter and are sound. Immutable, so threads share it.
class ReplacementPool {
 public:
  /// @param allowed  see allowed_ops()
  ReplacementPool(const SegmentDatabase& database, const Graph& input, const OpSet& allowed,
                  const SearchOptions& options);

  std::span<const Replacement> all() const { return items_; }
  /// Indices into all() with these port counts whose layout needs are met; in a stable order.
  std::span<const std::uint32_t> fitting(std::size_t num_inputs, std::size_t num_outputs,
                                         PortLayouts layouts) const;
  /// Is there a replacement of this class?
  bool has_class(std::uint64_t id) const { return classes_.contains(id); }
  /// Does it use allowed operators only?
  bool allows(const Graph& body) const;

 private:
  void add(std::uint64_t id, const Graph& body, bool rescaled);

  OpSet allowed_;
  std::vector<Replacement> items_;
  std::set<std::uint64_t> classes_;
  /// By inputs, outputs, first, last.
  std::map<std::array<std::uint32_t, 4>, std::vector<std::uint32_t>> buckets_;
};

/// Every input port reaches an output port, every output port and every node is reached from an
/// input port and every node reaches an output port; no output port is an input port or shared by
/// two. A body that fails would drop an operand, or be no function of its inputs.
bool sound_body(const Graph& body);

/// The body with its inner channels, those tied to no port, concat of channels or broadcast, times
/// `factor` (2 or 0.5): doubling and halving of A.5.7. Empty when nothing is free, or channels are
/// odd or grouped.
std::optional<Graph> rescale_inner_channels(const Graph& body, double factor);

/// The same graph without origins and source: what a replacement is made of.
Graph without_origins(const Graph& graph);

}  // namespace autogo
