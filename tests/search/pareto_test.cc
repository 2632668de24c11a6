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
  EXPECT_TRUE(front.add({0.0, {100}, 0}));
  EXPECT_TRUE(front.add({0.5, {120}, 1}));
  EXPECT_FALSE(front.add({0.4, {130}, 2}));  // dominated by 1
  EXPECT_TRUE(front.add({0.2, {90}, 3}));    // dominates 0
  EXPECT_EQ(ids(front), (std::vector<std::uint32_t>{3, 1}));
}

TEST(Pareto, OfEqualPointsKeepsTheFirst) {
  ParetoFront front;
  EXPECT_TRUE(front.add({0.5, {100}, 0}));
  EXPECT_FALSE(front.add({0.5, {100}, 1}));
  EXPECT_TRUE(front.add({0.6, {100}, 2}));  // same cost, more gain
  EXPECT_TRUE(front.add({0.6, {99}, 3}));   // same gain, less cost
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
      points.push_back(
          {static_cast<double>(rng.below(range)) / 8, {static_cast<double>(rng.below(range))}, i});
      front.add(points.back());
    }
    std::vector<ParetoPoint> expected;
    for (const ParetoPoint& p : points) {
      const bool beaten = std::ranges::any_of(points, [&](const ParetoPoint& q) {
        const bool same = q.gain == p.gain && q.costs == p.costs;
        return dominates(q, p) || (same && q.individual < p.individual);
      });
      if (!beaten) expected.push_back(p);
    }
    std::ranges::sort(expected, {}, &ParetoPoint::costs);
    ASSERT_EQ(front.points().size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(front.points()[i].individual, expected[i].individual);
    }
  }
}

/// The front by comparing all pairs: of equal points the first, by costs.
std::vector<ParetoPoint> brute_force(const std::vector<ParetoPoint>& points) {
  std::vector<ParetoPoint> front;
  for (const ParetoPoint& p : points) {
    const bool beaten = std::ranges::any_of(points, [&](const ParetoPoint& q) {
      bool no_worse = q.gain >= p.gain, same = q.gain == p.gain;
      for (std::size_t c = 0; c < p.costs.size(); ++c) {
        no_worse = no_worse && q.costs[c] <= p.costs[c];
        same = same && q.costs[c] == p.costs[c];
      }
      return no_worse && (!same || q.individual < p.individual);
    });
    if (!beaten) front.push_back(p);
  }
  return front;
}

TEST(Pareto, FrontsOfAnyDimensionAreExact) {
  for (const std::size_t costs : {1, 2, 3, 4}) {
    std::size_t largest = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      SCOPED_TRACE(std::to_string(costs) + " costs, seed " + std::to_string(seed));
      Rng rng(seed);
      const auto range = 2 + rng.below(12);  // small: many ties
      std::vector<ParetoPoint> points;
      ParetoFront front;
      for (std::uint32_t i = 0; i < 200; ++i) {
        points.push_back({static_cast<double>(rng.below(range)) / 8, {}, i});
        for (std::size_t c = 0; c < costs; ++c) {
          points.back().costs.push_back(static_cast<double>(rng.below(range)));
        }
        const bool entered = front.add(points.back());
        const auto now = front.points();
        EXPECT_EQ(entered, std::ranges::find(now, i, &ParetoPoint::individual) != now.end());
      }
      const auto less = [](const ParetoPoint& a, const ParetoPoint& b) {
        return a.individual < b.individual;
      };
      std::vector<ParetoPoint> found(front.points().begin(), front.points().end());
      EXPECT_TRUE(std::ranges::is_sorted(found, {}, &ParetoPoint::costs));
      std::ranges::sort(found, less);
      const std::vector<ParetoPoint> expected = brute_force(points);
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].individual, expected[i].individual);
      }
      largest = std::max(largest, found.size());

      // Ranks: what the first fronts leave has the next one.
      std::vector<ParetoPoint> rest = points;
      std::vector<RankedPoint> ranked = leading_fronts(points, points.size());
      ASSERT_EQ(ranked.size(), points.size());
      for (std::uint32_t rank = 1; !rest.empty(); ++rank) {
        for (const ParetoPoint& p : brute_force(rest)) {
          EXPECT_EQ(std::ranges::count_if(ranked,
                                          [&](const RankedPoint& r) {
                                            return r.rank == rank &&
                                                   r.point.individual == p.individual;
                                          }),
                    1);
          std::erase_if(rest, [&](const ParetoPoint& q) { return q.individual == p.individual; });
        }
      }
    }
    EXPECT_GT(largest, costs == 1 ? 2U : 6U);
  }
}

TEST(Pareto, FillsUpWithTheFrontsOfTheRest) {
  const std::vector<ParetoPoint> points = {{0.0, {10}, 0}, {0.9, {90}, 1}, {0.5, {50}, 2},
                                           {0.5, {60}, 3}, {0.8, {95}, 4}, {0.6, {70}, 5},
                                           {0.4, {60}, 6}};
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
