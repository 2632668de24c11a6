#include "search/constraints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/cost/cost.h"
#include "base/json.h"
#include "search_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using testing::FakePredictor;
using testing::TemporaryFolder;

std::string usage_error(std::string_view text) {
  try {
    parse_constraint(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    return e.what();
  }
  return "no error";
}

double limit(const char* text, double input) { return parse_constraint(text).limit(input); }

TEST(Constraints, ValuesAreAbsoluteOrOfTheInputsOrChanges) {
  EXPECT_EQ(limit("params<=5e6", 8e6), 5e6);
  EXPECT_EQ(limit(" params <= 5000000 ", 8e6), 5e6);
  EXPECT_EQ(limit("macs<=80%", 1000), 800);
  EXPECT_EQ(limit("macs<=-20%", 1000), 800);
  EXPECT_EQ(limit("macs<=+20 %", 1000), 1200);
  EXPECT_EQ(limit("params<=-1e6", 8e6), 7e6);
  EXPECT_EQ(limit("peak-memory<=+64", 100), 164);
  EXPECT_EQ(limit("macs<=0", 1000), 0);
  EXPECT_EQ(parse_constraint("peak-memory<=1").measure, "peak-memory");
}

TEST(Constraints, WhatIsNoneIsRefusedWithAnExample) {
  const std::string expected =
      "expected NAME<=VALUE, like 'params<=5e6', 'macs<=80%' of the input's, or 'macs<=-20%' less "
      "than the input's";
  EXPECT_EQ(usage_error("params<5"), "--constraint 'params<5': " + expected);
  EXPECT_EQ(usage_error(""), "--constraint '': " + expected);
  EXPECT_EQ(usage_error("<=5"), "--constraint '<=5': no measure is named; " + expected);
  for (const char* number : {"", "five", "5x", "nan", "inf", "--5", "+-5", "1e999", "0x10"}) {
    const std::string text = "params<=" + std::string(number);
    EXPECT_TRUE(usage_error(text).ends_with("is no number; " + expected)) << text;
  }
}

TEST(Constraints, BoundsAreTheWindowAndTheConstraints) {
  SearchOptions options;
  options.constraints = {"params<=90%", "peak-memory<=5"};
  const CostModels models = asked_models(options, standard_cost_models());
  const std::size_t macs = models.place("macs", ""), params = models.place("params", ""),
                    memory = models.place("peak_memory", "");
  std::vector<double> costs(models.measures().size(), 10);
  const std::vector<Bound> bounds = bounds_of(options, models, costs);
  ASSERT_EQ(bounds.size(), 4U);
  EXPECT_FALSE(keeps(bounds, costs));
  EXPECT_DOUBLE_EQ(breach(bounds, costs), 0.1 + 0.5);
  std::vector<double> nearer = costs;
  nearer[memory] = 8;
  EXPECT_TRUE(approaches(bounds, nearer, costs));
  EXPECT_FALSE(approaches(bounds, costs, costs));
  nearer[macs] = 12;  // outside of the FLOPs window
  EXPECT_FALSE(approaches(bounds, nearer, costs));
  costs[params] = 9;
  costs[memory] = 5;
  EXPECT_TRUE(keeps(bounds, costs));
  EXPECT_EQ(breach(bounds, costs), 0);
}

TEST(Constraints, OnlyModelsThatTheOptionsNameAreAsked) {
  SearchOptions options;
  EXPECT_EQ(asked_models(options, standard_cost_models()).words(),
            CostModels({make_counting_model()}).words());
  options.constraints = {"peak_memory<=50%"};
  EXPECT_EQ(asked_models(options, standard_cost_models()).words(),
            CostModels({make_counting_model(), make_memory_model()}).words());
  options.constraints = {"latency<=50%"};
  try {
    asked_models(options, standard_cost_models());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.what(), "--constraint 'latency<=50%': no such measure 'latency'; expected one of " +
                            standard_cost_models().words());
  }
}

