#include "autogo/cost/measures.h"

#include <algorithm>
#include <cmath>

#include "autogo/base/error.h"

namespace autogo {
namespace {

auto* entry(auto& values, std::string_view name) {
  const auto it = std::ranges::find(values, name, [](const auto& v) -> std::string_view {
    return v.first;
  });
  return it == values.end() ? nullptr : &*it;
}

}  // namespace

void Measures::set(std::string_view name, double value) {
  if (auto* there = entry(values_, name)) {
    there->second = value;
  } else {
    values_.emplace_back(name, value);
  }
}

std::optional<double> Measures::find(std::string_view name) const {
  const auto* there = entry(values_, name);
  return there != nullptr ? std::optional(there->second) : std::nullopt;
}

double Measures::at(std::string_view name) const {
  const std::optional<double> value = find(name);
  AUTOGO_CHECK(value);
  return *value;
}

std::int64_t Measures::count(std::string_view name) const { return std::llround(at(name)); }

std::string measure_word(std::string_view name) {
  std::string word(name);
  std::ranges::replace(word, '_', '-');
  return word;
}

}  // namespace autogo
