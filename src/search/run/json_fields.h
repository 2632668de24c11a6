#pragma once

// Members of a run's files: large ones without a copy, and numbers that JSON does not have.

#include <cmath>
#include <limits>
#include <string>

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

}  // namespace autogo