class Constrained : public ::testing::Test {
 protected:
  SearchResult search(const SearchConfig& config, const std::string& name = "",
                      const CostModels& models = standard_cost_models(), bool resume = false) {
    SearchRun run;
    run.directory = name.empty() ? "" : folder_ / name;
    run.resume = resume;
    return run_search(config, run, network_, database_, predictor_, null_log(), models);
  }
  std::string refusal(const SearchConfig& config, ErrorKind kind) {
    try {
      search(config);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), kind) << e.what();
      return e.what();
    }
    return "no error";
  }
  TemporaryFolder folder_;
  Graph network_ = testing::residual_network();
  SegmentDatabase database_ = testing::small_database();
  FakePredictor predictor_;
};

TEST_F(Constrained, ASearchGoesTowardsWhatTheInputDoesNotKeep) {
  SearchConfig config = testing::small_config();
  config.options.max_flops_decrease = 100;
  config.options.min_gain = -10;
  // One mutation does not reach it, or the test shows nothing.
  config.options.iterations = 1;
  const SearchResult near = search(config);
  double least = near.measures.at("params");
  for (const FrontMember& m : near.front) least = std::min(least, m.measures.at("params"));
  const double wanted = std::floor(0.9 * least);
  config.options.iterations = 8;
  config.options.constraints = {"params<=" + std::to_string(static_cast<std::int64_t>(wanted))};
  const SearchResult result = search(config, "run");
  ASSERT_FALSE(result.front.empty());
  for (const FrontMember& m : result.front) {
    EXPECT_LE(m.measures.at("params"), wanted);
    EXPECT_EQ(graph_params(m.graph), m.measures.count("params"));
  }
  const Json pareto = parse_json(read_file(folder_ / "run/pareto.json"), "pareto");
  EXPECT_EQ(pareto["constraints"], config.options.constraints);
  // Steps outside are in the journal, never in the front, and are taken over when the run goes on.
  bool steps = false;
  const std::string journal = folder_ / "run/journal.jsonl", before = read_file(journal);
  LineReader lines(journal);
  for (std::string line; lines.next(line);) {
    const Json event = parse_json(line, "line");
    if (event["event"] == "child") steps = steps || event["costs"][2] > wanted;
  }
  EXPECT_TRUE(steps);
  EXPECT_EQ(search(config, "run", standard_cost_models(), /*resume=*/true).front.size(),
            result.front.size());
  EXPECT_EQ(read_file(journal), before);
}

TEST_F(Constrained, WhatCannotBeMetSaysWhatCan) {
  SearchConfig config = testing::small_config();
  config.options.constraints = {"params<=1%"};
  const std::string text = refusal(config, ErrorKind::kInfeasible);
  EXPECT_TRUE(text.starts_with("no network was found that keeps --constraint 'params<=1%'; the "
                               "nearest has "))
      << text;
  EXPECT_TRUE(text.ends_with(" %); search longer (--iterations, --parents), or allow more")) << text;
}

TEST_F(Constrained, NodesThatStayMayMakeItImpossible) {
  const auto source = std::make_shared<Source>();
  source->node_names = {"keep"};
  source->node_facts = {{216, 864}};
  Graph g;
  const ValueId inputs[] = {g.add_input(testing::tensor({1, 3, 16, 16}))};
  ValueId x = g.add(OpKind::kConv, testing::conv_attrs(8), inputs, 0);
  for (int i = 0; i < 3; ++i) {
    x = g.add(OpKind::kRelu, {}, {g.add(OpKind::kConv, testing::conv_attrs(8), {x})});
  }
  g.add_output(x);
  g.set_source(source);
  network_ = g;
  SearchConfig config = testing::small_config();
  config.options.freeze = {"keep"};
  config.options.constraints = {"weight-bytes<=800"};
  const double total = static_cast<double>(graph_cost(g).total.weight_bytes);
  char share[32];
  std::snprintf(share, sizeof(share), "%+.1f %%", 100 * (864 / total - 1));
  EXPECT_EQ(refusal(config, ErrorKind::kInfeasible),
            "--constraint 'weight-bytes<=800': cannot be met, since nodes that stay (frozen, or of "
            "kinds that autogo does not change) keep the model at 864 bytes (" +
                std::string(share) + " of the input's); allow more than that");
}

