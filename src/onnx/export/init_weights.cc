#include <cmath>
#include <cstring>
#include <numbers>

#include "autogo/base/rng.h"
#include "model_writer.h"

namespace autogo {
namespace {

void store(char* at, DType type, double value) {
  switch (type) {
    case DType::kFloat64:
      std::memcpy(at, &value, sizeof(value));
      break;
    case DType::kFloat16: {
      const std::uint16_t bits = double_to_half(value);
      std::memcpy(at, &bits, sizeof(bits));
      break;
    }
    case DType::kBFloat16: {
      const std::uint16_t bits = double_to_bfloat(value);
      std::memcpy(at, &bits, sizeof(bits));
      break;
    }
    default: {
      const auto single = static_cast<float>(value);
      std::memcpy(at, &single, sizeof(single));
    }
  }
}

}  // namespace

WeightInit he_normal(std::int64_t fan_in) {
  return {true, std::sqrt(2.0 / static_cast<double>(std::max<std::int64_t>(fan_in, 1)))};
}

std::string weight_bytes(DType type, std::int64_t elements, const WeightInit& init,
                         const std::string& name, std::uint64_t seed) {
  const std::size_t width = dtype_size(type);
  std::string bytes(static_cast<std::size_t>(elements) * width, '\0');
  Rng rng = Rng(seed).fork(hash_bytes(name.data(), name.size()));
  double spare = 0;  // Box-Muller gives two values from two uniform ones
  for (std::size_t i = 0; i < static_cast<std::size_t>(elements); ++i) {
    double value = init.value;
    if (init.random && i % 2 == 0) {
      const double radius = init.value * std::sqrt(-2.0 * std::log(1.0 - rng.uniform()));
      const double angle = 2.0 * std::numbers::pi * rng.uniform();
      value = radius * std::cos(angle);
      spare = radius * std::sin(angle);
    } else if (init.random) {
      value = spare;
    }
    store(bytes.data() + i * width, type, value);
  }
  return bytes;
}

}  // namespace autogo
