// What every value of a model is, and what every node becomes: constants and folded nodes leave the
// graph, identities become aliases, what no output needs is dropped, the rest is live.
//
// Two worlds instead of symbolic dimensions: to know whether a number in a chain of shape
// arithmetic depends on the batch size, the model is inferred for two batch sizes and the numbers
// are compared. That needs no rule for any operator on how it handles symbols, and where the second
// world fails (a reshape to a fixed batch of 1) everything after it counts as dependent, which errs
// on the safe side: such nodes stay in the graph as they are.
//
// Tested by tests/onnx/infer_test.cc and tests/onnx/import_test.cc.

#include "analysis.h"

#include <algorithm>
#include <array>

#include "autogo/base/error.h"
#include "onnx/attributes.h"
#include "onnx/infer/infer.h"
#include "onnx/tensor_data.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

/// Infers every value and decides what each node becomes.
class Analysis {
 public:
  Analysis(ModelSource& source, const SymbolSizes& symbols, Log& log)
      : source_(source), symbols_(symbols), log_(log) {
    const onnx::GraphProto& graph = source.model.graph();
    for (const auto& info : graph.value_info()) declared_.emplace(info.name(), declared_type(info));
    for (const auto& info : graph.output()) declared_.emplace(info.name(), declared_type(info));
    used_.assign(source.values.size(), false);
    for (const OnnxNode& node : source.nodes) {
      for (const int value : node.inputs) mark(value);
      for (const int value : node.captured) mark(value);
    }
    for (const auto& info : graph.output()) mark(source.value_index.at(info.name()));
  }

  void run() {
    for (OnnxValue& value : source_.values) {
      if (value.kind != OnnxValue::Kind::kWeight || value.tensor == nullptr) continue;
      value.worlds[0].data = value.worlds[1].data = read_small(source_, *value.tensor);
    }
    for (std::size_t i = 0; i < source_.nodes.size(); ++i) {
      OnnxNode& node = source_.nodes[i];
      try {
        infer(node);
      } catch (Error& e) {
        e.prepend(describe(*node.proto));
        throw;
      }
      classify(node);
    }
    drop_dead();
  }

 private:
  void mark(int value) {
    if (value >= 0) used_[static_cast<std::size_t>(value)] = true;
  }

