#include "import_view.h"

#include <algorithm>

namespace autogo {

ImportView::ImportView(const ModelSource& source)
    : source_(source), users_(source.values.size()), output_(source.values.size(), false) {
  for (std::size_t i = 0; i < source.nodes.size(); ++i) {
    const OnnxNode& node = source.nodes[i];
    if (node.state != OnnxNode::State::kLive) continue;
    auto use = [&](int value) {
      if (value >= 0)
        users_[static_cast<std::size_t>(source.root(value))].push_back(static_cast<int>(i));
    };
    std::ranges::for_each(node.inputs, use);
    std::ranges::for_each(node.captured, use);
  }
  for (const auto& output : source.model.graph().output()) {
    const int value = source.root(source.value_index.at(output.name()));
    output_[static_cast<std::size_t>(value)] = true;
  }
}

bool ImportView::is(int node, std::string_view op) const {
  const OnnxNode& n = source_.node(node);
  return n.proto->op_type() == op && standard_domain(*n.proto);
}

int ImportView::input(int node, std::size_t i) const {
  const OnnxNode& n = source_.node(node);
  return i < n.inputs.size() && n.inputs[i] >= 0 ? source_.root(n.inputs[i]) : -1;
}

int ImportView::producer(int value) const {
  const OnnxValue& v = source_.value(value);
  return v.kind == OnnxValue::Kind::kComputed ? v.producer : -1;
}

int ImportView::producer(int value, std::string_view op) const {
  const int node = value < 0 ? -1 : producer(value);
  return node >= 0 && is(node, op) ? node : -1;
}

bool ImportView::computed(int value) const { return !source_.value(value).is_constant(); }
bool ImportView::constant(int value) const { return source_.value(value).is_constant(); }

const SmallTensor* ImportView::data(int value) const {
  return constant(value) ? source_.value(value).worlds[0].data.get() : nullptr;
}

std::optional<std::vector<std::int64_t>> ImportView::ints(int value) const {
  const SmallTensor* tensor = data(value);
  if (tensor == nullptr || tensor->floating()) return std::nullopt;
  return tensor->ints;
}

std::optional<double> ImportView::scalar(int value) const {
  const SmallTensor* tensor = value < 0 ? nullptr : data(value);
  if (tensor == nullptr || tensor->size() != 1) return std::nullopt;
  return tensor->floating() ? tensor->reals[0] : static_cast<double>(tensor->ints[0]);
}

const std::vector<int>& ImportView::users(int value) const {
  return users_[static_cast<std::size_t>(value)];
}

bool ImportView::network_output(int value) const {
  return output_[static_cast<std::size_t>(value)];
}

bool ImportView::only_first_output(int i) const {
  const std::vector<int>& outputs = node(i).outputs;
  if (outputs.empty() || outputs[0] < 0) return false;
  for (std::size_t k = 1; k < outputs.size(); ++k) {
    if (outputs[k] >= 0 && (!users(outputs[k]).empty() || network_output(outputs[k]))) return false;
  }
  return true;
}

bool ImportView::closed(const std::vector<int>& nodes) const {
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
    for (const int value : node(nodes[i]).outputs) {
      if (value < 0) continue;
      if (network_output(value)) return false;
      for (const int user : users(value)) {
        if (!std::ranges::binary_search(nodes, user)) return false;
      }
    }
  }
  return true;
}

}  // namespace autogo
