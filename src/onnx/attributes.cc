#include "attributes.h"

#include "autogo/base/error.h"

namespace autogo {
namespace {

using onnx::AttributeProto;
using onnx::TensorProto;

[[noreturn]] void wrong_type(std::string_view name, const char* expected) {
  throw Error(ErrorKind::kInput, "attribute '" + std::string(name) + "' is not " + expected);
}

// Files of IR version 1 and 2 leave the type out; a present field then tells it.
bool has_type(const AttributeProto& attribute, AttributeProto::AttributeType type) {
  return attribute.type() == type || attribute.type() == AttributeProto::UNDEFINED;
}

AttributeProto& new_attribute(onnx::NodeProto& node, const std::string& name,
                              AttributeProto::AttributeType type) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

}  // namespace

const AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

std::int64_t attribute_int(const onnx::NodeProto& node, std::string_view name, std::int64_t other) {
  const AttributeProto* attribute = find_attribute(node, name);
  if (attribute == nullptr) return other;
  if (!has_type(*attribute, AttributeProto::INT)) wrong_type(name, "an integer");
  return attribute->i();
}

float attribute_float(const onnx::NodeProto& node, std::string_view name, float other) {
  const AttributeProto* attribute = find_attribute(node, name);
  if (attribute == nullptr) return other;
  if (!has_type(*attribute, AttributeProto::FLOAT)) wrong_type(name, "a number");
  return attribute->f();
}

std::string attribute_string(const onnx::NodeProto& node, std::string_view name,
                             const std::string& other) {
  const AttributeProto* attribute = find_attribute(node, name);
  if (attribute == nullptr) return other;
  if (!has_type(*attribute, AttributeProto::STRING)) wrong_type(name, "a string");
  return attribute->s();
}

std::optional<std::vector<std::int64_t>> attribute_ints(const onnx::NodeProto& node,
                                                        std::string_view name) {
  const AttributeProto* attribute = find_attribute(node, name);
  if (attribute == nullptr) return std::nullopt;
  if (!has_type(*attribute, AttributeProto::INTS)) wrong_type(name, "a list of integers");
  return std::vector<std::int64_t>(attribute->ints().begin(), attribute->ints().end());
}

std::vector<std::int64_t> tensor_dims(const TensorProto& tensor) {
  return {tensor.dims().begin(), tensor.dims().end()};
}

int element_bits(int data_type) {
  switch (data_type) {
    case TensorProto::FLOAT:
    case TensorProto::INT32:
    case TensorProto::UINT32:
      return 32;
    case TensorProto::DOUBLE:
    case TensorProto::INT64:
    case TensorProto::UINT64:
    case TensorProto::COMPLEX64:
      return 64;
    case TensorProto::COMPLEX128:
      return 128;
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::INT16:
    case TensorProto::UINT16:
      return 16;
    case TensorProto::INT8:
    case TensorProto::UINT8:
    case TensorProto::BOOL:
    case 17:  // FLOAT8E4M3FN and its three siblings, ONNX 1.14
    case 18:
    case 19:
    case 20:
      return 8;
    case 21:  // UINT4, INT4, FLOAT4E2M1, ONNX 1.16 and 1.18
    case 22:
    case 23:
      return 4;
    default:
      return 0;
  }
}

DType to_dtype(int data_type) {
  return data_type > 0 && data_type < 256 ? static_cast<DType>(data_type) : DType::kUndefined;
}

bool standard_domain(const onnx::NodeProto& node) {
  return node.domain().empty() || node.domain() == "ai.onnx";
}

void set_attribute(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  new_attribute(node, name, AttributeProto::INT).set_i(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name, float value) {
  new_attribute(node, name, AttributeProto::FLOAT).set_f(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name, const std::string& value) {
  new_attribute(node, name, AttributeProto::STRING).set_s(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name,
                   const std::vector<std::int64_t>& values) {
  AttributeProto& attribute = new_attribute(node, name, AttributeProto::INTS);
  for (const std::int64_t value : values) attribute.add_ints(value);
}

}  // namespace autogo
