#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autogo/predict/predictor.h"
#include "dataset.h"
#include "predict/net/net.h"

namespace autogo {

/// Everything that decides a training's result; written into the file.
struct Recipe {
  NetShape shape;
  double learning_rate = 4e-3;
  double final_share = 0.01;  ///< of the learning rate, at the end of the cosine
  double clip_norm = 1.0;
  std::uint32_t batch_graphs = 32;
  std::uint32_t cuts_per_graph = 4;
  std::uint64_t warmup_steps = 500;
  double epochs = 0;  ///< passes over as many networks as there are
  /// A family's share of the batch is proportional to its size to this power: small families are
  /// seen more often than their size says, so that they are not drowned.
  double balance = 0.5;
  std::uint64_t seed = 1;
};
Recipe default_recipe(PredictorKind kind);

/// Training networks of one family, and the targets.
struct TrainingFamily {
  std::vector<const LabelledGraph*> graphs;
  std::vector<double> targets;
};

/// Trains by steps. A step's result depends on the recipe, the data and the step's number only: two
/// fixed half-batches, each differentiated by one thread, gradients added in order. So the number
/// of threads does not change the weights, and a resumed training equals an uninterrupted one.
class Trainer {
 public:
  Trainer(const Recipe& recipe, const FeatureTable& table, std::vector<TrainingFamily> families,
          int threads);
  ~Trainer();

  std::uint64_t step() const;
  std::uint64_t total_steps() const;
  /// Runs the next step. @return its mean squared error
  double advance();
  /// The weights, of unseen operators too (NetWeights::tie_unseen).
  torch::Tensor weights() const;

  /// State for a checkpoint: weights, optimiser, step.
  std::map<std::string, torch::Tensor> state() const;
  /// @throws Error kInput when it does not fit
  void restore(const std::map<std::string, torch::Tensor>& state, const std::string& path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace autogo
