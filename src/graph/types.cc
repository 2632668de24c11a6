#include "autogo/graph/types.h"

#include <algorithm>

#include "autogo/base/error.h"
#include "autogo/graph/map_axes.h"

namespace autogo {

std::size_t dtype_size(DType type) {
  switch (type) {
    case DType::kUndefined:
    case DType::kString:
      return 0;
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kInt16:
    case DType::kUint16:
      return 2;
    case DType::kFloat32:
    case DType::kInt32:
    case DType::kUint32:
      return 4;
    case DType::kFloat64:
    case DType::kInt64:
    case DType::kUint64:
    case DType::kComplex64:
      return 8;
    case DType::kComplex128:
      return 16;
    case DType::kUint8:
    case DType::kInt8:
    case DType::kBool:
      break;
  }
  return 1;
}

const char* dtype_name(DType type) {
  switch (type) {
    case DType::kUndefined:
      return "undefined";
    case DType::kFloat32:
      return "float32";
    case DType::kUint8:
      return "uint8";
    case DType::kInt8:
      return "int8";
    case DType::kUint16:
      return "uint16";
    case DType::kInt16:
      return "int16";
    case DType::kInt32:
      return "int32";
    case DType::kInt64:
      return "int64";
    case DType::kString:
      return "string";
    case DType::kBool:
      return "bool";
    case DType::kFloat16:
      return "float16";
    case DType::kFloat64:
      return "float64";
    case DType::kUint32:
      return "uint32";
    case DType::kUint64:
      return "uint64";
    case DType::kComplex64:
      return "complex64";
    case DType::kComplex128:
      return "complex128";
    case DType::kBFloat16:
      return "bfloat16";
  }
  return "other";
}

bool countable(std::span<const std::int64_t> dims) {
  std::int64_t product = 1;
  for (const std::int64_t d : dims) {
    if (d <= 0) continue;
    if (__builtin_mul_overflow(product, d, &product) || product > kMaxElements) return false;
  }
  return true;
}

Shape::Shape(std::span<const std::int64_t> dims) {
  AUTOGO_REQUIRE(dims.size() <= kMaxRank, ErrorKind::kUnsupported,
                 "a tensor of rank " + std::to_string(dims.size()) + ", at most " +
                     std::to_string(kMaxRank) + " dimensions are supported");
  std::copy(dims.begin(), dims.end(), dims_.begin());
  rank_ = static_cast<std::int8_t>(dims.size());
}

bool Shape::known() const {
  return has_rank() && std::ranges::all_of(dims(), [](std::int64_t d) { return d >= 0; });
}

std::int64_t Shape::elements() const {
  if (!known() || !countable(dims())) return -1;
  std::int64_t product = 1;
  for (const std::int64_t d : dims()) product *= d;
  return product;
}

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ && std::ranges::equal(dims(), other.dims());
}

std::string to_string(const Shape& shape) {
  if (!shape.has_rank()) return "unknown";
  if (shape.rank() == 0) return "scalar";
  std::string text;
  for (const std::int64_t d : shape.dims()) {
    if (!text.empty()) text += 'x';
    text += d < 0 ? "?" : std::to_string(d);
  }
  return text;
}

Layout default_layout(const Shape& shape) {
  if (shape.rank() == 4) return Layout::kChannelsFirst;
  if (shape.rank() == 2 || shape.rank() == 3) return Layout::kChannelsLast;
  return Layout::kNone;
}

namespace {

struct Axes {
  int c = -1, h = -1, w = -1;  // -1: the rank has no such dimension, its size is 1
};

Axes axes_of(const TensorType& type) {
  const int rank = type.shape.rank();
  if (type.layout == Layout::kChannelsFirst) {
    if (rank == 4) return {1, 2, 3};
    if (rank == 3) return {1, 2, -1};
    if (rank == 2) return {1, -1, -1};
  } else if (type.layout == Layout::kChannelsLast) {
    if (rank == 4) return {3, 1, 2};
    if (rank == 3) return {2, 1, -1};
    if (rank == 2) return {1, -1, -1};
  }
  return {};
}

}  // namespace

FeatureMap feature_map(const TensorType& type) {
  const Axes axes = axes_of(type);
  if (axes.c < 0 || !type.shape.known()) return {};
  auto size = [&](int axis) {
    return axis < 0 ? std::int64_t{1} : type.shape[static_cast<std::size_t>(axis)];
  };
  return {size(axes.c), size(axes.h), size(axes.w)};
}

std::int64_t map_size(const FeatureMap& map, MapDim dim) {
  return dim == MapDim::kC ? map.c : dim == MapDim::kH ? map.h : map.w;
}

std::optional<MapDim> map_dim_of(const TensorType& type, std::int64_t axis) {
  if (axis < 0) axis += type.shape.rank();
  for (const MapDim dim : {MapDim::kC, MapDim::kH, MapDim::kW}) {
    const auto place = axis_of(type, dim);
    if (place && static_cast<std::int64_t>(*place) == axis) return dim;
  }
  return std::nullopt;
}

std::optional<std::size_t> axis_of(const TensorType& type, MapDim dim) {
  const Axes axes = axes_of(type);
  const int axis = dim == MapDim::kC ? axes.c : dim == MapDim::kH ? axes.h : axes.w;
  if (axis < 0) return std::nullopt;
  return static_cast<std::size_t>(axis);
}

TensorType with_feature_map(const TensorType& like, const FeatureMap& map) {
  const Axes axes = axes_of(like);
  AUTOGO_CHECK(axes.c >= 0);
  TensorType type = like;
  auto set = [&](int axis, std::int64_t size) {
    if (axis < 0) {
      AUTOGO_CHECK(size == 1);
    } else {
      type.shape[static_cast<std::size_t>(axis)] = size;
    }
  };
  set(axes.c, map.c);
  set(axes.h, map.h);
  set(axes.w, map.w);
  return type;
}

}  // namespace autogo
