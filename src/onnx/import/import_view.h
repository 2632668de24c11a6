#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "autogo/graph/op.h"
#include "onnx/attributes.h"
#include "onnx/model_source.h"

namespace autogo {

/// A spelling of ONNX nodes as one node of the operator table. `inputs` are value indices.
struct TableForm {
  OpKind op = OpKind::kOpaque;
  Attrs attrs;
  std::vector<int> inputs;
};

/// Nodes that together are one operator; `nodes` in topological order, the last one makes the
/// output.
struct PatternMatch {
  std::vector<int> nodes;
  TableForm form;
};

/// The live part of an imported model, asked by patterns and table forms: values mean their roots
/// (aliases followed), numbers and dimensions are those of world 0.
class ImportView {
 public:
  explicit ImportView(const ModelSource& source);

  const ModelSource& source() const { return source_; }
  std::int64_t opset() const { return source_.opset; }
  const OnnxNode& node(int i) const { return source_.node(i); }
  const onnx::NodeProto& proto(int i) const { return *source_.node(i).proto; }
  bool is(int node, std::string_view op) const;

  /// Value of input slot `i`, aliases followed; -1 when omitted.
  int input(int node, std::size_t i) const;
  /// Value of its first output.
  int output(int node) const { return source_.node(node).outputs[0]; }
  /// The live node that computes a value; -1 for inputs and constants.
  int producer(int value) const;
  /// The producer when it is this operator; else -1.
  int producer(int value, std::string_view op) const;
  bool computed(int value) const;
  bool constant(int value) const;
  const Dims& dims(int value) const { return source_.value(value).worlds[0].dims; }
  const SmallTensor* data(int value) const;
  std::optional<std::vector<std::int64_t>> ints(int value) const;
  /// The number in a constant of one element.
  std::optional<double> scalar(int value) const;
  /// Live nodes that use a value, by index, with repetition.
  const std::vector<int>& users(int value) const;
  bool network_output(int value) const;
  /// Whether a node has a first output and nobody uses another.
  bool only_first_output(int node) const;
  /// Whether nothing outside `nodes` sees what they compute, the last one's output excepted.
  bool closed(const std::vector<int>& nodes) const;

 private:
  const ModelSource& source_;
  std::vector<std::vector<int>> users_;
  std::vector<bool> output_;
};

/// Table spellings of a single node, best first; empty: an opaque node.
std::vector<TableForm> table_forms(const ImportView& view, int node);

/// The largest idiom that ends in this node; `taken` nodes belong to another one already.
std::optional<PatternMatch> match_pattern(const ImportView& view, int node,
                                          const std::vector<bool>& taken);

/// Attributes of an opaque node: its operator, and a hash of what else tells it from others.
Attrs opaque_attrs(const ImportView& view, int node);

/// Multiply-accumulates of an opaque node; -1: they cannot be told.
std::int64_t opaque_macs(const ImportView& view, int node);

}  // namespace autogo
