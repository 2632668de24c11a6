#pragma once

#include <algorithm>
#include <cstdint>

namespace autogo {

/// A number of operations, parameters or bytes, 0 or more. It stays at kMost instead of leaving 64
/// bits: a file of a few bytes may declare tensors whose products do. Twice kMost is still a
/// number.
class Count {
 public:
  static constexpr std::int64_t kMost = std::int64_t{1} << 61;

  Count(std::int64_t value) : value_(std::clamp<std::int64_t>(value, 0, kMost)) {}  // NOLINT
  std::int64_t value() const { return value_; }

  friend Count operator+(Count a, Count b) { return a.value_ + b.value_; }
  friend Count operator*(Count a, Count b) {
    std::int64_t product = 0;
    return __builtin_mul_overflow(a.value_, b.value_, &product) ? kMost : product;
  }
  Count& operator+=(Count other) { return *this = *this + other; }

 private:
  std::int64_t value_;
};

}  // namespace autogo
