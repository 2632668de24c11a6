// The weights behind the constants that a node reads. Which operands are weights is the operator's
// business (operand_roles.cc); a weight that nodes transpose, cast or dequantise before it is used
// is counted as it is stored.
//
// A tensor that is made to a size that the network's input decides (zeros like x) is no weight, and
// neither are integers, unless a quantised operator reads them: those have 8-bit matrices and
// 32-bit biases.
//
// Cost: every node follows its own constants, linear in what computes them.
//
// Tested by tests/onnx/facts_test.cc.

#include "weight_facts.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "onnx/tensor_data.h"

namespace autogo {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 61;

std::string_view domain_of(const onnx::NodeProto& node) {
  return standard_domain(node) ? std::string_view() : std::string_view(node.domain());
}

bool reads_integers(const onnx::NodeProto& node) {
  const std::string& op = node.op_type();
  return op == "DequantizeLinear" || op == "QLinearConv" || op == "QLinearMatMul" ||
         op == "ConvInteger" || op == "MatMulInteger";
}

/// Whether elements of this type can be weights.
bool weight_type(int data_type, bool quantised) {
  if (is_floating(to_dtype(data_type))) return true;
  if (to_dtype(data_type) == DType::kBool || element_bits(data_type) == 0) return false;
  return element_bits(data_type) <= 8 || (quantised && to_dtype(data_type) == DType::kInt32);
}

std::int64_t bytes_of(std::int64_t elements, int data_type) {
  const int bits = element_bits(data_type);
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(elements / 8, bits, &bytes)) return kMost;
  return std::min(bytes, kMost) + (elements % 8 * bits + 7) / 8;
}

/// Files may declare more than can be counted: the sum then stays where it is still a number.
void accumulate(std::int64_t& sum, std::int64_t part) {
  sum = std::min(sum, kMost) + std::min(part, kMost);
}

}  // namespace

/// The names that a subgraph and those around it define: tensors, null for what is computed.
class WeightFinder::InnerScope {
 public:
  InnerScope(const onnx::GraphProto& graph, const InnerScope* outer) : outer_(outer) {
    for (const auto& input : graph.input()) names_.emplace(input.name(), nullptr);
    for (const auto& tensor : graph.initializer()) names_.insert_or_assign(tensor.name(), &tensor);
    for (const onnx::NodeProto& node : graph.node()) {
      const auto* value = node.op_type() == "Constant" ? find_attribute(node, "value") : nullptr;
      for (const std::string& output : node.output()) {
        names_.emplace(output, value != nullptr ? &value->t() : nullptr);
      }
    }
  }
  std::optional<const onnx::TensorProto*> find(const std::string& name) const {
    for (const InnerScope* scope = this; scope != nullptr; scope = scope->outer_) {
      if (const auto it = scope->names_.find(name); it != scope->names_.end()) return it->second;
    }
    return std::nullopt;
  }

 private:
  const InnerScope* outer_;
  std::unordered_map<std::string_view, const onnx::TensorProto*> names_;
};

WeightFinder::WeightFinder(const ImportView& view)
    : view_(view), visited_(2 * view.source().values.size(), 0) {}

void WeightFinder::add(const std::vector<int>& nodes, OpKind op, Source::NodeFacts& facts) {
  ++call_;
  found_.clear();
  inner_seen_.clear();
  inner_ = {};
  for (const int node : nodes) visit_node(node, op);
  accumulate(facts.params, inner_.params);
  accumulate(facts.weight_bytes, inner_.weight_bytes);
  for (const auto& [value, weight] : found_) {
    accumulate(facts.params, weight.params);
    accumulate(facts.weight_bytes, weight.bytes);
    facts.shared.push_back(weight);
  }
}

void WeightFinder::drop_unshared(std::vector<Source::NodeFacts>& facts) {
  std::unordered_map<std::uint32_t, int> readers;
  for (const Source::NodeFacts& f : facts) {
    for (const Source::SharedWeight& weight : f.shared) ++readers[weight.id];
  }
  for (Source::NodeFacts& f : facts) {
    std::erase_if(f.shared,
                  [&](const Source::SharedWeight& weight) { return readers.at(weight.id) < 2; });
    f.shared.shrink_to_fit();
  }
}

void WeightFinder::visit_node(int node, OpKind op) {
  const onnx::NodeProto& proto = view_.proto(node);
  for (std::size_t slot = 0; slot < view_.node(node).inputs.size(); ++slot) {
    const int value = view_.input(node, slot);
    if (value < 0 || !view_.constant(value)) continue;
    ConstantRole role =
        operand_role(domain_of(proto), proto.op_type(), slot, num_elements(view_.dims(value)));
    // The bias of a dense layer with one output is no mere number.
    if (op == OpKind::kDense && proto.op_type() == "Add") role = ConstantRole::kWeight;
    follow({value, role, reads_integers(proto)});
  }
  visit_subgraphs(proto, nullptr);
}

