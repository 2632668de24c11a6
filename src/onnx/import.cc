// ONNX to Graph.
//
//   load       parse, check, sort (load.cc)
//   infer      types, dimensions and small numbers of every value, in one or two worlds (World)
//   classify   constants and folded nodes leave the graph, identities become aliases, what no
//              output needs is dropped
//   match      idioms of several nodes (patterns.cc)
//   build      each remaining node or idiom becomes a Graph node: of the table where its shape rule
//              gives the type that inference found, else opaque
//
// Two worlds instead of symbolic dimensions: to know whether a number in a chain of shape
// arithmetic depends on the batch size, the model is inferred for two batch sizes and the numbers
// are compared. That needs no rule for any operator on how it handles symbols, and where the second
// world fails (a reshape to a fixed batch of 1) everything after it counts as dependent, which errs
// on the safe side: such nodes stay in the graph as they are.
//
// Linear in nodes, apart from the sort. Tested by tests/onnx/import_test.cc.

#include <algorithm>
#include <array>
#include <map>

#include "attributes.h"
#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "autogo/onnx/model.h"
#include "import_view.h"
#include "infer.h"
#include "model_source.h"
#include "tensor_data.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kLargestDim = std::int64_t{1} << 32;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

/// A declared type (of an input, an output or a value_info) without its sizes.
struct Declared {
  DType dtype = DType::kUndefined;
  const onnx::TensorShapeProto* shape = nullptr;
};

Declared declared_type(const onnx::ValueInfoProto& info) {
  if (!info.type().has_tensor_type()) return {};
  const auto& tensor = info.type().tensor_type();
  return {to_dtype(tensor.elem_type()), tensor.has_shape() ? &tensor.shape() : nullptr};
}

bool is_fixed(const onnx::TensorShapeProto::Dimension& dim) { return dim.dim_value() > 0; }

/// Gives the network inputs their sizes.
class InputShapes {
 public:
  InputShapes(ModelSource& source, const ImportOptions& options)
      : source_(source), options_(options) {}

  /// Sizes of symbolic dimensions by name, in world 0.
  std::map<std::string, std::int64_t> assign() {
    collect();
    check_names();
    for (const onnx::ValueInfoProto* input : inputs_) read_given(*input);
    for (const onnx::ValueInfoProto* input : inputs_) bind_leading(*input);
    for (const onnx::ValueInfoProto* input : inputs_) set(*input);
    if (!missing_.empty()) {
      throw Error(ErrorKind::kInput, missing_).with_hint("add" + hint_);
    }
    return bound_;
  }

 private:
  void collect() {
    for (const onnx::ValueInfoProto& input : source_.model.graph().input()) {
      const OnnxValue& value = source_.value(source_.value_index.at(input.name()));
      if (value.kind == OnnxValue::Kind::kInput) inputs_.push_back(&input);
    }
  }

  void check_names() {
    for (const auto& [name, dims] : options_.input_shapes) {
      if (name.empty() && inputs_.size() == 1) continue;
      std::string names;
      bool found = false;
      for (const onnx::ValueInfoProto* input : inputs_) {
        names += (names.empty() ? "" : ", ") + input->name();
        found = found || input->name() == name;
      }
      AUTOGO_REQUIRE(!name.empty(), ErrorKind::kUsage,
                     "an input shape without a name, the model has several inputs: " + names);
      AUTOGO_REQUIRE(
          found, ErrorKind::kUsage,
          "there is no input '" + name + "' for the given shape, the inputs are: " + names);
    }
  }

  const Ints* given(const std::string& name) const {
    auto it = options_.input_shapes.find(name);
    if (it == options_.input_shapes.end() && inputs_.size() == 1) {
      it = options_.input_shapes.find("");
    }
    return it == options_.input_shapes.end() ? nullptr : &it->second;
  }

