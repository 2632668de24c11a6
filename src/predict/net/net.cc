// The PSC predictor (AutoGO, section 3.3) and the GNN baseline (A.2.1), with what a study of the
// training found to matter (docs/results/predictor.md).
//
//   x_0   = tanh(features F + E[operator]) M + m
//   x_k+1 = x_k + tanh(LayerNorm((sum of in-neighbours' x_k) W_l + x_k W_r + b))      six times
//   h_A   = mean of x_6 over the nodes of A
//   y     = MLP(h_P, h_S, h_C, part features of P, S, C and all)                      PSC
//   y     = MLP(h_G, part features of G)                                              GNN
//
// The weights of the encoder are shared by P, S and C. Published: plain features, no residual, no
// normalisation, an MLP without part features. The residual and the normalisation are what makes
// six layers train in minutes; the part features (logarithms of nodes, multiply-accumulates,
// parameters and weighted nodes) carry what a mean over nodes forgets: how large a part is.
//
// gather_sum is the only operator that LibTorch lacks: index_add and sparse products are there, but
// ten times slower on rows of 32 numbers. Its backward is the same sum transposed.
// Tested by tests/predict/net_test.cc against a plain forward pass in double precision.

#include "net.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"

namespace autogo {
namespace {

class GatherSum : public torch::autograd::Function<GatherSum> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               std::int64_t lists_address) {
    const auto& lists = *reinterpret_cast<const IndexLists*>(lists_address);
    const std::int64_t width = x.size(1);
    torch::Tensor out = torch::zeros({static_cast<std::int64_t>(lists.size()), width});
    const torch::Tensor in = x.contiguous();
    const float* from = in.data_ptr<float>();
    float* to = out.data_ptr<float>();
    for (std::size_t i = 0; i < lists.size(); ++i, to += width) {
      for (std::uint32_t e = lists.first[i]; e < lists.first[i + 1]; ++e) {
        const float* row = from + static_cast<std::int64_t>(lists.indices[e]) * width;
        const float weight = lists.weights.empty() ? 1.0F : lists.weights[e];
        for (std::int64_t j = 0; j < width; ++j) to[j] += weight * row[j];
      }
    }
    context->saved_data["lists"] = lists_address;
    context->saved_data["rows"] = x.size(0);
    return out;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const auto& lists = *reinterpret_cast<const IndexLists*>(context->saved_data["lists"].toInt());
    const torch::Tensor out = gradients[0].contiguous();
    const std::int64_t width = out.size(1);
    torch::Tensor in = torch::zeros({context->saved_data["rows"].toInt(), width});
    const float* from = out.data_ptr<float>();
    float* to = in.data_ptr<float>();
    for (std::size_t i = 0; i < lists.size(); ++i, from += width) {
      for (std::uint32_t e = lists.first[i]; e < lists.first[i + 1]; ++e) {
        float* row = to + static_cast<std::int64_t>(lists.indices[e]) * width;
        const float weight = lists.weights.empty() ? 1.0F : lists.weights[e];
        for (std::int64_t j = 0; j < width; ++j) row[j] += weight * from[j];
      }
    }
    return {in, torch::Tensor()};
  }
};

OpSet seen_operators(std::span<const FeatureRow> rows) {
  OpSet seen;
  for (const FeatureRow& row : rows) seen.insert(row.op);
  return seen;
}

}  // namespace

std::int64_t NetShape::head_inputs() const {
  const auto features = static_cast<std::int64_t>(kPartFeatures);
  return kind == PredictorKind::kPsc ? 3 * width + 4 * features : width + features;
}

NetWeights::NetWeights(const NetShape& shape) : shape_(shape) {
  const std::int64_t w = shape.width, h = shape.head;
  entries_.push_back({"operators", {kNumOps, w}});
  entries_.push_back({"features", {static_cast<std::int64_t>(kNumFeatures), w}});
  entries_.push_back({"mix", {w, w}});
  entries_.push_back({"mix_bias", {w}});
  for (std::size_t k = 0; k < kNumLayers; ++k) {
    const std::string layer = "layer" + std::to_string(k) + ".";
    entries_.push_back({layer + "neighbours", {w, w}});
    entries_.push_back({layer + "own", {w, w}});
    entries_.push_back({layer + "bias", {w}});
    entries_.push_back({layer + "gain", {w}});
    entries_.push_back({layer + "shift", {w}});
  }
  const std::int64_t sizes[] = {shape.head_inputs(), h, h, 1};
  for (std::size_t k = 0; k < 3; ++k) {
    entries_.push_back({"head" + std::to_string(k) + ".weight", {sizes[k], sizes[k + 1]}});
    entries_.push_back({"head" + std::to_string(k) + ".bias", {sizes[k + 1]}});
  }
  for (const Entry& entry : entries_) {
    std::int64_t elements = 1;
    for (const std::int64_t dim : entry.dims) elements *= dim;
    size_ += elements;
  }
}

