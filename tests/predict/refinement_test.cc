#include "refinement.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autogo/base/rng.h"
#include "predict/training/metrics.h"

namespace autogo {
namespace {

/// Networks with random traits and scores; the metric is made by `truth`.
template <typename Truth>
TrainedRun make_run(std::size_t networks, std::uint64_t seed, const Truth& truth) {
  Rng rng(seed);
  TrainedRun run;
  for (std::size_t i = 0; i < networks; ++i) {
    RefinedTraits traits{};
    for (double& t : traits) t = 5 + 0.1 * rng.normal();
    const double score = 0.2 * rng.normal();
    run.traits.push_back(traits);
    run.scores.push_back(score);
    run.metrics.push_back(truth(score, traits, rng.normal()));
  }
  return run;
}

std::vector<double> refined(const FittedRefinement& fitted, const TrainedRun& run) {
  std::vector<double> scores;
  for (std::size_t i = 0; i < run.scores.size(); ++i) {
    scores.push_back(fitted.refinement(run.scores[i], run.traits[i]));
  }
  return scores;
}

TEST(Refinement, LearnsThatASizeHurtsAndGeneralises) {
  const auto truth = [](double score, const RefinedTraits& t, double noise) {
    return 0.7 + 0.01 * score - 0.2 * t[3] + 0.002 * noise;
  };
  const std::vector<TrainedRun> runs{make_run(20, 1, truth), make_run(12, 2, truth)};
  const FittedRefinement fitted = fit_refinement(runs);
  EXPECT_LT(fitted.spearman_before, 0.5);
  EXPECT_GT(fitted.spearman_after, 0.9);
  EXPECT_LT(fitted.refinement.slopes[3], 0);
  const TrainedRun fresh = make_run(50, 3, truth);
  EXPECT_GT(spearman(refined(fitted, fresh), fresh.metrics), 0.9);
}

TEST(Refinement, LeavesAGoodPredictorAlone) {
  const auto truth = [](double score, const RefinedTraits&, double noise) {
    return 70 + 10 * score + 0.2 * noise;
  };
  const std::vector<TrainedRun> runs{make_run(20, 4, truth)};
  const FittedRefinement fitted = fit_refinement(runs);
  const TrainedRun fresh = make_run(50, 5, truth);
  EXPECT_GT(spearman(refined(fitted, fresh), fresh.metrics), 0.95);
  EXPECT_NEAR(fitted.refinement.trust, 1, 0.1);
}

TEST(Refinement, NoiseTeachesLittle) {
  const auto truth = [](double, const RefinedTraits&, double noise) { return noise; };
  for (const std::uint64_t seed : {6, 7, 8, 9}) {
    const std::vector<TrainedRun> runs{make_run(20, seed, truth)};
    const FittedRefinement fitted = fit_refinement(runs);
    double correction = 0;
    for (std::size_t k = 0; k < kRefinedTraits; ++k) {
      correction += std::pow(0.1 * fitted.refinement.slopes[k], 2);
    }
    EXPECT_LT(std::sqrt(correction), 0.2) << "seed " << seed;  // of scores that deviate by 0.2
  }
}

TEST(Refinement, OnlyDifferencesWithinARunCount) {
  const auto truth = [](double score, const RefinedTraits& t, double noise) {
    return score - t[1] + 0.01 * noise;
  };
  std::vector<TrainedRun> runs{make_run(10, 10, truth), make_run(10, 11, truth)};
  const FittedRefinement one = fit_refinement(runs);
  for (double& metric : runs[1].metrics) metric = 40 + 100 * metric;  // another metric
  for (double& score : runs[1].scores) score += 3;
  for (RefinedTraits& traits : runs[1].traits) traits[1] += 2;
  const FittedRefinement other = fit_refinement(runs);
  EXPECT_NEAR(one.refinement.trust, other.refinement.trust, 1e-9);
  for (std::size_t k = 0; k < kRefinedTraits; ++k) {
    EXPECT_NEAR(one.refinement.slopes[k], other.refinement.slopes[k], 1e-9);
  }
  EXPECT_EQ(one.spearman_after, other.spearman_after);
}

TEST(Refinement, ConstantScoresAndTraitsAreNoTrouble) {
  TrainedRun run;
  for (int i = 0; i < 6; ++i) {
    run.metrics.push_back(i % 4);
    run.scores.push_back(1);
    RefinedTraits traits{};
    traits.fill(2);
    run.traits.push_back(traits);
  }
  const FittedRefinement fitted = fit_refinement({&run, 1});
  EXPECT_EQ(fitted.refinement.trust, 1);
  for (const double slope : fitted.refinement.slopes) EXPECT_EQ(slope, 0);
  EXPECT_TRUE(std::isnan(fitted.spearman_before));
}

}  // namespace
}  // namespace autogo
