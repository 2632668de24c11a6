#pragma once

// Members of a run's files: large ones without a copy, and numbers that JSON does not have.

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"

namespace autogo {

/// A required member, not copied. @throws Error kInput
inline const Json& json_part(const Json& object, const char* key, const std::string& where) {
  const auto it = object.is_object() ? object.find(key) : object.end();
  AUTOGO_REQUIRE(object.is_object() && it != object.end(), ErrorKind::kInput,
                 where + ": \"" + key + "\" is missing");
  return *it;
}

/// A number; the infinite ones as texts, "inf" and "-inf".
inline OrderedJson real_to_json(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

/// The other way. @throws Error kInput: no number
inline double json_real(const Json& object, const char* key, const std::string& where) {
  const Json& json = json_part(object, key, where);
  if (json.is_number()) return json.get<double>();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  if (json == "-inf") return -std::numeric_limits<double>::infinity();
  throw Error(ErrorKind::kInput, where + ": \"" + key + "\" is not a number");
}

/// A measure: counts without a fraction, what is not known as null.
inline OrderedJson measure_to_json(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::isnan(value)) return nullptr;
  if (value == std::floor(value) && std::abs(value) <= kExact) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

/// Values by place.
inline OrderedJson measures_to_json(std::span<const double> values) {
  OrderedJson json = OrderedJson::array();
  for (const double value : values) json.push_back(measure_to_json(value));
  return json;
}

/// The other way. @throws Error kInput: not `count` numbers, none of them below zero
inline std::vector<double> json_measures(const Json& object, const char* key, std::size_t count,
                                         const std::string& where) {
  const Json& json = json_part(object, key, where);
  const auto sound = [](const Json& number) {
    return number.is_null() ||
           (number.is_number() && number.get<double>() >= 0 && std::isfinite(number.get<double>()));
  };
  bool good = json.is_array() && json.size() == count;
  for (std::size_t i = 0; good && i < count; ++i) good = sound(json[i]);
  AUTOGO_REQUIRE(good, ErrorKind::kInput,
                 where + ": \"" + key + "\" is not " + std::to_string(count) + " measures");
  std::vector<double> values;
  for (const Json& number : json) {
    values.push_back(number.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                      : number.get<double>());
  }
  return values;
}

}  // namespace autogo
