// Learning from a handful of trained networks.
//
// Twenty labels cannot retrain a net, but they can say how far to believe it and which sizes count
// here. So the score s becomes a s + v . x with x the logarithms of the network's sums and path
// lengths. Only differences within a run matter (the same input, recipe and data): scores, traits
// and metrics are centred within each run, which also takes out the noise of the input's own
// training. Metrics are brought to the spread of the scores, so that units stay the predictor's.
//
// Ridge regression of what the predictor leaves unexplained,
//
//   minimise  sum (t - s - d s - v . x)^2 + lambda n (d^2 + |v|^2),     a = 1 + d,
//
// with columns of unit deviation. Its strength lambda is the one with the least leave-one-out
// error; the residual without observation i is r_i / (1 - h_ii), with h the hat matrix, which gets
// 1 / n_run for the centring. An infinite lambda, which changes nothing, takes part, so a
// refinement that does not generalise to a network that it has not seen is not made.
//
// Tested by tests/predict/refinement_test.cc.

#include "refinement.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autogo/base/error.h"
#include "judgement.h"
#include "predict/training/metrics.h"

namespace autogo {
namespace {

constexpr std::size_t kColumns = 1 + kRefinedTraits;  ///< the score, then the traits
using Row = std::array<double, kColumns>;
using Matrix = std::array<Row, kColumns>;
constexpr double kStrengths[] = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};

/// All runs, centred within each.
struct Sample {
  std::vector<Row> rows;
  std::vector<double> targets;   ///< minus the score: what is left to explain
  std::vector<double> leverage;  ///< of the centring: 1 / n_run
  std::vector<std::size_t> run;
  Row deviation{};  ///< that the columns were divided by
};

double deviation_of(const std::vector<double>& centred) {
  double squares = 0;
  for (const double value : centred) squares += value * value;
  return std::sqrt(squares / static_cast<double>(centred.size()));
}

std::vector<double> centred(std::vector<double> values) {
  double mean = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (double& value : values) value -= mean;
  return values;
}

Sample make_sample(std::span<const TrainedRun> runs) {
  Sample sample;
  std::vector<double> all_scores;
  for (const TrainedRun& run : runs) {
    for (const double score : centred(run.scores)) all_scores.push_back(score);
  }
  const double unit = std::max(deviation_of(all_scores), 1e-6);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const TrainedRun& run = runs[r];
    const std::size_t n = run.metrics.size();
    const std::vector<double> metrics = centred(run.metrics), scores = centred(run.scores);
    const double spread = deviation_of(metrics);
    std::vector<Row> rows(n);
    for (std::size_t k = 0; k < kRefinedTraits; ++k) {
      std::vector<double> column;
      for (const RefinedTraits& traits : run.traits) column.push_back(traits[k]);
      column = centred(std::move(column));
      for (std::size_t i = 0; i < n; ++i) rows[i][k + 1] = column[i];
    }
    for (std::size_t i = 0; i < n; ++i) {
      rows[i][0] = scores[i];
      sample.rows.push_back(rows[i]);
      sample.targets.push_back((spread > 0 ? metrics[i] / spread * unit : 0) - scores[i]);
      sample.leverage.push_back(1 / static_cast<double>(n));
      sample.run.push_back(r);
    }
  }
  for (std::size_t k = 0; k < kColumns; ++k) {
    std::vector<double> column;
    for (const Row& row : sample.rows) column.push_back(row[k]);
    sample.deviation[k] = deviation_of(column);
    if (sample.deviation[k] < 1e-9) sample.deviation[k] = std::numeric_limits<double>::infinity();
    for (Row& row : sample.rows) row[k] /= sample.deviation[k];
  }
  return sample;
}

/// The inverse of a positive definite matrix, by Gauss-Jordan.
Matrix inverse(Matrix a) {
  Matrix result{};
  for (std::size_t i = 0; i < kColumns; ++i) result[i][i] = 1;
  for (std::size_t i = 0; i < kColumns; ++i) {
    const double pivot = a[i][i];
    for (std::size_t j = 0; j < kColumns; ++j) {
      a[i][j] /= pivot;
      result[i][j] /= pivot;
    }
    for (std::size_t k = 0; k < kColumns; ++k) {
      if (k == i) continue;
      const double factor = a[k][i];
      for (std::size_t j = 0; j < kColumns; ++j) {
        a[k][j] -= factor * a[i][j];
        result[k][j] -= factor * result[i][j];
      }
    }
  }
  return result;
}

