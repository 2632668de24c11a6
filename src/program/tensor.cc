#include <cmath>
#include <cstring>

#include "autogo/base/error.h"
#include "autogo/program/program.h"
#include "onnx/small_tensor.h"

namespace autogo {
namespace {

template <typename T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

[[noreturn]] void refuse(DType type) {
  throw Error(ErrorKind::kUnsupported,
              std::string("tensors of type ") + dtype_name(type) + " hold no plain numbers");
}

double load_real(DType type, const char* at) {
  switch (type) {
    case DType::kFloat32:
      return load<float>(at);
    case DType::kFloat64:
      return load<double>(at);
    case DType::kFloat16:
      return half_to_double(load<std::uint16_t>(at));
    case DType::kBFloat16:
      return bfloat_to_double(load<std::uint16_t>(at));
    default:
      refuse(type);
  }
}

std::int64_t load_integer(DType type, const char* at) {
  switch (type) {
    case DType::kUint8:
      return load<std::uint8_t>(at);
    case DType::kInt8:
      return load<std::int8_t>(at);
    case DType::kUint16:
      return load<std::uint16_t>(at);
    case DType::kInt16:
      return load<std::int16_t>(at);
    case DType::kInt32:
      return load<std::int32_t>(at);
    case DType::kUint32:
      return load<std::uint32_t>(at);
    case DType::kInt64:
    case DType::kUint64:
      return load<std::int64_t>(at);
    case DType::kBool:
      return load<std::uint8_t>(at) != 0 ? 1 : 0;
    default:
      refuse(type);
  }
}

double load_number(DType type, const char* at) {
  return is_floating(type) ? load_real(type, at) : static_cast<double>(load_integer(type, at));
}

void store_real(DType type, double value, char* at) {
  auto put = [at](auto bits) { std::memcpy(at, &bits, sizeof(bits)); };
  switch (type) {
    case DType::kFloat32:
      return put(static_cast<float>(value));
    case DType::kFloat64:
      return put(value);
    case DType::kFloat16:
      return put(double_to_half(value));
    case DType::kBFloat16:
      return put(double_to_bfloat(value));
    default:
      refuse(type);
  }
}

void store_number(DType type, double value, char* at) {
  if (is_floating(type)) return store_real(type, value, at);
  if (!is_integral(type)) refuse(type);
  const std::int64_t whole = type == DType::kBool
                                 ? std::int64_t{value != 0}
                                 : static_cast<std::int64_t>(std::nearbyint(value));
  std::memcpy(at, &whole, dtype_size(type));  // little-endian: the low bytes come first
}

/// Calls visit(address) for every element, a splat's again and again.
template <typename Visit>
void for_each_element(const ProgramTensor& tensor, const Visit& visit) {
  if (!is_floating(tensor.dtype) && !is_integral(tensor.dtype)) refuse(tensor.dtype);
  const std::size_t width = dtype_size(tensor.dtype);
  const auto count = static_cast<std::size_t>(tensor.elements());
  AUTOGO_CHECK(tensor.bytes.size() == (tensor.splat ? 1 : count) * width);
  for (std::size_t i = 0; i < count; ++i) {
    visit(tensor.bytes.data() + (tensor.splat ? 0 : i * width));
  }
}

}  // namespace

std::int64_t ProgramTensor::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t d : dims) product *= d;
  return product;
}

ProgramTensor make_tensor(DType dtype, std::vector<std::int64_t> dims, std::string bytes) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return {dtype, std::move(dims), false, *owner, owner};
}

ProgramTensor make_tensor(std::vector<std::int64_t> dims, const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return make_tensor(DType::kFloat32, std::move(dims), std::move(bytes));
}

std::vector<double> real_values(const ProgramTensor& tensor) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(tensor.elements()));
  for_each_element(tensor,
                   [&](const char* at) { values.push_back(load_number(tensor.dtype, at)); });
  return values;
}

std::vector<std::int64_t> integer_values(const ProgramTensor& tensor) {
  AUTOGO_REQUIRE(
      is_integral(tensor.dtype), ErrorKind::kUnsupported,
      std::string("a tensor of type ") + dtype_name(tensor.dtype) + " where integers are expected");
  std::vector<std::int64_t> values;
  for_each_element(tensor,
                   [&](const char* at) { values.push_back(load_integer(tensor.dtype, at)); });
  return values;
}

std::string converted_bytes(const ProgramTensor& tensor, DType to) {
  if (tensor.dtype == to && !tensor.splat) return std::string(tensor.bytes);
  const std::size_t width = dtype_size(to);
  if (!is_floating(to) && !is_integral(to)) refuse(to);
  std::string bytes(static_cast<std::size_t>(tensor.elements()) * width, '\0');
  char* at = bytes.data();
  for_each_element(tensor, [&](const char* from) {
    if (tensor.dtype == to) {
      std::memcpy(at, from, width);
    } else {
      store_number(to, load_number(tensor.dtype, from), at);
    }
    at += width;
  });
  return bytes;
}

}  // namespace autogo
