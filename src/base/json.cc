#include "json.h"

#include "autogo/base/placeholder.h"

namespace autogo {

namespace {

/// Copying and writing a document recurse over its depth; our formats need less than 16.
constexpr int kMaxDepth = 256;

bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++i;
    if (quoted) continue;
    if ((c == '[' || c == '{') && ++depth > kMaxDepth) return true;
    if (c == ']' || c == '}') --depth;
  }
  return false;
}

template <typename AnyJson>
AnyJson parse_any(std::string_view text, const std::string& where) {
  AUTOGO_REQUIRE(!too_deep(text), ErrorKind::kInput,
                 where + ": its lists are nested more than " + std::to_string(kMaxDepth) + " deep");
  try {
    return AnyJson::parse(text);
  } catch (const typename AnyJson::parse_error& e) {
    if (const auto placeholder = placeholder_of(text)) {
      throw Error(ErrorKind::kInput, where + ": is " + placeholder->what + ", expected JSON")
          .with_hint(placeholder->hint);
    }
    throw Error(ErrorKind::kInput, where + ": not valid JSON at byte " + std::to_string(e.byte) +
                                       " of " + std::to_string(text.size()))
        .with_hint("the file is damaged or of another kind; write it again");
  } catch (const typename AnyJson::exception&) {  // a number beyond a double's range
    throw Error(ErrorKind::kInput, where + ": holds a number that is out of range");
  }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  return parse_any<Json>(text, where);
}

OrderedJson parse_ordered_json(std::string_view text, const std::string& where) {
  return parse_any<OrderedJson>(text, where);
}

std::optional<Json> try_parse_json(std::string_view text) {
  if (too_deep(text)) return std::nullopt;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? std::nullopt : std::optional(std::move(json));
}

std::string dump_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string json_text(const OrderedJson& json) {
  return json.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

void require_format(const Json& json, const std::string& where, const std::string& format,
                    int version, const std::string& remedy) {
  const bool named = json.is_object() && json.contains("format") && json["format"].is_string();
  const std::string found = named ? json["format"].get<std::string>() : "no format name";
  AUTOGO_REQUIRE(found == format, ErrorKind::kInput,
                 where + ": expected a file of format \"" + format + "\", found " +
                     (named ? "\"" + found + "\"" : found));
  const int found_version = json_member<int>(json, "version", where);
  if (found_version == version) return;
  throw Error(ErrorKind::kInput, where + ": version " + std::to_string(found_version) + " of \"" +
                                     format + "\", this autogo reads version " +
                                     std::to_string(version))
      .with_hint(found_version > version ? "update autogo, or write the file again with this one"
                                         : remedy);
}

}  // namespace autogo
