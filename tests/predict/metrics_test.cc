#include "predict/training/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autogo/base/rng.h"

namespace autogo {
namespace {

/// Spearman by the definition: a value's rank is 1 + those below + half of the others equal.
double plain_spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const auto rank = [](const std::vector<double>& v, std::size_t i) {
    double r = 1;
    for (std::size_t j = 0; j < v.size(); ++j) {
      if (v[j] < v[i]) r += 1;
      if (j != i && v[j] == v[i]) r += 0.5;
    }
    return r;
  };
  const auto n = static_cast<double>(a.size());
  double sx = 0, sy = 0, sxy = 0, sxx = 0, syy = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = rank(a, i), y = rank(b, i);
    sx += x, sy += y, sxy += x * y, sxx += x * x, syy += y * y;
  }
  return (n * sxy - sx * sy) / std::sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
}

double plain_kendall(const std::vector<double>& a, const std::vector<double>& b) {
  double same = 0, opposite = 0, untied_a = 0, untied_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double product = (a[i] - a[j]) * (b[i] - b[j]);
      same += product > 0;
      opposite += product < 0;
      untied_a += a[i] != a[j];
      untied_b += b[i] != b[j];
    }
  }
  return (same - opposite) / std::sqrt(untied_a * untied_b);
}

TEST(Metrics, CorrelationsWithTiesMatchTheDefinitions) {
  const std::uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 300; ++round) {
    const std::size_t n = 2 + rng.below(40);
    const std::uint64_t levels = 2 + rng.below(30);  // few levels: many ties
    std::vector<double> a, b;
    for (std::size_t i = 0; i < n; ++i) {
      a.push_back(static_cast<double>(rng.below(levels)));
      b.push_back(static_cast<double>(rng.below(levels)) + 0.5 * a.back());
    }
    a[0] = -1;  // neither side is constant
    b[0] = -1;
    EXPECT_NEAR(spearman(a, b), plain_spearman(a, b), 1e-12);
    EXPECT_NEAR(kendall_tau_b(a, b), plain_kendall(a, b), 1e-12);
  }
}

TEST(Metrics, ToyCorrelations) {
  const std::vector<double> a = {1, 2, 3, 4}, b = {10, 20, 40, 30};
  EXPECT_NEAR(spearman(a, b), 0.8, 1e-12);
  EXPECT_NEAR(kendall_tau_b(a, b), 4.0 / 6, 1e-12);
}

TEST(Metrics, ConstantSideHasNoCorrelation) {
  const std::vector<double> a = {1, 1, 1}, b = {1, 2, 3};
  EXPECT_TRUE(std::isnan(spearman(a, b)));
  EXPECT_TRUE(std::isnan(kendall_tau_b(a, b)));
}

TEST(Metrics, TiesShareTheirMeanRank) {
  const std::vector<double> values = {5, 1, 5, 2};
  EXPECT_EQ(mean_ranks(values), (std::vector<double>{3.5, 1, 3.5, 2}));
}

TEST(Metrics, NormalQuantileInvertsTheDistribution) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-12);
  for (const double p : {1e-6, 0.001, 0.02, 0.3, 0.8, 0.999999}) {
    EXPECT_NEAR(0.5 * std::erfc(-normal_quantile(p) / std::sqrt(2.0)), p, 1e-13) << p;
  }
}

TEST(Metrics, NormalScoresKeepOrderAndTies) {
  const std::vector<double> scores = normal_scores(std::vector<double>{93, 10, 94, 93});
  EXPECT_NEAR(scores[1], normal_quantile(0.125), 1e-12);
  EXPECT_NEAR(scores[0], normal_quantile(0.5), 1e-12);
  EXPECT_EQ(scores[0], scores[3]);
  EXPECT_NEAR(scores[2], normal_quantile(0.875), 1e-12);
}

}  // namespace
}  // namespace autogo
