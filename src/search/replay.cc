// The journal's vocabulary, written and read side by side.
//
//   begin      format, version, what the run was configured with
//   body       a resolved replacement, before the first child that has it
//   child      an accepted network: parent, cut, body, port maps, cost, gain
//   source     ends a work item: what was tried and found; commits the item's lines
//   iteration  ends an iteration; commits it
//
// Bodies are written resolved, so that a replay needs neither the segment database nor the
// propagation, and a later autogo with another propagation still reads an old journal.
//
// Tested by tests/search/journal_test.cc.

#include "replay.h"

#include "autogo/base/error.h"
#include "graph/graph_json.h"

namespace autogo {
namespace {

constexpr const char* kFormat = "autogo.journal";
constexpr int kVersion = 1;

std::uint64_t hash_member(const Json& event, const char* key, const std::string& where) {
  return parse_hex64(json_member<std::string>(event, key, where), where);
}

SourceRun run_of(const Json& event, const std::string& where) {
  const auto cut = json_member<std::vector<std::uint32_t>>(event, "cut", where);
  AUTOGO_REQUIRE(cut.size() == 2 && cut[0] < cut[1], ErrorKind::kInput,
                 where + ": \"cut\" is not [begin, end)");
  return {cut[0], cut[1], {}};
}

Child child_of(const Json& event, const JournalContent& content, const std::string& where) {
  Child child;
  const SourceRun run = run_of(event, where);
  child.step.begin = run.begin;
  child.step.end = run.end;
  child.step.segment = hash_member(event, "segment", where);
  child.step.body_hash = hash_member(event, "body", where);
  const auto body = content.bodies.find(child.step.body_hash);
  AUTOGO_REQUIRE(body != content.bodies.end(), ErrorKind::kInput,
                 where + ": the body " + hex64(child.step.body_hash) + " was not written before");
  child.step.body = body->second;
  child.step.inputs = json_member<std::vector<std::uint32_t>>(event, "inputs", where);
  child.step.outputs = json_member<std::vector<std::uint32_t>>(event, "outputs", where);
  child.hash = hash_member(event, "hash", where);
  child.macs = json_member<std::int64_t>(event, "macs", where);
  child.params = json_member<std::int64_t>(event, "params", where);
  child.gain = json_member<double>(event, "gain", where);
  return child;
}

void read_totals(const Json& event, const std::string& where, SourceResult& result) {
  result.drawn = json_member<std::uint64_t>(event, "drawn", where);
  result.resolved = json_member<std::uint64_t>(event, "resolved", where);
  result.in_window = json_member<std::uint64_t>(event, "in_window", where);
  const auto macs = json_member<std::vector<std::int64_t>>(event, "macs", where);
  AUTOGO_REQUIRE(macs.size() == 2, ErrorKind::kInput, where + ": \"macs\" is not [least, most]");
  result.min_macs = macs[0];
  result.max_macs = macs[1];
  result.best_gain = json_member<double>(event, "best_gain", where);
}

void require_begin(const Json& event, const std::string& where, std::uint64_t config,
                   std::uint64_t input) {
  require_format(event, where, kFormat, kVersion);
  AUTOGO_REQUIRE(
      hash_member(event, "config", where) == config && hash_member(event, "input", where) == input,
      ErrorKind::kInput, where + ": belongs to a run with another configuration than config.json");
}

}  // namespace

OrderedJson begin_event(std::uint64_t config, std::uint64_t input) {
  return {{"event", "begin"},
          {"format", kFormat},
          {"version", kVersion},
          {"config", hex64(config)},
          {"input", hex64(input)}};
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
          {"macs", child.macs},
          {"params", child.params},
          {"gain", child.gain}};
}

OrderedJson item_event(const JournalItem& item) {
  const SourceResult& result = item.result;
  return {{"event", "source"},
          {"iteration", item.iteration},
          {"parent", hex64(item.parent)},
          {"cut", {item.run.begin, item.run.end}},
          {"drawn", result.drawn},
          {"resolved", result.resolved},
          {"in_window", result.in_window},
          {"accepted", result.children.size()},
          {"macs", {result.min_macs, result.max_macs}},
          {"best_gain", result.best_gain}};
}

OrderedJson iteration_event(std::uint32_t iteration, std::uint64_t parents, std::uint64_t children,
                            std::uint64_t front) {
  return {{"event", "iteration"},
          {"iteration", iteration},
          {"parents", parents},
          {"children", children},
          {"front", front}};
}

JournalContent replay(const Journal& journal, const std::string& where, std::uint64_t config,
                      std::uint64_t input) {
  JournalContent content;
  std::vector<Child> children;            // since the last commit
  std::vector<std::uint64_t> new_bodies;  // since the last commit
  std::size_t number = 0;
  for (const Journal::Line& line : journal.read()) {
    const std::string at = where + ": line " + std::to_string(++number);
    const auto kind = json_member<std::string>(line.event, "event", at);
    AUTOGO_REQUIRE((number == 1) == (kind == "begin"), ErrorKind::kInput,
                   at + ": a journal begins with one \"begin\" event");
    if (kind == "begin") {
      require_begin(line.event, at, config, input);
    } else if (kind == "body") {
      const std::uint64_t id = hash_member(line.event, "body", at);
      content.bodies[id] = std::make_shared<const Graph>(
          graph_from_json(json_member<Json>(line.event, "graph", at), at));
      new_bodies.push_back(id);
      continue;
    } else if (kind == "child") {
      children.push_back(child_of(line.event, content, at));
      continue;
    } else if (kind == "source") {
      JournalItem item;
      item.iteration = json_member<std::uint32_t>(line.event, "iteration", at);
      item.parent = hash_member(line.event, "parent", at);
      item.run = run_of(line.event, at);
      read_totals(line.event, at, item.result);
      item.result.children = std::move(children);
      content.items.push_back(std::move(item));
    } else if (kind == "iteration") {
      ++content.complete_iterations;
    } else {
      throw Error(ErrorKind::kInput, "unknown event \"" + kind + "\"").prepend(at);
    }
    content.end = line.end;
    children.clear();
    new_bodies.clear();
  }
  for (const std::uint64_t id : new_bodies) content.bodies.erase(id);
  return content;
}

}  // namespace autogo
