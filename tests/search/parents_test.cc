#include "parents.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace autogo {
namespace {

using Ids = std::vector<std::uint32_t>;

TEST(Parents, TableEightOfThePaper) {
  // Accuracy, FLOPs; rank sums 5, 3, 2, 4, 7, 9.
  const std::vector<ParetoPoint> points = {{91.21, {260}, 0}, {91.10, {215}, 1}, {91.02, {200}, 2},
                                           {90.75, {210}, 3}, {90.35, {220}, 4}, {89.05, {250}, 5}};
  EXPECT_EQ(least_rank_sum(points, 3), (Ids{2, {1}, 3}));
  EXPECT_EQ(least_rank_sum(points, 6), (Ids{2, 1, 3, 0, 4, 5}));
}

TEST(Parents, EqualValuesShareARankAndTiesGoToTheHigherGain) {
  // Gain ranks 0 0 2 3, cost ranks 2 3 0 0: sums 2 3 2 3.
  const std::vector<ParetoPoint> points = {{5, {30}, 0}, {5, {40}, 1}, {4, {10}, 2}, {3, {10}, 3}};
  EXPECT_EQ(least_rank_sum(points, 4), (Ids{0, 2, 1, 3}));
}

TEST(Parents, TakesTheWholeFrontAndFillsUpByRankSum) {
  ParetoFront front;
  std::vector<ParetoPoint> history = {{0, {100}, 0}, {1, {90}, 1},    {0.9, {95}, 2},
                                      {2, {110}, 3}, {0.5, {200}, 4}, {0.8, {91}, 5}};
  for (const ParetoPoint& p : history) front.add(p);
  // On the front: 1 and 3. Off it, gain ranks 3 0 2 1 and cost ranks 2 1 3 0 of 0, 2, 4, 5.
  EXPECT_EQ(select_parents(front, history, {}, 4, Rng(1)), (Ids{1, 2, 3, 5}));
  EXPECT_EQ(select_parents(front, history, {}, 10, Rng(1)), (Ids{0, 1, 2, 3, 4, 5}));
}

TEST(Parents, SamplesALargeFrontAndKeepsItsExtremes) {
  ParetoFront front;
  std::vector<ParetoPoint> history;
  for (std::uint32_t i = 0; i < 30; ++i) {
    history.push_back({static_cast<double>(i), {100.0 + i}, i});
    front.add(history.back());
  }
  std::set<std::uint32_t> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Ids chosen = select_parents(front, history, {}, 10, Rng(seed));
    EXPECT_EQ(chosen.size(), 10U);
    EXPECT_EQ(chosen.front(), 0U);
    EXPECT_EQ(chosen.back(), 29U);
    EXPECT_EQ(std::set(chosen.begin(), chosen.end()).size(), 10U);
    seen.insert(chosen.begin(), chosen.end());
    EXPECT_EQ(chosen, select_parents(front, history, {}, 10, Rng(seed)));
  }
  EXPECT_EQ(seen.size(), 30U);
  EXPECT_EQ(select_parents(front, history, {}, 1, Rng(3)), (Ids{0}));
}

TEST(Parents, RankSumsRunOverAllObjectives) {
  // Gain ranks 0 1 2 3; first costs 3 2 1 0; second costs 0 1 3 2: sums 3 4 6 5.
  const std::vector<ParetoPoint> points = {
      {4, {40, 1}, 0}, {3, {30, 2}, 1}, {2, {20, 9}, 2}, {1, {10, 8}, 3}};
  EXPECT_EQ(least_rank_sum(points, 4), (Ids{0, 1, 3, 2}));
}

TEST(Parents, WhoeverIsBestInAnObjectiveStays) {
  ParetoFront front;
  std::vector<ParetoPoint> history;
  for (std::uint32_t i = 0; i < 30; ++i) {  // the least of the second cost lies inside
    const double x = i;
    history.push_back({x, {100 + x, (x - 11) * (x - 11)}, i});
    front.add(history.back());
  }
  ASSERT_EQ(front.points().size(), 30U);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Ids chosen = select_parents(front, history, {}, 5, Rng(seed));
    EXPECT_EQ(chosen.size(), 5U);
    for (const std::uint32_t best : {0U, 11U, 29U}) {
      EXPECT_NE(std::ranges::find(chosen, best), chosen.end()) << best;
    }
  }
}

TEST(Parents, WhatBreaksConstraintsComesLastAndByHowMuch) {
  ParetoFront front;
  const std::vector<ParetoPoint> history = {
      {0, {100}, 0}, {1, {90}, 1}, {0.5, {95}, 2}, {3, {200}, 3}, {2, {80}, 4}};
  const std::vector<double> breaches = {0.5, 0, 0, 0.1, 0.3};
  front.add(history[1]);
  EXPECT_EQ(select_parents(front, history, breaches, 2, Rng(1)), (Ids{1, 2}));
  EXPECT_EQ(select_parents(front, history, breaches, 3, Rng(1)), (Ids{1, 2, 3}));
  EXPECT_EQ(select_parents(front, history, breaches, 4, Rng(1)), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(select_parents({}, history, std::vector<double>(5, 0.5), 1, Rng(1)), (Ids{3}));
}

}  // namespace
}  // namespace autogo
