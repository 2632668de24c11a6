// The Pareto front of the gain and one cost is a staircase: sorted by cost, gains strictly ascend.
// A new point is dominated exactly if its left neighbour (the dearest point that costs no more) has
// at least its gain; otherwise it enters and pushes out the run of points right of it that gain no
// more. Both are found by bisection, so a child costs O(log n) when it is rejected, which is what
// nearly always happens. With more costs there is no such order: a point is compared with all,
// which for fronts of some hundred points is still far less than making the network was.
//
// Tested by tests/search/pareto_test.cc, against a comparison of all pairs.

#include "pareto.h"

#include <algorithm>
#include <iterator>

namespace autogo {
namespace {

bool at_least_as_good(const ParetoPoint& a, const ParetoPoint& b) {
  return a.gain >= b.gain &&
         std::ranges::equal(a.costs, b.costs, [](double x, double y) { return x <= y; });
}

bool add_to_staircase(std::vector<ParetoPoint>& points, const ParetoPoint& point) {
  const auto cost = [](const ParetoPoint& p) { return p.costs[0]; };
  auto right = std::ranges::upper_bound(points, cost(point), {}, cost);
  if (right != points.begin() && std::prev(right)->gain >= point.gain) return false;
  // A left neighbour of equal cost gains less, as it did not dominate.
  if (right != points.begin() && cost(*std::prev(right)) == cost(point)) --right;
  const auto last =
      std::find_if(right, points.end(), [&](const ParetoPoint& p) { return p.gain > point.gain; });
  points.insert(points.erase(right, last), point);
  return true;
}

}  // namespace

bool dominates(const ParetoPoint& a, const ParetoPoint& b) {
  return at_least_as_good(a, b) && !at_least_as_good(b, a);
}

bool ParetoFront::add(const ParetoPoint& point) {
  if (point.costs.size() == 1) return add_to_staircase(points_, point);
  if (std::ranges::any_of(points_, [&](const auto& p) { return at_least_as_good(p, point); })) {
    return false;
  }
  std::erase_if(points_, [&](const ParetoPoint& p) { return at_least_as_good(point, p); });
  const auto at = std::ranges::upper_bound(points_, point.costs, {}, &ParetoPoint::costs);
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
