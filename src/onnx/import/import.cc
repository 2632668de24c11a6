// ONNX to Graph.
//
//   load       parse, check, sort (load.cc)
//   infer      types, dimensions and small numbers of every value, in one or two worlds
//   classify   what each node becomes (both in analysis.cc)
//   match      idioms of several nodes (patterns.cc)
//   layouts    where the channels are, where no shape rule can know it (layouts.cc)
//   maps       N,H,W,C between Transposes becomes N,C,H,W, without the Transposes (maps.cc)
//   build      each remaining node or idiom becomes a Graph node: of the table where its shape rule
//              gives the type that inference found, else opaque
//
// Linear in nodes, apart from the sort. Tested by tests/onnx/import_test.cc.

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

#include "analysis.h"
#include "attention.h"
#include "autogo/base/error.h"
#include "autogo/graph/reshape.h"
#include "autogo/onnx/model.h"
#include "import_view.h"
#include "layouts.h"
#include "maps.h"
#include "onnx/attributes.h"
#include "onnx/model_source.h"
#include "weight_facts.h"

namespace autogo {
namespace {

/// Numbers and words that our files can hold. A node with others (a slope that is not a number, a
/// mode that no version of ONNX knows) stays as it is.
bool is_plain(const Attrs& a) {
  const bool finite = std::isfinite(a.alpha) && std::isfinite(a.beta) && std::isfinite(a.epsilon);
  return finite && std::ranges::all_of(a.text, [](char c) { return c > ' ' && c <= '~'; });
}

class Builder {
 public:
  explicit Builder(const std::shared_ptr<ModelSource>& source)
      : source_(*source),
        view_(*source),
        weights_(view_),
        used_as_(layouts_by_use(view_)),
        maps_(source->values.size()),
        taken_(source->nodes.size(), false),
        idiom_(source->nodes.size(), -1),
        values_(source->values.size(), kNone) {
    graph_.set_source(source);
  }

