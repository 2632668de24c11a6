#include "pareto.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "autogo/base/rng.h"

namespace autogo {
namespace {

std::vector<std::uint32_t> ids(const ParetoFront& front) {
  std::vector<std::uint32_t> result;
  for (const ParetoPoint& p : front.points()) result.push_back(p.individual);
  return result;
}

TEST(Pareto, KeepsTheStaircase) {
  ParetoFront front;
  EXPECT_TRUE(front.add({0.0, 100, 0}));
  EXPECT_TRUE(front.add({0.5, 120, 1}));
  EXPECT_FALSE(front.add({0.4, 130, 2}));  // dominated by 1
  EXPECT_TRUE(front.add({0.2, 90, 3}));    // dominates 0
  EXPECT_EQ(ids(front), (std::vector<std::uint32_t>{3, 1}));
}

TEST(Pareto, OfEqualPointsKeepsTheFirst) {
  ParetoFront front;
  EXPECT_TRUE(front.add({0.5, 100, 0}));
  EXPECT_FALSE(front.add({0.5, 100, 1}));
  EXPECT_TRUE(front.add({0.6, 100, 2}));  // same cost, more gain
  EXPECT_TRUE(front.add({0.6, 99, 3}));   // same gain, less cost
  EXPECT_EQ(ids(front), (std::vector<std::uint32_t>{3}));
}

TEST(Pareto, AgreesWithAllPairs) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const auto range = 2 + rng.below(40);  // small: many ties
    std::vector<ParetoPoint> points;
    ParetoFront front;
    for (std::uint32_t i = 0; i < 150; ++i) {
      points.push_back({static_cast<double>(rng.below(range)) / 8,
                        static_cast<std::int64_t>(rng.below(range)), i});
      front.add(points.back());
    }
    std::vector<ParetoPoint> expected;
    for (const ParetoPoint& p : points) {
      const bool beaten = std::ranges::any_of(points, [&](const ParetoPoint& q) {
        const bool same = q.gain == p.gain && q.cost == p.cost;
        return dominates(q, p) || (same && q.individual < p.individual);
      });
      if (!beaten) expected.push_back(p);
    }
    std::ranges::sort(expected, {}, &ParetoPoint::cost);
    ASSERT_EQ(front.points().size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(front.points()[i].individual, expected[i].individual);
    }
  }
}

}  // namespace
}  // namespace autogo
