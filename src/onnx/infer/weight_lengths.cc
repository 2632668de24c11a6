// Weights whose length something else fixes: biases by the weights that they belong to, the scales
// of normalisations by channels, slopes by what they multiply, the matrices of recurrent layers by
// their hidden size. Runtimes read past the end of such a weight, stop, or compute something else,
// and every later layer of autogo trusts these lengths: a wrong one is refused here, once.
//
// Only known dimensions are compared, and the number of entries rather than the rank, which
// exporters write with more freedom than the standard gives.
//
// Tested by tests/onnx/weight_lengths_test.cc.

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

#include "infer.h"
#include "infer_detail.h"

namespace autogo {
namespace {

using namespace infer_detail;

/// Entry `axis` of the shape of input `slot`; -1 when it is not known.
std::int64_t size_of(const NodeView& n, std::size_t slot, std::size_t axis) {
  const Dims& dims = n.dims(slot);
  return dims && axis < dims->size() ? (*dims)[axis] : -1;
}

void require_entries(const NodeView& n, std::size_t slot, const char* name, std::int64_t expected) {
  const std::int64_t found = n.has(slot) ? num_elements(n.dims(slot)) : -1;
  if (found < 0 || expected < 0 || found == expected) return;
  fail(std::string(name) + " has " + std::to_string(found) + " entries, expected " +
       std::to_string(expected));
}

/// The input must broadcast to `target` without widening it.
void require_broadcast(const NodeView& n, std::size_t slot, const char* name, const Dims& target) {
  const Dims& dims = n.dims(slot);
  if (!dims || !target) return;
  bool fits = dims->size() <= target->size();
  for (std::size_t i = 0; fits && i < dims->size(); ++i) {
    const std::int64_t found = (*dims)[dims->size() - 1 - i];
    const std::int64_t wanted = (*target)[target->size() - 1 - i];
    fits = found < 0 || wanted < 0 || found == 1 || found == wanted;
  }
  if (fits) return;
  if (dims->size() == 1 && !target->empty()) require_entries(n, slot, name, target->back());
  fail(std::string(name) + " is " + dims_text(dims) + ", which does not broadcast to " +
       dims_text(target));
}

void require_dims(const NodeView& n, std::size_t slot, const char* name, const Ints& expected) {
  const Dims& dims = n.dims(slot);
  if (!dims) return;
  bool fits = dims->size() == expected.size();
  for (std::size_t i = 0; fits && i < expected.size(); ++i) {
    fits = (*dims)[i] < 0 || expected[i] < 0 || (*dims)[i] == expected[i];
  }
  if (!fits) {
    fail(std::string(name) + " is " + dims_text(dims) + ", expected " + dims_text(expected));
  }
}

void convolution(const NodeView& n) {
  const bool transposed = n.op() == "ConvTranspose", quantised = n.op() == "QLinearConv";
  const std::size_t weights = quantised ? 3 : 1;
  const std::int64_t group = attribute_int(n.proto(), "group", 1);
  const std::int64_t channels =
      transposed ? multiply(size_of(n, weights, 1), group) : size_of(n, weights, 0);
  require_entries(n, quantised ? 8 : n.op() == "DeformConv" ? 3 : 2, "bias", channels);
  if (!quantised) return;
  if (num_elements(n.dims(4)) != 1) require_entries(n, 4, "the weights' scale", channels);
  if (num_elements(n.dims(5)) != 1) require_entries(n, 5, "the weights' zero point", channels);
}

void batch_norm(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return;
  std::int64_t channels = in->size() < 2 ? 1 : (*in)[1];
  if (n.opset() < 9 && attribute_int(n.proto(), "spatial", 1) == 0) {
    for (std::size_t i = 2; i < in->size(); ++i) channels = multiply(channels, (*in)[i]);
  }
  std::size_t slot = 0;
  for (const char* name : {"scale", "bias", "mean", "variance"}) {
    require_entries(n, ++slot, name, channels);
  }
}

/// Scale and bias of a group: of each group in opsets 18 to 20, of each channel since.
void channel_norm(const NodeView& n) {
  const bool by_group = n.op() == "GroupNormalization" && n.opset() < 21;
  const std::int64_t entries =
      by_group ? attribute_int(n.proto(), "num_groups", -1) : size_of(n, 0, 1);
  require_entries(n, 1, "scale", entries);
  require_entries(n, 2, "bias", entries);
}

void layer_norm(const NodeView& n) {
  require_broadcast(n, 1, "scale", n.dims(0));
  require_broadcast(n, 2, "bias", n.dims(0));
}

void prelu(const NodeView& n) { require_broadcast(n, 1, "slope", n.dims(0)); }

void gemm(const NodeView& n) {
  const bool ta = attribute_int(n.proto(), "transA", 0) != 0;
  const bool tb = attribute_int(n.proto(), "transB", 0) != 0;
  require_broadcast(n, 2, "bias", Ints{size_of(n, 0, ta ? 1 : 0), size_of(n, 1, tb ? 0 : 1)});
}

/// A scale and a zero point for the tensor, or one for each entry of an axis.
void quantisation(const NodeView& n) {
  const Dims &in = n.dims(0), &scale = n.dims(1);
  const std::int64_t entries = num_elements(scale);
  require_entries(n, 2, "the zero point", entries);
  const bool by_axis = in && scale && scale->size() == 1 && entries != 1 && n.opset() >= 13 &&
                       attribute_int(n.proto(), "block_size", 0) == 0;
  if (!by_axis) return;
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 1), in->size());
  require_entries(n, 1, "the scale", (*in)[axis]);
}