  Graph build() {
    find_patterns();
    name_nodes();
    add_inputs();
    for (int i = 0; i < static_cast<int>(source_.nodes.size()); ++i) {
      if (view_.node(i).state != OnnxNode::State::kLive) continue;
      const auto match = matches_.find(i);
      if (match != matches_.end()) {
        add_match(match->second);
      } else if (!taken_[static_cast<std::size_t>(i)]) {
        add_node(i);
      }
    }
    add_outputs();
    for (const OnnxValue& value : source_.values) source_.value_names.push_back(value.name);
    WeightFinder::drop_unshared(source_.node_facts);
    return std::move(graph_);
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffffU;

  void find_patterns() {
    for (int i = 0; i < static_cast<int>(source_.nodes.size()); ++i) {
      if (auto match = match_attention(view_, i)) take(std::move(*match));
    }
    for (int i = static_cast<int>(source_.nodes.size()) - 1; i >= 0; --i) {
      const auto at = static_cast<std::size_t>(i);
      if (view_.node(i).state != OnnxNode::State::kLive || taken_[at]) continue;
      if (auto match = match_pattern(view_, i, taken_)) take(std::move(*match));
    }
  }

  /// The nodes of an idiom are its own.
  void take(PatternMatch match) {
    const auto taken = [&](int node) { return taken_[static_cast<std::size_t>(node)]; };
    if (std::ranges::any_of(match.nodes, taken)) return;
    const int last = match.nodes.back();
    for (const int node : match.nodes) {
      taken_[static_cast<std::size_t>(node)] = true;
      idiom_[static_cast<std::size_t>(node)] = last;
    }
    matches_.emplace(last, std::move(match));
  }

  std::uint32_t new_unit(OnnxUnit unit, const std::string& name, Source::NodeFacts facts = {}) {
    const auto origin = static_cast<std::uint32_t>(source_.units.size());
    std::string unique = name;
    while (!node_names_.insert(unique).second) {
      int& last = last_suffix_.emplace(name, 1).first->second;  // those below are taken already
      unique = name + "_" + std::to_string(++last);
    }
    source_.units.push_back(std::move(unit));
    source_.node_names.push_back(std::move(unique));
    source_.node_facts.push_back(facts);
    return origin;
  }

  const std::string& node_name(int node) const { return view_.node(node).name; }

  void name_nodes() {
    for (const OnnxNode& node : source_.nodes) {
      if (!node.proto->name().empty()) reserved_.insert(node.proto->name());
    }
    for (std::size_t i = 0; i < source_.nodes.size(); ++i) {
      OnnxNode& node = source_.nodes[i];
      node.name = node.proto->name().empty()
                      ? made_up(node.proto->op_type() + "_" + std::to_string(i))
                      : node.proto->name();
    }
  }

  /// Names of the file come first: a name that we make up must not take one.
  std::string made_up(std::string name) const {
    while (reserved_.contains(name)) name += "_";
    return name;
  }

  TensorType type_of(int value) const {
    const OnnxValue& v = source_.value(value);
    TensorType type{v.dtype, Layout::kNone, to_shape(v.worlds[0].dims)};
    type.layout = default_layout(type.shape);
    if (used_as(value) == Layout::kChannelsLast) type.layout = Layout::kChannelsLast;
    return type;
  }

  Layout used_as(int value) const { return used_as_[static_cast<std::size_t>(value)]; }

  void add_inputs() {
    const onnx::GraphProto& graph = source_.model.graph();
    for (int i = 0; i < graph.input_size(); ++i) {
      const int value = source_.value_index.at(graph.input(i).name());
      if (source_.value(value).kind != OnnxValue::Kind::kInput) continue;
      OnnxUnit unit;
      unit.kind = OnnxUnit::Kind::kInput;
      unit.port = i;
      unit.outputs = {value};
      const std::uint32_t origin = new_unit(std::move(unit), made_up(graph.input(i).name()));
      set(value, graph_.add_input(type_of(value), origin, static_cast<std::uint32_t>(value)));
    }
  }

  void set(int value, ValueId id) {
    values_[static_cast<std::size_t>(value)] = static_cast<std::uint32_t>(id);
  }

  ValueId get(int value) {
    const int root = source_.root(value);
    const std::uint32_t id = values_[static_cast<std::size_t>(root)];
    if (id != kNone) return ValueId{id};
    AUTOGO_CHECK(maps_.has(root));
    return add_layout(root);
  }

  /// The unit of some nodes: under which names they read the graph node's inputs.
  /// @param map  the graph node reads and makes maps of channels first, the nodes channels last
  OnnxUnit unit_of(const std::vector<int>& nodes, const std::vector<int>& inputs, bool map) const {
    OnnxUnit unit;
    unit.nodes = nodes;
    unit.channels_last = map;
    std::unordered_map<int, std::uint32_t> slots;  // the first that a value has
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      slots.emplace(inputs[i], static_cast<std::uint32_t>(i));
    }
    std::set<std::string> seen;
    for (const int node : nodes) {
      auto read = [&](int value) {
        if (value < 0 || !view_.computed(source_.root(value))) return;
        const auto slot = slots.find(source_.root(value));
        if (slot == slots.end() || !seen.insert(source_.value(value).name).second) return;
        unit.reads.push_back(
            {source_.value(value).name, slot->second, maps_.view(slot->first, map)});
      };
      std::ranges::for_each(view_.node(node).inputs, read);
      std::ranges::for_each(view_.node(node).captured, read);
    }
    return unit;
  }

  Source::NodeFacts facts_of(const std::vector<int>& nodes, OpKind op) {
    Source::NodeFacts facts;
    if (op == OpKind::kOpaque) facts.macs = opaque_macs(view_, nodes.front());
    weights_.add(nodes, op, facts);
    return facts;
  }

