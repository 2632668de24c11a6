#pragma once

#include <string>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/graph/graph.h"
#include "model_writer.h"

namespace autogo {

/// Writes a new node and its parts; knows the activations, which other operators have inside.
/// The rest of the table is in export_ops.cc.
class ActivationWriter {
 public:
  ActivationWriter(ModelWriter& writer, const Graph& graph, NodeId id,
                   const std::vector<std::string>& inputs, std::string output)
      : w_(writer),
        attrs_(graph.node(id).attrs),
        op_(graph.node(id).op),
        inputs_(inputs),
        output_(std::move(output)),
        name_(writer.fresh(graph.node_name(id))),
        in_(graph.type(graph.inputs(id)[0])),
        out_(graph.type(graph.output(id))) {
    for (const ValueId v : graph.inputs(id)) {
      const Shape& shape = graph.type(v).shape;
      operand_channels_.push_back(shape.rank() > 1 ? shape[1] : 0);
    }
  }

 protected:
  using Ints = std::vector<std::int64_t>;

  const std::string& x() const { return inputs_[0]; }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::kUnsupported,
                what + " cannot be written in opset " + std::to_string(w_.opset()));
  }

  onnx::NodeProto& node(const std::string& op, const std::string& part,
                        const std::vector<std::string>& inputs, const std::string& output) {
    return w_.add_node(op, part.empty() ? name_ : w_.fresh(name_ + "." + part), inputs, output);
  }
  onnx::NodeProto& emit(const std::string& op) { return node(op, "", inputs_, output_); }
  /// An inner node. @return the name of its output
  std::string step(const std::string& op, const std::string& part,
                   const std::vector<std::string>& inputs) {
    const std::string result = w_.fresh(name_ + "." + part + "_output");
    node(op, part, inputs, result);
    return result;
  }
  std::string value(const std::string& part) { return w_.fresh(name_ + "." + part + "_output"); }
  std::string scalar(const std::string& part, double number) {
    return w_.add_scalar(name_ + "." + part, in_.dtype, number);
  }
  std::string weight(const std::string& part, const Ints& dims, const WeightInit& init) {
    return w_.add_weight(name_ + "." + part, in_.dtype, dims, init);
  }
  std::string filled(const std::string& part, const Ints& dims, double number) {
    return weight(part, dims, {false, number});
  }

  // `part` names an inner node; empty: it is the node itself.
  void clip(const std::string& input, const std::string& output, float low, float high,
            const std::string& part = "");
  void prelu();
  void hard_sigmoid(const std::string& input, const std::string& output, float alpha, float beta,
                    const std::string& part = "");
  void swish(const std::string& input, const std::string& output, const std::string& part = "");
  void hard_swish(const std::string& input, const std::string& output,
                  const std::string& part = "");
  void gelu(const std::string& input, const std::string& output, const std::string& part = "");
  void mish();
  void softmax(const std::string& onnx);
  void activation(const std::string& act, const std::string& input, const std::string& output);

  ModelWriter& w_;
  const Attrs& attrs_;
  OpKind op_;
  std::vector<std::string> inputs_;
  std::string output_, name_;
  TensorType in_;  ///< of the first input, as the node reads it
  const TensorType& out_;
  std::vector<std::int64_t> operand_channels_;
};

}  // namespace autogo
