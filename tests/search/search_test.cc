#include "autogo/search/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <set>

#include "autogo/cost/cost.h"
#include "base/json.h"
#include "pareto.h"
#include "search/run/journal.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::FakePredictor;
using testing::FlatPredictor;
using testing::TemporaryFolder;

std::vector<Json> events(const std::string& path) {
  std::vector<Json> result;
  JournalReader reader(path);
  while (auto event = reader.next()) result.push_back(std::move(*event));
  return result;
}

class Search : public ::testing::Test {
 protected:
  SearchResult search(const SearchConfig& config, const std::string& name = "",
                      const Graph& graph = testing::residual_network()) {
    SearchRun run;
    if (!name.empty()) run.directory = folder_ / name;
    run.on_iteration = [this](const IterationReport& report) { reports_.push_back(report); };
    return run_search(config, run, graph, database_, predictor_);
  }
  std::string infeasible(const SearchConfig& config) {
    try {
      search(config);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kInfeasible);
      return e.what();
    }
    return "no error";
  }

  TemporaryFolder folder_;
  SegmentDatabase database_ = testing::small_database();
  FakePredictor predictor_;
  std::vector<IterationReport> reports_;
};

TEST_F(Search, FindsAFrontInTheWindow) {
  const SearchConfig config = testing::small_config();
  const SearchResult result = search(config);
  EXPECT_EQ(result.status, SearchStatus::kDone);
  EXPECT_EQ(result.iterations, 3U);
  EXPECT_GE(result.front.size(), 3U);
  EXPECT_GT(result.children, 50U);
  ASSERT_EQ(reports_.size(), 3U);
  EXPECT_EQ(reports_[0].parents, 1U);  // the input
  EXPECT_EQ(reports_[1].parents, 4U);
  for (std::size_t i = 0; i < result.front.size(); ++i) {
    const FrontMember& m = result.front[i];
    EXPECT_GT(m.measures.at("macs"), 0.8 * result.measures.at("macs"));
    EXPECT_LT(m.measures.at("macs"), 1.1 * result.measures.at("macs"));
    EXPECT_GE(m.predicted_gain, 0);
    EXPECT_EQ(graph_macs(m.graph), m.measures.count("macs"));
    if (i > 0) {
      EXPECT_LT(result.front[i - 1].measures.count("macs"), m.measures.count("macs"));
      EXPECT_LT(result.front[i - 1].predicted_gain, m.predicted_gain);
    }
  }
}

TEST_F(Search, TheFrontIsTheFrontOfTheJournalsChildren) {
  const SearchResult result = search(testing::small_config(), "run");
  std::vector<ParetoPoint> points{{0, {result.measures.at("macs")}, 0}};
  std::set<std::string> hashes;
  for (const Json& event : events(folder_ / "run/journal.jsonl")) {
    if (event["event"] != "child") continue;
    EXPECT_TRUE(hashes.insert(event["hash"]).second) << "a duplicate";
    points.push_back(
        {event["gain"], {event["costs"][0]}, static_cast<std::uint32_t>(points.size())});
  }
  EXPECT_EQ(points.size(), result.children + 1);
  std::vector<std::pair<double, double>> expected, found;
  for (const ParetoPoint& p : points) {
    const bool beaten =
        std::ranges::any_of(points, [&](const ParetoPoint& q) { return dominates(q, p); });
    if (!beaten && p.individual != 0) expected.emplace_back(p.costs[0], p.gain);
  }
  std::ranges::sort(expected);
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  for (const FrontMember& m : result.front)
    found.emplace_back(m.measures.at("macs"), m.predicted_gain);
  EXPECT_EQ(found, expected);
}