/// Inner nodes that read constants only (a weight is transposed) hand the role of a weight on.
void WeightFinder::visit_subgraph(const onnx::GraphProto& graph, const InnerScope* outer) {
  const InnerScope scope(graph, outer);
  for (const onnx::NodeProto& node : graph.node()) {
    std::vector<InnerConstant> operands;
    for (const std::string& name : node.input()) operands.push_back(resolve(name, scope));
    const bool constant = std::ranges::all_of(operands, &InnerConstant::known);
    for (std::size_t slot = 0; slot < operands.size(); ++slot) {
      const InnerConstant& operand = operands[slot];
      if (!operand.known()) continue;
      ConstantRole role = operand_role(domain_of(node), node.op_type(), slot, operand.elements);
      if (constant) {
        const bool passes =
            operand.elements > 1 && passes_role(node.op_type(), slot, operand.elements);
        role = passes ? ConstantRole::kWeight : ConstantRole::kFixed;
      }
      if (operand.tensor != nullptr) {
        add_inner(*operand.tensor, role, reads_integers(node));
      } else {
        follow({operand.value, role, reads_integers(node)});
      }
    }
    visit_subgraphs(node, &scope);
  }
}

void WeightFinder::visit_subgraphs(const onnx::NodeProto& node, const InnerScope* outer) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.has_g()) visit_subgraph(attribute.g(), outer);
    for (const onnx::GraphProto& graph : attribute.graphs()) visit_subgraph(graph, outer);
  }
}

WeightFinder::InnerConstant WeightFinder::resolve(const std::string& name,
                                                  const InnerScope& scope) const {
  if (const auto inner = scope.find(name)) {
    const std::int64_t elements = *inner == nullptr ? -1 : num_elements(tensor_dims(**inner));
    return {*inner, -1, elements};
  }
  const auto it = view_.source().value_index.find(name);
  if (it == view_.source().value_index.end()) return {};
  const int value = view_.source().root(it->second);
  if (!view_.constant(value)) return {};
  return {nullptr, value, num_elements(view_.dims(value))};
}

void WeightFinder::add_inner(const onnx::TensorProto& tensor, ConstantRole role, bool quantised) {
  const std::int64_t elements = num_elements(tensor_dims(tensor));
  if (role == ConstantRole::kFixed || elements < 1 || !weight_type(tensor.data_type(), quantised) ||
      !inner_seen_.insert(&tensor).second) {
    return;
  }
  if (role == ConstantRole::kWeight) accumulate(inner_.params, elements);
  accumulate(inner_.weight_bytes, bytes_of(elements, tensor.data_type()));
}

/// From an operand through the nodes that compute it to the tensors behind.
void WeightFinder::follow(const Operand& first) {
  const ModelSource& source = view_.source();
  std::vector<Operand> todo{first};
  while (!todo.empty()) {
    Operand operand = todo.back();
    todo.pop_back();
    if (operand.value < 0 || operand.role == ConstantRole::kFixed) continue;
    operand.value = source.root(operand.value);
    const auto value = static_cast<std::size_t>(operand.value);
    std::uint32_t& seen = visited_[2 * value + (operand.role == ConstantRole::kWeight ? 1 : 0)];
    if (std::exchange(seen, call_) == call_) continue;
    const OnnxValue& v = source.value(operand.value);
    if (v.kind == OnnxValue::Kind::kWeight) count(operand);
    if (v.producer < 0 || !v.is_constant()) continue;
    const onnx::NodeProto& proto = view_.proto(v.producer);
    const std::vector<int>& inputs = view_.node(v.producer).inputs;
    const bool made = proto.op_type() == "ConstantOfShape" && !inputs.empty() && inputs[0] >= 0 &&
                      source.value(inputs[0]).kind != OnnxValue::Kind::kFolded;
    if (made || proto.op_type() == "Constant") count(operand);
    for (std::size_t slot = 0; slot < inputs.size(); ++slot) {
      if (inputs[slot] < 0) continue;
      const std::int64_t elements = num_elements(view_.dims(source.root(inputs[slot])));
      if (!passes_role(proto.op_type(), slot, elements)) continue;
      todo.push_back({inputs[slot], operand.role, operand.quantised || reads_integers(proto)});
    }
  }
}

void WeightFinder::count(const Operand& operand) {
  const OnnxValue& v = view_.source().value(operand.value);
  const int type = static_cast<int>(v.dtype);
  const std::int64_t elements =
      num_elements(v.sparse != nullptr ? Dims(tensor_dims(v.sparse->values())) : v.worlds[0].dims);
  if (elements < 1 || !weight_type(type, operand.quantised)) return;
  Source::SharedWeight& weight = found_[operand.value];
  weight.id = static_cast<std::uint32_t>(operand.value);
  weight.bytes = bytes_of(elements, type);
  if (operand.role == ConstantRole::kWeight) weight.params = elements;
}

}  // namespace autogo
