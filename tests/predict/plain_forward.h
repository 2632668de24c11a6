#pragma once

#include <cmath>
#include <vector>

#include "autogo/base/rng.h"
#include "predict/net/net.h"

namespace autogo {

/// The network's mathematics node by node in double precision, with loops: the oracle.
using Vector = std::vector<double>;

inline Vector row_of(const torch::Tensor& matrix, std::int64_t i) {
  Vector row;
  for (std::int64_t j = 0; j < matrix.size(1); ++j) row.push_back(matrix[i][j].item<double>());
  return row;
}

/// x W, row vector times matrix.
inline Vector times(const Vector& x, const std::vector<Vector>& matrix) {
  Vector y(matrix[0].size(), 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < y.size(); ++j) y[j] += x[i] * matrix[i][j];
  }
  return y;
}

struct PlainNet {
  explicit PlainNet(const NetView& view) : shape(view.shape) {
    const auto matrix = [](const torch::Tensor& t) {
      std::vector<Vector> rows;
      for (std::int64_t i = 0; i < t.size(0); ++i) rows.push_back(row_of(t, i));
      return rows;
    };
    const auto vector = [](const torch::Tensor& t) { return row_of(t.unsqueeze(0), 0); };
    operators = matrix(view.operators);
    features = matrix(view.features);
    mix = matrix(view.mix);
    mix_bias = vector(view.mix_bias);
    for (const NetView::Layer& layer : view.layers) {
      layers.push_back({matrix(layer.neighbours), matrix(layer.own), vector(layer.bias),
                        vector(layer.gain), vector(layer.shift)});
    }
    for (std::size_t k = 0; k < 3; ++k) {
      head_weights.push_back(matrix(view.head_weights[k]));
      head_biases.push_back(vector(view.head_biases[k]));
    }
  }

  Vector embed(const FeatureRow& row) const {
    Vector x = times(Vector(row.values.begin(), row.values.end()), features);
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] = std::tanh(x[j] + operators[static_cast<std::size_t>(row.op)][j]);
    }
    x = times(x, mix);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += mix_bias[j];
    return x;
  }

  /// Mean embedding of nodes [begin, end); edges from outside the range are dropped.
  Vector part(const EncodedGraph& graph, const std::vector<FeatureRow>& rows, std::size_t begin,
              std::size_t end) const {
    std::vector<Vector> x(graph.num_nodes());
    for (std::size_t i = begin; i < end; ++i) x[i] = embed(rows[graph.rows[i]]);
    for (const Layer& layer : layers) {
      std::vector<Vector> next = x;
      for (std::size_t i = begin; i < end; ++i) {
        Vector sum(x[i].size(), 0.0);
        for (std::uint32_t e = graph.first_edge[i]; e < graph.first_edge[i + 1]; ++e) {
          if (graph.sources[e] < begin) continue;
          for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += x[graph.sources[e]][j];
        }
        Vector z = times(sum, layer.neighbours);
        const Vector own = times(x[i], layer.own);
        double mean = 0, variance = 0;
        for (std::size_t j = 0; j < z.size(); ++j) mean += z[j] += own[j] + layer.bias[j];
        mean /= static_cast<double>(z.size());
        for (const double value : z) variance += (value - mean) * (value - mean);
        variance /= static_cast<double>(z.size());
        for (std::size_t j = 0; j < z.size(); ++j) {
          const double normal = (z[j] - mean) / std::sqrt(variance + 1e-5);
          next[i][j] = x[i][j] + std::tanh(normal * layer.gain[j] + layer.shift[j]);
        }
      }
      x = next;
    }
    Vector pooled(static_cast<std::size_t>(shape.width), 0.0);
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t j = 0; j < pooled.size(); ++j) {
        pooled[j] += x[i][j] / static_cast<double>(end - begin);
      }
    }
    return pooled;
  }

  double head(Vector x) const {
    for (std::size_t k = 0; k < 3; ++k) {
      x = times(x, head_weights[k]);
      for (std::size_t j = 0; j < x.size(); ++j) {
        x[j] += head_biases[k][j];
        if (k < 2) x[j] /= 1 + std::exp(-x[j]);
      }
    }
    return x[0];
  }

  double score(const EncodedGraph& graph, const std::vector<FeatureRow>& rows,
               const CutRange& cut) const {
    const std::size_t n = graph.num_nodes();
    std::vector<std::pair<std::size_t, std::size_t>> ranges = {{0, n}};
    if (shape.kind == PredictorKind::kPsc)
      ranges = {{0, cut.begin}, {cut.begin, cut.end}, {cut.end, n}};
    Vector x, columns;
    PartSums all;
    for (const auto& [begin, end] : ranges) {
      const Vector h = part(graph, rows, begin, end);
      x.insert(x.end(), h.begin(), h.end());
      PartSums sums;
      for (std::size_t i = begin; i < end; ++i) sums.add(rows[graph.rows[i]]);
      for (const float value : part_features(sums)) columns.push_back(value);
      all += sums;
    }
    if (shape.kind == PredictorKind::kPsc) {
      for (const float value : part_features(all)) columns.push_back(value);
    }
    x.insert(x.end(), columns.begin(), columns.end());
    return head(x);
  }

  struct Layer {
    std::vector<Vector> neighbours, own;
    Vector bias, gain, shift;
  };
  NetShape shape;
  std::vector<Vector> operators, features, mix;
  Vector mix_bias;
  std::vector<Layer> layers;
  std::vector<std::vector<Vector>> head_weights;
  std::vector<Vector> head_biases;
};

/// A random directed acyclic graph over a few distinct rows, with repeated edges.
inline EncodedGraph random_graph(FeatureTable& table, std::size_t nodes, std::uint64_t kinds,
                                 Rng& rng) {
  EncodedGraph graph;
  graph.first_edge.push_back(0);
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::uint64_t kind = rng.below(kinds);
    FeatureRow row;
    row.op = static_cast<OpKind>(2 + kind);
    row.values[0] = 0.25F * static_cast<float>(kind);
    row.values[3] = 0.5F;
    row.macs = static_cast<std::int64_t>(1000 * kind);
    row.params = static_cast<std::int64_t>(10 * kind);
    row.weighted = kind % 2 == 0;
    graph.rows.push_back(table.intern(row));
    const std::uint64_t degree = i == 0 ? 0 : rng.below(3);
    for (std::uint64_t e = 0; e < degree; ++e) {
      const std::uint64_t reach = std::min<std::uint64_t>(i, rng.below(4) == 0 ? i : 3);
      graph.sources.push_back(static_cast<std::uint32_t>(i - 1 - rng.below(reach)));
    }
    graph.first_edge.push_back(static_cast<std::uint32_t>(graph.sources.size()));
  }
  return graph;
}

/// Random weights with every part at work: biases and shifts are not zero.
inline torch::Tensor random_weights(const NetWeights& weights, std::uint64_t seed) {
  torch::Tensor flat = torch::empty({weights.size()});
  Rng rng(seed);
  float* data = flat.data_ptr<float>();
  for (std::int64_t i = 0; i < flat.numel(); ++i) data[i] = static_cast<float>(0.3 * rng.normal());
  return flat;
}

}  // namespace autogo
