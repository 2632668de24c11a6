#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace autogo {

/// A point of the search: the predicted gain is to be high, each cost low.
struct ParetoPoint {
  double gain = 0;
  std::vector<double> costs;     ///< one an objective, the same number for all points of a run
  std::uint32_t individual = 0;  ///< index into the history
};

/// `a` is at least as good in all and better in one.
bool dominates(const ParetoPoint& a, const ParetoPoint& b);

/// The points that no other dominates, kept while points arrive. Of equal points the first stays,
/// so the front depends on the order of arrival only through those.
class ParetoFront {
 public:
  /// @return whether the point is on the front now. Cost O(log n + removed + shifted) with one
  /// cost, O(n) comparisons with more.
  bool add(const ParetoPoint& point);
  /// By costs, ascending, the first objective first. With one cost, gains ascend with it.
  std::span<const ParetoPoint> points() const { return points_; }

 private:
  std::vector<ParetoPoint> points_;
};

struct RankedPoint {
  ParetoPoint point;
  std::uint32_t rank = 1;  ///< 1: the front; 2: the front of the rest; ...
};

/// Non-dominated sorting (Deb et al., NSGA-II, 2002), as far as needed: the whole front of
/// `points`, and while that makes fewer than `at_least`, points of the front of what is left,
/// spread evenly over it. By rank, then by costs. Cost of a front: n times that of add().
std::vector<RankedPoint> leading_fronts(std::vector<ParetoPoint> points, std::size_t at_least);

}  // namespace autogo