std::vector<torch::Tensor> NetWeights::views(const torch::Tensor& flat) const {
  AUTOGO_CHECK(flat.dim() == 1 && flat.size(0) == size_);
  std::vector<torch::Tensor> views;
  std::int64_t offset = 0;
  for (const Entry& entry : entries_) {
    std::int64_t elements = 1;
    for (const std::int64_t dim : entry.dims) elements *= dim;
    views.push_back(flat.detach().narrow(0, offset, elements).view(entry.dims));
    offset += elements;
  }
  return views;
}

torch::Tensor NetWeights::initial(std::uint64_t seed, std::span<const FeatureRow> rows) const {
  const torch::Tensor flat = torch::zeros({size_});
  const std::vector<torch::Tensor> all = views(flat);
  const Rng root(seed);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string& name = entries_[i].name;
    if (name.ends_with("gain")) all[i].fill_(1.0);
    if (all[i].dim() != 2) continue;
    // Gain 1 suits tanh, and the two matrices of a layer add up.
    const double scale =
        name == "operators" ? 0.5 : 1.0 / std::sqrt(static_cast<double>(all[i].size(0)));
    Rng rng = root.fork(i);
    float* data = all[i].data_ptr<float>();
    for (std::int64_t j = 0; j < all[i].numel(); ++j) {
      data[j] = static_cast<float>(scale * rng.normal());
    }
  }
  const OpSet seen = seen_operators(rows);
  for (const OpInfo& op : op_table()) {
    if (!seen.contains(op.kind)) all[0][op_number(op.kind)].zero_();
  }
  for (std::size_t column = 0; column < kNumFeatures; ++column) {
    const bool shown = std::any_of(rows.begin(), rows.end(),
                                   [&](const FeatureRow& row) { return row.values[column] != 0; });
    if (!shown) all[1][static_cast<std::int64_t>(column)].zero_();
  }
  return flat;
}

void NetWeights::tie_unseen(const torch::Tensor& flat, std::span<const FeatureRow> rows) const {
  const OpSet seen = seen_operators(rows);
  const torch::Tensor operators = views(flat)[0];
  for (const OpInfo& op : op_table()) {
    if (seen.contains(op.kind) || op.relative == op.kind) continue;
    operators[op_number(op.kind)].copy_(operators[op_number(op.relative)]);
  }
}

torch::Tensor NetWeights::extended(const torch::Tensor& flat, std::int64_t operators) const {
  AUTOGO_CHECK(operators <= kNumOps && flat.size(0) == size(operators));
  const std::int64_t known = operators * shape_.width;
  const torch::Tensor added = torch::zeros({(kNumOps - operators) * shape_.width});
  torch::Tensor all =
      torch::cat({flat.narrow(0, 0, known), added, flat.narrow(0, known, flat.size(0) - known)});
  const torch::Tensor rows = views(all)[0];
  for (std::int64_t op = operators; op < kNumOps; ++op) {
    const OpInfo& row = op_table()[static_cast<std::size_t>(op)];
    if (op_number(row.relative) < operators) rows[op].copy_(rows[op_number(row.relative)]);
  }
  return all;
}

NetView::NetView(const NetShape& net_shape, const std::vector<torch::Tensor>& views)
    : shape(net_shape) {
  std::size_t at = 0;
  operators = views[at++];
  features = views[at++];
  mix = views[at++];
  mix_bias = views[at++];
  for (std::size_t k = 0; k < kNumLayers; ++k, at += 5) {
    layers.push_back({views[at], views[at + 1], views[at + 2], views[at + 3], views[at + 4]});
  }
  for (std::size_t k = 0; k < 3; ++k) {
    head_weights.push_back(views[at++]);
    head_biases.push_back(views[at++]);
  }
  AUTOGO_CHECK(at == views.size());
}

