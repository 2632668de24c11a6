// Graph to Program: the ONNX model that the exporter builds, read into plain structs.
//
// Building the model first and reading it back costs a little more than a second walk over the
// graph would, but there is one spelling of every operator, the exporter's: what runs and what is
// translated is what is written. Weights of the source are not copied into that model
// (SourceWeights::kNamed); their bytes are shared with the source, those of new weights with the
// model.
//
// A constant becomes one when a node or an output first reads it, so shapes that only a
// ConstantOfShape read disappear. So do the nodes that compute integers from constants alone, like
// the pads of a PyTorch module: their results are constants here. Weights stay as they are stored.
//
// Tested by tests/program/program_test.cc.

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "autogo/base/error.h"
#include "autogo/program/program.h"
#include "onnx/attributes.h"
#include "onnx/export/built_model.h"
#include "onnx/export/model_writer.h"
#include "onnx/tensor_data.h"
#include "roles.h"

namespace autogo {
namespace {

using onnx::AttributeProto;
using onnx::TensorProto;

template <typename To, typename Field>
std::string packed(const Field& field) {
  std::string bytes;
  for (const auto value : field) {
    const auto narrow = static_cast<To>(value);
    bytes.append(reinterpret_cast<const char*>(&narrow), sizeof(narrow));
  }
  return bytes;
}

/// The bytes of a tensor stored in typed fields.
std::string field_bytes(const TensorProto& tensor) {
  switch (to_dtype(tensor.data_type())) {
    case DType::kFloat32:
      return packed<float>(tensor.float_data());
    case DType::kFloat64:
      return packed<double>(tensor.double_data());
    case DType::kInt64:
      return packed<std::int64_t>(tensor.int64_data());
    case DType::kUint64:
      return packed<std::uint64_t>(tensor.uint64_data());
    case DType::kUint32:
      return packed<std::uint32_t>(tensor.uint64_data());
    case DType::kInt32:
      return packed<std::int32_t>(tensor.int32_data());
    case DType::kUint16:
    case DType::kInt16:
    case DType::kFloat16:
    case DType::kBFloat16:
      return packed<std::uint16_t>(tensor.int32_data());
    case DType::kUint8:
    case DType::kInt8:
    case DType::kBool:
      return packed<std::uint8_t>(tensor.int32_data());
    default:
      return {};  // strings and the like: whoever reads their elements is refused
  }
}

Shape declared_shape(const onnx::ValueInfoProto& info) {
  if (!info.type().has_tensor_type() || !info.type().tensor_type().has_shape()) return Shape();
  std::vector<std::int64_t> dims;
  for (const auto& dim : info.type().tensor_type().shape().dim()) {
    dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  }
  return dims.size() > Shape::kMaxRank ? Shape() : Shape(dims);
}

class Lowering {
 public:
  Lowering(const Graph& graph, const ExportOptions& options)
      : graph_(graph),
        built_(std::make_shared<BuiltModel>(build_model(graph, options, SourceWeights::kNamed))) {}

  Program run() {
    for (const auto& opset : model().opset_import()) {
      if (opset.domain().empty() || opset.domain() == "ai.onnx") program_.opset = opset.version();
    }
    collect_types();
    for (const std::string& name : built_->input_names) program_.inputs.push_back(value(name));
    collect_initializers();
    for (int i = 0; i < graph_proto().node_size(); ++i) {
      const onnx::NodeProto& node = graph_proto().node(i);
      reader_ = built_->lowered_from[static_cast<std::size_t>(i)];
      if (!take_constant(node) && !take_known(node)) add_node(node);
    }
    reader_ = kNoNode;
    for (const auto& output : graph_proto().output()) {
      program_.outputs.push_back(value(output.name()));
    }
    declare(graph_proto().input());
    declare(graph_proto().output());
    assign_roles(program_);
    return std::move(program_);
  }

 private:
  const onnx::ModelProto& model() const { return built_->model; }
  const onnx::GraphProto& graph_proto() const { return built_->model.graph(); }

  void collect_types() {
    types_.insert(built_->value_types.begin(), built_->value_types.end());
    if (built_->source == nullptr) return;
    for (const OnnxValue& v : built_->source->values) {  // inner values of patterns
      types_.emplace(v.name, TensorType{v.dtype, Layout::kNone, to_shape(v.worlds[0].dims)});
    }
  }

