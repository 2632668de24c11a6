#include "predict/training/trainer.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "plain_forward.h"
#include "predict/training/evaluate.h"
#include "predict/training/metrics.h"

namespace autogo {
namespace {

/// Random graphs whose label is their share of kind-0 nodes, known to every node.
struct Toy {
  FeatureTable table;
  std::vector<LabelledGraph> graphs;
  TrainingFamily family;

  explicit Toy(std::size_t count) {
    Rng rng(21);
    for (std::size_t i = 0; i < count; ++i) {
      LabelledGraph graph;
      graph.id = "toy:" + std::to_string(i);
      graph.graph = random_graph(table, 20 + rng.below(20), 2, rng);
      double zeros = 0;
      for (const std::uint32_t row : graph.graph.rows) zeros += table.rows()[row].weighted ? 1 : 0;
      graph.label = zeros / static_cast<double>(graph.graph.num_nodes());
      graphs.push_back(std::move(graph));
    }
    for (const LabelledGraph& graph : graphs) {
      family.graphs.push_back(&graph);
      family.targets.push_back(graph.label);
    }
    family.targets = normal_scores(family.targets);
  }
};

Recipe toy_recipe(PredictorKind kind) {
  Recipe recipe = default_recipe(kind);
  recipe.shape.width = 32;
  recipe.shape.head = 32;
  recipe.batch_graphs = 8;
  recipe.epochs = 40;
  return recipe;
}

torch::Tensor train(const Toy& toy, const Recipe& recipe, int threads) {
  Trainer trainer(recipe, toy.table, {toy.family}, threads);
  while (trainer.step() < trainer.total_steps()) trainer.advance();
  return trainer.weights();
}

TEST(Trainer, LearnsATinyProblem) {
  const Toy toy(60);
  for (const PredictorKind kind : {PredictorKind::kPsc, PredictorKind::kGnn}) {
    const Recipe recipe = toy_recipe(kind);
    const torch::Tensor weights = train(toy, recipe, 2);
    const NetWeights net(recipe.shape);
    LabelledCorpus corpus;
    Judgement judgement;  // the net decides
    judgement.familiarity.ranges.emplace_back().fill({-100, 100});
    for (const LabelledGraph* graph : toy.family.graphs) {
      learn_rows(judgement.familiarity, graph->graph, toy.table);
    }
    const CorpusMetrics metrics = measure(NetView(recipe.shape, net.views(weights)), judgement,
                                          toy.table, corpus, toy.family.graphs, 1, 1);
    EXPECT_GT(metrics.spearman, 0.9);
    EXPECT_EQ(metrics.folds, kind == PredictorKind::kPsc ? 10U : 1U);
  }
}

TEST(Trainer, ThreadsDoNotChangeTheWeights) {
  const Toy toy(20);
  Recipe recipe = toy_recipe(PredictorKind::kPsc);
  recipe.epochs = 4;
  const torch::Tensor one = train(toy, recipe, 1), two = train(toy, recipe, 2);
  EXPECT_TRUE(one.equal(two));
  recipe.seed = 2;
  EXPECT_FALSE(one.equal(train(toy, recipe, 1)));
}

TEST(Trainer, RestoredTrainingEndsWhereAnUninterruptedOneDoes) {
  const Toy toy(20);
  Recipe recipe = toy_recipe(PredictorKind::kPsc);
  recipe.epochs = 4;
  const torch::Tensor whole = train(toy, recipe, 1);
  Trainer first(recipe, toy.table, {toy.family}, 1);
  while (first.step() < first.total_steps() / 2) first.advance();
  Trainer second(recipe, toy.table, {toy.family}, 2);
  second.restore(first.state(), "x.checkpoint");
  EXPECT_EQ(second.step(), first.step());
  while (second.step() < second.total_steps()) second.advance();
  EXPECT_TRUE(second.weights().equal(whole));
}

TEST(Trainer, RefusesAnotherTrainingsState) {
  const Toy toy(20);
  Recipe recipe = toy_recipe(PredictorKind::kPsc);
  Trainer psc(recipe, toy.table, {toy.family}, 1);
  psc.advance();
  Trainer gnn(toy_recipe(PredictorKind::kGnn), toy.table, {toy.family}, 1);
  try {
    gnn.restore(psc.state(), "x.checkpoint");
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "x.checkpoint: is a checkpoint of another training");
  }
}

TEST(LabelledData, DrawsEveryBorderAndEveryNode) {
  LabelledGraph graph;
  FeatureTable table;
  Rng rng(3);
  graph.graph = random_graph(table, 40, 2, rng);
  graph.segmentations = {{10, 20, 40}};
  std::vector<int> begins(40), inside(40);
  bool segment_cut = false;
  for (const CutRange& cut : draw_cuts(graph, 4000, rng)) {
    ASSERT_LT(cut.begin, cut.end);
    ASSERT_LE(cut.end, 40U);
    ++begins[cut.begin];
    for (std::uint32_t i = cut.begin; i < cut.end; ++i) ++inside[i];
    segment_cut |= cut == CutRange{10, 40};  // two segments; no run is that long
  }
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_GT(begins[i], 0) << i;
    EXPECT_GT(inside[i], 0) << i;
  }
  EXPECT_TRUE(segment_cut);
}

TEST(LabelledData, FoldsHaveDistinctBeginnings) {
  LabelledGraph graph;
  FeatureTable table;
  Rng rng(3);
  graph.id = "toy:1";
  graph.graph = random_graph(table, 10, 2, rng);
  const std::vector<CutRange> cuts = fold_cuts(graph, 10, 1);
  std::vector<bool> seen(10);
  for (const CutRange& cut : cuts) seen[cut.begin] = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 10);
  EXPECT_EQ(cuts, fold_cuts(graph, 10, 1));
}

TEST(LabelledData, HoldsOutTheShare) {
  int count = 0;
  for (int i = 0; i < 10000; ++i) count += held_out("nb201:" + std::to_string(i), 1, 0.1);
  EXPECT_NEAR(count, 1000, 100);
  EXPECT_FALSE(held_out("nb201:1", 1, 0));
}

}  // namespace
}  // namespace autogo
