// What only the importer can know of a node's cost: the sizes of its constants, and the
// multiply-accumulates of opaque nodes that have some (1-D and 3-D convolutions, recurrent layers,
// quantised products). -1 says that they cannot be told.
//
// Tested by tests/onnx/import_test.cc.

#include <algorithm>
#include <array>
#include <set>

#include "import_view.h"
#include "infer.h"
#include "tensor_data.h"

namespace autogo {
namespace {

/// Operators outside the table that multiply-accumulate in ways that are not counted here, or run
/// other nodes: their cost is unknown, like that of operators that neither our rules nor ONNX's
/// schemas know. Every other standard operator only moves or maps elements.
constexpr std::array<std::string_view, 12> kUncounted = {
    "Attention", "DFT",  "DeformConv", "Einsum", "If",          "LinearAttention",
    "Loop",      "STFT", "Scan",       "Det",    "SequenceMap", "NonMaxSuppression"};

class Facts {
 public:
  explicit Facts(const ImportView& view) : view_(view) {}

  Source::NodeFacts of(const std::vector<int>& nodes, OpKind op) {
    for (const int node : nodes) {
      for (const int value : view_.node(node).inputs) count(value);
      for (const int value : view_.node(node).captured) count(value);
    }
    if (op == OpKind::kBatchNorm) facts_.params /= 2;  // mean and variance are not trained
    facts_.macs = op == OpKind::kOpaque ? macs(nodes.front()) : -1;
    return facts_;
  }

 private:
  /// Adds the weights behind a constant: followed through the nodes that compute it, however long
  /// their chain is.
  void count(int value) {
    std::vector<int> open{value};
    while (!open.empty()) {
      const int next = open.back();
      open.pop_back();
      if (next < 0 || !seen_.insert(view_.source().root(next)).second) continue;
      const OnnxValue& v = view_.source().value(view_.source().root(next));
      if (!v.is_constant() || v.kind == OnnxValue::Kind::kFolded) continue;
      const int producer = v.kind == OnnxValue::Kind::kConstant ? v.producer : -1;
      const bool leaf =
          producer < 0 || view_.is(producer, "Constant") || view_.is(producer, "ConstantOfShape");
      if (leaf) {
        count_leaf(v);
      } else {
        const std::vector<int>& inputs = view_.node(producer).inputs;
        open.insert(open.end(), inputs.begin(), inputs.end());
      }
    }
  }

  void count_leaf(const OnnxValue& v) {
    const std::int64_t elements = num_elements(v.worlds[0].dims);
    // Numbers such as an epsilon or a shape are no parameters.
    const bool weight = elements > 1 && v.dtype != DType::kInt64 && v.dtype != DType::kBool &&
                        v.dtype != DType::kString;
    if (!weight) return;
    facts_.params += elements;
    const int bits = element_bits(static_cast<int>(v.dtype));
    facts_.weight_bytes += (elements / 8) * bits + (elements % 8 * bits + 7) / 8;
  }

  std::int64_t macs(int node) const {
    const onnx::NodeProto& proto = view_.proto(node);
    const std::string& op = proto.op_type();
    if (!standard_domain(proto) || std::ranges::find(kUncounted, op) != kUncounted.end()) return -1;
    auto elements = [&](int value) { return value < 0 ? -1 : num_elements(view_.dims(value)); };
    if (op == "Conv" || op == "ConvInteger" || op == "QLinearConv" || op == "ConvTranspose") {
      const int weights = view_.input(node, op == "QLinearConv" ? 3 : 1);
      // Each output element (input element, when transposed) meets one filter.
      const bool transposed = op == "ConvTranspose";
      return product(elements(transposed ? view_.input(node, 0) : view_.output(node)),
                     filter_size(weights));
    }
    if (op == "MatMul" || op == "MatMulInteger" || op == "Gemm" || op == "QLinearMatMul") {
      const Dims& a = view_.dims(view_.input(node, 0));
      if (!all_known(a) || a->empty()) return -1;
      const bool by_rows = op == "Gemm" && attribute_int(proto, "transA", 0) != 0;
      return product(elements(view_.output(node)), by_rows ? a->front() : a->back());
    }
    if (op == "LSTM" || op == "GRU" || op == "RNN") return recurrent(node);
    return known_operator(op) ? 0 : -1;
  }

  std::int64_t filter_size(int weights) const {
    const Dims dims = weights < 0 ? std::nullopt : view_.dims(weights);
    if (!all_known(dims) || dims->empty()) return -1;
    return num_elements(std::vector<std::int64_t>(dims->begin() + 1, dims->end()));
  }

  /// Each step multiplies input and state with W and R (directions included in their shapes).
  std::int64_t recurrent(int node) const {
    const Dims& x = view_.dims(view_.input(node, 0));
    if (!all_known(x) || x->size() != 3 || view_.input(node, 1) < 0 || view_.input(node, 2) < 0) {
      return -1;
    }
    const std::int64_t w = num_elements(view_.dims(view_.input(node, 1)));
    const std::int64_t r = num_elements(view_.dims(view_.input(node, 2)));
    if (w < 0 || r < 0) return -1;
    return product(product((*x)[0], (*x)[1]), w + r);
  }

  static std::int64_t product(std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result)) return -1;
    return result;
  }

  const ImportView& view_;
  Source::NodeFacts facts_;
  std::set<int> seen_;
};

}  // namespace

Source::NodeFacts node_facts(const ImportView& view, const std::vector<int>& nodes, OpKind op) {
  return Facts(view).of(nodes, op);
}

}  // namespace autogo
