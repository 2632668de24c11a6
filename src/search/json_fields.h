#pragma once

// Members of a run's files, read strictly. JSON's own conversions wrap whole numbers that do not
// fit and cut fractions off; JSON has no infinite numbers.

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
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

/// @throws Error kInput: a fraction, a text, a number beyond T
template <typename T>
T whole_number(const Json& json, const char* key, const std::string& where) {
  if (json.is_number_unsigned()) {
    const auto value = json.get<std::uint64_t>();
    if (std::in_range<T>(value)) return static_cast<T>(value);
  } else if (json.is_number_integer()) {
    const auto value = json.get<std::int64_t>();
    if (std::in_range<T>(value)) return static_cast<T>(value);
  }
  throw Error(ErrorKind::kInput, where + ": \"" + key + "\": " + json.dump() +
                                     " is not a whole number of the expected range");
}

template <typename T>
T json_whole(const Json& object, const char* key, const std::string& where) {
  return whole_number<T>(json_part(object, key, where), key, where);
}

template <typename T>
std::vector<T> json_wholes(const Json& object, const char* key, const std::string& where) {
  const Json& list = json_part(object, key, where);
  AUTOGO_REQUIRE(list.is_array(), ErrorKind::kInput, where + ": \"" + key + "\" is not a list");
  std::vector<T> values;
  values.reserve(list.size());
  for (const Json& value : list) values.push_back(whole_number<T>(value, key, where));
  return values;
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

}  // namespace autogo
