// The Pareto front of two objectives is a staircase: sorted by cost, gains strictly ascend. A new
// point is dominated exactly if its left neighbour (the dearest point that costs no more) has at
// least its gain; otherwise it enters and pushes out the run of points right of it that gain no
// more. Both are found by bisection, so a child costs O(log n) when it is rejected, which is what
// nearly always happens.
//
// Tested by tests/search/pareto_test.cc, against a comparison of all pairs.

#include "pareto.h"

#include <algorithm>

namespace autogo {

bool dominates(const ParetoPoint& a, const ParetoPoint& b) {
  return a.gain >= b.gain && a.cost <= b.cost && (a.gain > b.gain || a.cost < b.cost);
}

bool ParetoFront::add(const ParetoPoint& point) {
  auto right = std::ranges::upper_bound(points_, point.cost, {}, &ParetoPoint::cost);
  if (right != points_.begin() && std::prev(right)->gain >= point.gain) return false;
  // A left neighbour of equal cost gains less, as it did not dominate.
  if (right != points_.begin() && std::prev(right)->cost == point.cost) --right;
  const auto last =
      std::find_if(right, points_.end(), [&](const ParetoPoint& p) { return p.gain > point.gain; });
  const auto at = points_.erase(right, last);
  points_.insert(at, point);
  return true;
}

}  // namespace autogo