void recurrent(const NodeView& n) {
  const std::int64_t gates = n.op() == "LSTM" ? 4 : n.op() == "GRU" ? 3 : 1;
  const bool both = attribute_string(n.proto(), "direction", "forward") == "bidirectional";
  const std::int64_t hidden = attribute_int(n.proto(), "hidden_size", size_of(n, 2, 2));
  const bool batch_first = attribute_int(n.proto(), "layout", 0) != 0;
  const std::int64_t directions = both ? 2 : 1, batch = size_of(n, 0, batch_first ? 0 : 1);
  const std::int64_t rows = multiply(gates, hidden);
  require_dims(n, 1, "the weight W", {directions, rows, size_of(n, 0, 2)});
  require_dims(n, 2, "the weight R", {directions, rows, hidden});
  require_dims(n, 3, "the bias B", {directions, multiply(2, rows)});
  const Ints state =
      batch_first ? Ints{batch, directions, hidden} : Ints{directions, batch, hidden};
  require_dims(n, 5, "the initial state", state);
  if (n.op() != "LSTM") return;
  require_dims(n, 6, "the initial cell", state);
  require_dims(n, 7, "the peephole weight P", {directions, multiply(3, hidden)});
}

using Check = void (*)(const NodeView&);

const std::map<std::string_view, Check>& checks() {
  static const std::map<std::string_view, Check> table = {
      {"BatchNormalization", batch_norm},
      {"Conv", convolution},
      {"ConvTranspose", convolution},
      {"DeformConv", convolution},
      {"DequantizeLinear", quantisation},
      {"GRU", recurrent},
      {"Gemm", gemm},
      {"GroupNormalization", channel_norm},
      {"InstanceNormalization", channel_norm},
      {"LSTM", recurrent},
      {"LayerNormalization", layer_norm},
      {"PRelu", prelu},
      {"QLinearConv", convolution},
      {"QuantizeLinear", quantisation},
      {"RMSNormalization", layer_norm},
      {"RNN", recurrent},
  };
  return table;
}

}  // namespace

void require_weight_lengths(const NodeView& node) {
  const auto check = checks().find(node.op());
  if (check != checks().end()) check->second(node);
}

}  // namespace autogo
