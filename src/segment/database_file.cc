// "autogo.segments" version 1: the segment database as JSON (docs/formats.md).
//
//   {"format": "autogo.segments", "version": 1, "content_hash": "<16 hex digits>",
//    "vocab_size": 2000, "sample": 0, "seed": 0,
//    "corpora": ["nasbench201", ...],
//    "labels": ["conv3x3[relu][batch_norm]", ...],      the alphabet; label i is letter i
//    "pieces": [[0, 17], ...],                           letters, best piece first
//    "entries": [[id, body_count, [counts by corpus], body], ...]}
//
// A body is a graph as in src/graph/graph_json.h. What follows from a body (ports, operators,
// insertability) is not stored. The hash covers all of it: a file that was cut, edited or mixed up
// is refused, and what it refuses names the place where it can. What is to be written is read again
// and compared first.
//
// Tested by tests/segment/database_file_test.cc.

#include <algorithm>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "base/json.h"
#include "database_impl.h"
#include "fingerprint.h"
#include "graph/graph_json.h"

namespace autogo {
namespace {

constexpr const char* kFormat = "autogo.segments";
constexpr int kVersion = 1;
constexpr std::uint32_t kMaxPiece = 4096;

std::uint64_t hash_of(const Json& json, const std::string& where) {
  return parse_hex64(json_as<std::string>(json).value_or(""), where);
}

/// One element a line: readable, and a change shows as a small difference.
template <typename Range, typename ToJson>
void write_list(const ByteSink& sink, const char* key, const Range& items, ToJson to_json) {
  sink(std::string(",\n\"") + key + "\": [");
  const char* separator = "\n";
  for (const auto& item : items) {
    sink(separator + dump_json(to_json(item)));
    separator = ",\n";
  }
  sink("]");
}

const Json& list_member(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  AUTOGO_REQUIRE(it != json.end() && it->is_array(), ErrorKind::kInput,
                 where + ": \"" + key + "\" is missing or no list");
  return *it;
}

std::uint64_t count_of(const Json& json, const std::string& where) {
  AUTOGO_REQUIRE(json.is_number_unsigned(), ErrorKind::kInput, where + ": a count is no number");
  return json.get<std::uint64_t>();
}

Alphabet read_labels(const Json& labels, const std::string& where) {
  Alphabet alphabet;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string at = where + ": label " + std::to_string(i);
    AUTOGO_REQUIRE(labels[i].is_string(), ErrorKind::kInput, at + " is no text");
    Symbol symbol = 0;
    try {
      symbol = alphabet.add(parse_label(labels[i].get_ref<const std::string&>()));
    } catch (Error& e) {
      throw e.prepend(where);
    }
    AUTOGO_REQUIRE(symbol == i, ErrorKind::kInput, at + " stands there twice");
  }
  return alphabet;
}

Merger read_pieces(const Json& list, std::size_t num_labels, const std::string& where) {
  std::vector<std::vector<Symbol>> pieces;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = where + ": piece " + std::to_string(i);
    AUTOGO_REQUIRE(list[i].is_array() && list[i].size() >= 2 && list[i].size() <= kMaxPiece,
                   ErrorKind::kInput, at + " is no list of two labels or more");
    pieces.emplace_back();
    for (const Json& s : list[i]) {
      AUTOGO_REQUIRE(s.is_number_unsigned() && s.get<std::uint64_t>() < num_labels,
                     ErrorKind::kInput, at + " has a label that is not in the alphabet");
      pieces.back().push_back(s.get<Symbol>());
    }
  }
  const std::size_t count = pieces.size();
  Merger merger(std::move(pieces));
  AUTOGO_REQUIRE(merger.pieces().size() == count, ErrorKind::kInput,
                 where + ": a piece stands there twice");
  return merger;
}

SegmentEntry read_entry(const Json& json, std::size_t num_corpora, const std::string& at) {
  AUTOGO_REQUIRE(
      json.is_array() && json.size() == 4 && json[2].is_array() && json[2].size() == num_corpora,
      ErrorKind::kInput, at + ": expected [id, count, counts by corpus, body]");
  SegmentEntry entry = describe_body(graph_from_json(json[3], at));
  AUTOGO_REQUIRE(entry.num_nodes > 0, ErrorKind::kInput, at + ": the body is empty");
  entry.id = hash_of(json[0], at + ": id");
  entry.body_count = count_of(json[1], at);
  for (const Json& count : json[2]) entry.counts.push_back(count_of(count, at));
  return entry;
}

