#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// How far propagation may bend a replacement (AutoGO, A.5.7; docs/decisions/ says where we differ).
struct PropagateOptions {
  double max_channel_factor = 4;  ///< a node's channels stay within reference / f ... reference x f
  std::int32_t max_stride = 4;    ///< strides and scale factors come from {1, 2, 4} up to this
};

enum class SolveStatus { kFeasible, kInfeasible };

struct Propagation {
  SolveStatus status = SolveStatus::kInfeasible;
  Graph body;             ///< kFeasible: the segment with every attribute and type resolved
  double objective = 0;   ///< kFeasible: total adjustment, 0 when nothing had to change
  std::string reason;     ///< kInfeasible: which ports, which dimension
};

/// Resolves the shapes of a segment between given ports: "resolution propagation". Chooses
/// channels and strides of its adjustable nodes so that shapes flow without contradiction from the
/// input ports to exactly the required outputs, with the least total adjustment. Exact.
/// @param body     a segment; its own shapes are the reference
/// @param inputs   types at the input ports, in port order
/// @param outputs  required types at the output ports, in port order
/// Deterministic and thread-safe.
Propagation propagate(const Graph& body, std::span<const TensorType> inputs,
                      std::span<const TensorType> outputs, const PropagateOptions& options = {});

/// The oracle: tries every assignment. Same verdict always, same objective when feasible.
/// For tests and benchmarks. @throws Error kUnsupported above `max_assignments`
Propagation propagate_exhaustive(const Graph& body, std::span<const TensorType> inputs,
                                 std::span<const TensorType> outputs,
                                 const PropagateOptions& options = {},
                                 std::uint64_t max_assignments = 10'000'000);

/// Remembers answers, infeasible ones too, by (segment, port types, options). Thread-safe; the
/// answer does not depend on what is remembered.
class PropagationMemo {
 public:
  PropagationMemo();
  ~PropagationMemo();
  /// @param segment_id  identifies the body (SegmentEntry::id plus the exact representative)
  std::shared_ptr<const Propagation> propagate(std::uint64_t segment_id, const Graph& body,
                                               std::span<const TensorType> inputs,
                                               std::span<const TensorType> outputs,
                                               const PropagateOptions& options = {});
  std::uint64_t hits() const;
  std::uint64_t misses() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace autogo
