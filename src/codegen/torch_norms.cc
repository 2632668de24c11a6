// Normalisations and softmax in PyTorch.
//
// With weights they are layers; operands that are computed make them calls of functions.
//
// Tested by tests/codegen/operators_test.cc and node_models_test.cc.

#include <algorithm>

#include "torch_ops.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

/// Whether all those operands are weights, so that they can be a layer's.
bool all_weights(const Call& c, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i <= last; ++i) {
    if (c.has(i) && !c.constant(i)) return false;
  }
  return true;
}

ConstantView weight_of(const Call& c, std::size_t i) {
  const auto view = c.constant(i);
  if (!view) c.refuse("input " + std::to_string(i) + " is missing");
  return *view;
}

void add_epsilon(const Call& c, std::vector<std::string>& arguments) {
  const float epsilon = c.op.real("epsilon", 1e-5F);
  if (epsilon != 1e-5F) arguments.push_back("eps=" + py_float(epsilon));
}

std::string norm_dimension(Call& c) {
  const std::size_t rank = c.rank(0);
  if (rank > 5 || rank < 2) c.refuse("normalises a value of rank " + std::to_string(rank));
  return torch_dimension(rank == 2 ? 1 : rank - 2);
}

/// Training mode is an attribute since opset 14; before, outputs for the statistics ask for it.
bool takes_batch_statistics(const Call& c) {
  if (c.view.program().opset >= 14) return c.op.integer("training_mode", 0) != 0;
  return std::ranges::count_if(c.op.outputs, [](int v) { return v >= 0; }) > 1;
}

/// With operands that are computed.
PyExpr functional_batch_norm(Call& c, bool trains) {
  const std::string x = c.in(0).text, scale = c.in(1).text, bias = c.in(2).text;
  std::vector<std::string> arguments{x, trains ? "None" : c.in(3).text,
                                     trains ? "None" : c.in(4).text, scale, bias};
  if (trains) arguments.push_back("training=True");
  add_epsilon(c, arguments);
  return py_call("F.batch_norm", arguments);
}

PyExpr batch_norm(Call& c) {
  if (c.view.program().opset < 9 && c.op.integer("spatial", 1) == 0) {
    c.refuse("batch normalisation with a statistic for every position has no form in PyTorch");
  }
  if (c.unit.outputs.size() > 1) c.refuse("its statistics cannot be exported");
  const bool trains = takes_batch_statistics(c);
  if (!all_weights(c, 1, trains ? 2 : 4)) return functional_batch_norm(c, trains);
  const ConstantView scale = weight_of(c, 1);
  const std::int64_t channels = scale.elements();
  std::vector<std::string> arguments{std::to_string(channels)};
  add_epsilon(c, arguments);
  const float momentum = c.op.real("momentum", 0.9F);
  if (momentum != 0.9F && !trains) {
    arguments.push_back("momentum=" +
                        py_float(static_cast<float>(1.0 - std::stod(py_float(momentum)))));
  }
  std::vector<LayerWeight> weights{plain_weight("weight", scale),
                                   plain_weight("bias", weight_of(c, 2))};
  if (trains) {
    arguments.push_back("track_running_stats=False");
  } else {
    weights.push_back(plain_weight("running_mean", weight_of(c, 3)));
    weights.push_back(plain_weight("running_var", weight_of(c, 4)));
    weights[2].trained = weights[3].trained = false;
  }
  const std::string layer = c.layer(
      "bn", py_call("nn.BatchNorm" + norm_dimension(c), arguments).text, std::move(weights));
  return py_call(layer, {c.in(0).text});
}

PyExpr instance_norm(Call& c) {
  if (!all_weights(c, 1, 2)) {
    const std::string x = c.in(0).text, scale = c.in(1).text;
    std::vector<std::string> given{x, "weight=" + scale, "bias=" + c.in(2).text};
    add_epsilon(c, given);
    return py_call("F.instance_norm", given);
  }
  const ConstantView scale = weight_of(c, 1);
  std::vector<std::string> arguments{std::to_string(scale.elements())};
  add_epsilon(c, arguments);
  arguments.push_back("affine=True");
  const std::size_t rank = c.rank(0);
  if (rank < 3 || rank > 5) c.refuse("normalises a value of rank " + std::to_string(rank));
  const std::string layer =
      c.layer("norm", py_call("nn.InstanceNorm" + torch_dimension(rank - 2), arguments).text,
              {plain_weight("weight", scale), plain_weight("bias", weight_of(c, 2))});
  return py_call(layer, {c.in(0).text});
}

/// Scale and bias: one for a group in opsets 18 to 20, one for a channel since.
LayerWeight by_channel(Call& c, const std::string& name, std::size_t slot, std::int64_t channels) {
  const ConstantView view = weight_of(c, slot);
  if (view.elements() == channels) return plain_weight(name, view);
  if (view.elements() < 1 || channels % view.elements() != 0) {
    c.refuse("its " + name + " fits neither the channels nor the groups");
  }
  return {name, {channels}, [view, channels] {
            const std::vector<float> from = view.floats();
            const auto each = static_cast<std::size_t>(channels) / from.size();
            std::vector<float> to;
            for (const float value : from) to.insert(to.end(), each, value);
            return to;
          }};
}

