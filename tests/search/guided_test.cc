// Does the search search? A predictor that knows what it wants is followed to it, every iteration
// brings the front forward, and as many networks drawn at random do not come as far.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "autogo/cost/cost.h"
#include "autogo/search/mutants.h"
#include "pareto.h"
#include "search/run/journal.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::FakePredictor;
using testing::TemporaryFolder;

using Histogram = std::map<OpKind, int>;

Histogram histogram(const Graph& graph) {
  Histogram counts;
  for (const Node& node : graph.nodes()) ++counts[node.op];
  return counts;
}

/// The same network with Tanh in the place of ReLU.
Graph with_tanh(const Graph& graph) {
  Graph result;  // value ids stay the same: nodes are copied in order
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    if (node.op == OpKind::kInput) {
      result.add_input(graph.output_type(id));
    } else if (node.op == OpKind::kOutput) {
      result.add_output(graph.inputs(id)[0]);
    } else {
      result.add(node.op == OpKind::kRelu ? OpKind::kTanh : node.op, node.attrs, graph.inputs(id));
    }
  }
  return result;
}

/// Knows the best network's operators: a network is worth less by one for each that it has too many
/// or too few. The best network is worth 0, which no other passes.
class PlantedPredictor : public FakePredictor {
 public:
  explicit PlantedPredictor(Histogram best) : best_(std::move(best)) {}

  double worth(const Graph& graph) const {
    const Histogram counts = histogram(graph);
    int distance = 0;
    for (int op = 0; op < kNumOps; ++op) {
      auto count = [op](const Histogram& h) {
        const auto it = h.find(static_cast<OpKind>(op));
        return it == h.end() ? 0 : it->second;
      };
      distance += std::abs(count(counts) - count(best_));
    }
    return -distance;
  }

  std::unique_ptr<CutContext> prepare(const Graph& graph, const Cut& cut) const override {
    return std::make_unique<Place>(graph, cut);
  }
  double score_original(const CutContext& context) const override {
    return worth(dynamic_cast<const Place&>(context).graph);
  }
  std::vector<double> score(const CutContext& context,
                            std::span<const Candidate> candidates) const override {
    const auto& place = dynamic_cast<const Place&>(context);
    std::vector<double> scores;
    for (const Candidate& c : candidates) {
      scores.push_back(worth(splice(place.graph, place.cut, *c.body, c.inputs, c.outputs)));
    }
    return scores;
  }

 private:
  struct Place : CutContext {
    Place(const Graph& g, const Cut& c) : graph(g), cut(c) {}
    const Graph& graph;
    Cut cut;
  };
  Histogram best_;
};

/// The area that points dominate, up to no gain at all and the upper end of the FLOPs window.
double hypervolume(const std::vector<ParetoPoint>& points, std::int64_t input_macs) {
  ParetoFront front;
  for (const ParetoPoint& p : points) front.add(p);
  const double most = 1.1 * static_cast<double>(input_macs);
  double area = 0, gain = 0;
  for (const ParetoPoint& p : front.points()) {  // by cost, and so by gain
    if (p.gain <= gain) continue;
    area += (p.gain - gain) * (most - p.costs[0]) / most;
    gain = p.gain;
  }
  return area;
}

class Guided : public ::testing::Test {
 protected:
  Guided() {
    database_.add_segments_of(best_, "best");
    predictor_ = std::make_unique<PlantedPredictor>(histogram(best_));
    planted_gain_ = -predictor_->worth(input_);
  }

  SearchConfig config(std::uint64_t seed, std::uint32_t iterations) const {
    SearchConfig config = testing::small_config(seed);
    config.options.iterations = iterations;
    config.options.allow_ops = {"tanh"};
    return config;
  }

  /// What a run accepted up to the end of each iteration; `tried`: how many networks it predicted.
  std::vector<std::vector<ParetoPoint>> search(const SearchConfig& config, std::uint64_t* tried) {
    SearchRun run;
    run.directory = folder_ / ("seed" + std::to_string(config.options.seed));
    run.on_iteration = [&](const IterationReport& report) { *tried += report.in_window; };
    run_search(config, run, input_, database_, *predictor_);
    std::vector<std::vector<ParetoPoint>> points(1);
    JournalReader journal(run.directory + "/journal.jsonl");
    while (const auto event = journal.next()) {
      if (event->at("event") == "child") {
        points.back().push_back({event->at("gain"), {event->at("costs").at(0)}, 0});  // macs
      } else if (event->at("event") == "iteration") {
        points.push_back(points.back());
      }
    }
    points.pop_back();
    return points;
  }

  TemporaryFolder folder_;
  Graph input_ = testing::residual_network();
  Graph best_ = with_tanh(input_);
  SegmentDatabase database_ = testing::small_database();
  std::unique_ptr<PlantedPredictor> predictor_;
  double planted_gain_ = 0;
};

TEST_F(Guided, FindsThePlantedNetwork) {
  ASSERT_EQ(planted_gain_, 18);  // nine ReLU too many, nine Tanh too few
  const SearchResult result = run_search(config(1, 30), {}, input_, database_, *predictor_);
  const auto best = std::ranges::max_element(result.front, {}, &FrontMember::predicted_gain);
  ASSERT_NE(best, result.front.end());
  EXPECT_EQ(best->predicted_gain, planted_gain_);
  EXPECT_EQ(predictor_->worth(best->graph), 0);
  const Histogram found = histogram(best->graph);
  EXPECT_EQ(found.at(OpKind::kTanh), 9);
  EXPECT_FALSE(found.contains(OpKind::kRelu));
}

TEST_F(Guided, EveryGainIsTheDifferenceOfTwoWorths) {
  const SearchResult result = run_search(config(2, 4), {}, input_, database_, *predictor_);
  for (const FrontMember& m : result.front) {
    EXPECT_EQ(m.predicted_gain, predictor_->worth(m.graph) - predictor_->worth(input_));
  }
}

TEST_F(Guided, TheHypervolumeGrows) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    std::uint64_t tried = 0;
    const auto points = search(config(seed, 6), &tried);
    ASSERT_EQ(points.size(), 6U);
    std::vector<double> volumes;
    for (const auto& p : points) volumes.push_back(hypervolume(p, graph_macs(input_)));
    EXPECT_TRUE(std::ranges::is_sorted(volumes));
    EXPECT_GT(volumes[2], volumes[0]);
    EXPECT_GT(volumes[5], volumes[2]);
    EXPECT_GT(volumes[5], 2 * volumes[0]);
  }
}

TEST_F(Guided, AsManyRandomNetworksDoNotComeAsFar) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    std::uint64_t tried = 0;
    const auto points = search(config(seed, 4), &tried);
    MutantOptions random;
    random.search = config(seed, 4).options;
    random.count = tried;
    random.max_mutations = 4;
    std::vector<ParetoPoint> chance;
    for (const Mutant& m : random_mutants(input_, database_, *predictor_, random)) {
      chance.push_back({m.predicted_gain, {static_cast<double>(m.macs)}, 0});
    }
    EXPECT_GT(hypervolume(points.back(), graph_macs(input_)),
              1.5 * hypervolume(chance, graph_macs(input_)))
        << "seed " << seed << ", " << tried << " networks";
  }
}

}  // namespace
}  // namespace autogo
