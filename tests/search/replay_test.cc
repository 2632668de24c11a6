// A journal whose checksums are right and whose content is not: whatever it says is compared with
// the networks it speaks of, and refused in words.

#include "search/run/replay.h"

#include <gtest/gtest.h>

#include <sstream>

#include "graph/graph_json.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::FakePredictor;
using testing::TemporaryFolder;

Graph tiny_network() {
  Graph g;
  ValueId x = testing::conv_bn_relu(g, g.add_input(testing::tensor({1, 3, 8, 8})), 4);
  x = testing::conv_bn_relu(g, x, 8, 3, 2);
  g.add_output(g.add(OpKind::kAdd, {}, {x, testing::conv_bn_relu(g, x, 8)}));
  return g;
}

class Replay : public ::testing::Test {
 protected:
  Replay() {
    database_.add_segments_of(tiny_network(), "tiny");
    config_.options.iterations = 2;
    config_.options.parents = config_.options.sources = 2;
    config_.options.replacements = 6;
    config_.options.jobs = 1;
    search(/*resume=*/false);
    std::istringstream lines(read_file(journal()));
    for (std::string line; std::getline(lines, line);) {
      events_.push_back(OrderedJson::parse(line));
      events_.back().erase("sum");
    }
  }

  std::string journal() const { return folder_ / "run/journal.jsonl"; }
  void search(bool resume) {
    SearchRun run;
    run.directory = folder_ / "run";
    run.resume = resume;
    run_search(config_, run, graph_, database_, predictor_);
  }
  /// The index of the `n`-th event of a kind, from an index on.
  std::size_t find(const std::string& kind, std::size_t n = 0, std::size_t from = 0) const {
    for (std::size_t i = from; i < events_.size(); ++i) {
      if (events_[i]["event"] == kind && n-- == 0) return i;
    }
    ADD_FAILURE() << "no event " << kind;
    return 0;
  }
  /// Resumes a run with this journal, every line with the right checksum. @return the refusal
  /// without the journal's path, empty when there is none
  std::string resume(const std::vector<OrderedJson>& events) {
    std::string text;
    for (const OrderedJson& event : events) text += seal(event);
    write_file_atomic(journal(), text);
    try {
      search(/*resume=*/true);
      return "";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kInput) << e.what();
      const std::string what = e.what();
      EXPECT_EQ(what.substr(0, journal().size() + 2), journal() + ": ");
      return what.substr(std::min(what.size(), journal().size() + 2));
    }
  }
  /// The same with one value changed.
  std::string resume_with(std::size_t line, const std::string& key, const OrderedJson& value) {
    std::vector<OrderedJson> events = events_;
    events[line][key] = value;
    return resume(events);
  }
  static std::string line(std::size_t index) { return "line " + std::to_string(index + 1) + ": "; }

  TemporaryFolder folder_;
  Graph graph_ = tiny_network();
  SegmentDatabase database_ = testing::small_database();
  SearchConfig config_ = testing::small_config(4);
  FakePredictor predictor_;
  std::vector<OrderedJson> events_;
};

TEST_F(Replay, TheJournalOfTheRunIsTakenOver) {
  const std::string text = read_file(journal());
  EXPECT_GE(events_.size(), 15U);
  EXPECT_EQ(events_.back()["iteration"], 1);
  EXPECT_EQ(resume(events_), "");
  EXPECT_EQ(read_file(journal()), text);
}

TEST_F(Replay, ACutOutsideOfTheOrderIsRefused) {
  std::vector<OrderedJson> events = events_;
  const std::size_t end = find("source");
  for (std::size_t i = 1; i <= end; ++i) {
    if (events[i].contains("cut")) events[i]["cut"] = {7, 4000000000U};
  }
  EXPECT_EQ(resume(events), line(end) + "this work item is not the one that this autogo would do "
                                        "at this place");
}

TEST_F(Replay, AChildThatIsAnotherNetworkIsRefused) {
  const std::size_t child = find("child"), end = find("source", 0, child);
  const std::string hash = events_[child]["hash"];
  EXPECT_EQ(resume_with(child, "hash", "0123456789abcdef"),
            line(end) + "the child 0123456789abcdef is not what its mutation makes: that has the "
                        "hash " + hash);
  OrderedJson costs = events_[child]["costs"];
  costs[2] = costs[2].get<std::int64_t>() + 1;  // params
  EXPECT_EQ(resume_with(child, "costs", costs),
            line(end) + "the child " + hash + " does not cost what it claims");
}

TEST_F(Replay, ABodyThatDoesNotFitIsRefused) {
  const std::size_t child = find("child"), end = find("source", 0, child);
  const std::string body = events_[child]["body"];
  OrderedJson inputs = events_[child]["inputs"];
  inputs.push_back(inputs.size());
  EXPECT_EQ(resume_with(child, "inputs", inputs),
            line(end) + "the body " + body + " does not fit the cut at its ports");
  EXPECT_EQ(resume_with(child, "outputs", {1}),
            line(end) + "the body " + body + " does not fit the cut at its ports");
  EXPECT_EQ(resume_with(child, "segment", "0123456789abcdef"),
            line(end) + "the body " + body + " is none that the run may put in");
}

