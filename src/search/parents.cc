#include "parents.h"

#include <algorithm>
#include <tuple>

namespace autogo {
namespace {

/// By position in `points`: how many are strictly better under `better`.
template <typename Better>
std::vector<std::size_t> ranks(std::span<const ParetoPoint> points, Better better) {
  std::vector<std::size_t> order(points.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return better(points[a], points[b]); });
  std::vector<std::size_t> rank(points.size(), 0);
  for (std::size_t i = 1; i < order.size(); ++i) {
    const bool tied = !better(points[order[i - 1]], points[order[i]]);
    rank[order[i]] = tied ? rank[order[i - 1]] : i;
  }
  return rank;
}

}  // namespace

std::vector<std::uint32_t> least_rank_sum(std::span<const ParetoPoint> points, std::size_t count) {
  const auto by_gain =
      ranks(points, [](const ParetoPoint& a, const ParetoPoint& b) { return a.gain > b.gain; });
  const auto by_cost =
      ranks(points, [](const ParetoPoint& a, const ParetoPoint& b) { return a.cost < b.cost; });
  std::vector<std::size_t> order(points.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  auto key = [&](std::size_t i) {
    return std::tuple(by_gain[i] + by_cost[i], -points[i].gain, points[i].individual);
  };
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  order.resize(std::min(count, order.size()));
  std::vector<std::uint32_t> chosen;
  chosen.reserve(order.size());
  for (const std::size_t i : order) chosen.push_back(points[i].individual);
  return chosen;
}

std::vector<std::uint32_t> select_parents(const ParetoFront& front,
                                          std::span<const ParetoPoint> history, std::size_t k,
                                          Rng rng) {
  const std::span<const ParetoPoint> members = front.points();
  std::vector<std::uint32_t> chosen;
  if (members.size() <= k) {
    for (const ParetoPoint& p : members) chosen.push_back(p.individual);
  } else {
    chosen.push_back(members.front().individual);
    if (k > 1) chosen.push_back(members.back().individual);
    for (const std::size_t i : rng.sample(members.size() - 2, k - chosen.size())) {
      chosen.push_back(members[i + 1].individual);
    }
  }
  if (chosen.size() < k) {
    std::vector<char> on_front(history.size(), 0);
    for (const ParetoPoint& p : members) on_front[p.individual] = 1;
    std::vector<ParetoPoint> rest;
    for (const ParetoPoint& p : history) {
      if (!on_front[p.individual]) rest.push_back(p);
    }
    for (const std::uint32_t i : least_rank_sum(rest, k - chosen.size())) chosen.push_back(i);
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace autogo
