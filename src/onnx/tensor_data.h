#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <memory>
#include <string>

#include "small_tensor.h"

namespace autogo {

class ModelSource;

/// Where the bytes of a tensor with external data are.
struct ExternalReference {
  std::string location;  ///< relative to the model's folder
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};
/// @throws Error kInput: no location, a path that leaves the model's folder, a bad number
ExternalReference external_reference(const onnx::TensorProto& tensor, const std::string& where);

/// Bytes that a tensor's elements take; -1 for strings and unknown element types.
std::int64_t tensor_bytes(const onnx::TensorProto& tensor);

/// Checks that the stored data has as many elements as the shape says.
/// @throws Error kInput "initializer 'w': has 12 bytes of data, its shape 3x3 needs 36"
void require_complete(const onnx::TensorProto& tensor, const std::string& where);

/// The elements of a tensor of at most kSmallLimit elements; null for larger ones and for types
/// that are no plain numbers.
std::shared_ptr<const SmallTensor> read_small(const ModelSource& source,
                                              const onnx::TensorProto& tensor);

/// The other way: raw data in the tensor's type.
void write_small(const SmallTensor& data, onnx::TensorProto& tensor);

}  // namespace autogo
