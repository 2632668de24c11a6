// Which name a value has in the file, and in which order its axes stand there.
//
// A value keeps the name of its origin; a replacement thereby bears the name of the port whose
// place it took. In files with maps of channels last (layouts.cc) the Graph's value is the same map
// with channels first, and the file's nodes go on reading and writing theirs. Between two nodes of
// the file nothing is converted that the file did not convert, and its own Transposes come out
// again, each when the first reader asks for it. A new node reads and writes channels first, so at
// the borders of what was replaced new Transposes appear.
//
// Tested by tests/onnx/layouts_test.cc and tests/onnx/export_test.cc.

#include "stored_values.h"

#include <algorithm>

#include "onnx/attributes.h"
#include "onnx/import/maps.h"

namespace autogo {
namespace {

TensorType channels_last(const TensorType& type) {
  TensorType last = type;
  last.layout = Layout::kChannelsLast;
  for (std::size_t i = 0; i < 4; ++i) {
    last.shape[i] = type.shape[static_cast<std::size_t>(kChannelsToBack[i])];
  }
  return last;
}

}  // namespace

StoredValues::StoredValues(const Graph& graph, const ModelSource* source, ModelWriter& writer)
    : graph_(graph), source_(source), writer_(writer), names_(graph.num_values()) {}

const OnnxUnit* StoredValues::unit(NodeId id) const {
  const std::uint32_t origin = graph_.node(id).origin;
  return source_ != nullptr && origin < source_->units.size() ? &source_->units[origin] : nullptr;
}

const OnnxValue* StoredValues::origin(ValueId id) const {
  const std::uint32_t origin = graph_.value(id).origin;
  return source_ != nullptr && origin < source_->values.size()
             ? &source_->value(static_cast<int>(origin))
             : nullptr;
}

/// The name that the source has for the value as it is typed.
std::string StoredValues::natural_name(ValueId id) const {
  const OnnxValue* value = origin(id);
  if (value != nullptr) return value->channels_last ? std::string() : value->name;
  const OnnxUnit* u = unit(graph_.value(id).producer);
  const bool layout = u != nullptr && u->kind == OnnxUnit::Kind::kLayout;
  return layout ? source_->value(u->outputs[0]).name : std::string();
}

std::string StoredValues::output_name(NodeId id, std::size_t i, std::size_t count) {
  const OnnxUnit* u = unit(id);
  if (u != nullptr && u->kind == OnnxUnit::Kind::kOutput) {
    return source_->model.graph().output(u->port).name();
  }
  return writer_.fresh(count == 1 ? "output" : "output_" + std::to_string(i));
}

std::string StoredValues::fallback_name(ValueId id, const std::vector<NodeId>& inputs) {
  const NodeId producer = graph_.value(id).producer;
  if (graph_.node(producer).op != OpKind::kInput) {
    return writer_.fresh(graph_.node_name(producer) + "_output");
  }
  const auto at = std::ranges::lower_bound(inputs, producer) - inputs.begin();
  return writer_.fresh(inputs.size() == 1 ? "input" : "input_" + std::to_string(at));
}

void StoredValues::assign_names() {
  const std::vector<NodeId> inputs = graph_.input_nodes(), outputs = graph_.output_nodes();
  std::map<std::string, ValueId> claimed;
  std::vector<bool> named(graph_.num_values(), false);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ValueId value = graph_.inputs(outputs[i])[0];
    output_names_.push_back(output_name(outputs[i], i, outputs.size()));
    const bool fresh_value = natural_name(value).empty() &&
                             graph_.node(graph_.value(value).producer).op != OpKind::kInput;
    if (natural_name(value) == output_names_.back() || (fresh_value && !named[index(value)])) {
      claimed.emplace(output_names_.back(), value);
      named[index(value)] = true;
    }
  }
  for (const auto& [name, value] : claimed) names(value).typed = name;
  std::set<std::string> used(output_names_.begin(), output_names_.end()), used_last;
  for (std::uint32_t i = 0; i < graph_.num_values(); ++i) {
    const ValueId id{i};
    const OnnxValue* value = origin(id);
    if (value != nullptr && value->channels_last && used_last.insert(value->name).second) {
      names(id).last = value->name;  // shared with a layout node behind it, which is an alias
    }
    std::string& name = names(id).typed;
    if (!name.empty()) continue;
    name = natural_name(id);
    if (name.empty() || !used.insert(name).second) name = fallback_name(id, inputs);
  }
}

std::string& StoredValues::name_in(ValueId id, Stored stored) {
  Names& n = names(id);
  if (stored == Stored::kAsTyped) return n.typed;
  if (n.last.empty()) n.last = writer_.fresh(n.typed + "_channels_last");
  return n.last;
}

const std::string& StoredValues::written(ValueId id, Stored stored) {
  Names& n = names(id);
  n.made_last = stored == Stored::kChannelsLast;
  has(id, stored) = true;
  return name_in(id, stored);
}

std::string StoredValues::read(ValueId id, Stored stored, int view) {
  std::vector<int> chain;  // the source's Transposes still to be written, the reader's first
  while (view >= 0 && !views_.contains(view)) {
    chain.push_back(view);
    view = source_->node(view).through;
  }
  Stored order = names(id).made_last ? Stored::kChannelsLast : Stored::kAsTyped;
  std::string name = name_in(id, order);
  if (view >= 0 && views_.at(view).value == id) {
    order = views_.at(view).order;
    name = views_.at(view).name;
  }
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    const onnx::NodeProto& proto = *source_->node(*it).proto;
    const bool back = attribute_ints(proto, "perm") == kChannelsToBack;
    const Stored target = back ? Stored::kChannelsLast : Stored::kAsTyped;
    if (target == order) continue;  // its input was made anew, in the order that it gives
    onnx::NodeProto& copy = *writer_.graph().add_node();
    copy = proto;
    copy.set_input(0, name);
    name = copy.output(0);
    order = target;
    views_.emplace(*it, View{id, order, name});
    if (!has(id, order)) name_in(id, order) = name;
    has(id, order) = true;
  }
  return order == stored ? name : converted(id, stored, name);
}

/// The value in the other order than `from` is, by a Transpose of our own.
const std::string& StoredValues::converted(ValueId id, Stored stored, const std::string& from) {
  const std::string& name = name_in(id, stored);
  if (has(id, stored)) return name;
  has(id, stored) = true;
  onnx::NodeProto& node =
      writer_.add_node("Transpose", writer_.fresh(name + "_transpose"), {from}, name);
  set_attribute(node, "perm", stored == Stored::kChannelsLast ? kChannelsToBack : kChannelsToFront);
  return name;
}

void StoredValues::alias(ValueId id, std::string name) {
  names(id).typed = std::move(name);
  names(id).has_typed = true;
}

std::vector<std::pair<std::string, TensorType>> StoredValues::types() const {
  std::vector<std::pair<std::string, TensorType>> result;
  for (std::uint32_t i = 0; i < graph_.num_values(); ++i) {
    const TensorType& type = graph_.type(ValueId{i});
    if (names_[i].has_typed) result.emplace_back(names_[i].typed, type);
    if (names_[i].has_last) result.emplace_back(names_[i].last, channels_last(type));
  }
  for (const auto& [node, view] : views_) {
    const TensorType& type = graph_.type(view.value);
    result.emplace_back(view.name,
                        view.order == Stored::kChannelsLast ? channels_last(type) : type);
  }
  return result;
}

}  // namespace autogo