TEST_F(Replay, ABodyIsNamedByItsHash) {
  const std::size_t at = find("body");
  Graph other;
  other.add_output(other.add(OpKind::kRelu, {}, {other.add_input(testing::tensor({1, 4, 8, 8}))}));
  const std::string id = events_[at]["body"];
  EXPECT_EQ(resume_with(at, "graph", OrderedJson(graph_to_json(other))),
            line(at) + "the body does not have the hash " + id + " that it is named by");
  // Named rightly, it is the body of a child that it does not make.
  std::vector<OrderedJson> events = events_;
  events[at]["graph"] = OrderedJson(graph_to_json(other));
  events[at]["body"] = hex64(hash_of_body(other));
  for (OrderedJson& event : events) {
    if (event["event"] == "child" && event["body"] == id) event["body"] = events[at]["body"];
  }
  EXPECT_NE(resume(events), "");
}

TEST_F(Replay, AnInsaneGainIsRefused) {
  const std::size_t child = find("child"), end = find("source", 0, child);
  const std::string hash = events_[child]["hash"];
  EXPECT_EQ(resume_with(child, "gain", -0.5),
            line(end) + "the child " + hash + " has a gain that the run does not accept");
  EXPECT_EQ(resume_with(child, "gain", 1e9),
            line(end) + "the child " + hash + " has a gain that the run does not accept");
  const std::string promised = " is promised another gain than its sums give";
  EXPECT_EQ(resume_with(child, "known", 0.0), line(end) + "the child " + hash + promised);
  EXPECT_EQ(resume_with(child, "guessed", 0.5), line(end) + "the child " + hash + promised);
}

TEST_F(Replay, RecordsThatAreLeftOutOrRepeatedAreRefused) {
  std::vector<OrderedJson> events = events_;
  const std::size_t first = find("source"), second = find("source", 1);
  events.erase(events.begin() + 1, events.begin() + static_cast<std::ptrdiff_t>(first) + 1);
  EXPECT_NE(resume(events), "");
  events = events_;
  events.insert(events.begin() + static_cast<std::ptrdiff_t>(second) + 1, events_[second]);
  EXPECT_NE(resume(events), "");
  events = events_;
  events.erase(events.begin() + static_cast<std::ptrdiff_t>(find("iteration")));
  EXPECT_NE(resume(events), "");
  events = events_;
  events.push_back(events_.back());
  EXPECT_EQ(resume(events), line(events_.size()) +
                                "the run ends before it, with iteration 2 of config.json");
}

TEST_F(Replay, EveryFieldWithEveryKindOfWrongValueIsRefusedOrHarmless) {
  const OrderedJson hostile[] = {nullptr,
                                 true,
                                 "",
                                 "-inf",
                                 "0123456789abcdef",
                                 -1,
                                 0,
                                 1,
                                 3,
                                 1000000,
                                 4294967296,
                                 18446744073709551615U,
                                 0.5,
                                 -1e300,
                                 OrderedJson::array(),
                                 OrderedJson::object(),
                                 {-1},
                                 {0},
                                 {0, 0},
                                 {1, 0},
                                 {0, 1, 2},
                                 {0, 1000000},
                                 {3, 4294967297},
                                 {0.5, 1.5},
                                 {-9223372036854775807, 9223372036854775807}};
  // What only the search itself could compute again is believed within its limits.
  const std::set<std::string> within_limits = {"drawn", "resolved", "in_window",
                                               "least", "most",     "best_gain"};
  for (const char* kind : {"begin", "body", "child", "source", "iteration"}) {
    const std::size_t at = find(kind);
    for (const auto& [key, original] : events_[at].items()) {
      for (const OrderedJson& value : hostile) {
        if (value == original) continue;
        const std::string refusal = resume_with(at, key, value);
        if (!within_limits.contains(key)) {
          EXPECT_NE(refusal, "") << kind << " " << key << " " << value;
        }
      }
      std::vector<OrderedJson> events = events_;
      events[at].erase(key);
      EXPECT_NE(resume(events), "") << kind << " without " << key;
    }
  }
}

TEST_F(Replay, ATailThatWasTornIsDoneAgain) {
  const std::string text = read_file(journal());
  const std::size_t end = find("source", 2);
  for (std::size_t lines = 1; lines <= end; ++lines) {
    std::string kept;
    for (std::size_t i = 0; i < lines; ++i) kept += seal(events_[i]);
    write_file_atomic(journal(), kept);
    search(/*resume=*/true);
    EXPECT_EQ(read_file(journal()), text) << lines << " lines";
  }
}

}  // namespace
}  // namespace autogo
