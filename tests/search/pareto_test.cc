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

TEST(Pareto, FillsUpWithTheFrontsOfTheRest) {
  const std::vector<ParetoPoint> points = {{0.0, 10, 0}, {0.9, 90, 1}, {0.5, 50, 2}, {0.5, 60, 3},
                                           {0.8, 95, 4}, {0.6, 70, 5}, {0.4, 60, 6}};
  const auto ids = [&](std::size_t at_least) {
    std::string text;
    for (const RankedPoint& p : leading_fronts(points, at_least)) {
      text += std::to_string(p.rank) + ":" + std::to_string(p.point.individual) + " ";
    }
    return text;
  };
  // 0, 2, 5 and 1 are the front, 3 and 4 that of the rest, 6 the third.
  EXPECT_EQ(ids(1), "1:0 1:2 1:5 1:1 ");
  EXPECT_EQ(ids(5), "1:0 1:2 1:5 1:1 2:4 ");
  EXPECT_EQ(ids(6), "1:0 1:2 1:5 1:1 2:3 2:4 ");
  EXPECT_EQ(ids(100), "1:0 1:2 1:5 1:1 2:3 2:4 3:6 ");
  EXPECT_TRUE(leading_fronts({}, 5).empty());
}

}  // namespace
}  // namespace autogo
