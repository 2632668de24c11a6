#pragma once

#include <torch/types.h>

#include <optional>

#include "tensors/tensor_file.h"

namespace autogo {

/// LibTorch's name of an element type; nothing for the types that it lacks.
std::optional<torch::ScalarType> scalar_type_of(DType type);
/// @throws Error kUnsupported: a type that ONNX lacks
DType dtype_of(torch::ScalarType type);

/// On the CPU, with memory of its own. @throws Error kUnsupported: a type that LibTorch lacks
torch::Tensor to_torch(const FileTensor& tensor);
/// The elements copied, from whichever device. @throws Error as dtype_of()
FileTensor to_stored(const torch::Tensor& tensor);

}  // namespace autogo
