#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "autogo/graph/types.h"

namespace autogo {

/// The dimensions of a FeatureMap.
enum class MapDim : std::uint8_t { kC, kH, kW };

/// One dimension of a map.
std::int64_t map_size(const FeatureMap& map, MapDim dim);

/// What an axis of a type is in its feature map. Empty for the batch, for an axis outside the rank
/// and for types that are no feature maps.
/// @param axis  counted from the end when negative, as in ONNX
std::optional<MapDim> map_dim_of(const TensorType& type, std::int64_t axis);

/// The inverse: where a type has a dimension. Empty where its rank has no place for it (the width
/// of tokens) and for types that are no feature maps.
std::optional<std::size_t> axis_of(const TensorType& type, MapDim dim);

}  // namespace autogo