  void read_given(const onnx::ValueInfoProto& input) {
    const Ints* dims = given(input.name());
    const Declared type = declared_type(input);
    if (dims == nullptr) return;
    for (const std::int64_t d : *dims) {
      AUTOGO_REQUIRE(d > 0 && d <= kLargestDim, ErrorKind::kUsage,
                     "input '" + input.name() + "': a dimension of " + std::to_string(d));
    }
    if (type.shape == nullptr) return;
    bool fits = type.shape->dim_size() == static_cast<int>(dims->size());
    for (int i = 0; fits && i < type.shape->dim_size(); ++i) {
      const auto& dim = type.shape->dim(i);
      const std::int64_t size = (*dims)[static_cast<std::size_t>(i)];
      fits = !is_fixed(dim) || dim.dim_value() == size;
      if (dim.has_dim_param() && !dim.dim_param().empty()) bound_.emplace(dim.dim_param(), size);
    }
    AUTOGO_REQUIRE(fits, ErrorKind::kUsage,
                   "input '" + input.name() + "' is declared " + text(*type.shape) +
                       ", the given shape " + to_string(to_shape(*dims)) + " does not fit");
  }

  void bind_leading(const onnx::ValueInfoProto& input) {
    const Declared type = declared_type(input);
    if (type.shape == nullptr || type.shape->dim_size() == 0 || given(input.name())) return;
    const auto& dim = type.shape->dim(0);
    if (!is_fixed(dim) && !dim.dim_param().empty()) bound_.emplace(dim.dim_param(), 1);
  }

  void set(const onnx::ValueInfoProto& input) {
    const Declared type = declared_type(input);
    OnnxValue& value = source_.value(source_.value_index.at(input.name()));
    value.dtype = type.dtype;
    if (type.dtype == DType::kUndefined) return;  // a sequence or map: no shape to ask for
    const Ints* dims = given(input.name());
    if (type.shape == nullptr) {
      if (dims == nullptr) return want(input, "has no shape", {1, 3, 224, 224});
      value.worlds[0].dims = *dims;
      source_.dynamic = true;
      for (const std::int64_t d : *dims) value.worlds[1].dims.emplace().push_back(2 * d);
      value.worlds[1].dims = doubled(*dims);
      return;
    }
    Ints sizes[2];
    bool known = true;
    for (int i = 0; i < type.shape->dim_size(); ++i) {
      const auto& dim = type.shape->dim(i);
      std::int64_t size = dims != nullptr ? (*dims)[static_cast<std::size_t>(i)] : dim.dim_value();
      if (!is_fixed(dim)) {
        source_.dynamic = true;
        const auto it = bound_.find(dim.dim_param());
        if (dims == nullptr) size = i == 0 ? 1 : -1;
        if (dims == nullptr && !dim.dim_param().empty() && it != bound_.end()) size = it->second;
      }
      if (size > kLargestDim) fail("input '" + input.name() + "' has an impossible shape");
      known = known && size > 0;
      sizes[0].push_back(size);
      sizes[1].push_back(is_fixed(dim) ? size : 2 * size);
    }
    if (!known) return want(input, "has the dynamic shape " + text(*type.shape), sizes[0]);
    value.worlds[0].dims = sizes[0];
    value.worlds[1].dims = sizes[1];
  }

  static Ints doubled(Ints dims) {
    for (std::int64_t& d : dims) d *= 2;
    return dims;
  }

  void want(const onnx::ValueInfoProto& input, const std::string& what, Ints example) {
    missing_ += (missing_.empty() ? "" : "; ") + ("input '" + input.name() + "' ") + what +
                ", its sizes are needed";
    std::string shape;
    for (std::size_t i = 0; i < example.size(); ++i) {
      const bool image = example.size() == 4;
      if (example[i] < 1) example[i] = i == 1 && image ? 3 : image ? 224 : 128;
      shape += (i == 0 ? "" : "x") + std::to_string(example[i]);
    }
    hint_ += " --input-shape " + input.name() + ":" + shape;
  }

