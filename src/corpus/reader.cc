// Corpus files are JSON Lines: a header, then one line an item.
//
//   {"format": "autogo.corpus", "version": 1, "family": "nasbench201", "label": "...", ...}
//   {"id": "nb201:333s33", "label": 94.36}
//   {"id": "models/a.onnx", "graph": [...]}
//
// An item of a known family is its id; its graph is generated when it is asked for, so that a
// corpus of 28,000 networks is 2 MB and is never in memory as graphs. An item with a graph is read
// twice: once for the id, skipping the graph, on the reader's thread; once for the graph, on any.
//
// Tested by tests/corpus/reader_test.cc and tests/fuzz.

#include <exception>
#include <thread>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/parallel.h"
#include "autogo/corpus/corpus.h"
#include "corpus_file.h"
#include "families.h"
#include "graph/graph_json.h"

namespace autogo {
namespace {

std::string place(const std::string& path, std::size_t line) {
  return path + ":" + std::to_string(line);
}

std::string optional_text(const Json& json, const std::string& key, const std::string& where) {
  return json.contains(key) ? json_member<std::string>(json, key, where) : std::string();
}

}  // namespace

struct CorpusReader::Impl {
  explicit Impl(const std::string& file) : path(file), lines(file) {}
  std::string path;
  LineReader lines;
  CorpusHeader header;
  std::uint64_t items = 0;

  void read_header();
};

void CorpusReader::Impl::read_header() {
  std::string line;
  AUTOGO_REQUIRE(lines.next(line), ErrorKind::kInput, path + ": is empty, expected a corpus file");
  const std::string where = place(path, 1);
  Json json;
  try {
    json = parse_json(line, where);
    require_format(json, where, kCorpusFormat, kCorpusVersion);
  } catch (Error& e) {
    if (e.hint().empty()) e.with_hint("corpus files come from 'autogo corpus'");
    throw;
  }
  header.family = json_member<std::string>(json, "family", where);
  header.label = optional_text(json, "label", where);
  header.source = optional_text(json, "source", where);
  if (json.contains("size")) header.size = json_member<std::uint64_t>(json, "size", where);
  if (json.contains("training_images")) {
    header.training_images = json_member<double>(json, "training_images", where);
  }
}

CorpusReader::CorpusReader(const std::string& path) : impl_(std::make_unique<Impl>(path)) {
  impl_->read_header();
}

CorpusReader::~CorpusReader() = default;

const CorpusHeader& CorpusReader::header() const { return impl_->header; }

bool CorpusReader::next_record(CorpusItem& item) {
  Impl& in = *impl_;
  std::string line;
  if (!in.lines.next(line)) {
    AUTOGO_REQUIRE(in.header.size == 0 || in.items == in.header.size, ErrorKind::kInput,
                   in.path + ": ends after " + std::to_string(in.items) + " items, expected " +
                       std::to_string(in.header.size) + "; the file is truncated, write it again");
    return false;
  }
  ++in.items;
  const std::string where = place(in.path, in.lines.line_number());
  AUTOGO_REQUIRE(
      in.header.size == 0 || in.items <= in.header.size, ErrorKind::kInput,
      where + ": more items than the " + std::to_string(in.header.size) + " that the header says");
  bool has_graph = false;
  const auto skip_graph = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && parsed == "graph") {
      has_graph = true;
      return false;
    }
    return true;
  };
  Json json;
  try {
    json = Json::parse(line, skip_graph);
  } catch (const Json::exception&) {
    json = parse_json(line, where);  // says what is wrong
  }
  item = CorpusItem{};
  item.line = in.lines.line_number();
  item.id = json_member<std::string>(json, "id", where);
  if (json.contains("label") && !json["label"].is_null()) {
    AUTOGO_REQUIRE(json["label"].is_number(), ErrorKind::kInput,
                   where + ": \"label\" is not a number");
    item.label = json["label"].get<double>();
  }
  if (has_graph) {
    item.record = std::move(line);
  } else {
    AUTOGO_REQUIRE(family_of_id(item.id) != nullptr, ErrorKind::kInput,
                   where + ": item '" + item.id + "' has neither a graph nor the id of a family");
  }
  return true;
}

Graph CorpusReader::build(const CorpusItem& record) const {
  const std::string where = place(impl_->path, record.line);
  if (!record.record.empty()) {
    const Json json = parse_json(record.record, where);
    return graph_from_json(json.at("graph"), where);
  }
  try {
    return family_graph(record.id);
  } catch (Error& e) {
    e.prepend(where);
    throw;
  }
}

bool CorpusReader::next(CorpusItem& item) {
  if (!next_record(item)) return false;
  item.graph = build(item);
  item.record.clear();
  return true;
}

void for_each_graph(CorpusReader& reader, int threads,
                    const std::function<void(CorpusItem&&)>& consume) {
  if (threads <= 1) {
    CorpusItem item;
    while (reader.next(item)) consume(std::move(item));
    return;
  }
  // While one window is consumed, the next one is built.
  const std::size_t window = 32 * static_cast<std::size_t>(threads);
  auto build_window = [&] {
    std::vector<CorpusItem> items;
    CorpusItem item;
    while (items.size() < window && reader.next_record(item)) items.push_back(std::move(item));
    parallel_for(items.size(), threads, [&](std::size_t i) {
      items[i].graph = reader.build(items[i]);
      items[i].record.clear();
    });
    return items;
  };
  std::vector<CorpusItem> current = build_window();
  while (!current.empty()) {
    std::vector<CorpusItem> following;
    std::exception_ptr failure;
    {
      const std::jthread builder([&] {
        try {
          following = build_window();
        } catch (...) {
          failure = std::current_exception();
        }
      });
      for (CorpusItem& item : current) consume(std::move(item));
    }
    if (failure) std::rethrow_exception(failure);
    current = std::move(following);
  }
}

}  // namespace autogo
