#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "onnx/attributes.h"
#include "onnx/model_source.h"

namespace autogo {

/// A node with what one world knows of its inputs.
class NodeView {
 public:
  NodeView(const ModelSource& source, const OnnxNode& node, int world)
      : source_(source), node_(node), world_(static_cast<std::size_t>(world)) {}

  const onnx::NodeProto& proto() const { return *node_.proto; }
  const std::string& op() const { return node_.proto->op_type(); }
  std::int64_t opset() const { return source_.opset; }
  const ModelSource& source() const { return source_; }
  const OnnxNode& node() const { return node_; }
  std::size_t world() const { return world_; }
  std::size_t num_inputs() const { return node_.inputs.size(); }
  std::size_t num_outputs() const { return node_.outputs.size(); }

  /// Whether input i is given (not omitted).
  bool has(std::size_t i) const { return i < node_.inputs.size() && node_.inputs[i] >= 0; }
  const OnnxValue& input(std::size_t i) const { return source_.value(node_.inputs[i]); }
  DType dtype(std::size_t i) const { return has(i) ? input(i).dtype : DType::kUndefined; }
  const Dims& dims(std::size_t i) const;
  /// The type of input i where it is no tensor but holds some; else null.
  const std::shared_ptr<const onnx::TypeProto>& container(std::size_t i) const;
  /// The numbers in a small constant input; null when it has none.
  const SmallTensor* data(std::size_t i) const;
  /// Integers of input i; no value when they are not known.
  std::optional<std::vector<std::int64_t>> ints(std::size_t i) const;

 private:
  const ModelSource& source_;
  const OnnxNode& node_;
  std::size_t world_;
};

/// What inference says of an output.
struct InferredValue {
  DType dtype = DType::kUndefined;
  Dims dims;
  std::shared_ptr<const SmallTensor> data;                ///< shared: see World
  std::shared_ptr<const onnx::TypeProto> container = {};  ///< see World
  std::string objection = {};  ///< why nothing is known: what the operator's schema objects to
};

/// Element types and dimensions of a node's outputs in one world, as far as they can be told; also
/// their numbers where they are small and known (folding.cc).
/// @throws Error kInput when the node contradicts its inputs
std::vector<InferredValue> infer_node(const NodeView& node);

/// Whether ONNX's standard domain has the operator, as far as our rules and the library's schemas
/// tell.
bool known_operator(const std::string& op);

/// Whether an operator of the standard domain is the same in both opsets; false: not known.
bool same_operator(const std::string& op, std::int64_t opset, std::int64_t other);

/// The parts of it: by rules of our own (no value: no rule for this operator), by the schema of
/// ONNX's library, and the numbers of output 0.
std::optional<std::vector<InferredValue>> infer_by_rule(const NodeView& node);
std::vector<InferredValue> infer_by_schema(const NodeView& node);
std::optional<InferredValue> infer_window(const NodeView& node);
std::optional<std::vector<SmallTensor>> fold(const NodeView& node,
                                             const std::vector<InferredValue>& types);

/// Checks the weights whose length something else fixes: a convolution's bias has an entry for each
/// output channel. Only what is known is compared.
/// @throws Error kInput "bias has 7 entries, expected 4"
void require_weight_lengths(const NodeView& node);

/// Axis within [0, rank). @throws Error kInput
std::size_t checked_axis(std::int64_t axis, std::size_t rank);
/// Numpy broadcasting; unknown dimensions stay unknown. @throws Error kInput
Dims broadcast(const Dims& a, const Dims& b);
/// start, end and step of a Slice along an axis of this size, clamped as ONNX defines;
/// `count` elements remain.
struct SliceRange {
  std::int64_t start = 0, step = 1, count = 0;
};
SliceRange slice_range(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step);
/// Axes, starts, ends and steps of a Slice node; no value when they are not known.
struct SliceSpec {
  std::vector<std::int64_t> axes, starts, ends, steps;
};
std::optional<SliceSpec> slice_spec(const NodeView& node, std::size_t rank);
/// Axes from the attribute, or from input `slot` since `opset`. No value: not known;
/// `*absent`: none given.
std::optional<std::vector<std::int64_t>> axes_of(const NodeView& node, std::size_t slot,
                                                 bool* absent);
/// The sizes that an Attention node works with, -1 where unknown.
struct AttentionShape {
  bool heads_apart = false;  ///< batch x heads x length x size, else batch x length x channels
  std::int64_t batch = -1, query_heads = -1, key_heads = -1;
  std::int64_t queries = -1, keys = -1;  ///< positions; keys: with those of the past
  std::int64_t key_size = -1, value_size = -1;
};
/// No value: the rank of an operand is not known. @throws Error kInput: they do not fit
std::optional<AttentionShape> attention_shape(const onnx::NodeProto& node, const Dims& query,
                                              const Dims& key, const Dims& value,
                                              const Dims& past_key);
/// Sizes of the parts of a Split along its axis; no value when not known.
std::optional<std::vector<std::int64_t>> split_sizes(const NodeView& node, std::int64_t size);

}  // namespace autogo