  /// Adds a table node when its shape rule agrees with inference.
  bool add_table(TableForm form, const std::vector<int>& nodes) {
    if (!is_plain(form.attrs)) return false;
    const int output = view_.output(nodes.back());
    const OnnxValue& value = source_.value(output);
    std::vector<ValueId> inputs;
    std::vector<TensorType> types;
    for (const int input : form.inputs) {
      inputs.push_back(get(input));
      types.push_back(graph_.type(inputs.back()));
    }
    try {
      const TensorType type = infer_type(form.op, form.attrs, types);
      if (form.op == OpKind::kReshape && type.layout == Layout::kChannelsFirst &&
          used_as(output) == Layout::kChannelsLast) {
        form.attrs.text = kReshapeChannelsLast;
      }
      if (type.dtype != value.dtype || type.shape != to_shape(value.worlds[0].dims)) return false;
    } catch (const Error&) {
      return false;  // not the operator that the table means; it stays opaque
    }
    OnnxUnit unit = unit_of(nodes, form.inputs, /*map=*/false);
    unit.outputs = {output};
    const std::uint32_t origin =
        new_unit(std::move(unit), node_name(nodes.back()), facts_of(nodes, form.op));
    set(output,
        graph_.add(form.op, form.attrs, inputs, origin, static_cast<std::uint32_t>(output)));
    return true;
  }

  /// Nodes that work on maps of channels last become a node on the same maps of channels first,
  /// where those are at hand.
  bool add_on_maps(const TableForm& form, const std::vector<int>& nodes) {
    const auto moved = channels_first_form(form);
    const int output = view_.output(nodes.back());
    if (!moved || !is_plain(moved->attrs) || !maps_.has_all(form.inputs)) return false;
    const OnnxValue& value = source_.value(output);
    const bool map = used_as(output) == Layout::kChannelsLast;
    const Shape shape = to_shape(value.worlds[0].dims);
    if (shape.rank() == 4 && !map) return false;
    std::vector<ValueId> inputs;
    std::vector<TensorType> types;
    for (const int input : form.inputs) {
      inputs.push_back(maps_.get(input));
      types.push_back(graph_.type(inputs.back()));
    }
    try {
      const TensorType type = infer_type(moved->op, moved->attrs, types);
      if (type.dtype != value.dtype) return false;
      if (type.shape != (map ? channels_first(shape) : shape)) return false;
    } catch (const Error&) {
      return false;
    }
    const std::uint32_t origin = map_unit(nodes, form.inputs, moved->op);
    const ValueId made =
        graph_.add(moved->op, moved->attrs, inputs, origin, static_cast<std::uint32_t>(output));
    keep_map(output, made, map);
    return true;
  }

  /// The same for an operator outside of the table that leaves the axes where they are.
  bool add_opaque_on_maps(int node) {
    const OnnxNode& n = view_.node(node);
    if (!keeps_axes(view_, node) || used_as(view_.output(node)) != Layout::kChannelsLast) {
      return false;
    }
    std::vector<int> inputs;
    for (std::size_t i = 0; i < n.inputs.size(); ++i) {
      const int value = view_.input(node, i);
      if (value >= 0 && view_.computed(value)) inputs.push_back(value);
    }
    if (inputs.empty() || !maps_.has_all(inputs)) return false;
    std::vector<ValueId> ids;
    for (const int input : inputs) ids.push_back(maps_.get(input));
    const int output = view_.output(node);
    TensorType type = type_of(output);
    type.shape = channels_first(type.shape);
    type.layout = Layout::kChannelsFirst;
    const std::uint32_t origin = map_unit({node}, inputs, OpKind::kOpaque);
    const std::array<Value, 1> outputs{Value{type, NodeId{}, static_cast<std::uint32_t>(output)}};
    const NodeId id =
        graph_.add_typed(OpKind::kOpaque, opaque_attrs(view_, node), ids, outputs, origin);
    keep_map(output, graph_.output(id), true);
    return true;
  }

  std::uint32_t map_unit(const std::vector<int>& nodes, const std::vector<int>& inputs, OpKind op) {
    OnnxUnit unit = unit_of(nodes, inputs, /*map=*/true);
    unit.outputs = {view_.output(nodes.back())};
    return new_unit(std::move(unit), node_name(nodes.back()), facts_of(nodes, op));
  }

  void keep_map(int output, ValueId made, bool map) {
    if (!map) return set(output, made);
    source_.value(output).channels_last = true;
    maps_.set(output, made);
  }

