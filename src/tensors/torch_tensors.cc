// Tested by tests/tensors/torch_tensors_test.cc.

#include "torch_tensors.h"

#include <array>
#include <cstring>

#include "autogo/base/error.h"

namespace autogo {
namespace {

constexpr std::array<std::pair<DType, torch::ScalarType>, 10> kTypes{{
    {DType::kFloat32, torch::kFloat},
    {DType::kFloat64, torch::kDouble},
    {DType::kFloat16, torch::kHalf},
    {DType::kBFloat16, torch::kBFloat16},
    {DType::kUint8, torch::kByte},
    {DType::kInt8, torch::kChar},
    {DType::kInt16, torch::kShort},
    {DType::kInt32, torch::kInt},
    {DType::kInt64, torch::kLong},
    {DType::kBool, torch::kBool},
}};

}  // namespace

std::optional<torch::ScalarType> scalar_type_of(DType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (ours == type) return theirs;
  }
  return std::nullopt;
}

DType dtype_of(torch::ScalarType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (theirs == type) return ours;
  }
  throw Error(ErrorKind::kUnsupported, "a result of a type that ONNX does not have");
}

torch::Tensor to_torch(const FileTensor& tensor) {
  const auto type = scalar_type_of(tensor.dtype);
  AUTOGO_REQUIRE(
      type, ErrorKind::kUnsupported,
      std::string("tensors of type ") + dtype_name(tensor.dtype) + " cannot be computed with");
  torch::Tensor result = torch::empty(tensor.dims, torch::TensorOptions().dtype(*type));
  AUTOGO_CHECK(tensor.bytes.size() == result.nbytes());
  if (!tensor.bytes.empty()) {
    std::memcpy(result.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
  }
  return result;
}

FileTensor to_stored(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.detach().to(torch::kCPU).contiguous();
  const auto bytes = std::make_shared<std::string>(plain.nbytes(), '\0');
  if (!bytes->empty()) std::memcpy(bytes->data(), plain.data_ptr(), bytes->size());
  return {dtype_of(plain.scalar_type()), plain.sizes().vec(), *bytes, bytes};
}

}  // namespace autogo
