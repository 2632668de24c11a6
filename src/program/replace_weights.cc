// Trained weights go back into the file: the exporter's model with other numbers in it. A weight
// that a node made (ConstantOfShape, Constant) becomes an initializer; the node goes, and so does
// the shape that only it read.
//
// Tested by tests/program/program_test.cc.

#include <algorithm>
#include <set>
#include <unordered_map>

#include "autogo/base/error.h"
#include "autogo/program/program.h"
#include "onnx/attributes.h"
#include "onnx/export/built_model.h"
#include "onnx/export/model_writer.h"

namespace autogo {
namespace {

using Weights = std::map<std::string, ProgramTensor>;

void fill(onnx::TensorProto& tensor, const std::string& name, DType dtype,
          const ProgramTensor& value) {
  tensor.Clear();
  tensor.set_name(name);
  tensor.set_data_type(static_cast<int>(dtype));
  for (const std::int64_t d : value.dims) tensor.add_dims(d);
  tensor.set_raw_data(converted_bytes(value, dtype));
}

void require_constants(const Program& program, const Weights& weights) {
  std::unordered_map<std::string, const ProgramTensor*> known;
  for (const ProgramConstant& constant : program.constants) {
    known[program.values[static_cast<std::size_t>(constant.value)].name] = &constant.tensor;
  }
  for (const auto& [name, value] : weights) {
    const auto it = known.find(name);
    AUTOGO_REQUIRE(it != known.end(), ErrorKind::kInput,
                   "weight '" + name + "': the network has no constant of this name");
    AUTOGO_REQUIRE(it->second->dims == value.dims, ErrorKind::kInput,
                   "weight '" + name + "': has shape " + to_string(Shape(value.dims)) +
                       ", the network's is " + to_string(Shape(it->second->dims)));
  }
}

/// Takes out the nodes that made replaced constants, and initializers that nobody reads any more.
void remove_makers(onnx::GraphProto& graph, const Weights& weights) {
  std::set<std::string> shapes;
  google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes;
  nodes.Swap(graph.mutable_node());
  for (onnx::NodeProto& node : nodes) {
    if (node.output_size() == 1 && weights.contains(node.output(0))) {
      shapes.insert(node.input().begin(), node.input().end());
    } else {
      graph.add_node()->Swap(&node);
    }
  }
  for (const onnx::NodeProto& node : graph.node()) {
    for (const std::string& name : node.input()) shapes.erase(name);
    for_each_captured(node, [&](const std::string& name) { shapes.erase(name); });
  }
  for (const auto& output : graph.output()) shapes.erase(output.name());
  auto unread = [&](const auto& item) { return shapes.contains(item.name()); };
  auto& tensors = *graph.mutable_initializer();
  tensors.erase(std::remove_if(tensors.begin(), tensors.end(), unread), tensors.end());
  auto& inputs = *graph.mutable_input();
  inputs.erase(std::remove_if(inputs.begin(), inputs.end(), unread), inputs.end());
}

/// IR below 4 wants every initializer among the inputs.
void declare(onnx::ModelProto& model, const onnx::TensorProto& tensor) {
  if (model.ir_version() >= 4) return;
  onnx::ValueInfoProto& info = *model.mutable_graph()->add_input();
  info.set_name(tensor.name());
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(tensor.data_type());
  type.mutable_shape();
  for (const std::int64_t d : tensor.dims()) type.mutable_shape()->add_dim()->set_dim_value(d);
}

}  // namespace

void replace_weights(const Graph& graph, const Weights& weights, const std::string& path,
                     const ExportOptions& options) {
  try {
    const Program program = lower(graph, options);
    require_constants(program, weights);
    BuiltModel built = build_model(graph, options, SourceWeights::kCopied);
    onnx::GraphProto& out = *built.model.mutable_graph();
    std::set<std::string> done;
    for (onnx::TensorProto& tensor : *out.mutable_initializer()) {
      const auto it = weights.find(tensor.name());
      if (it == weights.end()) continue;
      fill(tensor, it->first, to_dtype(tensor.data_type()), it->second);
      done.insert(it->first);
    }
    for (const ProgramConstant& constant : program.constants) {  // in the program's order
      const auto it = weights.find(program.values[static_cast<std::size_t>(constant.value)].name);
      if (it == weights.end() || !done.insert(it->first).second) continue;
      onnx::TensorProto& tensor = *out.add_initializer();
      fill(tensor, it->first, constant.tensor.dtype, it->second);
      declare(built.model, tensor);
    }
    remove_makers(out, weights);
    write_model(built.model, built.source.get(), path);
  } catch (Error& e) {
    if (!std::string_view(e.what()).starts_with(path + ":")) e.prepend(path);
    throw;
  }
}

}  // namespace autogo
