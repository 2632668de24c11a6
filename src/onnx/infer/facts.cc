// Multiply-accumulates of opaque nodes that have some: convolutions that are not 2-D, recurrent
// layers, quantised products, attention, Einsum. -1 says that they cannot be told.
//
// Tested by tests/onnx/facts_test.cc.

#include <algorithm>
#include <array>

#include "einsum.h"
#include "infer.h"
#include "onnx/import/import_view.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

/// Operators outside the table that multiply-accumulate in ways that are not counted here, or run
/// other nodes: their cost is unknown, like that of operators that neither our rules nor ONNX's
/// schemas know. Every other standard operator only moves or maps elements.
constexpr std::array<std::string_view, 9> kUncounted = {
    "DFT",  "Det",  "If",         "LinearAttention", "Loop", "NonMaxSuppression",
    "STFT", "Scan", "SequenceMap"};

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result)) return -1;
  return result;
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &result)) return -1;
  return result;
}

class Macs {
 public:
  Macs(const ImportView& view, int node) : view_(view), node_(node), proto_(view.proto(node)) {}

  std::int64_t count() const {
    const std::string& op = proto_.op_type();
    if (!standard_domain(proto_) || std::ranges::find(kUncounted, op) != kUncounted.end()) {
      return -1;
    }
    if (op == "Conv" || op == "ConvInteger" || op == "ConvTranspose" || op == "DeformConv") {
      return convolution(1);
    }
    if (op == "QLinearConv") return convolution(3);
    if (op == "MatMul" || op == "MatMulInteger" || op == "Gemm" || op == "QLinearMatMul") {
      return matrix_product();
    }
    if (op == "Einsum") return einsum();
    if (op == "Attention") return attention();
    if (op == "LSTM" || op == "GRU" || op == "RNN") return recurrent();
    return known_operator(op) ? 0 : -1;
  }

 private:
  Dims dims(std::size_t slot) const {
    const int value = view_.input(node_, slot);
    return value < 0 ? std::nullopt : view_.dims(value);
  }
  Dims output_dims(std::size_t i) const {
    const std::vector<int>& outputs = view_.node(node_).outputs;
    return i < outputs.size() && outputs[i] >= 0 ? view_.dims(outputs[i]) : std::nullopt;
  }

  /// Each output element (input element, when transposed) meets one filter.
  std::int64_t convolution(std::size_t slot) const {
    const Dims weights = dims(slot);
    if (!all_known(weights) || weights->empty()) return -1;
    const bool transposed = proto_.op_type() == "ConvTranspose";
    return product(num_elements(transposed ? dims(0) : output_dims(0)),
                   num_elements(Ints(weights->begin() + 1, weights->end())));
  }

  std::int64_t matrix_product() const {
    const Dims a = dims(0);
    if (!all_known(a) || a->empty()) return -1;
    const bool by_rows = proto_.op_type() == "Gemm" && attribute_int(proto_, "transA", 0) != 0;
    return product(num_elements(output_dims(0)), by_rows ? a->front() : a->back());
  }

  std::int64_t einsum() const {
    std::vector<Ints> operands;
    for (std::size_t i = 0; i < view_.node(node_).inputs.size(); ++i) {
      if (!all_known(dims(i))) return -1;
      operands.push_back(*dims(i));
    }
    return EinsumShapes(attribute_string(proto_, "equation", ""), operands).macs();
  }

  /// Every query meets every key (past ones included), and the weights that come of it every value.
  std::int64_t attention() const {
    const auto shape = attention_shape(proto_, dims(0), dims(1), dims(2), dims(4));
    if (!shape) return -1;
    const std::int64_t pairs =
        product(product(shape->batch, shape->query_heads), product(shape->queries, shape->keys));
    return product(pairs, sum(shape->key_size, shape->value_size));
  }

  /// Each step multiplies input and state with W and R (directions included in their shapes).
  std::int64_t recurrent() const {
    const Dims x = dims(0);
    const std::int64_t w = num_elements(dims(1)), r = num_elements(dims(2));
    if (!all_known(x) || x->size() != 3) return -1;
    return product(product((*x)[0], (*x)[1]), sum(w, r));
  }

  const ImportView& view_;
  int node_;
  const onnx::NodeProto& proto_;
};

}  // namespace

std::int64_t opaque_macs(const ImportView& view, int node) { return Macs(view, node).count(); }

}  // namespace autogo
