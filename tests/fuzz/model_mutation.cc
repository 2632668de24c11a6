// Edits of fields reach deeper than edits of bytes: nearly all of these models still parse.

#include <algorithm>
#include <array>
#include <vector>

#include "mutation.h"

namespace autogo::fuzz {
namespace {

using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::NodeProto;
using onnx::TensorProto;

template <typename Field>
auto& any_of(Field& field, Rng& rng) {
  return *field.Mutable(static_cast<int>(rng.below(static_cast<std::uint64_t>(field.size()))));
}

/// Names of everything that a node may read.
std::vector<std::string> value_names(const GraphProto& graph) {
  std::vector<std::string> names{""};
  for (const auto& input : graph.input()) names.push_back(input.name());
  for (const auto& tensor : graph.initializer()) names.push_back(tensor.name());
  for (const auto& node : graph.node()) {
    names.insert(names.end(), node.output().begin(), node.output().end());
  }
  return names;
}

std::string any_name(const GraphProto& graph, Rng& rng) {
  const std::vector<std::string> names = value_names(graph);
  return names[rng.below(names.size())];
}

constexpr std::array kOperators = {
    "Add",          "ArgMax",     "AveragePool",  "BatchNormalization", "Cast",
    "Clip",         "Concat",     "Constant",     "ConstantOfShape",    "Conv",
    "ConvTranspose", "DepthToSpace", "Div",        "Dropout",            "Einsum",
    "Expand",       "Flatten",    "Gather",       "GatherElements",     "GatherND",
    "Gemm",         "GlobalAveragePool", "If",    "Identity",           "LSTM",
    "LayerNormalization", "MatMul", "MaxPool",    "Mul",                "OneHot",
    "PRelu",        "Pad",        "Range",        "ReduceMean",         "ReduceSum",
    "Reshape",      "Resize",     "ScatterND",    "SequenceConstruct",  "Shape",
    "Sigmoid",      "Size",       "Slice",        "Softmax",            "SpaceToDepth",
    "Split",        "SplitToSequence", "Squeeze", "Sub",                "Sum",
    "Tile",         "TopK",       "Transpose",    "Unsqueeze",          "Upsample",
    "Where",        "Loop",       "Scan",         "STFT",               "QLinearConv"};

void edit_attribute(AttributeProto& a, Rng& rng) {
  switch (rng.below(8)) {
    case 0:
      a.set_i(odd_integer(rng));
      a.set_type(AttributeProto::INT);
      break;
    case 1:
      a.set_f(static_cast<float>(odd_real(rng)));
      a.set_type(AttributeProto::FLOAT);
      break;
    case 2:
      a.add_ints(odd_integer(rng));
      a.set_type(AttributeProto::INTS);
      break;
    case 3:
      if (a.ints_size() > 0) a.mutable_ints()->RemoveLast();
      break;
    case 4:
      a.set_type(static_cast<AttributeProto::AttributeType>(rng.below(12)));
      break;
    case 5:
      a.set_s(edit_bytes(a.s(), rng));
      break;
    default:
      if (a.ints_size() > 0) {
        a.set_ints(static_cast<int>(rng.below(static_cast<std::uint64_t>(a.ints_size()))),
                   odd_integer(rng));
      } else {
        a.set_i(odd_integer(rng));
      }
  }
}

void edit_wiring(GraphProto& graph, NodeProto& node, Rng& rng) {
  switch (rng.below(6)) {
    case 0:
      if (node.input_size() > 0) node.mutable_input()->RemoveLast();
      break;
    case 1:
      node.add_input(any_name(graph, rng));
      break;
    case 2:
      node.add_output(rng.below(2) == 0 ? any_name(graph, rng) : "new" + std::to_string(rng.next()));
      break;
    case 3:
      if (node.output_size() > 0) node.mutable_output()->RemoveLast();
      break;
    default:
      if (node.input_size() > 0) any_of(*node.mutable_input(), rng) = any_name(graph, rng);
  }
}

void edit_tensor(TensorProto& tensor, Rng& rng) {
  const std::size_t width = tensor.data_type() == TensorProto::INT64 ? 8 : 4;
  std::string& raw = *tensor.mutable_raw_data();
  switch (rng.below(7)) {
    case 0:
      if (tensor.dims_size() > 0) any_of(*tensor.mutable_dims(), rng) = odd_integer(rng);
      break;
    case 1:
      tensor.add_dims(odd_integer(rng));
      break;
    case 2: {  // no elements, and dimensions that no loop should count
      tensor.clear_dims();
      for (std::uint64_t i = rng.below(4); i-- > 0;) tensor.add_dims(std::int64_t{1} << rng.below(33));
      tensor.add_dims(0);
      raw.clear();
      break;
    }
    case 3:
      tensor.set_data_type(static_cast<int>(rng.below(25)));
      break;
    case 4: {
      tensor.set_data_location(TensorProto::EXTERNAL);
      auto& entry = *tensor.add_external_data();
      entry.set_key(rng.below(2) == 0 ? "location" : rng.below(2) == 0 ? "offset" : "length");
      entry.set_value(rng.below(2) == 0 ? "m.onnx" : std::to_string(odd_integer(rng)));
      break;
    }
    default:  // another number in it: a shape, an axis
      if (raw.size() >= width) {
        const std::int64_t value = odd_integer(rng);
        raw.replace(rng.below(raw.size() / width) * width, width,
                    reinterpret_cast<const char*>(&value), width);
      }
  }
}

void edit_declaration(onnx::ValueInfoProto& info, Rng& rng) {
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  auto& shape = *tensor.mutable_shape();
  switch (rng.below(5)) {
    case 0:
      tensor.set_elem_type(static_cast<int>(rng.below(25)));
      break;
    case 1:
      shape.add_dim()->set_dim_value(odd_integer(rng));
      break;
    case 2:
      if (shape.dim_size() > 0) any_of(*shape.mutable_dim(), rng).set_dim_param("n");
      break;
    case 3:
      tensor.clear_shape();
      break;
    default:
      if (shape.dim_size() > 0) any_of(*shape.mutable_dim(), rng).set_dim_value(odd_integer(rng));
  }
}

/// Puts a node into the branches of an If, some levels deep: what it reads is captured.
void nest(NodeProto& node, Rng& rng) {
  for (std::uint64_t depth = 1 + rng.below(rng.below(8) == 0 ? 24 : 3); depth-- > 0;) {
    NodeProto outer;
    outer.set_op_type(rng.below(4) == 0 ? "Loop" : "If");
    if (node.input_size() > 0) outer.add_input(node.input(0));
    for (const std::string& name : node.output()) outer.add_output(name + "_outer");
    for (const char* branch : {"then_branch", "else_branch"}) {
      AttributeProto& a = *outer.add_attribute();
      a.set_name(branch);
      a.set_type(AttributeProto::GRAPH);
      GraphProto& body = *a.mutable_g();
      body.set_name(branch);
      if (branch[0] == 't') *body.add_node() = node;
      for (const std::string& name : node.output()) body.add_output()->set_name(name);
    }
    node.Swap(&outer);
  }
}

void edit_nodes(GraphProto& graph, Rng& rng) {
  auto& nodes = *graph.mutable_node();
  NodeProto& node = any_of(nodes, rng);
  switch (rng.below(8)) {
    case 0:
      node.set_op_type(kOperators[rng.below(kOperators.size())]);
      break;
    case 1:
      node.set_op_type(any_of(nodes, rng).op_type());
      break;
    case 2:
      nodes.SwapElements(static_cast<int>(rng.below(static_cast<std::uint64_t>(nodes.size()))),
                         static_cast<int>(rng.below(static_cast<std::uint64_t>(nodes.size()))));
      break;
    case 3: {  // a chain of the same operator
      const std::uint64_t length = 1 + rng.below(rng.below(16) == 0 ? 2000 : 8);
      NodeProto copy = node;
      if (copy.input_size() == 0 || copy.output_size() == 0) break;
      for (std::uint64_t i = 0; i < length; ++i) {
        copy.set_input(0, copy.output(0));
        copy.set_output(0, "chain" + std::to_string(i) + "_" + std::to_string(rng.next()));
        *graph.add_node() = copy;
      }
      if (graph.output_size() > 0) graph.mutable_output(0)->set_name(copy.output(0));
      break;
    }
    case 4:
      nest(node, rng);
      break;
    case 5:
      node.set_domain(rng.below(2) == 0 ? "com.example" : "ai.onnx");
      break;
    case 6:
      *node.mutable_attribute() = any_of(nodes, rng).attribute();
      break;
    default:
      if (graph.node_size() > 1) nodes.RemoveLast();
  }
}

void edit_header(onnx::ModelProto& model, Rng& rng) {
  GraphProto& graph = *model.mutable_graph();
  switch (rng.below(5)) {
    case 0:
      if (model.opset_import_size() > 0) {
        model.mutable_opset_import(0)->set_version(static_cast<std::int64_t>(rng.below(25)));
      }
      break;
    case 1:
      model.set_ir_version(static_cast<std::int64_t>(rng.below(12)));
      break;
    case 2: {  // another output, or a constant as one
      graph.add_output()->set_name(any_name(graph, rng));
      break;
    }
    case 3:
      if (graph.initializer_size() > 0) {  // an initializer becomes an input
        graph.add_input()->set_name(any_of(*graph.mutable_initializer(), rng).name());
      }
      break;
    default:
      if (graph.initializer_size() > 0) {
        auto& sparse = *graph.add_sparse_initializer();
        *sparse.mutable_values() = graph.initializer(graph.initializer_size() - 1);
        graph.mutable_initializer()->RemoveLast();
        for (int i = 0; i < 2; ++i) sparse.add_dims(odd_integer(rng));
      }
  }
}

}  // namespace

void edit_model(onnx::ModelProto& model, Rng& rng) {
  GraphProto& graph = *model.mutable_graph();
  if (graph.node_size() == 0) return edit_header(model, rng);
  NodeProto& node = any_of(*graph.mutable_node(), rng);
  switch (rng.below(8)) {
    case 0:
    case 1:
      if (node.attribute_size() > 0) edit_attribute(any_of(*node.mutable_attribute(), rng), rng);
      break;
    case 2:
      edit_wiring(graph, node, rng);
      break;
    case 3:
    case 4:
      if (graph.initializer_size() > 0) edit_tensor(any_of(*graph.mutable_initializer(), rng), rng);
      break;
    case 5: {
      auto& list = rng.below(4) == 0 ? *graph.mutable_output() : *graph.mutable_input();
      if (list.size() > 0) edit_declaration(any_of(list, rng), rng);
      break;
    }
    case 6:
      edit_header(model, rng);
      break;
    default:
      edit_nodes(graph, rng);
  }
}

}  // namespace autogo::fuzz