  /// A Transpose between the two orders of a map's axes is no node when one of its sides need not
  /// be in the Graph: it comes out again where the file's nodes read through it.
  bool pass_transpose(int node) {
    if (!view_.is(node, "Transpose") || view_.network_output(view_.output(node))) return false;
    const int from = view_.input(node, 0), to = view_.output(node);
    const auto perm = attribute_ints(view_.proto(node), "perm");
    if (perm == kChannelsToFront && maps_.has(from)) {
      set(to, maps_.get(from));
      maps_.set_view(to, node);
      source_.node(node).through = maps_.view(from, true);
      return true;
    }
    const bool last = perm == kChannelsToBack && used_as(to) == Layout::kChannelsLast &&
                      used_as(from) == Layout::kChannelsFirst;
    if (!last || !read_as_map(to)) return false;
    const ValueId map = get(from);
    if (graph_.type(map).layout != Layout::kChannelsFirst) return false;
    maps_.set(to, map);
    maps_.set_view(to, node);
    source_.node(node).through = maps_.view(from, false);
    return true;
  }

  /// Whether a node that reads the value may become one on channels first.
  bool read_as_map(int value) const {
    return std::ranges::any_of(view_.users(value), [&](int user) {
      if (const int idiom = idiom_[static_cast<std::size_t>(user)]; idiom >= 0) {
        return channels_first_form(matches_.at(idiom).form).has_value();
      }
      if (view_.is(user, "Transpose") || keeps_axes(view_, user)) return true;
      const auto forms = table_forms(view_, user);
      return std::ranges::any_of(
          forms, [](const TableForm& form) { return channels_first_form(form).has_value(); });
    });
  }

  /// The value with its axes as in the file, of a map that is in the Graph with channels first.
  ValueId add_layout(int value) {
    OnnxUnit unit;
    unit.kind = OnnxUnit::Kind::kLayout;
    unit.view = maps_.view(value, true);
    unit.outputs = {value};
    const std::uint32_t value_origin =
        unit.view < 0 ? kNoOrigin : static_cast<std::uint32_t>(value);
    const std::string name =
        unit.view < 0 ? made_up(source_.value(value).name + "_layout") : node_name(unit.view);
    const std::uint32_t origin = new_unit(std::move(unit), name);
    Attrs attrs;
    attrs.ints = kChannelsToBack;
    const std::array<ValueId, 1> inputs{maps_.get(value)};
    const ValueId made = graph_.add(OpKind::kTranspose, attrs, inputs, origin, value_origin);
    set(value, made);
    return made;
  }

  void add_match(const PatternMatch& match) {
    if (add_on_maps(match.form, match.nodes) || add_table(match.form, match.nodes)) return;
    for (const int node : match.nodes) add_node(node);
  }

  void add_node(int node) {
    if (pass_transpose(node)) return;
    const std::vector<TableForm> forms = table_forms(view_, node);
    for (const TableForm& form : forms) {
      if (add_on_maps(form, {node})) return;
    }
    if (add_opaque_on_maps(node)) return;
    for (const TableForm& form : forms) {
      if (add_table(form, {node})) return;
    }
    add_opaque(node);
  }

  void add_opaque(int node) {
    std::vector<int> inputs;
    auto read = [&](int value) {
      if (value < 0) return;
      const int root = source_.root(value);
      if (view_.computed(root)) inputs.push_back(root);
    };
    std::ranges::for_each(view_.node(node).inputs, read);
    std::ranges::for_each(view_.node(node).captured, read);
    std::vector<ValueId> ids;
    for (const int input : inputs) ids.push_back(get(input));
    OnnxUnit unit = unit_of({node}, inputs, /*map=*/false);
    std::vector<Value> outputs;
    for (const int output : view_.node(node).outputs) {
      if (output < 0) continue;
      unit.outputs.push_back(output);
      outputs.push_back(
          {opaque_type(node, output, ids), NodeId{}, static_cast<std::uint32_t>(output)});
    }
    const Attrs attrs = opaque_attrs(view_, node);
    const std::vector<int> made = unit.outputs;
    const std::uint32_t origin =
        new_unit(std::move(unit), node_name(node), facts_of({node}, OpKind::kOpaque));
    const NodeId id = graph_.add_typed(OpKind::kOpaque, attrs, ids, outputs, origin);
    for (std::size_t i = 0; i < made.size(); ++i) {
      set(made[i], graph_.output(id, static_cast<std::uint32_t>(i)));
    }
  }

