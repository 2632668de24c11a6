#pragma once

#include <span>
#include <vector>

namespace autogo {

/// Ranks from 1, ties share their mean rank. O(n log n).
std::vector<double> mean_ranks(std::span<const double> values);

/// Spearman's rank correlation with ties: Pearson's of the mean ranks. NaN when one side is
/// constant or there are fewer than two values. O(n log n).
double spearman(std::span<const double> a, std::span<const double> b);

/// Kendall's tau-b. NaN when one side is constant or there are fewer than two values.
/// O(n log n): Knight's algorithm.
double kendall_tau_b(std::span<const double> a, std::span<const double> b);

double mean(std::span<const double> values);
/// Standard deviation of a sample (n - 1); 0 for fewer than two values.
double sample_std(std::span<const double> values);

/// Quantile of the standard normal distribution; p in (0, 1). Absolute error below 1e-9.
double normal_quantile(double p);

/// Labels as normal scores: the quantile of (mean rank - 0.5) / n. The target of the training
/// (see docs/results/predictor.md): accuracies of a family are crowded at the top with a long tail
/// of failed trainings, which would rule a squared error of the raw value.
std::vector<double> normal_scores(std::span<const double> labels);

}  // namespace autogo