  static std::string text(const onnx::TensorShapeProto& shape) {
    std::string result;
    for (const auto& dim : shape.dim()) {
      const std::string name = dim.dim_param().empty() ? "?" : dim.dim_param();
      result +=
          (result.empty() ? "" : "x") + (is_fixed(dim) ? std::to_string(dim.dim_value()) : name);
    }
    return result.empty() ? "scalar" : result;
  }

  ModelSource& source_;
  const ImportOptions& options_;
  std::vector<const onnx::ValueInfoProto*> inputs_;
  std::map<std::string, std::int64_t> bound_;
  std::string missing_, hint_;
};

/// Infers every value and decides what each node becomes.
class Analysis {
 public:
  Analysis(ModelSource& source, std::map<std::string, std::int64_t> symbols, Log& log)
      : source_(source), symbols_(std::move(symbols)), log_(log) {
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
      value.worlds[0] = {first[i].dims, first[i].data};
      value.worlds[1] = {second[i].dims, second[i].data};
      complete(value);
      if (value.dtype != DType::kUndefined && !all_known(value.worlds[0].dims) &&
          standard_domain(*node.proto)) {
        log_.warning(source_.path + ": " + describe(*node.proto) + ": the shape of '" + value.name +
                     "' cannot be told");
      }
    }
  }

  /// Takes what inference could not tell from the file's own declaration.
  void complete(OnnxValue& value) const {
    const auto it = declared_.find(value.name);
    if (it == declared_.end()) return;
    if (value.dtype == DType::kUndefined) value.dtype = it->second.dtype;
    if (it->second.shape == nullptr) return;
    for (const std::size_t w : {0U, 1U}) {
      Dims& dims = value.worlds[w].dims;
      if (all_known(dims)) continue;
      Ints declared;
      for (const auto& dim : it->second.shape->dim()) {
        const auto symbol = symbols_.find(dim.dim_param());
        std::int64_t size = is_fixed(dim) && dim.dim_value() <= kLargestDim ? dim.dim_value() : -1;
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
      source_.value(node.outputs[0]).alias = same_as;
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
  std::map<std::string, std::int64_t> symbols_;
  Log& log_;
  std::map<std::string, Declared> declared_;
  std::vector<bool> used_;
};

/// Hash of what only ONNX knows of an opaque node: domain, attributes, constants it reads.
std::uint64_t opaque_digest(const ImportView& view, int node) {
  const onnx::NodeProto& proto = view.proto(node);
  std::uint64_t digest = hash_bytes(proto.domain().data(), proto.domain().size());
  for (const onnx::AttributeProto& attribute : proto.attribute()) {
    const std::string bytes = attribute.SerializeAsString();
    digest = hash_combine(digest, hash_bytes(bytes.data(), bytes.size()));
  }
  for (std::size_t i = 0; i < view.node(node).inputs.size(); ++i) {
    const int value = view.input(node, i);
    if (value < 0 || view.computed(value)) continue;
    digest = hash_combine(digest, i);
    if (const auto data = view.data(value); data != nullptr && data->size() <= 64) {
      for (const std::int64_t v : data->ints)
        digest = hash_combine(digest, static_cast<std::uint64_t>(v));
      digest =
          hash_combine(digest, hash_bytes(data->reals.data(), data->reals.size() * sizeof(double)));
    }
  }
  return digest;
}

class Builder {
 public:
  Builder(const std::shared_ptr<ModelSource>& source, Log& log)
      : source_(*source),
        log_(log),
        view_(*source),
        taken_(source->nodes.size(), false),
        values_(source->values.size(), kNone) {
    graph_.set_source(source);
  }

  Graph build() {
    find_patterns();
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
    return std::move(graph_);
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffffU;

  void find_patterns() {
    for (int i = static_cast<int>(source_.nodes.size()) - 1; i >= 0; --i) {
      const auto at = static_cast<std::size_t>(i);
      if (view_.node(i).state != OnnxNode::State::kLive || taken_[at]) continue;
      auto match = match_pattern(view_, i, taken_);
      if (!match) continue;
      for (const int node : match->nodes) taken_[static_cast<std::size_t>(node)] = true;
      matches_.emplace(i, std::move(*match));
    }
  }

  std::uint32_t new_unit(OnnxUnit unit, const std::string& name, Source::NodeFacts facts = {}) {
    const auto origin = static_cast<std::uint32_t>(source_.units.size());
    std::string unique = name;
    for (int n = 2; !node_names_.insert(unique).second; ++n)
      unique = name + "_" + std::to_string(n);
    source_.units.push_back(std::move(unit));
    source_.node_names.push_back(std::move(unique));
    source_.node_facts.push_back(facts);
    return origin;
  }

  /// Names of the file come first: a name that we make up must not take one.
  std::string node_name(int node) const {
    const onnx::NodeProto& proto = view_.proto(node);
    return proto.name().empty() ? proto.op_type() + "_" + std::to_string(node) : proto.name();
  }

  TensorType type_of(int value) const {
    const OnnxValue& v = source_.value(value);
    TensorType type{v.dtype, Layout::kNone, to_shape(v.worlds[0].dims)};
    type.layout = default_layout(type.shape);
    return type;
  }

  void add_inputs() {
    for (const onnx::NodeProto& node : source_.model.graph().node()) {
      if (!node.name().empty()) reserved_.insert(node.name());
    }
    const onnx::GraphProto& graph = source_.model.graph();
    for (int i = 0; i < graph.input_size(); ++i) {
      const int value = source_.value_index.at(graph.input(i).name());
      if (source_.value(value).kind != OnnxValue::Kind::kInput) continue;
      OnnxUnit unit;
      unit.kind = OnnxUnit::Kind::kInput;
      unit.port = i;
      unit.outputs = {value};
      const std::uint32_t origin = new_unit(std::move(unit), graph.input(i).name());
      set(value, graph_.add_input(type_of(value), origin, static_cast<std::uint32_t>(value)));
    }
  }

  void set(int value, ValueId id) {
    values_[static_cast<std::size_t>(value)] = static_cast<std::uint32_t>(id);
  }

  ValueId get(int value) const {
    const std::uint32_t id = values_[static_cast<std::size_t>(source_.root(value))];
    AUTOGO_CHECK(id != kNone);
    return ValueId{id};
  }

  /// The unit of some nodes: under which names they read the graph node's inputs.
  OnnxUnit unit_of(const std::vector<int>& nodes, const std::vector<int>& inputs) const {
    OnnxUnit unit;
    unit.nodes = nodes;
    std::set<std::string> seen;
    for (const int node : nodes) {
      auto read = [&](int value) {
        if (value < 0 || !view_.computed(source_.root(value))) return;
        const auto slot = std::ranges::find(inputs, source_.root(value));
        if (slot == inputs.end() || !seen.insert(source_.value(value).name).second) return;
        unit.reads.emplace_back(source_.value(value).name,
                                static_cast<std::uint32_t>(slot - inputs.begin()));
      };
      std::ranges::for_each(view_.node(node).inputs, read);
      std::ranges::for_each(view_.node(node).captured, read);
    }
    return unit;
  }

  /// Adds a table node when its shape rule agrees with inference.
  bool add_table(const TableForm& form, const std::vector<int>& nodes) {
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
      if (type.dtype != value.dtype || type.shape != to_shape(value.worlds[0].dims)) return false;
    } catch (const Error&) {
      return false;  // not the operator that the table means; it stays opaque
    }
    OnnxUnit unit = unit_of(nodes, form.inputs);
    unit.outputs = {output};
    const std::uint32_t origin =
        new_unit(std::move(unit), node_name(nodes.back()), node_facts(view_, nodes, form.op));
    set(output,
        graph_.add(form.op, form.attrs, inputs, origin, static_cast<std::uint32_t>(output)));
    return true;
  }

  void add_match(const PatternMatch& match) {
    if (add_table(match.form, match.nodes)) return;
    for (const int node : match.nodes) add_node(node);
  }

  void add_node(int node) {
    for (const TableForm& form : table_forms(view_, node)) {
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
    OnnxUnit unit = unit_of({node}, inputs);
    std::vector<Value> outputs;
    for (const int output : view_.node(node).outputs) {
      if (output < 0) continue;
      unit.outputs.push_back(output);
      outputs.push_back(
          {opaque_type(node, output, ids), NodeId{}, static_cast<std::uint32_t>(output)});
    }
    Attrs attrs;
    const onnx::NodeProto& proto = view_.proto(node);
    attrs.text = standard_domain(proto) ? proto.op_type() : proto.domain() + "." + proto.op_type();
    attrs.digest = opaque_digest(view_, node);
    const std::vector<int> made = unit.outputs;
    const std::uint32_t origin =
        new_unit(std::move(unit), node_name(node), node_facts(view_, {node}, OpKind::kOpaque));
    const NodeId id = graph_.add_typed(OpKind::kOpaque, attrs, ids, outputs, origin);
    for (std::size_t i = 0; i < made.size(); ++i) {
      set(made[i], graph_.output(id, static_cast<std::uint32_t>(i)));
    }
  }

  /// Operators that leave the axes where they are pass the layout on; others start afresh, and a
  /// tensor of four axes that comes from nowhere known is no feature map.
  TensorType opaque_type(int node, int output, const std::vector<ValueId>& inputs) const {
    TensorType type = type_of(output);
    if (!is_floating(type.dtype)) type.layout = Layout::kNone;
    if (inputs.empty() || type.layout == Layout::kNone) return type;
    static constexpr std::array<std::string_view, 4> kMovesAxes = {"Attention", "Einsum", "MatMul",
                                                                   "Transpose"};
    const bool moves =
        std::ranges::find(kMovesAxes, view_.proto(node).op_type()) != kMovesAxes.end();
    const bool four = type.shape.rank() == 4;
    if (moves) {
      if (four) type.layout = Layout::kNone;
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
      graph_.add_output(get(value), new_unit(std::move(unit), graph.output(i).name()));
    }
  }

  /// A constant that is a network output: an opaque node without inputs.
  void add_constant(int value) {
    OnnxUnit unit;
    unit.kind = OnnxUnit::Kind::kConstantOutput;
    unit.outputs = {value};
    const std::uint32_t origin = new_unit(std::move(unit), source_.value(value).name);
    Attrs attrs;
    attrs.text = "Constant";
    attrs.digest = static_cast<std::uint64_t>(value);
    const std::array<Value, 1> outputs{
        Value{type_of(value), NodeId{}, static_cast<std::uint32_t>(value)}};
    set(value, graph_.output(graph_.add_typed(OpKind::kOpaque, attrs, {}, outputs, origin)));
  }

  ModelSource& source_;
  Log& log_;
  ImportView view_;
  std::vector<bool> taken_;
  std::vector<std::uint32_t> values_;  // ValueId by value index
  std::map<int, PatternMatch> matches_;
  std::set<std::string> node_names_, reserved_;
  Graph graph_;
};

}  // namespace

Graph import_onnx(const std::string& path, const ImportOptions& options, Log& log) {
  try {
    const std::shared_ptr<ModelSource> source = load_model(path);
    Analysis(*source, InputShapes(*source, options).assign(), log).run();
    return Builder(source, log).build();
  } catch (Error& e) {
    if (!std::string_view(e.what()).starts_with(path + ":")) e.prepend(path);
    throw;
  }
}

}  // namespace autogo
