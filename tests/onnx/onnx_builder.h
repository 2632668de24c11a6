#pragma once

#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "attributes.h"
#include "autogo/onnx/model.h"
#include "onnx/export/model_writer.h"
#include "tensor_data.h"

namespace autogo {

/// Builds small ONNX models in a line or two a node.
class OnnxBuilder {
 public:
  explicit OnnxBuilder(std::int64_t opset = 13, std::int64_t ir = 8) {
    model_.set_ir_version(ir);
    auto& import = *model_.add_opset_import();
    import.set_domain("");
    import.set_version(opset);
    graph().set_name("test");
  }
  onnx::ModelProto& model() { return model_; }
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }

  /// A negative dimension is dynamic, called "d<i>"; 0 is dynamic without a name.
  static void set_type(onnx::ValueInfoProto& info, const std::string& name,
                       const std::vector<std::int64_t>& dims, int type) {
    info.set_name(name);
    auto* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    auto* shape = tensor->mutable_shape();
    for (const std::int64_t d : dims) {
      auto* dim = shape->add_dim();
      if (d > 0) dim->set_dim_value(d);
      if (d < 0) dim->set_dim_param("d" + std::to_string(shape->dim_size() - 1));
    }
  }
  OnnxBuilder& input(const std::string& name, const std::vector<std::int64_t>& dims,
                     int type = onnx::TensorProto::FLOAT) {
    set_type(*graph().add_input(), name, dims, type);
    return *this;
  }
  OnnxBuilder& output(const std::string& name, const std::vector<std::int64_t>& dims,
                      int type = onnx::TensorProto::FLOAT) {
    set_type(*graph().add_output(), name, dims, type);
    return *this;
  }
  /// An output whose shape is not declared.
  OnnxBuilder& output(const std::string& name) {
    auto& info = *graph().add_output();
    info.set_name(name);
    info.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    return *this;
  }
  onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs) {
    auto& proto = *graph().add_node();
    proto.set_op_type(op);
    proto.set_name(outputs[0] + "_" + op);
    for (const auto& name : inputs) proto.add_input(name);
    for (const auto& name : outputs) proto.add_output(name);
    return proto;
  }
  OnnxBuilder& ints(const std::string& name, const std::vector<std::int64_t>& values) {
    auto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    write_small({DType::kInt64, {static_cast<std::int64_t>(values.size())}, values, {}}, tensor);
    return *this;
  }
  OnnxBuilder& scalar(const std::string& name, double value, DType type = DType::kFloat32) {
    auto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    write_small({type, {}, {}, {value}}, tensor);
    return *this;
  }
  /// Random numbers from the name.
  OnnxBuilder& weight(const std::string& name, const std::vector<std::int64_t>& dims,
                      DType type = DType::kFloat32) {
    auto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(static_cast<int>(type));
    std::int64_t elements = 1;
    for (const std::int64_t d : dims) {
      tensor.add_dims(d);
      elements *= d;
    }
    tensor.set_raw_data(weight_bytes(type, elements, {true, 0.3}, name, 1));
    return *this;
  }
  std::string save(const std::string& path) const {
    std::ofstream file(path, std::ios::binary);
    model_.SerializeToOstream(&file);
    return path;
  }

 private:
  onnx::ModelProto model_;
};

inline onnx::ModelProto read_model(const std::string& path) {
  onnx::ModelProto model;
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(model.ParseFromIstream(&file)) << path;
  return model;
}

/// The ONNX checker and strict shape inference; they end at opset 17.
inline void expect_valid(const std::string& path) {
  onnx::ModelProto model = read_model(path);
  for (const auto& import : model.opset_import()) {
    if (import.domain().empty() && import.version() > 17) return;
  }
  try {
    onnx::checker::check_model(path);
    onnx::ShapeInferenceOptions strict{true, 1, false};
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), strict);
  } catch (const std::exception& e) {
    ADD_FAILURE() << path << ": " << e.what();
  }
}

/// The operators of a graph, ports left out: "conv relu opaque:Erf".
inline std::string ops_of(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) {
    if (node.op == OpKind::kInput || node.op == OpKind::kOutput) continue;
    text += (text.empty() ? "" : " ") + std::string(op_name(node.op));
    if (node.op == OpKind::kOpaque) text += ":" + node.attrs.text;
  }
  return text;
}

inline std::vector<std::string> op_types(const onnx::ModelProto& model) {
  std::vector<std::string> types;
  for (const auto& node : model.graph().node()) types.push_back(node.op_type());
  return types;
}

}  // namespace autogo
