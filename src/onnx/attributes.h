#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/graph/types.h"

namespace autogo {

/// The attributes of a node, read with a default. A present attribute of another type is an error
/// in the file. @throws Error kInput "attribute 'axis' is not an integer"
const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name);
std::int64_t attribute_int(const onnx::NodeProto& node, std::string_view name, std::int64_t other);
float attribute_float(const onnx::NodeProto& node, std::string_view name, float other);
std::string attribute_string(const onnx::NodeProto& node, std::string_view name,
                             const std::string& other);
/// Empty option: not there.
std::optional<std::vector<std::int64_t>> attribute_ints(const onnx::NodeProto& node,
                                                        std::string_view name);

/// Dimensions of a stored tensor.
std::vector<std::int64_t> tensor_dims(const onnx::TensorProto& tensor);
/// Bits of one stored element, from 4-bit integers to complex; 0 for strings and unknown codes.
int element_bits(int data_type);
DType to_dtype(int data_type);

/// Whether the operator belongs to ONNX's own domain.
bool standard_domain(const onnx::NodeProto& node);

/// Sets an attribute of a node that is being written.
void set_attribute(onnx::NodeProto& node, const std::string& name, std::int64_t value);
void set_attribute(onnx::NodeProto& node, const std::string& name, float value);
void set_attribute(onnx::NodeProto& node, const std::string& name, const std::string& value);
void set_attribute(onnx::NodeProto& node, const std::string& name,
                   const std::vector<std::int64_t>& values);

}  // namespace autogo