RowTensors row_tensors(std::span<const FeatureRow> rows) {
  const auto n = static_cast<std::int64_t>(rows.size());
  RowTensors tensors{torch::empty({n, static_cast<std::int64_t>(kNumFeatures)}),
                     torch::empty({n}, torch::kInt64)};
  float* values = tensors.values.data_ptr<float>();
  auto* operators = tensors.operators.data_ptr<std::int64_t>();
  for (const FeatureRow& row : rows) {
    values = std::copy(row.values.begin(), row.values.end(), values);
    *operators++ = op_number(row.op);
  }
  return tensors;
}

torch::Tensor gather_sum(const torch::Tensor& x, const IndexLists& lists) {
  return GatherSum::apply(x, reinterpret_cast<std::int64_t>(&lists));
}

torch::Tensor embed_rows(const NetView& net, const torch::Tensor& values,
                         const torch::Tensor& operators) {
  const torch::Tensor sum =
      at::addmm(net.operators.index_select(0, operators), values, net.features);
  return at::addmm(net.mix_bias, at::tanh(sum), net.mix);
}

torch::Tensor gnn_layer(const NetView::Layer& layer, const torch::Tensor& own,
                        const torch::Tensor& sum) {
  const torch::Tensor z = at::addmm(at::addmm(layer.bias, own, layer.own), sum, layer.neighbours);
  return own + at::tanh(at::layer_norm(z, {z.size(1)}, layer.gain, layer.shift));
}

torch::Tensor head(const NetView& net, const torch::Tensor& inputs) {
  torch::Tensor x = inputs;
  for (std::size_t k = 0; k < 3; ++k) {
    x = at::addmm(net.head_biases[k], x, net.head_weights[k]);
    if (k < 2) x = at::silu(x);
  }
  return x.squeeze(1);
}

torch::Tensor part_columns(const NetShape& shape, std::span<const PartSums> sums) {
  const auto parts = static_cast<std::size_t>(shape.parts());
  const std::size_t samples = sums.size() / parts;
  const std::size_t columns = (parts == 1 ? 1 : parts + 1) * kPartFeatures;
  torch::Tensor tensor =
      torch::empty({static_cast<std::int64_t>(samples), static_cast<std::int64_t>(columns)});
  float* out = tensor.data_ptr<float>();
  for (std::size_t i = 0; i < samples; ++i) {
    PartSums all;
    for (std::size_t p = 0; p < parts; ++p) {
      const auto features = part_features(sums[i * parts + p]);
      out = std::copy(features.begin(), features.end(), out);
      all += sums[i * parts + p];
    }
    if (parts == 1) continue;
    const auto features = part_features(all);
    out = std::copy(features.begin(), features.end(), out);
  }
  return tensor;
}

torch::Tensor embed_parts(const NetView& net, const RowTensors& rows, const Unfolding& batch) {
  torch::Tensor picked =
      torch::empty({static_cast<std::int64_t>(batch.rows.size())}, torch::kInt64);
  std::copy(batch.rows.begin(), batch.rows.end(), picked.data_ptr<std::int64_t>());
  torch::Tensor x =
      embed_rows(net, rows.values.index_select(0, picked), rows.operators.index_select(0, picked));
  for (std::size_t k = 0; k < kNumLayers; ++k) {
    x = gnn_layer(net.layers[k], gather_sum(x, batch.layers[k].own),
                  gather_sum(x, batch.layers[k].neighbours));
  }
  return gather_sum(x, batch.pools);
}

torch::Tensor forward(const NetView& net, const RowTensors& rows, const Unfolding& batch) {
  const torch::Tensor parts = embed_parts(net, rows, batch);
  const std::int64_t samples = parts.size(0) / net.shape.parts();
  return head(net, at::cat({parts.view({samples, net.shape.parts() * net.shape.width}),
                            part_columns(net.shape, batch.sums)},
                           1));
}

void use_one_thread() {
  // OpenBLAS has threads of its own, which LibTorch does not govern, and a program that links either
  // loads it before anyone could set its environment variable. Two of them spinning on two busy
  // cores made a training step a hundred times slower.
  static const bool blas_done = [] {
    using SetThreads = void (*)(int);
    const auto set =
        reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    if (set != nullptr) set(1);
    return true;
  }();
  thread_local const bool done = [] {
    at::set_num_threads(1);
    return true;
  }();
  static_cast<void>(blas_done);
  static_cast<void>(done);
}

}  // namespace autogo
