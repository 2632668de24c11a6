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

std::vector<RankedPoint> leading_fronts(std::vector<ParetoPoint> points, std::size_t at_least) {
  std::vector<RankedPoint> chosen;
  for (std::uint32_t rank = 1; !points.empty() && (rank == 1 || chosen.size() < at_least); ++rank) {
    ParetoFront front;
    for (const ParetoPoint& p : points) front.add(p);
    const std::span<const ParetoPoint> members = front.points();
    const std::size_t wanted =
        rank == 1 ? members.size() : std::min(members.size(), at_least - chosen.size());
    for (std::size_t k = 0; k < wanted; ++k) {
      const std::size_t last = members.size() - 1;
      chosen.push_back({members[wanted == 1 ? last : k * last / (wanted - 1)], rank});
    }
    std::erase_if(points, [&](const ParetoPoint& p) {
      return std::ranges::find(members, p.individual, &ParetoPoint::individual) != members.end();
    });
  }
  return chosen;
}

}  // namespace autogo
