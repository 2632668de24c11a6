// Inference of one node: a rule of our own first (infer_rules.cc), the schema of ONNX's library
// where there is none, and then the numbers (folding.cc). The schemas end at opset 17; an operator
// that did not change its meaning since then is asked with its form of 17, the others are listed
// below and stay unknown unless a rule knows them.
//
// What a schema's function objects to stays unknown too and does not stop the file: the functions
// of this library are old, and runtimes accept what they reject (an inverse DFT of one side).
//
// Tested by tests/onnx/infer_test.cc.

#include "infer.h"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "autogo/base/error.h"
#include "onnx/tensor_data.h"

namespace autogo {
namespace {

using onnx::AttributeProto;
using onnx::OpSchema;
using onnx::TypeProto;

constexpr int kLastSchema = 17;

/// Operators whose shape rule changed after opset 17 and that have no rule of ours.
constexpr std::array<std::string_view, 2> kChangedSince17 = {"Loop", "Scan"};

/// What a schema's inference function sees of a node.
class SchemaContext : public onnx::InferenceContext {
 public:
  explicit SchemaContext(const NodeView& node) : node_(node), outputs_(node.num_outputs()) {
    for (std::size_t i = 0; i < node.num_inputs(); ++i) {
      types_.push_back(node.has(i) ? input_type(i) : TypeProto());
      data_.emplace_back();
      if (const SmallTensor* data = node.data(i)) write_small(*data, data_.back());
    }
  }

  const AttributeProto* getAttribute(const std::string& name) const override {
    return find_attribute(node_.proto(), name);
  }
  std::size_t getNumInputs() const override { return types_.size(); }
  const TypeProto* getInputType(std::size_t i) const override {
    if (i >= types_.size()) return nullptr;
    return types_[i].value_case() == TypeProto::VALUE_NOT_SET ? nullptr : &types_[i];
  }
  const onnx::TensorProto* getInputData(std::size_t i) const override {
    return i < data_.size() && data_[i].has_data_type() ? &data_[i] : nullptr;
  }
  std::size_t getNumOutputs() const override { return outputs_.size(); }
  TypeProto* getOutputType(std::size_t i) override {
    if (i >= outputs_.size()) throw Error(ErrorKind::kInput, "has too few outputs");
    return &outputs_[i];
  }
  onnx::GraphInferencer* getGraphAttributeInferencer(const std::string&) override {
    return nullptr;
  }
  const onnx::SparseTensorProto* getInputSparseData(std::size_t) const override { return nullptr; }
  const onnx::TensorShapeProto* getSymbolicInput(std::size_t) const override { return nullptr; }

  std::vector<InferredValue> results() const {
    std::vector<InferredValue> results;
    for (const TypeProto& type : outputs_) {
      InferredValue value;
      if (type.has_tensor_type()) {
        value.dtype = to_dtype(type.tensor_type().elem_type());
        if (type.tensor_type().has_shape()) value.dims = read_dims(type.tensor_type().shape());
      } else if (type.value_case() != TypeProto::VALUE_NOT_SET) {
        value.container = std::make_shared<const TypeProto>(type);
      }
      results.push_back(std::move(value));
    }
    return results;
  }

 private:
  static std::vector<std::int64_t> read_dims(const onnx::TensorShapeProto& shape) {
    std::vector<std::int64_t> dims;
    for (const auto& dim : shape.dim()) dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
    return dims;
  }

  TypeProto input_type(std::size_t i) const {
    TypeProto type;
    if (node_.container(i) != nullptr) return *node_.container(i);
    if (node_.dtype(i) == DType::kUndefined) return type;
    auto* tensor = type.mutable_tensor_type();
    tensor->set_elem_type(static_cast<int>(node_.dtype(i)));
    if (const Dims& dims = node_.dims(i)) {
      auto* shape = tensor->mutable_shape();
      for (const std::int64_t d : *dims) {
        auto* dim = shape->add_dim();
        if (d >= 0) dim->set_dim_value(d);
      }
    }
    return type;
  }

