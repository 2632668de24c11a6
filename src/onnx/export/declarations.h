#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "autogo/graph/types.h"

namespace autogo {

/// A value as a model declares it. Sizes that are not known are left open.
onnx::ValueInfoProto value_info(const std::string& name, const TensorType& type);

/// Everything but the graph's content, fields that this library does not know included.
void copy_header(const onnx::ModelProto& from, onnx::ModelProto& to);

/// A graph may have been made for another size of the input, or number of classes, than its
/// source. What is dynamic stays.
/// @return whether the declaration was changed
bool adapt_shape(onnx::ValueInfoProto& info, const Shape& shape);

}  // namespace autogo
