#include "metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "autogo/base/error.h"

namespace autogo {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<std::size_t> sorted_by(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
    return values[i] != values[j] ? values[i] < values[j] : i < j;
  });
  return order;
}

/// Pairs within runs of equal values of a sorted sequence.
template <typename Equal>
double tied_pairs(std::size_t n, const Equal& equal) {
  double pairs = 0;
  for (std::size_t i = 0; i < n;) {
    std::size_t j = i + 1;
    while (j < n && equal(i, j)) ++j;
    const auto run = static_cast<double>(j - i);
    pairs += run * (run - 1) / 2;
    i = j;
  }
  return pairs;
}

/// Number of inversions of `values`, which is sorted on return (merge sort).
double inversions(std::vector<double>& values, std::vector<double>& scratch, std::size_t begin,
                  std::size_t end) {
  if (end - begin < 2) return 0;
  const std::size_t middle = begin + (end - begin) / 2;
  double count =
      inversions(values, scratch, begin, middle) + inversions(values, scratch, middle, end);
  std::size_t left = begin, right = middle, out = begin;
  while (left < middle || right < end) {
    if (right == end || (left < middle && values[left] <= values[right])) {
      scratch[out++] = values[left++];
    } else {
      count += static_cast<double>(middle - left);
      scratch[out++] = values[right++];
    }
  }
  std::copy(scratch.begin() + static_cast<std::ptrdiff_t>(begin),
            scratch.begin() + static_cast<std::ptrdiff_t>(end),
            values.begin() + static_cast<std::ptrdiff_t>(begin));
  return count;
}

}  // namespace

std::vector<double> mean_ranks(std::span<const double> values) {
  const std::vector<std::size_t> order = sorted_by(values);
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t j = i + 1;
    while (j < order.size() && values[order[j]] == values[order[i]]) ++j;
    const double rank = 0.5 * static_cast<double>(i + 1 + j);
    for (; i < j; ++i) ranks[order[i]] = rank;
  }
  return ranks;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  AUTOGO_CHECK(a.size() == b.size());
  if (a.size() < 2) return kNaN;
  const std::vector<double> x = mean_ranks(a), y = mean_ranks(b);
  const double middle = 0.5 * (static_cast<double>(a.size()) + 1);
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : kNaN;
}

double kendall_tau_b(std::span<const double> a, std::span<const double> b) {
  AUTOGO_CHECK(a.size() == b.size());
  const std::size_t n = a.size();
  if (n < 2) return kNaN;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return a[i] != a[j] ? a[i] < a[j] : b[i] < b[j]; });
  const double tied_a =
      tied_pairs(n, [&](std::size_t i, std::size_t j) { return a[order[i]] == a[order[j]]; });
  const double tied_both = tied_pairs(n, [&](std::size_t i, std::size_t j) {
    return a[order[i]] == a[order[j]] && b[order[i]] == b[order[j]];
  });
  std::vector<double> values(n), scratch(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = b[order[i]];
  const double discordant = inversions(values, scratch, 0, n);
  const double tied_b =
      tied_pairs(n, [&](std::size_t i, std::size_t j) { return values[i] == values[j]; });
  const double pairs = static_cast<double>(n) * (static_cast<double>(n) - 1) / 2;
  const double concordant = pairs - tied_a - tied_b + tied_both - discordant;
  const double scale = std::sqrt((pairs - tied_a) * (pairs - tied_b));
  return scale > 0 ? (concordant - discordant) / scale : kNaN;
}

double mean(std::span<const double> values) {
  if (values.empty()) return kNaN;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double sample_std(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double centre = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - centre) * (value - centre);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double normal_quantile(double p) {
  AUTOGO_CHECK(p > 0 && p < 1);
  if (p > 0.5) return -normal_quantile(1 - p);
  // The tail approximation of Abramowitz and Stegun (26.2.23, error 4.5e-4) starts Newton's method
  // on the cumulative distribution, which doubles the digits each time.
  const double t = std::sqrt(-2 * std::log(p));
  double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (int step = 0; step < 4; ++step) {
    const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * 3.14159265358979323846);
    x -= error / density;
  }
  return x;
}

std::vector<double> normal_scores(std::span<const double> labels) {
  std::vector<double> scores = mean_ranks(labels);
  for (double& score : scores) {
    score = normal_quantile((score - 0.5) / static_cast<double>(labels.size()));
  }
  return scores;
}

}  // namespace autogo