  void infer(OnnxNode& node) {
    const auto first = infer_node(NodeView(source_, node, 0));
    std::vector<InferredValue> second = first;
    if (source_.dynamic) {
      // The other world may contradict a shape that the file fixed: then nothing is known in it.
      try {
        second = infer_node(NodeView(source_, node, 1));
      } catch (const Error&) {
        second.assign(first.size(), InferredValue{});
      }
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] < 0) continue;
      OnnxValue& value = source_.value(node.outputs[i]);
      value.dtype = first[i].dtype;
      value.worlds[0] = {first[i].dims, first[i].data, first[i].container};
      value.worlds[1] = {second[i].dims, second[i].data, second[i].container};
      complete(value);
      warn_of_unknown(value, node, first[i].objection);
    }
  }

  void warn_of_unknown(const OnnxValue& value, const OnnxNode& node, const std::string& objection) {
    if (value.worlds[0].container != nullptr || all_known(value.worlds[0].dims) ||
        !standard_domain(*node.proto)) {
      return;
    }
    if (value.dtype == DType::kUndefined && objection.empty()) return;
    const bool consequence = std::ranges::any_of(node.inputs, [&](int i) {
      return i >= 0 && source_.value(i).worlds[0].container == nullptr &&
             !all_known(source_.value(i).worlds[0].dims);
    });
    if (consequence) return;  // said of the node that it began with
    log_.warning(source_.path + ": " + describe(*node.proto) + ": the shape of '" + value.name +
                 "' cannot be told" + (objection.empty() ? "" : " (" + objection + ")"));
  }

  /// Takes what inference could not tell from the file's own declaration.
  void complete(OnnxValue& value) const {
    const auto it = declared_.find(value.name);
    if (it == declared_.end()) return;
    if (value.dtype == DType::kUndefined) value.dtype = it->second.dtype;
    if (it->second.container != nullptr && value.worlds[0].container == nullptr) {
      value.worlds[0].container = std::make_shared<onnx::TypeProto>(*it->second.container);
      value.worlds[1].container = value.worlds[0].container;
    }
    if (it->second.shape == nullptr) return;
    for (const std::size_t w : {0U, 1U}) {
      Dims& dims = value.worlds[w].dims;
      if (all_known(dims)) continue;
      Ints declared;
      for (const auto& dim : it->second.shape->dim()) {
        const auto symbol = symbols_.find(dim.dim_param());
        std::int64_t size = is_fixed(dim) && dim.dim_value() <= kMaxDim ? dim.dim_value() : -1;
        if (size < 0 && symbol != symbols_.end() && !dim.dim_param().empty()) {
          size = symbol->second * (w == 1 ? 2 : 1);
        }
        declared.push_back(size);
      }
      if (!dims) dims = declared;
      if (dims->size() != declared.size()) continue;
      for (std::size_t i = 0; i < declared.size(); ++i) {
        if ((*dims)[i] < 0) (*dims)[i] = declared[i];
      }
      if (!countable(*dims)) dims.reset();
    }
  }

  static bool deterministic(const onnx::NodeProto& proto) {
    static constexpr std::array<std::string_view, 7> kRandom = {
        "Bernoulli",     "Multinomial",       "RandomNormal", "RandomNormalLike",
        "RandomUniform", "RandomUniformLike", "Dropout"};
    return std::ranges::find(kRandom, proto.op_type()) == kRandom.end();
  }

  bool same_in_both_worlds(const OnnxNode& node) const {
    return std::ranges::all_of(node.outputs, [&](int i) {
      if (i < 0) return true;
      const auto& w = source_.value(i).worlds;
      return w[0].data && w[1].data && *w[0].data == *w[1].data;
    });
  }

  void classify(OnnxNode& node) {
    const onnx::NodeProto& proto = *node.proto;
    const bool pure = standard_domain(proto) && node.captured.empty() && deterministic(proto) &&
                      proto.op_type() != "If" && proto.op_type() != "Loop" &&
                      proto.op_type() != "Scan" && !node.outputs.empty();
    bool constant = pure && (!node.inputs.empty() || proto.op_type() == "Constant");
    bool structural = constant;
    for (const int value : node.inputs) {
      if (value < 0) continue;
      constant = constant && source_.value(value).is_constant();
      structural = structural && source_.value(value).kind != OnnxValue::Kind::kFolded;
    }
    const bool numbers = pure && same_in_both_worlds(node);
    if (constant && (structural || !numbers)) {
      settle(node, OnnxNode::State::kConstant, OnnxValue::Kind::kConstant);
    } else if (numbers) {
      settle(node, OnnxNode::State::kFolded, OnnxValue::Kind::kFolded);
    } else if (const int same_as = identity_of(node); same_as >= 0) {
      node.state = OnnxNode::State::kAlias;
      source_.value(node.outputs[0]).alias = source_.root(same_as);  // no chains to follow
    } else if (source_.dynamic) {
      fix_reshape(node);
    }
  }

  /// A reshape whose computed shape only passes a dynamic dimension on ("batch, 2, C / 2, H, W")
  /// does the same with a fixed shape: 0 copies a dimension, -1 takes what is left. The arithmetic
  /// behind the computed shape is then needed no more.
  void fix_reshape(OnnxNode& node) {
    if (node.proto->op_type() != "Reshape" || !standard_domain(*node.proto) ||
        attribute_int(*node.proto, "allowzero", 0) != 0) {
      return;
    }
    const OnnxValue &in = source_.value(node.inputs[0]), &shape = source_.value(node.inputs[1]);
    const auto &a = shape.worlds[0].data, &b = shape.worlds[1].data;
    if (shape.is_constant() || !a || !b || a->ints.size() != b->ints.size()) return;
    const Dims &in_a = in.worlds[0].dims, &in_b = in.worlds[1].dims;
    if (num_elements(in_a) <= 0 || num_elements(in_b) <= 0) return;
    auto fixed = std::make_shared<SmallTensor>(*a);
    bool rest = std::ranges::find(a->ints, -1) != a->ints.end();
    for (std::size_t i = 0; i < a->ints.size(); ++i) {
      if (a->ints[i] == b->ints[i]) continue;
      const bool copied = i < in_a->size() && (*in_a)[i] == a->ints[i] && (*in_b)[i] == b->ints[i];
      if (!copied && rest) return;
      rest = rest || !copied;
      fixed->ints[i] = copied ? 0 : -1;
    }
    OnnxValue value;
    value.name = shape.name + "_fixed";
    while (!source_.names.insert(value.name).second) value.name += "_";
    value.kind = OnnxValue::Kind::kFolded;
    value.dtype = DType::kInt64;
    value.worlds[0] = value.worlds[1] = {fixed->dims, fixed};
    node.inputs[1] = static_cast<int>(source_.values.size());
    source_.values.push_back(std::move(value));
  }

  void settle(OnnxNode& node, OnnxNode::State state, OnnxValue::Kind kind) {
    node.state = state;
    for (const int value : node.outputs) {
      if (value >= 0) source_.value(value).kind = kind;
    }
  }

  /// The input that the node's only used output equals; -1 when there is none.
  int identity_of(const OnnxNode& node) const {
    if (!standard_domain(*node.proto) || node.inputs.empty() || node.inputs[0] < 0 ||
        node.outputs.empty() || node.outputs[0] < 0) {
      return -1;
    }
    for (std::size_t i = 1; i < node.outputs.size(); ++i) {
      if (node.outputs[i] >= 0 && used_[static_cast<std::size_t>(node.outputs[i])]) return -1;
    }
    const std::string& op = node.proto->op_type();
    bool same = op == "Identity";
    if (op == "Dropout") same = !trains(node);
    const bool single = node.inputs.size() == 1;
    if (single && (op == "Concat" || op == "Sum" || op == "Max" || op == "Min" || op == "Mean")) {
      same = true;
    }
    if (op == "Cast") {
      const DType type = source_.value(node.inputs[0]).dtype;
      same = type != DType::kUndefined && type == source_.value(node.outputs[0]).dtype;
    }
    return same ? node.inputs[0] : -1;
  }

  bool trains(const OnnxNode& node) const {
    if (node.inputs.size() > 1 && node.inputs[1] >= 0) {  // a ratio of 0 drops nothing
      const OnnxValue& ratio = source_.value(node.inputs[1]);
      const SmallTensor* number = ratio.is_constant() ? ratio.worlds[0].data.get() : nullptr;
      if (number != nullptr && number->floating() && number->reals == std::vector<double>{0}) {
        return false;
      }
    }
    if (node.inputs.size() < 3 || node.inputs[2] < 0) return false;
    const OnnxValue& mode = source_.value(node.inputs[2]);
    const SmallTensor* data = mode.is_constant() ? mode.worlds[0].data.get() : nullptr;
    return data == nullptr || data->floating() || data->ints != Ints{0};
  }

  void drop_dead() {
    std::vector<bool> needed(source_.nodes.size(), false);
    auto need = [&](int value) {
      if (value < 0) return;
      const OnnxValue& v = source_.value(source_.root(value));
      if (v.kind == OnnxValue::Kind::kComputed && v.producer >= 0) {
        needed[static_cast<std::size_t>(v.producer)] = true;
      }
    };
    for (const auto& output : source_.model.graph().output()) {
      need(source_.value_index.at(output.name()));
    }
    for (std::size_t i = source_.nodes.size(); i-- > 0;) {
      OnnxNode& node = source_.nodes[i];
      if (node.state != OnnxNode::State::kLive) continue;
      if (!needed[i]) {
        node.state = OnnxNode::State::kDead;
        log_.debug(source_.path + ": " + describe(*node.proto) + " is not needed, dropped");
        continue;
      }
      std::ranges::for_each(node.inputs, need);
      std::ranges::for_each(node.captured, need);
    }
  }

  ModelSource& source_;
  const SymbolSizes& symbols_;
  Log& log_;
  std::map<std::string, DeclaredType> declared_;
  std::vector<bool> used_;
};

}  // namespace

void analyse(ModelSource& source, const SymbolSizes& symbols, Log& log) {
  Analysis(source, symbols, log).run();
}

}  // namespace autogo