TEST_F(Search, WritesWhatItFound) {
  const SearchResult result = search(testing::small_config(), "run");
  const Json pareto = parse_json(read_file(folder_ / "run/pareto.json"), "pareto");
  EXPECT_EQ(pareto["format"], "autogo.pareto");
  EXPECT_EQ(pareto["version"], 1);
  EXPECT_EQ(pareto["input"]["macs"], result.measures.count("macs"));
  EXPECT_EQ(pareto["input"]["flops"], 2 * result.measures.count("macs"));
  EXPECT_EQ(pareto["input"]["params"], result.measures.count("params"));
  ASSERT_EQ(pareto["members"].size(), result.front.size());
  for (std::size_t i = 0; i < result.front.size(); ++i) {
    const Json& member = pareto["members"][i];
    EXPECT_EQ(member["model"], result.front[i].model);
    EXPECT_EQ(member["macs"], result.front[i].measures.count("macs"));
    for (const auto& [name, value] : result.front[i].measures) {
      EXPECT_EQ(member["measures"][name], value) << name;
    }
    EXPECT_EQ(member["measures"].size(), standard_cost_models().measures().size());
    EXPECT_EQ(member["measures"]["peak_memory"],
              graph_cost(result.front[i].graph).peak_activation_bytes);
    EXPECT_EQ(member["predicted_gain"], result.front[i].predicted_gain);
    EXPECT_EQ(member["lineage"].size() > 0, true);
    EXPECT_EQ(member["lineage"].back()["macs"], result.front[i].measures.count("macs"));
    EXPECT_LE(member["lineage"].size(), member["iteration"].get<std::size_t>() + 1);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "run/" + result.front[i].model));
  }
  std::size_t models = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(folder_ / "run/models")) {
    ++models;
  }
  EXPECT_EQ(models, result.front.size());
  const std::string csv = read_file(folder_ / "run/pareto.csv");
  EXPECT_EQ(std::ranges::count(csv, '\n'), static_cast<std::ptrdiff_t>(result.front.size()) + 1);
  EXPECT_EQ(parse_json(read_file(folder_ / "run/env.json"), "env")["sessions"].size(), 1U);
}

TEST_F(Search, TheSameSeedGivesTheSameBytesWithAnyNumberOfJobs) {
  for (const Graph& graph : {testing::concat_network(), testing::token_network()}) {
    std::vector<std::string> journals, fronts;
    for (const int jobs : {1, 2, 5}) {
      SearchConfig config = testing::small_config(3);
      config.options.jobs = jobs;
      const std::string name = std::to_string(graph.num_nodes()) + "-" + std::to_string(jobs);
      search(config, name, graph);
      journals.push_back(read_file(folder_ / name + "/journal.jsonl"));
      fronts.push_back(read_file(folder_ / name + "/pareto.json"));
    }
    EXPECT_EQ(journals[0], journals[1]);
    EXPECT_EQ(journals[0], journals[2]);
    EXPECT_EQ(fronts[0], fronts[1]);
    EXPECT_EQ(fronts[0], fronts[2]);
  }
}

TEST_F(Search, AnotherSeedGivesAnotherRun) {
  search(testing::small_config(1), "one");
  search(testing::small_config(2), "two");
  EXPECT_NE(read_file(folder_ / "one/journal.jsonl"), read_file(folder_ / "two/journal.jsonl"));
}

TEST_F(Search, OperatorMutationChangesOneNodeAtATime) {
  SearchConfig config = testing::small_config();
  config.options.mutation = MutationUnit::kOperator;
  config.options.allow_ops = {"sigmoid", "tanh", "swish", "max_pool", "depthwise_conv"};
  config.options.max_flops_decrease = 100;
  search(config, "run");
  std::size_t children = 0;
  for (const Json& event : events(folder_ / "run/journal.jsonl")) {
    if (event["event"] != "child") continue;
    ++children;
    EXPECT_EQ(event["cut"][1].get<int>() - event["cut"][0].get<int>(), 1);
  }
  EXPECT_GT(children, 5U);
}

