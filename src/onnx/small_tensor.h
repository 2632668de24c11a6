#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "autogo/graph/types.h"

namespace autogo {

/// Dimensions while importing: of any rank (Shape stops at 8), -1 where unknown. No value: the rank
/// itself is unknown.
using Dims = std::optional<std::vector<std::int64_t>>;

bool all_known(const Dims& dims);
/// Product; -1 when unknown or not countable().
std::int64_t num_elements(const Dims& dims);
/// As Shape; unknown above Shape::kMaxRank.
Shape to_shape(const Dims& dims);

/// A constant small enough to compute with: shapes, axes, bounds. `ints` for integers and bool,
/// `reals` for floating types, already rounded to the type.
struct SmallTensor {
  DType dtype = DType::kInt64;
  std::vector<std::int64_t> dims;
  std::vector<std::int64_t> ints;
  std::vector<double> reals;

  bool floating() const;
  std::size_t size() const { return floating() ? reals.size() : ints.size(); }
  bool operator==(const SmallTensor&) const = default;
};

/// Constants with more elements are not computed with.
inline constexpr std::int64_t kSmallLimit = 4096;

bool is_floating(DType type);
bool is_integral(DType type);  ///< bool included
/// `value` as the type would hold it.
double round_to(DType type, double value);
/// IEEE half and bfloat16 bits.
double half_to_double(std::uint16_t bits);
std::uint16_t double_to_half(double value);
double bfloat_to_double(std::uint16_t bits);
std::uint16_t double_to_bfloat(double value);

}  // namespace autogo
