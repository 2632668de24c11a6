#pragma once

// The project's one door to nlohmann_json (owned by base). Private: public headers name no
// third-party type.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "autogo/base/error.h"

namespace autogo {

using Json = nlohmann::json;                 ///< keys sorted
using OrderedJson = nlohmann::ordered_json;  ///< keys in the order written

/// Parses text. @throws Error kInput "<where>: not valid JSON (byte N): ...", or nested too deep
Json parse_json(const std::string& text, const std::string& where);
/// The same for text that may be damaged: no value then.
std::optional<Json> try_parse_json(std::string_view text);

/// Checks "format" and "version" of a parsed file of ours.
/// @throws Error kInput that names what was found, what was expected and what to do
void require_format(const Json& json, const std::string& where, const std::string& format,
                    int version);

/// A required member of the given type. @throws Error kInput "<where>: \"key\" ..."
template <typename T>
T json_member(const Json& object, const std::string& key, const std::string& where) {
  auto it = object.is_object() ? object.find(key) : object.end();
  AUTOGO_REQUIRE(object.is_object() && it != object.end(), ErrorKind::kInput,
                 where + ": \"" + key + "\" is missing");
  try {
    return it->template get<T>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kInput, where + ": \"" + key + "\" has the wrong type");
  }
}

}  // namespace autogo
