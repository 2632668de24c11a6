#include "autogo/base/rng.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "autogo/base/hash.h"

namespace autogo {

std::uint64_t hash_bytes(const void* data, std::size_t size, std::uint64_t seed) {
  ByteHash hash(seed);
  hash.add(data, size);
  return hash.value();
}

std::uint64_t Rng::below(std::uint64_t n) {
  const std::uint64_t limit = (0 - n) % n;  // 2^64 mod n: values under it would be over-counted
  for (;;) {
    const std::uint64_t value = next();
    if (value >= limit) return value % n;
  }
}

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<std::size_t> Rng::sample(std::size_t n, std::size_t count) {
  std::vector<std::size_t> indices(n);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  if (count > n) count = n;
  for (std::size_t i = 0; i < count; ++i) std::swap(indices[i], indices[i + below(n - i)]);
  indices.resize(count);
  return indices;
}

}  // namespace autogo
