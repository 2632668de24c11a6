#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace autogo {

inline constexpr double kUnbounded = std::numeric_limits<double>::infinity();

/// A linear model with integers: minimise the sum of cost x over its columns, with every column and
/// every row (a sum of coefficient x column) within its bounds. Bounds may be -kUnbounded and
/// kUnbounded.
class LinearModel {
 public:
  /// @return the column's index, from 0
  int add_column(double lo, double hi, double cost, bool integer);
  /// @return the row's index, from 0
  int add_row(double lo, double hi);
  /// At most once for a row and a column.
  void set_coefficient(int row, int column, double value);

  struct Bounds {
    double lo = 0, hi = 0;
  };
  struct Entry {
    int row = 0, column = 0;
    double value = 0;
  };
  const std::vector<Bounds>& columns() const { return columns_; }
  const std::vector<double>& costs() const { return costs_; }
  const std::vector<int>& integers() const { return integers_; }  ///< columns, ascending
  const std::vector<Bounds>& rows() const { return rows_; }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Bounds> columns_, rows_;
  std::vector<double> costs_;
  std::vector<int> integers_;
  std::vector<Entry> entries_;
};

/// Counts what the solver had to do.
struct MilpTrace {
  std::uint64_t solves = 0;    ///< LP relaxations solved
  std::uint64_t branched = 0;  ///< of these, fractional: handed to branch and bound
};

/// The columns of an optimal solution, integers within 1e-6 of a whole number; nothing when no
/// choice keeps all bounds. Exact: no gap is allowed. Silent; thread-safe; deterministic.
/// @throws Error kInternal: the cost has no lower bound
std::optional<std::vector<double>> solve(const LinearModel& model, MilpTrace* trace = nullptr);

}  // namespace autogo