TEST_F(Search, ObjectiveParamsMinimisesParameters) {
  SearchConfig config = testing::small_config();
  config.options.objective = "params";
  const SearchResult result = search(config);
  std::vector<FrontMember> front = result.front;
  std::ranges::sort(front, {}, [](const FrontMember& m) { return m.measures.at("params"); });
  for (std::size_t i = 1; i < front.size(); ++i) {
    EXPECT_LT(front[i - 1].measures.count("params"), front[i].measures.count("params"));
    EXPECT_LT(front[i - 1].predicted_gain, front[i].predicted_gain);
  }
}

TEST_F(Search, WhatIsOnTheFrontIsNotDominatedByTheInput) {
  const FlatPredictor flat;
  const SearchResult result =
      run_search(testing::small_config(), {}, testing::residual_network(), database_, flat);
  EXPECT_EQ(result.front.size(), 1U);  // all gains 0: only the leanest
  EXPECT_LT(result.front[0].measures.count("macs"), result.measures.count("macs"));
}

TEST_F(Search, RunnersUpFillASmallFront) {
  const FlatPredictor flat;
  SearchConfig config = testing::small_config();
  config.options.members = 5;
  const Graph network = testing::residual_network();
  SearchRun run;
  run.directory = folder_ / "run";
  const SearchResult result = run_search(config, run, network, database_, flat);
  ASSERT_EQ(result.front.size(), 5U);
  const Json pareto = parse_json(read_file(folder_ / "run/pareto.json"), "pareto");
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(result.front[i].rank, i + 1);  // all gains 0: a front is one network
    EXPECT_EQ(pareto["members"][i]["rank"], i + 1);
    EXPECT_LT(result.front[i].measures.count("macs"), result.measures.count("macs"));
    if (i > 0) {
      EXPECT_LE(result.front[i - 1].measures.count("macs"), result.front[i].measures.count("macs"));
    }
  }
}

TEST_F(Search, AnUnreachableWindowSaysWhatIsReached) {
  SearchConfig config = testing::small_config();
  config.options.max_flops_increase = -1;
  config.options.max_flops_decrease = 1.0000001;
  const std::string text = infeasible(config);
  const std::string expected =
      "no network was found with FLOPs between -1.0 % and -1.0 % of the input's; those found are "
      "between -";
  EXPECT_EQ(text.substr(0, expected.size()), expected);
}

TEST_F(Search, AnUnreachableGainSaysTheBest) {
  SearchConfig config = testing::small_config();
  config.options.min_gain = 100;
  const std::string text = infeasible(config);
  EXPECT_EQ(
      text.substr(0, 108),
      "no network with FLOPs between -20.0 % and +10.0 % of the input's reaches the predicted "
      "gain 100.0; the best ")
      << text;
}

TEST_F(Search, AFrontOfLossesReportsItsLeastLoss) {
  class Pessimist : public FakePredictor {
   public:
    std::vector<double> score(const CutContext& context,
                              std::span<const Candidate> candidates) const override {
      return std::vector<double>(candidates.size(), score_original(context) - 0.25);
    }
  };
  SearchConfig config = testing::small_config();
  config.options.min_gain = -std::numeric_limits<double>::infinity();
  SearchRun run;
  run.on_iteration = [this](const IterationReport& report) { reports_.push_back(report); };
  run_search(config, run, testing::residual_network(), database_, Pessimist());
  ASSERT_FALSE(reports_.empty());
  for (const IterationReport& report : reports_) {
    EXPECT_GT(report.front, 0U);
    EXPECT_EQ(report.best_gain, -0.25);  // a child of a child loses twice
  }
}

TEST_F(Search, AScoreThatIsNoNumberIsThePredictorsFault) {
  class Damaged : public FakePredictor {
   public:
    std::vector<double> score(const CutContext&,
                              std::span<const Candidate> candidates) const override {
      return std::vector<double>(candidates.size(), std::numeric_limits<double>::quiet_NaN());
    }
  };
  try {
    run_search(testing::small_config(), {}, testing::residual_network(), database_, Damaged());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    EXPECT_EQ(std::string(e.what()).substr(0, 58),
              "the predictor gives a network a score that is no number: i");
  }
}

