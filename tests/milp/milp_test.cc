#include "autogo/milp/milp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"

namespace autogo {
namespace {

/// Small whole numbers: what brute force can enumerate without rounding.
LinearModel random_model(Rng& rng) {
  LinearModel model;
  const int columns = static_cast<int>(1 + rng.below(4)), rows = static_cast<int>(rng.below(4));
  auto number = [&](int from, int to) {
    return static_cast<double>(from) +
           static_cast<double>(rng.below(static_cast<std::uint64_t>(to - from + 1)));
  };
  for (int c = 0; c < columns; ++c) {
    const double lo = number(-3, 2);
    model.add_column(lo, lo + number(0, 5), number(-4, 4), true);
  }
  for (int r = 0; r < rows; ++r) {
    const double lo = number(-8, 8);
    const auto kind = rng.below(3);
    model.add_row(kind == 0 ? -kUnbounded : lo, kind == 1 ? kUnbounded : lo + number(0, 3));
    for (int c = 0; c < columns; ++c) {
      if (rng.below(4) != 0) model.set_coefficient(r, c, number(-5, 5));
    }
  }
  return model;
}

double cost_of(const LinearModel& model, const std::vector<double>& x) {
  double cost = 0;
  for (std::size_t c = 0; c < x.size(); ++c) cost += model.costs()[c] * x[c];
  return cost;
}

bool keeps(const LinearModel& model, const std::vector<double>& x) {
  std::vector<double> sums(model.rows().size(), 0);
  for (const LinearModel::Entry& e : model.entries()) {
    sums[static_cast<std::size_t>(e.row)] += e.value * x[static_cast<std::size_t>(e.column)];
  }
  for (std::size_t r = 0; r < sums.size(); ++r) {
    const LinearModel::Bounds& b = model.rows()[r];
    if (sums[r] < b.lo - 1e-6 || sums[r] > b.hi + 1e-6) return false;
  }
  return true;
}

std::optional<double> cheapest(const LinearModel& model) {
  std::optional<double> best;
  std::vector<double> x;
  const std::function<void()> extend = [&] {
    if (x.size() == model.columns().size()) {
      if (keeps(model, x) && (!best || cost_of(model, x) < *best)) best = cost_of(model, x);
      return;
    }
    const LinearModel::Bounds b = model.columns()[x.size()];
    for (double value = b.lo; value <= b.hi; ++value) {
      x.push_back(value);
      extend();
      x.pop_back();
    }
  };
  extend();
  return best;
}

TEST(Milp, AgreesWithBruteForce) {
  int feasible = 0, infeasible = 0;
  MilpTrace trace;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Rng rng(i);
    const LinearModel model = random_model(rng);
    const std::optional<double> expected = cheapest(model);
    const auto found = solve(model, &trace);
    ASSERT_EQ(found.has_value(), expected.has_value()) << "model " << i;
    if (!found) {
      ++infeasible;
      continue;
    }
    ++feasible;
    std::vector<double> whole;
    for (std::size_t c = 0; c < found->size(); ++c) {
      const double value = (*found)[c];
      EXPECT_NEAR(value, std::round(value), 1e-6);
      EXPECT_GE(std::round(value), model.columns()[c].lo);
      EXPECT_LE(std::round(value), model.columns()[c].hi);
      whole.push_back(std::round(value));
    }
    EXPECT_TRUE(keeps(model, whole)) << "model " << i;
    EXPECT_EQ(cost_of(model, whole), *expected) << "model " << i;
  }
  EXPECT_GT(feasible, 500);
  EXPECT_GT(infeasible, 300);
  EXPECT_EQ(trace.solves, 2000);
  EXPECT_GT(trace.branched, 50);  // the relaxation alone would have been wrong
}

TEST(Milp, ColumnsNeedNotBeWhole) {  // maximise x + y, x + 2 y <= 3, y whole
  LinearModel model;
  model.add_column(0, 1.5, -1, false);
  model.add_column(0, kUnbounded, -1, true);
  const int row = model.add_row(-kUnbounded, 3);
  model.set_coefficient(row, 0, 1);
  model.set_coefficient(row, 1, 2);
  const auto found = solve(model);
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(cost_of(model, *found), -2, 1e-9);  // 1 and 1; with y = 0 it is 1.5
  EXPECT_NEAR((*found)[1], 1, 1e-6);
}

TEST(Milp, ACostWithoutBoundIsAnError) {
  LinearModel model;
  model.add_column(0, kUnbounded, -1, true);
  EXPECT_THROW(solve(model), Error);
}

TEST(Milp, AModelWithoutRowsOrColumns) {
  LinearModel model;
  EXPECT_EQ(solve(model), std::vector<double>());
  model.add_column(2, 5, 1, true);
  EXPECT_EQ(solve(model), std::vector<double>{2});
  model.add_row(1, kUnbounded);  // 0 >= 1
  EXPECT_EQ(solve(model), std::nullopt);
}

TEST(Milp, SolvesOnSeveralThreads) {
  std::vector<std::optional<std::vector<double>>> alone;
  auto model_of = [](std::uint64_t i) {
    Rng rng(i);
    return random_model(rng);
  };
  constexpr std::uint64_t kModels = 200;
  for (std::uint64_t i = 0; i < kModels; ++i) alone.push_back(solve(model_of(i)));
  std::vector<std::vector<std::optional<std::vector<double>>>> together(4);
  {
    std::vector<std::jthread> threads;
    for (auto& results : together) {
      threads.emplace_back([&results, &model_of] {
        for (std::uint64_t i = 0; i < kModels; ++i) results.push_back(solve(model_of(i)));
      });
    }
  }
  for (const auto& results : together) EXPECT_EQ(results, alone);
}

}  // namespace
}  // namespace autogo
