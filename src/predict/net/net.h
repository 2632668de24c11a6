#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "node_features.h"
#include "unfolding.h"

namespace autogo {

enum class PredictorKind { kPsc, kGnn };

/// Sizes of the network; go into the file.
struct NetShape {
  PredictorKind kind = PredictorKind::kPsc;
  std::int64_t width = 32;  ///< of node embeddings
  std::int64_t head = 96;   ///< of the MLP's hidden layers
  std::int64_t parts() const { return kind == PredictorKind::kPsc ? 3 : 1; }
  /// Part embeddings, part features, and for PSC the whole's features.
  std::int64_t head_inputs() const;
  bool operator==(const NetShape&) const = default;
};

/// The weights as one flat tensor and named views into it. One tensor makes the optimiser one
/// operation instead of forty, and lets two threads differentiate copies of the views at once.
class NetWeights {
 public:
  explicit NetWeights(const NetShape& shape);

  /// Views into `flat`, detached, in a fixed order.
  std::vector<torch::Tensor> views(const torch::Tensor& flat) const;
  /// Random weights for training on these rows: scaled normal matrices, zeros and ones for the
  /// rest. Weights of what the rows never show start, and therefore stay, at zero.
  torch::Tensor initial(std::uint64_t seed, std::span<const FeatureRow> rows) const;
  /// Gives operators that the rows never show the embedding of their nearest relative that they
  /// do show (relu for activations, conv for its kinds, ...), in place; zero for the rest.
  void tie_unseen(const torch::Tensor& flat, std::span<const FeatureRow> rows) const;
  /// Weights that were trained when the operator table had `operators` rows: those that came later
  /// take the embedding of their relative, zero where they have none.
  /// @param flat  as many elements as size(operators)
  torch::Tensor extended(const torch::Tensor& flat, std::int64_t operators) const;
  std::int64_t size() const { return size_; }
  std::int64_t size(std::int64_t operators) const {
    return size_ - (kNumOps - operators) * shape_.width;
  }
  const NetShape& shape() const { return shape_; }

 private:
  struct Entry {
    std::string name;
    std::vector<std::int64_t> dims;
  };
  NetShape shape_;
  std::vector<Entry> entries_;
  std::int64_t size_ = 0;
};

/// The weights of one layer etc., by name, out of views().
struct NetView {
  NetView(const NetShape& shape, const std::vector<torch::Tensor>& views);
  struct Layer {
    torch::Tensor neighbours, own, bias, gain, shift;
  };
  NetShape shape;
  torch::Tensor operators, features, mix, mix_bias;
  std::vector<Layer> layers;
  std::vector<torch::Tensor> head_weights, head_biases;  ///< three each
};

/// Rows of a FeatureTable as tensors: numbers [n, kNumFeatures] and operator indices [n].
struct RowTensors {
  torch::Tensor values, operators;
};
RowTensors row_tensors(std::span<const FeatureRow> rows);

/// Sums lists of rows: out[i] = sum over list i of weight * x[index]. Differentiable in x. The
/// lists must outlive the backward pass. Sums run in list order.
torch::Tensor gather_sum(const torch::Tensor& x, const IndexLists& lists);

/// Node embedding of layer 0 for feature rows: [n, width].
torch::Tensor embed_rows(const NetView& net, const torch::Tensor& values,
                         const torch::Tensor& operators);
/// One k-GNN layer, given gathered inputs: own + tanh(norm(sum W_l + own W_r + b)).
torch::Tensor gnn_layer(const NetView::Layer& layer, const torch::Tensor& own,
                        const torch::Tensor& sum);
/// The MLP: [n, head_inputs] to [n].
torch::Tensor head(const NetView& net, const torch::Tensor& inputs);

/// Features of the parts of each sample as [samples, ...], the last columns of the head's input.
torch::Tensor part_columns(const NetShape& shape, std::span<const PartSums> sums);

/// Mean embedding of each part of a batch: [parts, width].
/// @param rows  of the whole FeatureTable that the batch was unfolded with
torch::Tensor embed_parts(const NetView& net, const RowTensors& rows, const Unfolding& batch);

/// Scores of a batch: [parts / shape.parts()].
torch::Tensor forward(const NetView& net, const RowTensors& rows, const Unfolding& batch);

/// One thread for LibTorch in this thread: work items run in parallel, operators do not. Cheap
/// after the first call in a thread.
void use_one_thread();

}  // namespace autogo