PyExpr group_norm(Call& c) {
  const std::int64_t groups = c.op.integer("num_groups", 1);
  c.rank(0);
  const std::int64_t channels = c.in_shape(0)[1];
  if (channels <= 0) c.refuse("the number of its channels is not known");
  if (!all_weights(c, 1, 2)) c.refuse("its scale or bias is computed, expected weights");
  std::vector<std::string> arguments{std::to_string(groups), std::to_string(channels)};
  add_epsilon(c, arguments);
  const std::string layer = c.layer("norm", py_call("nn.GroupNorm", arguments).text,
                                    {by_channel(c, "weight", 1, channels),
                                     by_channel(c, "bias", 2, channels)});
  return py_call(layer, {c.in(0).text});
}

/// With operands that are computed.
PyExpr functional_layer_norm(Call& c, const Ints& dims) {
  std::vector<std::string> arguments{c.in(0).text, py_tuple(dims)};
  for (const std::size_t i : {1U, 2U}) {
    if (!c.has(i)) continue;
    const Shape& shape = c.in_shape(i);
    if (!shape.known() || !std::ranges::equal(shape.dims(), dims)) {
      c.refuse("a scale or bias that broadcasts has no form in PyTorch");
    }
    arguments.push_back(std::string(i == 1 ? "weight=" : "bias=") + c.in(i).text);
  }
  add_epsilon(c, arguments);
  return py_call("F.layer_norm", arguments);
}

PyExpr layer_norm(Call& c) {
  const std::size_t rank = c.rank(0), axis = c.axis(c.op.integer("axis", -1), rank);
  Ints dims;
  for (std::size_t d = axis; d < rank; ++d) {
    dims.push_back(c.in_shape(0)[d]);
    if (dims.back() < 0) c.refuse("the size of what it normalises is not known");
  }
  std::int64_t size = 1;
  for (const std::int64_t d : dims) size *= d;
  if (!all_weights(c, 1, 2)) return functional_layer_norm(c, dims);
  const ConstantView scale = weight_of(c, 1);
  if (scale.elements() != size) c.refuse("a scale that broadcasts has no form in PyTorch");
  std::vector<std::string> arguments{dims.size() == 1 ? std::to_string(dims[0]) : py_tuple(dims)};
  add_epsilon(c, arguments);
  LayerWeight bias = filled_weight("bias", size, 0);
  if (c.has(2)) bias = plain_weight("bias", weight_of(c, 2));
  bias.dims = dims;
  const std::string layer = c.layer("norm", py_call("nn.LayerNorm", arguments).text,
                                    {reshaped_weight("weight", scale, dims), bias});
  return py_call(layer, {c.in(0).text});
}

PyExpr local_response(Call& c) {
  const std::int64_t size = c.op.integer("size", 1);
  if (size % 2 == 0) c.refuse("an even number of neighbours has no form in PyTorch");
  return py_call(
      "F.local_response_norm",
      {c.in(0).text, std::to_string(size), "alpha=" + py_float(c.op.real("alpha", 1e-4F)),
       "beta=" + py_float(c.op.real("beta", 0.75F)), "k=" + py_float(c.op.real("bias", 1))});
}

PyExpr mean_variance(Call& c) {
  const Ints axes = c.op.integers("axes").value_or(Ints{0, 2, 3});
  return py_call(c.helper("normalize"), {c.in(0).text, py_tuple(axes)});
}

PyExpr lp_normalization(Call& c) {
  const std::string dim = std::to_string(c.op.integer("axis", -1));
  const std::string p = std::to_string(c.op.integer("p", 2));
  return py_call("F.normalize", {c.in(0).text, "p=" + p, "dim=" + dim});
}

/// Since opset 13 over one axis; before, over all axes from `axis` on, taken as one.
template <bool kLog>
PyExpr softmax(Call& c) {
  const std::string function = kLog ? "F.log_softmax" : "F.softmax";
  const bool one_axis = c.view.program().opset >= 13;
  const std::int64_t given = c.op.integer("axis", one_axis ? -1 : 1);
  const std::size_t rank = c.rank(0), axis = c.axis(given, rank);
  if (one_axis || axis + 1 == rank) {
    return py_call(function, {c.in(0).text, "dim=" + std::to_string(given)});
  }
  std::int64_t behind = 1;  // 1x1 maps: the axes behind the first are of no matter
  for (std::size_t d = axis + 1; d < rank; ++d) behind *= c.in_shape(0)[d];
  if (behind == 1) return py_call(function, {c.in(0).text, "dim=" + std::to_string(given)});
  return py_call(c.helper(kLog ? "log_softmax_from" : "softmax_from"),
                 {c.in(0).text, std::to_string(axis)});
}

constexpr OperatorRow kRows[] = {
    {"BatchNormalization", batch_norm},
    {"GroupNormalization", group_norm},
    {"InstanceNormalization", instance_norm},
    {"LRN", local_response},
    {"LayerNormalization", layer_norm},
    {"LogSoftmax", softmax<true>},
    {"LpNormalization", lp_normalization},
    {"MeanVarianceNormalization", mean_variance},
    {"Softmax", softmax<false>},
};

}  // namespace

std::span<const OperatorRow> torch_norms() { return kRows; }

}  // namespace autogo