TEST_F(Constrained, ThreeDimensionsGiveTheExactFrontOfTheJournal) {
  SearchConfig config = testing::small_config();
  config.options.objective = "flops,params";
  const SearchResult result = search(config, "run");
  struct Seen {
    double gain, flops, params;
    bool operator<=(const Seen& o) const {
      return gain >= o.gain && flops <= o.flops && params <= o.params;
    }
    bool operator==(const Seen&) const = default;
  };
  const Cost input = graph_cost(network_).total;
  std::vector<Seen> seen = {
      {0, 2.0 * static_cast<double>(input.macs), static_cast<double>(input.params)}};
  LineReader lines(folder_ / "run/journal.jsonl");
  for (std::string line; lines.next(line);) {
    const Json event = parse_json(line, "line");
    if (event["event"] == "child") {
      seen.push_back({event["gain"], event["costs"][1], event["costs"][2]});
    }
  }
  std::vector<Seen> expected;
  for (std::size_t i = 1; i < seen.size(); ++i) {
    bool beaten = false;
    for (std::size_t j = 0; j < seen.size(); ++j) {
      beaten = beaten || (seen[j] <= seen[i] && (!(seen[j] == seen[i]) || j < i));
    }
    if (!beaten) expected.push_back(seen[i]);
  }
  std::size_t members = 0;
  for (const FrontMember& m : result.front) {
    if (m.rank > 1) continue;
    ++members;
    const Seen member{m.predicted_gain, m.measures.at("flops"), m.measures.at("params")};
    EXPECT_NE(std::ranges::find(expected, member), expected.end());
  }
  EXPECT_EQ(members, expected.size());
  EXPECT_GE(members, 3U);
}

/// A dear measure: a function of the network's size that nothing else knows.
class Meter : public CostModel {
 public:
  std::span<const MeasureInfo> measures() const override { return kMeasures; }
  CostTier tier() const override { return CostTier::kSurvivors; }
  std::uint64_t content_hash() const override { return 42; }
  std::vector<std::vector<double>> measure(std::span<const Graph* const> graphs) const override {
    std::vector<std::vector<double>> numbers;
    for (const Graph* graph : graphs) {
      ++asked;
      numbers.push_back({static_cast<double>(graph->num_nodes()) + 0.5});
    }
    return numbers;
  }
  std::unique_ptr<CostContext> prepare(const Graph&, const Cut&) const override {
    ADD_FAILURE() << "asked of a candidate";
    return nullptr;
  }
  std::vector<double> measure_candidate(const CostContext&, const Candidate&) const override {
    ADD_FAILURE() << "asked of a candidate";
    return {};
  }
  mutable std::atomic<int> asked{0};

 private:
  inline static const std::array<MeasureInfo, 1> kMeasures = {
      {{"meter_us", "us", "for tests", false}}};
};

TEST_F(Constrained, DearMeasuresAreAskedOfSurvivorsAndNeverTwice) {
  const auto meter = std::make_shared<Meter>();
  const CostModels models({make_counting_model(), meter});
  SearchConfig config = testing::small_config();
  config.options.objective = "meter-us";
  config.options.constraints = {"meter_us<=+2"};
  const SearchResult result = search(config, "run", models);
  ASSERT_FALSE(result.front.empty());
  const double input = static_cast<double>(network_.num_nodes()) + 0.5;
  EXPECT_EQ(result.measures.at("meter_us"), input);
  for (const FrontMember& m : result.front) {
    EXPECT_EQ(m.measures.at("meter_us"), static_cast<double>(m.graph.num_nodes()) + 0.5);
    EXPECT_LE(m.measures.at("meter_us"), input + 2);
  }
  EXPECT_NE(read_file(folder_ / "run/pareto.csv").find(",meter_us,meter_us_change_percent\n"),
            std::string::npos);
  // Fewer were asked than tried; a resumed run asks of the input alone.
  std::uint64_t scored = 0;
  LineReader lines(folder_ / "run/journal.jsonl");
  for (std::string line; lines.next(line);) {
    const Json event = parse_json(line, "line");
    if (event["event"] == "source") scored += event["in_window"].get<std::uint64_t>();
  }
  EXPECT_LE(static_cast<std::uint64_t>(meter->asked.load()), scored + 4);
  const std::string pareto = read_file(folder_ / "run/pareto.json");
  meter->asked = 0;
  search(config, "run", models, /*resume=*/true);
  EXPECT_LE(meter->asked.load(), 2);
  EXPECT_EQ(read_file(folder_ / "run/pareto.json"), pareto);
}

}  // namespace
}  // namespace autogo
