#pragma once

// The project's one door to nlohmann_json (owned by base). Private: public headers name no
// third-party type.

#include <array>
#include <concepts>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autogo/base/error.h"

namespace autogo {

using Json = nlohmann::json;                 ///< keys sorted
using OrderedJson = nlohmann::ordered_json;  ///< keys in the order written

/// Parses text. @throws Error kInput "<where>: not valid JSON at byte N ...", or nested too deep
Json parse_json(std::string_view text, const std::string& where);
/// The same for text that may be damaged: no value then.
std::optional<Json> try_parse_json(std::string_view text);
/// The same, keys in the order of the text.
OrderedJson parse_ordered_json(std::string_view text, const std::string& where);

/// One line. Bytes that are no UTF-8, as names of files and in models may have, become U+FFFD.
std::string dump_json(const Json& json);
std::string dump_json(const OrderedJson& json);

/// Indented, a line break at the end: as files that people look at hold it.
std::string json_text(const OrderedJson& json);

/// Checks "format" and "version" of a parsed file of ours.
/// @param remedy  what to do about an older version
/// @throws Error kInput that names what was found, what was expected and what to do
void require_format(const Json& json, const std::string& where, const std::string& format,
                    int version,
                    const std::string& remedy = "write the file again with this autogo");

namespace json_detail {
template <typename T>
inline constexpr bool kIsVector = false;
template <typename T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <typename T>
inline constexpr bool kIsArray = false;
template <typename T, std::size_t n>
inline constexpr bool kIsArray<std::array<T, n>> = true;
template <typename T>
inline constexpr bool kIsMap = false;
template <typename T>
inline constexpr bool kIsMap<std::map<std::string, T>> = true;
}  // namespace json_detail

/// The value as a T, exactly; nothing when it is something else. The library would round 1.5 to an
/// integer, wrap what is too large and take `true` for a number. T: Json, bool, std::string, an
/// integer, a floating type, a std::vector or std::array of these, or a std::map by std::string.
template <typename T>
std::optional<T> json_as(const Json& value) {
  if constexpr (std::same_as<T, Json>) {
    return value;
  } else if constexpr (std::same_as<T, bool>) {
    return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
  } else if constexpr (std::same_as<T, std::string>) {
    return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
  } else if constexpr (std::integral<T>) {
    const auto fitting = [](auto number) {
      return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
    };
    if (value.is_number_unsigned()) return fitting(value.get<std::uint64_t>());
    return value.is_number_integer() ? fitting(value.get<std::int64_t>()) : std::nullopt;
  } else if constexpr (std::floating_point<T>) {
    return value.is_number() ? std::optional(value.get<T>()) : std::nullopt;
  } else {
    static_assert(json_detail::kIsVector<T> || json_detail::kIsArray<T> || json_detail::kIsMap<T>);
    constexpr bool by_key = json_detail::kIsMap<T>;
    if (by_key ? !value.is_object() : !value.is_array()) return std::nullopt;
    T items{};
    if constexpr (json_detail::kIsArray<T>) {
      if (value.size() != items.size()) return std::nullopt;
    }
    std::size_t i = 0;
    for (auto it = value.begin(); it != value.end(); ++it, ++i) {
      if constexpr (by_key) {
        auto item = json_as<typename T::mapped_type>(*it);
        if (!item) return std::nullopt;
        items.emplace(it.key(), *std::move(item));
      } else {
        auto item = json_as<typename T::value_type>(*it);
        if (!item) return std::nullopt;
        if constexpr (json_detail::kIsArray<T>) {
          items[i] = *std::move(item);
        } else {
          items.push_back(*std::move(item));
        }
      }
    }
    return items;
  }
}

/// A required member, as json_as() has it. @throws Error kInput "<where>: \"key\" ..."
template <typename T>
T json_member(const Json& object, const std::string& key, const std::string& where) {
  const auto it = object.is_object() ? object.find(key) : object.end();
  AUTOGO_REQUIRE(object.is_object() && it != object.end(), ErrorKind::kInput,
                 where + ": \"" + key + "\" is missing");
  std::optional<T> value = json_as<T>(*it);
  AUTOGO_REQUIRE(value, ErrorKind::kInput, where + ": \"" + key + "\" has the wrong type");
  return *std::move(value);
}

}  // namespace autogo