  /// Whether the batch of an input is left open: its declaration's first dimension has no number.
  bool dynamic_batch() const {
    return std::ranges::any_of(graph_proto().input(), [](const onnx::ValueInfoProto& info) {
      const Shape shape = declared_shape(info);
      return shape.rank() > 0 && shape[0] < 0;
    });
  }

  /// A declaration, with what inference knows where it says nothing: the size of a resized map may
  /// have a name only. A dynamic batch stays dynamic.
  Shape completed(const Shape& declared, const Shape& inferred) const {
    if (!declared.has_rank()) return inferred;
    if (declared.rank() != inferred.rank()) return declared;
    Shape shape = declared;
    for (int d = dynamic_batch() ? 1 : 0; d < shape.rank(); ++d) {
      const auto axis = static_cast<std::size_t>(d);
      if (shape[axis] < 0) shape[axis] = inferred[axis];
    }
    return shape;
  }

  /// Inputs and outputs are as their declaration says: dynamic where that is.
  void declare(const google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& infos) {
    for (const auto& info : infos) {
      const auto it = index_.find(info.name());
      if (it == index_.end()) continue;  // a weight's declaration
      ProgramValue& v = program_.values[static_cast<std::size_t>(it->second)];
      if (v.constant >= 0) continue;
      v.dtype = to_dtype(info.type().tensor_type().elem_type());
      v.shape = completed(declared_shape(info), v.shape);
    }
  }

  ProgramTensor tensor_of(const TensorProto& tensor) const { return shared(tensor, built_); }

  /// @param owner  keeps the proto alive
  ProgramTensor shared(const TensorProto& tensor, std::shared_ptr<const void> owner) const {
    ProgramTensor result;
    if (tensor.data_location() == TensorProto::EXTERNAL) {
      result.bytes = built_->source->raw_bytes(tensor);
      result.owner = built_->source;
    } else if (tensor.has_raw_data()) {
      result.bytes = tensor.raw_data();
      result.owner = std::move(owner);
    } else {
      result = make_tensor(DType::kFloat32, {}, field_bytes(tensor));
    }
    result.dtype = to_dtype(tensor.data_type());
    result.dims = tensor_dims(tensor);
    return result;
  }

  /// The source's initializers are there by name only (SourceWeights::kNamed).
  ProgramTensor initializer(const TensorProto& tensor) const {
    const std::shared_ptr<const ModelSource>& source = built_->source;
    if (source == nullptr) return tensor_of(tensor);
    const auto it = source->value_index.find(tensor.name());
    if (it == source->value_index.end()) return tensor_of(tensor);
    const OnnxValue& v = source->value(it->second);
    const bool stored = v.kind == OnnxValue::Kind::kWeight && v.tensor != nullptr;
    return stored ? shared(*v.tensor, source) : tensor_of(tensor);
  }

  void collect_initializers() {
    for (const TensorProto& tensor : graph_proto().initializer()) {
      constants_.emplace(tensor.name(), initializer(tensor));
    }
    AUTOGO_REQUIRE(graph_proto().sparse_initializer_size() == 0, ErrorKind::kUnsupported,
                   "sparse initializer '" + graph_proto().sparse_initializer(0).values().name() +
                       "': only dense weights can be run or translated");
  }

  /// Whether the node only makes a constant.
  bool take_constant(const onnx::NodeProto& node) {
    if (!standard_domain(node) || node.output_size() != 1) return false;
    if (node.op_type() == "ConstantOfShape") {
      return node.input_size() > 0 && take_constant_of_shape(node);
    }
    if (node.op_type() != "Constant") return false;
    for (const AttributeProto& a : node.attribute()) {
      ProgramTensor tensor;
      if (a.name() == "value") {
        tensor = tensor_of(a.t());
      } else if (a.name() == "value_float") {
        tensor = make_tensor({}, {a.f()});
      } else if (a.name() == "value_floats") {
        tensor = make_tensor({a.floats_size()}, {a.floats().begin(), a.floats().end()});
      } else if (a.name() == "value_int") {
        tensor = make_tensor(DType::kInt64, {}, packed<std::int64_t>(std::vector{a.i()}));
      } else if (a.name() == "value_ints") {
        tensor = make_tensor(DType::kInt64, {a.ints_size()}, packed<std::int64_t>(a.ints()));
      } else {
        continue;
      }
      constants_.emplace(node.output(0), std::move(tensor));
      return true;
    }
    return false;
  }