/// Fails from the n-th time on that it is asked.
class FailingPredictor : public FakePredictor {
 public:
  FailingPredictor(ErrorKind kind, int at) : kind_(kind), at_(at) {}
  std::unique_ptr<CutContext> prepare(const Graph& graph, const Cut& cut) const override {
    if (++count_ >= at_) throw Error(kind_, "the predictor failed");
    return FakePredictor::prepare(graph, cut);
  }

 private:
  ErrorKind kind_;
  int at_;
  mutable std::atomic<int> count_{0};
};

TEST_F(Search, ARunThatFailsLeavesNothingInTheWay) {
  SearchRun run;
  run.directory = folder_ / "run";
  const Graph network = testing::residual_network();
  const SearchConfig good = testing::small_config();
  auto fail = [&](const SearchConfig& config, const Predictor& predictor) {
    EXPECT_THROW(run_search(config, run, network, database_, predictor), Error);
    return std::filesystem::exists(run.directory);
  };
  SearchConfig demanding = good, usage = good;
  demanding.options.min_gain = 100;
  usage.options.freeze = {"no_such_node"};
  EXPECT_FALSE(fail(demanding, predictor_)) << "exit code 4";
  EXPECT_FALSE(fail(usage, predictor_)) << "exit code 2";
  EXPECT_FALSE(fail(good, FailingPredictor(ErrorKind::kUnsupported, 1))) << "exit code 5";
  EXPECT_FALSE(fail(good, FailingPredictor(ErrorKind::kUnsupported, 20))) << "exit code 5, late";
  EXPECT_FALSE(fail(good, FailingPredictor(ErrorKind::kIo, 1))) << "exit code 1";
  // A folder that was there stays, with what others put there meanwhile.
  std::filesystem::create_directory(run.directory);
  EXPECT_TRUE(fail(demanding, predictor_));
  EXPECT_TRUE(std::filesystem::is_empty(run.directory));
  run_search(good, run, network, database_, predictor_);
}

TEST_F(Search, ARunThatTheSystemFailsGoesOnFromWhatItFound) {
  const Graph network = testing::residual_network();
  search(testing::small_config(), "whole");
  SearchRun run;
  run.directory = folder_ / "run";
  const FailingPredictor failing(ErrorKind::kIo, 20);
  EXPECT_THROW(run_search(testing::small_config(), run, network, database_, failing), Error);
  run.resume = true;
  run_search(testing::small_config(), run, network, database_, predictor_);
  for (const char* file : {"/journal.jsonl", "/pareto.json"}) {
    EXPECT_EQ(read_file(folder_ / "whole" + file), read_file(run.directory + file));
  }
}

TEST_F(Search, ABareInputIsRefused) {
  Graph g;
  g.add_output(g.add(OpKind::kRelu, {}, {g.add_input(testing::tensor({1, 4, 8, 8}))}));
  try {
    search(testing::small_config(), "", g);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    EXPECT_EQ(std::string(e.what()), "the model has no multiply-accumulates that autogo can count");
  }
}

TEST_F(Search, APlanCountsWhatThereIs) {
  const SearchPlan plan =
      plan_search(testing::small_config(), testing::residual_network(), database_);
  EXPECT_EQ(plan.nodes, testing::residual_network().num_nodes() - 2);  // without its ports
  EXPECT_EQ(plan.mutable_nodes, plan.nodes - 1);  // the flatten
  EXPECT_GT(plan.sources, 10U);
  EXPECT_GT(plan.replacements, 10U);
  EXPECT_EQ(plan.frozen_macs, 0);
  EXPECT_TRUE(std::ranges::count(plan.operators, "batch_norm"));
  EXPECT_FALSE(std::ranges::count(plan.operators, "gelu"));
}

}  // namespace
}  // namespace autogo