  const NodeView& node_;
  std::vector<TypeProto> types_, outputs_;
  std::vector<onnx::TensorProto> data_;
};

bool has_subgraph(const onnx::NodeProto& node) {
  return std::ranges::any_of(
      node.attribute(), [](const AttributeProto& a) { return a.has_g() || a.graphs_size() > 0; });
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// Guards the schema's function against nodes that it was not written for.
bool acceptable(const NodeView& node, const OpSchema& schema) {
  if (node.opset() <= kLastSchema) {
    schema.Verify(node.proto());  // throws
    return true;
  }
  const auto inputs = static_cast<int>(node.num_inputs());
  if (inputs < schema.min_input() || inputs > schema.max_input()) return false;
  for (const auto& [name, wanted] : schema.attributes()) {
    const AttributeProto* found = find_attribute(node.proto(), name);
    if (found == nullptr ? wanted.required : found->type() != wanted.type) return false;
  }
  return true;
}

}  // namespace

const Dims& NodeView::dims(std::size_t i) const {
  static const Dims unknown;
  return has(i) ? input(i).worlds[world_].dims : unknown;
}

const SmallTensor* NodeView::data(std::size_t i) const {
  return has(i) ? input(i).worlds[world_].data.get() : nullptr;
}

std::optional<std::vector<std::int64_t>> NodeView::ints(std::size_t i) const {
  const SmallTensor* tensor = data(i);
  if (tensor == nullptr || tensor->floating()) return std::nullopt;
  return tensor->ints;
}

const std::shared_ptr<const TypeProto>& NodeView::container(std::size_t i) const {
  static const std::shared_ptr<const TypeProto> none;
  return has(i) ? input(i).worlds[world_].container : none;
}

bool same_operator(const std::string& op, std::int64_t opset, std::int64_t other) {
  if (opset == other) return true;
  if (std::min(opset, other) < 1 || std::max(opset, other) > kLastSchema) return false;
  const OpSchema* a =
      onnx::OpSchemaRegistry::Schema(op, static_cast<int>(opset), onnx::ONNX_DOMAIN);
  const OpSchema* b =
      onnx::OpSchemaRegistry::Schema(op, static_cast<int>(other), onnx::ONNX_DOMAIN);
  return a != nullptr && b != nullptr && a->since_version() == b->since_version();
}

namespace {

/// The operator's form at the model's opset, or the last one that the library knows.
const OpSchema* schema_of(const NodeView& node) {
  const int version = static_cast<int>(std::min<std::int64_t>(node.opset(), kLastSchema));
  return onnx::OpSchemaRegistry::Schema(node.op(), version, onnx::ONNX_DOMAIN);
}

/// A node without an operand that its operator cannot do without, or with more results than it
/// has: no runtime takes it, and what comes later does not ask again.
void require_operands(const NodeView& node) {
  const OpSchema* schema = schema_of(node);
  if (schema == nullptr) return;
  const auto outputs = static_cast<int>(node.num_outputs());
  AUTOGO_REQUIRE(outputs <= schema->max_output(), ErrorKind::kInput,
                 "has " + std::to_string(outputs) + " outputs, expected " +
                     std::to_string(schema->max_output()) + " at most");
  for (int i = 0; i < schema->min_input(); ++i) {
    const auto formal = std::min(static_cast<std::size_t>(i), schema->inputs().size() - 1);
    const bool required = schema->inputs()[formal].GetOption() != OpSchema::Optional;
    AUTOGO_REQUIRE(!required || node.has(static_cast<std::size_t>(i)), ErrorKind::kInput,
                   "input " + std::to_string(i) + " is missing");
  }
}

}  // namespace

std::vector<InferredValue> infer_by_schema(const NodeView& node) {
  std::vector<InferredValue> unknown(node.num_outputs());
  if (!standard_domain(node.proto()) || has_subgraph(node.proto())) return unknown;
  if (node.opset() > kLastSchema &&
      std::ranges::find(kChangedSince17, node.op()) != kChangedSince17.end()) {
    return unknown;
  }
  const OpSchema* schema = schema_of(node);
  if (schema == nullptr) return unknown;
  try {
    if (!acceptable(node, *schema)) return unknown;
  } catch (const std::exception& e) {  // the library's own exceptions end at this layer
    throw Error(ErrorKind::kInput, one_line(e.what()));
  }
  try {
    SchemaContext context(node);
    schema->GetTypeAndShapeInferenceFunction()(context);
    return context.results();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    for (InferredValue& value : unknown) value.objection = one_line(e.what());
    return unknown;
  }
}

void require_possible(const std::vector<std::int64_t>& dims) {
  for (const std::int64_t d : dims) {
    AUTOGO_REQUIRE(d <= kMaxDim, ErrorKind::kInput,
                   "its output would have a dimension of " + std::to_string(d));
  }
  AUTOGO_REQUIRE(countable(dims), ErrorKind::kInput,
                 "its output would have more elements than can be counted");
}

std::vector<InferredValue> infer_node(const NodeView& node) {
  if (node.world() == 0 && standard_domain(node.proto())) {
    require_operands(node);
    require_weight_lengths(node);
  }
  auto by_rule = infer_by_rule(node);
  std::vector<InferredValue> results = by_rule ? std::move(*by_rule) : infer_by_schema(node);
  results.resize(node.num_outputs());
  for (const InferredValue& result : results) {
    if (result.dims) require_possible(*result.dims);
  }
  if (auto numbers = fold(node, results)) {
    for (std::size_t i = 0; i < numbers->size() && i < results.size(); ++i) {
      results[i].data = std::make_shared<const SmallTensor>(std::move((*numbers)[i]));
      results[i].dims = results[i].data->dims;
    }
  }
  return results;
}

}  // namespace autogo
