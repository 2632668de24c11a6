#include "parents.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace autogo {
namespace {

/// By position in `points`: how many are strictly better under `better`.
template <typename Better>
std::vector<std::size_t> ranks(std::span<const ParetoPoint> points, Better better) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return better(points[a], points[b]); });
  std::vector<std::size_t> rank(points.size(), 0);
  for (std::size_t i = 1; i < order.size(); ++i) {
    const bool tied = !better(points[order[i - 1]], points[order[i]]);
    rank[order[i]] = tied ? rank[order[i - 1]] : i;
  }
  return rank;
}

std::size_t num_costs(std::span<const ParetoPoint> points) {
  return points.empty() ? 0 : points.front().costs.size();
}

/// Positions of the members that are best in something: the least of each cost, the highest gain.
std::vector<std::size_t> extremes(std::span<const ParetoPoint> members) {
  std::vector<std::size_t> found;
  auto add = [&](auto best) {
    const auto at = static_cast<std::size_t>(best - members.begin());
    if (std::ranges::find(found, at) == found.end()) found.push_back(at);
  };
  for (std::size_t c = 0; c < num_costs(members); ++c) {
    add(std::ranges::min_element(members, {}, [c](const ParetoPoint& p) { return p.costs[c]; }));
  }
  add(std::ranges::max_element(members, {}, &ParetoPoint::gain));
  return found;
}

}  // namespace

std::vector<std::uint32_t> least_rank_sum(std::span<const ParetoPoint> points, std::size_t count) {
  std::vector<std::size_t> sum =
      ranks(points, [](const ParetoPoint& a, const ParetoPoint& b) { return a.gain > b.gain; });
  for (std::size_t c = 0; c < num_costs(points); ++c) {
    const auto by_cost = ranks(points, [c](const ParetoPoint& a, const ParetoPoint& b) {
      return a.costs[c] < b.costs[c];
    });
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += by_cost[i];
  }
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto key = [&](std::size_t i) {
    return std::tuple(sum[i], -points[i].gain, points[i].individual);
  };
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  order.resize(std::min(count, order.size()));
  std::vector<std::uint32_t> chosen;
  chosen.reserve(order.size());
  for (const std::size_t i : order) chosen.push_back(points[i].individual);
  return chosen;
}

std::vector<std::uint32_t> select_parents(const ParetoFront& front,
                                          std::span<const ParetoPoint> history,
                                          std::span<const double> breaches, std::size_t k,
                                          Rng rng) {
  const std::span<const ParetoPoint> members = front.points();
  std::vector<std::uint32_t> chosen;
  if (members.size() <= k) {
    for (const ParetoPoint& p : members) chosen.push_back(p.individual);
  } else {
    std::vector<std::size_t> best = extremes(members);
    best.resize(std::min(best.size(), k));
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (std::ranges::find(best, i) == best.end()) others.push_back(i);
    }
    for (const std::size_t i : best) chosen.push_back(members[i].individual);
    for (const std::size_t i : rng.sample(others.size(), k - chosen.size())) {
      chosen.push_back(members[others[i]].individual);
    }
  }
  if (chosen.size() < k) {
    std::vector<char> on_front(history.size(), 0);
    for (const ParetoPoint& p : members) on_front[p.individual] = 1;
    std::vector<ParetoPoint> rest, outside;
    for (const ParetoPoint& p : history) {
      const bool breaks = !breaches.empty() && breaches[p.individual] > 0;
      if (!on_front[p.individual]) (breaks ? outside : rest).push_back(p);
    }
    for (const std::uint32_t i : least_rank_sum(rest, k - chosen.size())) chosen.push_back(i);
    std::ranges::sort(outside, {}, [&](const ParetoPoint& p) {
      return std::tuple(breaches[p.individual], -p.gain, p.individual);
    });
    outside.resize(std::min(outside.size(), k - chosen.size()));
    for (const ParetoPoint& p : outside) chosen.push_back(p.individual);
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace autogo