double product(const Row& a, const Row& b) {
  double sum = 0;
  for (std::size_t k = 0; k < kColumns; ++k) sum += a[k] * b[k];
  return sum;
}

Row product(const Matrix& a, const Row& b) {
  Row result{};
  for (std::size_t k = 0; k < kColumns; ++k) result[k] = product(a[k], b);
  return result;
}

struct Fit {
  Row slopes{};                  ///< of the standardised columns
  std::vector<double> left_out;  ///< by network: its correction, predicted without it
  double error = 0;              ///< mean square of the leave-one-out residuals
};

/// @param strength  infinite: nothing changes
Fit fit(const Sample& sample, double strength) {
  const std::size_t n = sample.rows.size();
  Fit result;
  result.left_out.assign(n, 0);
  if (std::isinf(strength)) {
    for (const double target : sample.targets) {
      result.error += target * target / static_cast<double>(n);
    }
    return result;
  }
  Matrix moments{};
  Row answers{};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < kColumns; ++k) {
      answers[k] += sample.rows[i][k] * sample.targets[i];
      for (std::size_t j = 0; j < kColumns; ++j) {
        moments[k][j] += sample.rows[i][k] * sample.rows[i][j];
      }
    }
  }
  for (std::size_t k = 0; k < kColumns; ++k) moments[k][k] += strength * static_cast<double>(n);
  const Matrix inverted = inverse(moments);
  result.slopes = product(inverted, answers);
  for (std::size_t i = 0; i < n; ++i) {
    const Row& row = sample.rows[i];
    const double hat = product(row, product(inverted, row)) + sample.leverage[i];
    const double residual = (sample.targets[i] - product(row, result.slopes)) / (1 - hat);
    result.left_out[i] = sample.targets[i] - residual;
    result.error += residual * residual / static_cast<double>(n);
  }
  return result;
}

/// Spearman within the runs, weighted by their sizes.
double correlation(std::span<const TrainedRun> runs, const Sample& sample,
                   const std::vector<double>& corrections) {
  double sum = 0, weights = 0;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    std::vector<double> predicted;
    for (std::size_t i = 0; i < sample.rows.size(); ++i) {
      if (sample.run[i] != r) continue;
      const double score =
          std::isinf(sample.deviation[0]) ? 0 : sample.rows[i][0] * sample.deviation[0];
      predicted.push_back(score + corrections[i]);
    }
    const auto weight = static_cast<double>(predicted.size());
    const double value = spearman(predicted, runs[r].metrics);
    if (std::isnan(value)) continue;
    sum += weight * value;
    weights += weight;
  }
  return weights > 0 ? sum / weights : std::nan("");
}

}  // namespace

WholeNetwork whole_network(const EncodedGraph& graph, const FeatureTable& table) {
  WholeNetwork network;
  for (const std::uint32_t row : graph.rows) network.sums.add(table.rows()[row]);
  network.paths = path_lengths(graph, table);
  return network;
}

RefinedTraits refined_traits(const PartSums& all, const PathLengths& paths) {
  return {std::log1p(all.nodes),    std::log1p(all.macs),     std::log1p(all.params),
          std::log1p(all.weighted), std::log1p(all.spatial),  std::log1p(all.activations),
          std::log1p(paths.mean),   std::log1p(paths.spatial)};
}

double Refinement::operator()(double score, const RefinedTraits& traits) const {
  double refined = trust * score;
  for (std::size_t k = 0; k < kRefinedTraits; ++k) refined += slopes[k] * traits[k];
  return refined;
}

FittedRefinement fit_refinement(std::span<const TrainedRun> runs) {
  const Sample sample = make_sample(runs);
  AUTOGO_CHECK(sample.rows.size() >= 5);
  Fit best = fit(sample, std::numeric_limits<double>::infinity());
  for (const double strength : kStrengths) {
    Fit candidate = fit(sample, strength);
    if (candidate.error < best.error) best = std::move(candidate);
  }
  FittedRefinement result;
  result.spearman_before = correlation(runs, sample, std::vector<double>(sample.rows.size(), 0.0));
  result.spearman_after = correlation(runs, sample, best.left_out);
  result.refinement.trust = std::max(0.0, 1 + best.slopes[0] / sample.deviation[0]);
  for (std::size_t k = 0; k < kRefinedTraits; ++k) {
    result.refinement.slopes[k] = best.slopes[k + 1] / sample.deviation[k + 1];
  }
  return result;
}

}  // namespace autogo
