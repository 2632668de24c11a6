// The journal's vocabulary, written and read side by side.
//
//   begin      format, version, what the run was configured with
//   body       a resolved replacement, before the first child that has it
//   child      an accepted network: parent, cut, body, port maps, cost, gain
//   source     ends a work item: what was tried and found; commits the item's lines
//   iteration  ends an iteration; commits it
//
// Bodies are written resolved, so that a replay needs no propagation, and its cost is that of
// building the children. Nothing is believed for its checksum: numbers are read strictly, a body
// must have the hash that names it, an item's children must be its own, and check_item() compares
// each child with the network that its mutation makes.
//
// A journal is read record by record, as the search takes it over, so that memory does not grow
// with its length.
//
// Tested by tests/search/replay_test.cc.

#include "replay.h"

#include <cmath>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "graph/graph_json.h"
#include "json_fields.h"

namespace autogo {
namespace {

constexpr const char* kFormat = "autogo.journal";
constexpr int kVersion = 4;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

std::uint64_t hash_member(const Json& event, const char* key, const std::string& where) {
  return parse_hex64(json_member<std::string>(event, key, where), where);
}

double finite_member(const Json& event, const char* key, const std::string& where) {
  const double value = json_real(event, key, where);
  AUTOGO_REQUIRE(std::isfinite(value), ErrorKind::kInput,
                 where + ": \"" + key + "\" is not a finite number");
  return value;
}

/// What every line of a work item begins with.
void read_place(const Json& event, const std::string& where, JournalItem& item) {
  item.iteration = json_member<std::uint32_t>(event, "iteration", where);
  item.parent = hash_member(event, "parent", where);
  const auto cut = json_member<std::vector<std::uint32_t>>(event, "cut", where);
  AUTOGO_REQUIRE(cut.size() == 2 && cut[0] < cut[1], ErrorKind::kInput,
                 where + ": \"cut\" is not [begin, end)");
  item.run = {cut[0], cut[1], {}};
}

void read_totals(const Json& event, std::size_t measures, const std::string& where,
                 SourceResult& result) {
  result.drawn = json_member<std::uint64_t>(event, "drawn", where);
  result.resolved = json_member<std::uint64_t>(event, "resolved", where);
  result.in_window = json_member<std::uint64_t>(event, "in_window", where);
  if (event.contains("steps")) {
    result.steps = json_member<std::uint64_t>(event, "steps", where);
  }
  if (result.resolved > 0) {
    result.least = json_measures(event, "least", measures, where);
    result.most = json_measures(event, "most", measures, where);
  }
  result.best_gain = finite_member(event, "best_gain", where);
}

void require_begin(const Json& event, const std::string& where, std::uint64_t config,
                   std::uint64_t input, const std::vector<std::string>& measures) {
  AUTOGO_REQUIRE(json_member<std::string>(event, "event", where) == "begin", ErrorKind::kInput,
                 where + ": a journal begins with a \"begin\" event");
  require_format(event, where, kFormat, kVersion);
  AUTOGO_REQUIRE(hash_member(event, "config", where) == config &&
                     hash_member(event, "input", where) == input &&
                     json_member<std::vector<std::string>>(event, "measures", where) == measures,
                 ErrorKind::kInput,
                 where + ": belongs to a run with another configuration than config.json");
}

}  // namespace

OrderedJson begin_event(std::uint64_t config, std::uint64_t input,
                        const std::vector<std::string>& measures) {
  return {{"event", "begin"},        {"format", kFormat},     {"version", kVersion},
          {"config", hex64(config)}, {"input", hex64(input)}, {"measures", measures}};
}

OrderedJson body_event(const Mutation& step) {
  return {{"event", "body"},
          {"body", hex64(step.body_hash)},
          {"graph", OrderedJson(graph_to_json(*step.body))}};
}

OrderedJson child_event(const JournalItem& item, const Child& child) {
  return {{"event", "child"},
          {"iteration", item.iteration},
          {"parent", hex64(item.parent)},
          {"hash", hex64(child.hash)},
          {"cut", {child.step.begin, child.step.end}},
          {"segment", hex64(child.step.segment)},
          {"body", hex64(child.step.body_hash)},
          {"inputs", child.step.inputs},
          {"outputs", child.step.outputs},
          {"costs", measures_to_json(child.costs)},
          {"known", child.gains.known},
          {"guessed", child.gains.guessed},
          {"gain", child.gain}};
}

OrderedJson item_event(const JournalItem& item) {
  const SourceResult& result = item.result;
  OrderedJson event = {{"event", "source"},
                       {"iteration", item.iteration},
                       {"parent", hex64(item.parent)},
                       {"cut", {item.run.begin, item.run.end}},
                       {"drawn", result.drawn},
                       {"resolved", result.resolved},
                       {"in_window", result.in_window},
                       {"accepted", result.children.size()},
                       {"best_gain", result.best_gain}};
  if (result.steps > 0) event["steps"] = result.steps;
  if (result.resolved > 0) {
    event["least"] = measures_to_json(result.least);
    event["most"] = measures_to_json(result.most);
  }
  return event;
}

OrderedJson iteration_event(const IterationTotals& totals) {
  return {{"event", "iteration"},
          {"iteration", totals.iteration},
          {"parents", totals.parents},
          {"children", totals.children},
          {"front", totals.front}};
}

JournalReplay::JournalReplay(const std::string& path, std::uint64_t config, std::uint64_t input,
                             const std::vector<std::string>& measures, Bodies& bodies)
    : reader_(path), bodies_(bodies), num_measures_(measures.size()) {
  const std::optional<Json> begin = reader_.next();
  if (!begin) return;
  require_begin(*begin, reader_.where(), config, input, measures);
  end_ = reader_.end();
  advance();
}

JournalItem JournalReplay::take_item() {
  JournalItem item = std::move(std::get<JournalItem>(next_));
  advance();
  return item;
}

IterationTotals JournalReplay::take_totals() {
  const IterationTotals totals = std::get<IterationTotals>(next_);
  advance();
  return totals;
}

void JournalReplay::advance() {
  next_ = std::monostate();
  while (at_end()) {
    const std::optional<Json> event = reader_.next();
    if (!event) {
      for (const std::uint64_t id : open_.new_bodies) bodies_.erase(id);
      return;
    }
    const std::string at = reader_.where();
    const auto kind = json_member<std::string>(*event, "event", at);
    if (kind == "body") {
      read_body(*event, at);
    } else if (kind == "child") {
      open_.result.children.push_back(read_child(*event, at));
    } else if (kind == "source") {
      finish_item(*event, at);
    } else if (kind == "iteration") {
      AUTOGO_REQUIRE(open_.result.children.empty() && open_.new_bodies.empty(), ErrorKind::kInput,
                     at + ": the work item before it has no \"source\" event");
      next_ = IterationTotals{json_member<std::uint32_t>(*event, "iteration", at),
                              json_member<std::uint64_t>(*event, "parents", at),
                              json_member<std::uint64_t>(*event, "children", at),
                              json_member<std::uint64_t>(*event, "front", at)};
    } else {
      fail(at + ": unknown event \"" + kind + "\"");
    }
  }
  end_ = reader_.end();
}

void JournalReplay::read_body(const Json& event, const std::string& at) {
  const std::uint64_t id = hash_member(event, "body", at);
  auto body = std::make_shared<const Graph>(graph_from_json(json_part(event, "graph", at), at));
  AUTOGO_REQUIRE(hash_of_body(*body) == id, ErrorKind::kInput,
                 at + ": the body does not have the hash " + hex64(id) + " that it is named by");
  AUTOGO_REQUIRE(bodies_.emplace(id, std::move(body)).second, ErrorKind::kInput,
                 at + ": the body " + hex64(id) + " was written before");
  open_.new_bodies.insert(id);
  unused_bodies_.insert(id);
}

Child JournalReplay::read_child(const Json& event, const std::string& at) {
  JournalItem place;
  read_place(event, at, place);
  if (open_.result.children.empty()) {
    open_.iteration = place.iteration;
    open_.parent = place.parent;
    open_.run = place.run;
  }
  AUTOGO_REQUIRE(
      place.iteration == open_.iteration && place.parent == open_.parent && place.run == open_.run,
      ErrorKind::kInput, at + ": belongs to another work item than the line before it");
  Child child;
  child.step.begin = place.run.begin;
  child.step.end = place.run.end;
  child.step.segment = hash_member(event, "segment", at);
  child.step.body_hash = hash_member(event, "body", at);
  const auto body = bodies_.find(child.step.body_hash);
  AUTOGO_REQUIRE(body != bodies_.end(), ErrorKind::kInput,
                 at + ": the body " + hex64(child.step.body_hash) + " was not written before");
  unused_bodies_.erase(child.step.body_hash);
  child.step.body = body->second;
  child.step.inputs = json_member<std::vector<std::uint32_t>>(event, "inputs", at);
  child.step.outputs = json_member<std::vector<std::uint32_t>>(event, "outputs", at);
  child.hash = hash_member(event, "hash", at);
  child.costs = json_measures(event, "costs", num_measures_, at);
  child.gains.known = finite_member(event, "known", at);
  child.gains.guessed = finite_member(event, "guessed", at);
  child.gain = finite_member(event, "gain", at);
  return child;
}

void JournalReplay::finish_item(const Json& event, const std::string& at) {
  JournalItem item;
  read_place(event, at, item);
  read_totals(event, num_measures_, at, item.result);
  item.where = at;
  AUTOGO_REQUIRE(
      open_.result.children.empty() || (item.iteration == open_.iteration &&
                                        item.parent == open_.parent && item.run == open_.run),
      ErrorKind::kInput, at + ": ends another work item than the line before it");
  AUTOGO_REQUIRE(json_member<std::uint64_t>(event, "accepted", at) == open_.result.children.size(),
                 ErrorKind::kInput,
                 at + ": \"accepted\" is not the number of children before it, " +
                     std::to_string(open_.result.children.size()));
  AUTOGO_REQUIRE(unused_bodies_.empty(), ErrorKind::kInput,
                 at + ": a body before it belongs to no child");
  item.result.children = std::move(open_.result.children);
  item.new_bodies = std::move(open_.new_bodies);
  open_ = {};
  next_ = std::move(item);
}

}  // namespace autogo