  /// Operators that leave the axes where they are pass the layout on; others start afresh, and a
  /// tensor of four axes that comes from nowhere known is no feature map.
  TensorType opaque_type(int node, int output, const std::vector<ValueId>& inputs) const {
    TensorType type = type_of(output);
    if (inputs.empty() || type.layout == Layout::kNone) return type;
    static constexpr std::array<std::string_view, 4> kMovesAxes = {"Attention", "Einsum", "MatMul",
                                                                   "Transpose"};
    const bool moves =
        std::ranges::find(kMovesAxes, view_.proto(node).op_type()) != kMovesAxes.end();
    const bool four = type.shape.rank() == 4;
    if (moves) {
      if (four) type.layout = used_as(output);
      return type;
    }
    if (view_.is(node, "Reshape")) return type;
    for (const ValueId input : inputs) {
      const TensorType& in = graph_.type(input);
      if (in.shape.rank() == type.shape.rank()) {
        type.layout = in.layout;
        return type;
      }
    }
    if (!is_floating(type.dtype)) type.layout = Layout::kNone;  // indices and the like
    return type;
  }

  void add_outputs() {
    const onnx::GraphProto& graph = source_.model.graph();
    for (int i = 0; i < graph.output_size(); ++i) {
      const int value = source_.root(source_.value_index.at(graph.output(i).name()));
      if (!view_.computed(value) && values_[static_cast<std::size_t>(value)] == kNone) {
        add_constant(value);
      }
      OnnxUnit unit;
      unit.kind = OnnxUnit::Kind::kOutput;
      unit.port = i;
      graph_.add_output(get(value), new_unit(std::move(unit), made_up(graph.output(i).name())));
    }
  }

  /// A constant that is a network output: an opaque node without inputs.
  void add_constant(int value) {
    OnnxUnit unit;
    unit.kind = OnnxUnit::Kind::kConstantOutput;
    unit.outputs = {value};
    const std::uint32_t origin = new_unit(std::move(unit), source_.value(value).name, {.macs = 0});
    Attrs attrs;
    attrs.text = "Constant";
    attrs.digest = static_cast<std::uint64_t>(value);
    const std::array<Value, 1> outputs{
        Value{type_of(value), NodeId{}, static_cast<std::uint32_t>(value)}};
    set(value, graph_.output(graph_.add_typed(OpKind::kOpaque, attrs, {}, outputs, origin)));
  }

  ModelSource& source_;
  ImportView view_;
  WeightFinder weights_;
  std::vector<Layout> used_as_;  // by value index
  Maps maps_;
  std::vector<bool> taken_;
  std::vector<int> idiom_;             // by node: the last node of the idiom that it belongs to
  std::vector<std::uint32_t> values_;  // ValueId by value index
  std::map<int, PatternMatch> matches_;
  std::set<std::string> node_names_, reserved_;
  std::unordered_map<std::string, int> last_suffix_;  // by name that several nodes bear
  Graph graph_;
};

/// A node that contradicts its inputs may just not fit the sizes that were taken for dynamic ones.
std::string assumed_sizes(const ModelSource& source) {
  std::string inputs;
  for (const OnnxValue& value : source.values) {
    if (value.kind != OnnxValue::Kind::kInput || !value.worlds[0].dims) continue;
    inputs += " " + value.name + ":" + to_string(to_shape(value.worlds[0].dims));
  }
  return "with dynamic sizes taken as" + inputs +
         "; if the network needs others, give --input-shape";
}

}  // namespace

Graph import_onnx(const std::string& path, const ImportOptions& options, Log& log) {
  try {
    const std::shared_ptr<ModelSource> source = load_model(path);
    const SymbolSizes symbols = assign_input_shapes(*source, options);
    try {
      analyse(*source, symbols, log);
    } catch (Error& e) {
      if (source->dynamic && e.hint().empty()) e.with_hint(assumed_sizes(*source));
      throw;
    }
    return Builder(source).build();
  } catch (Error& e) {
    if (!std::string_view(e.what()).starts_with(path + ":")) e.prepend(path);
    throw;
  }
}

}  // namespace autogo