  bool take_constant_of_shape(const onnx::NodeProto& node) {
    const auto shape = constants_.find(node.input(0));
    if (shape == constants_.end()) return false;
    ProgramTensor tensor;
    const AttributeProto* value = find_attribute(node, "value");
    tensor = value != nullptr ? tensor_of(value->t()) : make_tensor({}, {0.0F});
    tensor.dims = integer_values(shape->second);
    tensor.splat = true;
    constants_.emplace(node.output(0), std::move(tensor));
    return true;
  }

  /// Whether the node computes integers from constants alone, and the importer knows them.
  bool take_known(const onnx::NodeProto& node) {
    if (built_->source == nullptr || node.output_size() != 1 || node.input_size() == 0)
      return false;
    for (const std::string& name : node.input()) {
      if (!name.empty() && !constants_.contains(name)) return false;
    }
    const auto it = built_->source->value_index.find(node.output(0));
    if (it == built_->source->value_index.end()) return false;
    const OnnxValue& v = built_->source->value(it->second);
    const SmallTensor* data = v.worlds[0].data.get();
    if (v.kind != OnnxValue::Kind::kConstant || data == nullptr || data->floating()) return false;
    TensorProto tensor;
    write_small(*data, tensor);
    constants_.emplace(node.output(0),
                       make_tensor(data->dtype, data->dims, std::move(*tensor.mutable_raw_data())));
    return true;
  }

  /// Index of a value; a constant becomes one of the program's when it is read first.
  int value(const std::string& name) {
    if (name.empty()) return -1;
    const auto [it, fresh] = index_.emplace(name, static_cast<int>(program_.values.size()));
    if (!fresh) return it->second;
    ProgramValue v;
    v.name = name;
    if (const auto constant = constants_.find(name); constant != constants_.end()) {
      v.constant = static_cast<int>(program_.constants.size());
      v.dtype = constant->second.dtype;
      v.shape = to_shape(constant->second.dims);
      program_.constants.push_back({it->second, constant->second, ConstantRole::kFixed, reader_});
    } else if (const auto type = types_.find(name); type != types_.end()) {
      v.dtype = type->second.dtype;
      v.shape = type->second.shape;
    }
    program_.values.push_back(std::move(v));
    return it->second;
  }

  ProgramAttribute attribute(const AttributeProto& a) const {
    auto is = [&](AttributeProto::AttributeType type, bool present) {  // IR 1 and 2 leave it out
      return a.type() == type || (a.type() == AttributeProto::UNDEFINED && present);
    };
    if (is(AttributeProto::INT, a.has_i())) return std::int64_t{a.i()};
    if (is(AttributeProto::FLOAT, a.has_f())) return a.f();
    if (is(AttributeProto::STRING, a.has_s())) return a.s();
    if (is(AttributeProto::TENSOR, a.has_t())) return tensor_of(a.t());
    if (is(AttributeProto::INTS, a.ints_size() > 0)) {
      return std::vector<std::int64_t>(a.ints().begin(), a.ints().end());
    }
    if (is(AttributeProto::FLOATS, a.floats_size() > 0)) {
      return std::vector<float>(a.floats().begin(), a.floats().end());
    }
    if (is(AttributeProto::STRINGS, a.strings_size() > 0)) {
      return std::vector<std::string>(a.strings().begin(), a.strings().end());
    }
    return std::monostate{};
  }

  void add_node(const onnx::NodeProto& proto) {
    ProgramNode node;
    node.op_type = proto.op_type();
    node.domain = standard_domain(proto) ? "" : proto.domain();
    node.name = proto.name();
    node.node = reader_;
    for (const std::string& name : proto.input()) node.inputs.push_back(value(name));
    for (const std::string& name : proto.output()) node.outputs.push_back(value(name));
    for (const AttributeProto& a : proto.attribute()) {
      node.attributes.emplace(a.name(), attribute(a));
    }
    program_.nodes.push_back(std::move(node));
  }

  const Graph& graph_;
  std::shared_ptr<BuiltModel> built_;  // shared by the constants whose bytes lie in it
  NodeId reader_ = kNoNode;
  std::unordered_map<std::string, TensorType> types_;
  std::unordered_map<std::string, ProgramTensor> constants_;
  std::unordered_map<std::string, int> index_;
  Program program_;
};

}  // namespace

Program lower(const Graph& graph, const ExportOptions& options) {
  return Lowering(graph, options).run();
}

}  // namespace autogo