void write_text(const SegmentDatabase::Impl& db, const ByteSink& sink) {
  sink("{\"format\": \"" + std::string(kFormat) + "\", \"version\": " + std::to_string(kVersion));
  sink(", \"content_hash\": \"" + hex64(db.content) + "\"");
  sink(", \"vocab_size\": " + std::to_string(db.record.vocab_size));
  sink(", \"sample\": " + std::to_string(db.record.sample));
  sink(", \"seed\": " + std::to_string(db.record.seed));
  write_list(sink, "corpora", db.corpora, [](const std::string& name) { return Json(name); });
  std::vector<std::string> labels;
  for (Symbol s = 0; s < db.alphabet.size(); ++s) labels.push_back(db.alphabet.text(s));
  write_list(sink, "labels", labels, [](const std::string& text) { return Json(text); });
  write_list(sink, "pieces", db.merger.pieces(),
             [](const std::vector<Symbol>& piece) { return Json(piece); });
  write_list(sink, "entries", db.entries, [](const SegmentEntry& entry) {
    return Json::array({hex64(entry.id), entry.body_count, entry.counts, graph_to_json(entry.body)});
  });
  sink("}\n");
}

/// @param stated  the hash that the text states of its contents
SegmentDatabase read_text(const std::string& text, const std::string& path, std::uint64_t& stated) {
  const Json json = parse_json(text, path);
  require_format(json, path, kFormat, kVersion);
  SegmentDatabase result;
  SegmentDatabase::Impl& db = result.impl();
  db.record.vocab_size = json_member<std::uint32_t>(json, "vocab_size", path);
  db.record.sample = json_member<std::uint64_t>(json, "sample", path);
  db.record.seed = json_member<std::uint64_t>(json, "seed", path);
  db.corpora = json_member<std::vector<std::string>>(json, "corpora", path);
  db.alphabet = read_labels(list_member(json, "labels", path), path);
  db.merger = read_pieces(list_member(json, "pieces", path), db.alphabet.size(), path);
  const Json& entries = list_member(json, "entries", path);
  db.entries.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    db.entries.push_back(
        read_entry(entries[i], db.corpora.size(), path + ": entry " + std::to_string(i)));
  }
  db.finish();
  AUTOGO_REQUIRE(db.by_id.size() == db.entries.size(), ErrorKind::kInput,
                 path + ": two entries have the same id");
  stated = hash_of(json.value("content_hash", Json()), path + ": content_hash");
  return result;
}

/// Nothing is written that would not be read as what it is: a body that lost something on its way
/// would leave a file that every later command refuses.
/// @throws Error kInternal that names the first segment that changes
void require_survives(const SegmentDatabase::Impl& db, const std::string& text,
                      const std::string& path) {
  std::string changed;
  try {
    std::uint64_t stated = 0;
    const SegmentDatabase back = read_text(text, path, stated);
    if (back.content_hash() == db.content && stated == db.content) return;
    changed = "its names, labels or pieces change";
    for (std::size_t i = 0; i < std::min(db.entries.size(), back.entries().size()); ++i) {
      const SegmentEntry &entry = db.entries[i], &other = back.entries()[i];
      if (entry.id == other.id && graph_hash(entry.body) == graph_hash(other.body)) continue;
      changed = "the segment " + hex64(entry.id) + " changes";
      break;
    }
  } catch (const Error& e) {
    changed = "it says '" + std::string(e.what()) + "'";
  }
  throw Error(ErrorKind::kInternal, path + ": not written, since when read again " + changed)
      .with_hint("this is a bug in autogo; please report it with the command and the models");
}

}  // namespace

SegmentDatabase read_unchecked(const std::string& text, const std::string& path) {
  std::uint64_t stated = 0;
  return read_text(text, path, stated);
}

void SegmentDatabase::save(const std::string& path) const {
  std::string text;
  write_text(*impl_, [&text](std::string_view piece) { text += piece; });
  require_survives(*impl_, text, path);
  write_file_atomic(path, text);
}

SegmentDatabase SegmentDatabase::load(const std::string& path) {
  std::uint64_t stated = 0;
  SegmentDatabase result = read_text(read_file(path), path, stated);
  if (stated != result.content_hash()) {
    throw Error(ErrorKind::kInput, path + ": damaged: its contents do not have the hash it states")
        .with_hint("mine the database again, or fetch a whole copy");
  }
  return result;
}

}  // namespace autogo
