// Nodes that do nothing, found in one walk.
//
// A search is not to report the input under another name. canonical_hash sees through numbering and
// through the spelling of attributes; this sees through nodes that make no difference. Only local
// rules, exact for finite numbers: it may miss that two networks compute the same, and never claims
// it of two that do not.
//
// Tested by tests/graph/simplify_test.cc.

#include "autogo/graph/simplify.h"

#include <algorithm>
#include <array>
#include <vector>

#include "autogo/graph/canonical.h"

namespace autogo {
namespace {

using enum OpKind;

/// Gives nothing below 0.
bool is_nonnegative(OpKind op) {
  return op == kRelu || op == kRelu6 || op == kSigmoid || op == kHardSigmoid || op == kSoftplus ||
         op == kSoftmax;
}

/// Gives nothing above 6 either.
bool is_within_six(OpKind op) {
  return op == kRelu6 || op == kSigmoid || op == kHardSigmoid || op == kSoftmax;
}

/// A window of one pixel that moves by one pixel.
bool is_pointwise(const Attrs& a) {
  const std::array<std::int32_t, 2> ones{1, 1};
  return a.kernel == ones && a.stride == ones && a.pads == std::array<std::int32_t, 4>{};
}

bool is_in_order(const std::vector<std::int64_t>& permutation) {
  return std::ranges::is_sorted(permutation);
}

/// Whether a node gives its input as it is.
bool is_idle(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.num_inputs != 1 || node.num_outputs != 1) return false;
  const ValueId in = graph.inputs(id)[0];
  if (graph.type(in) != graph.output_type(id)) return false;
  const OpKind before = graph.node(graph.value(in).producer).op;
  switch (node.op) {
    case kIdentity:
    case kReshape:
    case kFlatten:
      return true;
    case kTranspose:
      return is_in_order(node.attrs.ints);
    case kMaxPool:
    case kAvgPool:
      return node.attrs.ints.empty() && is_pointwise(node.attrs);
    case kResize:
      return node.attrs.stride == std::array<std::int32_t, 2>{1, 1};
    case kDepthToSpace:
    case kSpaceToDepth:
      return node.attrs.block == 1;
    case kPad:
      return true;  // of the same shape: pads of 0
    case kGlobalAvgPool:
    case kGlobalMaxPool:
      return true;  // of a single pixel
    case kRelu:
      return is_nonnegative(before);
    case kRelu6:
      return is_within_six(before);
    default:
      return false;
  }
}

/// Whether a ReLU is covered by what alone reads it: relu6(relu(x)) is relu6(x).
bool is_covered(const Graph& graph, const Uses& uses, NodeId id) {
  if (graph.node(id).op != kRelu) return false;
  const auto readers = uses.of(graph.output(id));
  return readers.size() == 1 && graph.node(readers[0].node).op == kRelu6;
}

/// By node: whether it is kept.
std::vector<char> kept_nodes(const Graph& graph) {
  const Uses uses(graph);
  std::vector<char> kept(graph.num_nodes(), 0);
  for (std::size_t n = graph.num_nodes(); n-- > 0;) {
    const NodeId id{static_cast<std::uint32_t>(n)};
    const Node& node = graph.node(id);
    bool needed = node.op == kInput || node.op == kOutput;
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      for (const Uses::Use& use : uses.of(graph.output(id, port))) {
        needed = needed || kept[index(use.node)] != 0;
      }
    }
    kept[n] = needed ? 1 : 0;
  }
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    if (is_idle(graph, NodeId{n}) || is_covered(graph, uses, NodeId{n})) kept[n] = 0;
  }
  return kept;
}

}  // namespace

std::optional<Graph> without_idle_nodes(const Graph& graph) {
  const std::vector<char> kept = kept_nodes(graph);
  if (std::ranges::count(kept, 0) == 0) return std::nullopt;
  Graph result;
  result.set_source(graph.source());
  std::vector<ValueId> map(graph.num_values());
  std::vector<ValueId> inputs;
  std::vector<Value> outputs;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    if (kept[n] == 0) {
      // Idle: what reads it reads its input. Dead: nothing reads it.
      if (node.num_inputs == 1 && node.num_outputs == 1) {
        map[index(graph.output(id))] = map[index(graph.inputs(id)[0])];
      }
      continue;
    }
    inputs.clear();
    for (const ValueId v : graph.inputs(id)) inputs.push_back(map[index(v)]);
    outputs.clear();
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      outputs.push_back(graph.value(graph.output(id, port)));
    }
    const NodeId copy = result.add_typed(node.op, node.attrs, inputs, outputs, node.origin);
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      map[index(graph.output(id, port))] = result.output(copy, port);
    }
  }
  return result;
}

std::uint64_t computation_hash(const Graph& graph) {
  const std::optional<Graph> simple = without_idle_nodes(graph);
  return canonical_hash(simple ? *simple : graph);
}

}  // namespace autogo
