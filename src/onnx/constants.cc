#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "attributes.h"
#include "autogo/base/error.h"
#include "model_source.h"
#include "small_tensor.h"
#include "tensor_data.h"

namespace autogo {
namespace {

using onnx::TensorProto;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

std::uint64_t parse_number(const std::string& text, const std::string& where) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(where + ": '" + text + "' is no offset or length of external data");
  }
  return value;
}

std::int64_t typed_elements(const TensorProto& tensor) {
  switch (tensor.data_type()) {
    case TensorProto::FLOAT:
      return tensor.float_data_size();
    case TensorProto::COMPLEX64:
      return tensor.float_data_size() / 2;
    case TensorProto::DOUBLE:
      return tensor.double_data_size();
    case TensorProto::COMPLEX128:
      return tensor.double_data_size() / 2;
    case TensorProto::INT64:
      return tensor.int64_data_size();
    case TensorProto::UINT32:
    case TensorProto::UINT64:
      return tensor.uint64_data_size();
    case TensorProto::STRING:
      return tensor.string_data_size();
    default:
      return tensor.int32_data_size();
  }
}

double bits_to_real(DType type, std::uint16_t bits) {
  return type == DType::kFloat16 ? half_to_double(bits) : bfloat_to_double(bits);
}

template <typename T>
T element(std::string_view bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

double real_from_bytes(DType type, std::string_view bytes, std::size_t i) {
  if (type == DType::kFloat32) return element<float>(bytes, i);
  if (type == DType::kFloat64) return element<double>(bytes, i);
  return bits_to_real(type, element<std::uint16_t>(bytes, i));
}

std::int64_t integer_from_bytes(DType type, std::string_view bytes, std::size_t i) {
  switch (type) {
    case DType::kUint8:
      return element<std::uint8_t>(bytes, i);
    case DType::kInt8:
      return element<std::int8_t>(bytes, i);
    case DType::kUint16:
      return element<std::uint16_t>(bytes, i);
    case DType::kInt16:
      return element<std::int16_t>(bytes, i);
    case DType::kInt32:
      return element<std::int32_t>(bytes, i);
    case DType::kUint32:
      return element<std::uint32_t>(bytes, i);
    case DType::kBool:
      return element<std::uint8_t>(bytes, i) != 0 ? 1 : 0;
    default:
      return element<std::int64_t>(bytes, i);
  }
}

double real_from_fields(const TensorProto& tensor, DType type, int i) {
  if (type == DType::kFloat32) return tensor.float_data(i);
  if (type == DType::kFloat64) return tensor.double_data(i);
  return bits_to_real(type, static_cast<std::uint16_t>(tensor.int32_data(i)));
}

std::int64_t integer_from_fields(const TensorProto& tensor, DType type, int i) {
  if (type == DType::kInt64) return tensor.int64_data(i);
  if (type == DType::kUint32 || type == DType::kUint64) {
    return static_cast<std::int64_t>(tensor.uint64_data(i));
  }
  if (type == DType::kBool) return tensor.int32_data(i) != 0 ? 1 : 0;
  return tensor.int32_data(i);
}

template <typename T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_element(std::string& bytes, const SmallTensor& data, std::size_t i) {
  switch (data.dtype) {
    case DType::kFloat32:
      return append(bytes, static_cast<float>(data.reals[i]));
    case DType::kFloat64:
      return append(bytes, data.reals[i]);
    case DType::kFloat16:
      return append(bytes, double_to_half(data.reals[i]));
    case DType::kBFloat16:
      return append(bytes, double_to_bfloat(data.reals[i]));
    default:
      break;
  }
  const std::int64_t value = data.ints[i];  // little-endian: the low bytes are the narrow integer
  bytes.append(reinterpret_cast<const char*>(&value), dtype_size(data.dtype));
}

}  // namespace

static_assert(std::endian::native == std::endian::little, "ONNX stores raw data little-endian");

bool all_known(const Dims& dims) {
  if (!dims) return false;
  for (const std::int64_t d : *dims) {
    if (d < 0) return false;
  }
  return true;
}

std::int64_t num_elements(const Dims& dims) {
  if (!all_known(dims) || !countable(*dims)) return -1;
  std::int64_t product = 1;
  for (const std::int64_t d : *dims) product *= d;
  return product;
}

Shape to_shape(const Dims& dims) {
  if (!dims || dims->size() > Shape::kMaxRank) return Shape();
  return Shape(std::span<const std::int64_t>(*dims));
}

bool is_floating(DType type) {
  return type == DType::kFloat32 || type == DType::kFloat64 || type == DType::kFloat16 ||
         type == DType::kBFloat16;
}

bool is_integral(DType type) {
  switch (type) {
    case DType::kUint8:
    case DType::kInt8:
    case DType::kUint16:
    case DType::kInt16:
    case DType::kInt32:
    case DType::kInt64:
    case DType::kBool:
    case DType::kUint32:
    case DType::kUint64:
      return true;
    default:
      return false;
  }
}

bool SmallTensor::floating() const { return is_floating(dtype); }

double half_to_double(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  if (exponent < 31) return sign * std::ldexp(1024 + mantissa, exponent - 25);
  return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                       : std::numeric_limits<double>::quiet_NaN();
}

std::uint16_t double_to_half(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (magnitude >= 65520) return static_cast<std::uint16_t>(sign | 0x7c00);  // rounds to infinity
  if (magnitude == 0) return sign;
  const int exponent = std::max(std::ilogb(magnitude), -14);
  // In units of the last place; nearbyint rounds half to even, a carry runs into the exponent.
  const auto units =
      static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  const auto biased = static_cast<std::uint32_t>(exponent + 14) << 10;
  return static_cast<std::uint16_t>(sign | (biased + units));
}

double bfloat_to_double(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t double_to_bfloat(double value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

double round_to(DType type, double value) {
  switch (type) {
    case DType::kFloat32:
      return static_cast<double>(static_cast<float>(value));
    case DType::kFloat16:
      return half_to_double(double_to_half(value));
    case DType::kBFloat16:
      return bfloat_to_double(double_to_bfloat(value));
    default:
      return value;
  }
}

ExternalReference external_reference(const TensorProto& tensor, const std::string& where) {
  ExternalReference reference;
  const std::int64_t needed = tensor_bytes(tensor);
  if (needed < 0) fail(where + ": tensors of this type cannot be external data");
  reference.bytes = static_cast<std::uint64_t>(needed);
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") reference.location = entry.value();
    if (entry.key() == "offset") reference.offset = parse_number(entry.value(), where);
    if (entry.key() == "length" && parse_number(entry.value(), where) != reference.bytes) {
      fail(where + ": has " + entry.value() + " bytes of external data, its shape " +
           to_string(to_shape(tensor_dims(tensor))) + " needs " + std::to_string(needed));
    }
  }
  if (reference.location.empty()) fail(where + ": its external data has no location");
  const std::filesystem::path path(reference.location);
  bool leaves = path.is_absolute();
  for (const std::filesystem::path& part : path) leaves = leaves || part == "..";
  if (leaves) {
    fail(where + ": its external data '" + reference.location +
         "' lies outside the model's folder, which is refused");
  }
  return reference;
}

std::int64_t tensor_bytes(const TensorProto& tensor) {
  const std::int64_t elements = num_elements(tensor_dims(tensor));
  const std::int64_t bits = element_bits(tensor.data_type());
  if (elements < 0 || bits == 0 || elements > kMaxElements / 128) return -1;
  return (elements * bits + 7) / 8;
}

void require_complete(const TensorProto& tensor, const std::string& where) {
  const Dims dims = tensor_dims(tensor);
  const std::int64_t elements = num_elements(dims);
  const std::string shape = to_string(to_shape(dims));
  const bool small_dims = std::ranges::all_of(*dims, [](std::int64_t d) { return d <= kMaxDim; });
  if (elements < 0 || !small_dims) fail(where + ": its shape " + shape + " is impossible");
  const int bits = element_bits(tensor.data_type());
  if (bits == 0 && tensor.data_type() != TensorProto::STRING) {
    fail(where + ": element type " + std::to_string(tensor.data_type()) + " is unknown");
  }
  if (tensor.has_segment()) fail(where + ": tensors stored in segments are not supported");
  if (tensor.data_location() == TensorProto::EXTERNAL) return;
  const std::int64_t needed = tensor_bytes(tensor);
  if (tensor.has_raw_data() && bits != 0) {
    if (static_cast<std::int64_t>(tensor.raw_data().size()) == needed) return;
    fail(where + ": has " + std::to_string(tensor.raw_data().size()) +
         " bytes of data, its shape " + shape + " needs " + std::to_string(needed));
  }
  const std::int64_t found = typed_elements(tensor);
  const std::int64_t expected = bits == 4 ? (elements + 1) / 2 : elements;
  if (found == expected || (bits == 4 && found == elements)) return;
  fail(where + ": has " + std::to_string(found) + " elements of data, its shape " + shape +
       " needs " + std::to_string(expected));
}

std::shared_ptr<const SmallTensor> read_small(const ModelSource& source,
                                              const TensorProto& tensor) {
  const std::int64_t elements = num_elements(tensor_dims(tensor));
  const DType type = to_dtype(tensor.data_type());
  if (elements < 0 || elements > kSmallLimit) return nullptr;
  if (!is_floating(type) && !is_integral(type)) return nullptr;
  auto data = std::make_shared<SmallTensor>();
  data->dtype = type;
  data->dims = tensor_dims(tensor);
  const bool raw = tensor.has_raw_data() || tensor.data_location() == TensorProto::EXTERNAL;
  const std::string_view bytes = raw ? source.raw_bytes(tensor) : std::string_view();
  for (std::size_t i = 0; i < static_cast<std::size_t>(elements); ++i) {
    const int at = static_cast<int>(i);
    if (is_floating(type)) {
      data->reals.push_back(raw ? real_from_bytes(type, bytes, i)
                                : real_from_fields(tensor, type, at));
    } else {
      data->ints.push_back(raw ? integer_from_bytes(type, bytes, i)
                               : integer_from_fields(tensor, type, at));
    }
  }
  return data;
}

void write_small(const SmallTensor& data, TensorProto& tensor) {
  tensor.set_data_type(static_cast<int>(data.dtype));
  for (const std::int64_t d : data.dims) tensor.add_dims(d);
  std::string bytes;
  for (std::size_t i = 0; i < data.size(); ++i) append_element(bytes, data, i);
  tensor.set_raw_data(std::move(bytes));
}

}  // namespace autogo
