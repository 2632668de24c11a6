// Graph to ONNX.
//
// A node that was imported goes out as the NodeProtos it came in as (OnnxUnit): copied, with names
// of values replaced where the graph now has another name for them. The constants that it reads are
// written when the first consumer asks for them: an initializer is copied, a constant that nodes
// compute brings those nodes along, a folded number becomes an initializer of the same name. So a
// weight lives exactly as long as somebody reads it.
//
// A new node is written in the model's opset (export_ops.cc). Names, and the order of the axes in
// which a value stands in the file, are those of stored_values.cc. Where a network output bears
// another name than the value behind it (an Identity was removed on import), an Identity writes it.
//
// Deterministic: order follows node ids and, for initializers of the source, the source's order.
// Several threads may export graphs of one Source; it is only read.
//
// Tested by tests/onnx/export_test.cc and, in ONNX Runtime, tests/onnx/roundtrip_test.cc.

#include <algorithm>
#include <map>
#include <set>

#include "autogo/base/error.h"
#include "autogo/onnx/model.h"
#include "built_model.h"
#include "declarations.h"
#include "model_writer.h"
#include "onnx/attributes.h"
#include "onnx/import/analysis.h"
#include "onnx/model_source.h"
#include "onnx/tensor_data.h"
#include "stored_values.h"

namespace autogo {
namespace {

constexpr std::int64_t kDefaultOpset = 13;
constexpr std::int64_t kDefaultIr = 8;

std::int64_t target_opset(const ModelSource* source) {
  return source != nullptr && source->opset > 0 ? source->opset : kDefaultOpset;
}

class Exporter {
 public:
  Exporter(const Graph& graph, const ExportOptions& options, SourceWeights weights)
      : graph_(graph),
        options_(options),
        source_weights_(weights),
        shared_source_(std::dynamic_pointer_cast<const ModelSource>(graph.source())),
        source_(shared_source_.get()),
        writer_(target_opset(source_), options),
        values_(graph, source_, writer_) {}

  BuiltModel run() && {
    header();
    values_.assign_names();
    for (std::uint32_t i = 0; i < graph_.num_nodes(); ++i) {
      if (graph_.node(NodeId{i}).op != OpKind::kAttention) continue;
      if (unit(NodeId{i}) != nullptr) attentions_.emplace_back(NodeId{i}, 0);
    }
    for (std::uint32_t i = 0; i < graph_.num_nodes(); ++i) {
      const NodeId id{i};
      try {
        begin_attentions(id);
        write_node(id);
      } catch (Error& e) {
        e.prepend("node '" + graph_.node_name(id) + "'");
        throw;
      }
      built_.lowered_from.resize(static_cast<std::size_t>(out().node_size()), id);
    }
    order_initializers();
    finish_inputs();
    finish_value_info();
    built_.model.Swap(&writer_.model());
    built_.value_types = values_.types();
    built_.source = std::move(shared_source_);
    return std::move(built_);
  }

 private:
  onnx::GraphProto& out() { return writer_.graph(); }

  void header() {
    onnx::ModelProto& model = writer_.model();
    if (source_ != nullptr) {
      copy_header(source_->model, model);
      for (const std::string& name : source_->names) writer_.reserve(name);
      for (const auto& node : source_->model.graph().node()) writer_.reserve(node.name());
    } else {
      model.set_ir_version(kDefaultIr);
      model.set_producer_name("autogo");
      out().set_name(options_.name);
    }
    if (source_ == nullptr || source_->opset == 0) {
      onnx::OperatorSetIdProto& opset = *model.add_opset_import();
      opset.set_domain("");
      opset.set_version(writer_.opset());
    }
    for (const auto& [key, value] : options_.metadata) {
      onnx::StringStringEntryProto* entry = nullptr;
      for (auto& present : *model.mutable_metadata_props()) {
        if (present.key() == key) entry = &present;
      }
      if (entry == nullptr) entry = model.add_metadata_props();
      entry->set_key(key);
      entry->set_value(value);
    }
  }

  const OnnxUnit* unit(NodeId id) const {
    const std::uint32_t origin = graph_.node(id).origin;
    return source_ != nullptr && origin < source_->units.size() ? &source_->units[origin] : nullptr;
  }

  /// The name of a value for a node that reads it; the conversions before it belong to no node.
  std::string read(NodeId reader, ValueId value, Stored stored = Stored::kAsTyped, int view = -1) {
    built_.lowered_from.resize(static_cast<std::size_t>(out().node_size()), reader);
    std::string name = values_.read(value, stored, view);
    built_.lowered_from.resize(static_cast<std::size_t>(out().node_size()), kNoNode);
    return name;
  }

  void write_node(NodeId id) {
    const OnnxUnit* u = unit(id);
    const OpKind op = graph_.node(id).op;
    if (op == OpKind::kInput) {
      write_input(id, u);
    } else if (op == OpKind::kOutput) {
      write_output(id, u);
    } else if (u != nullptr && u->kind == OnnxUnit::Kind::kConstantOutput) {
      require_constant(u->outputs[0]);
      values_.written(graph_.output(id));
    } else if (u != nullptr && u->kind == OnnxUnit::Kind::kLayout) {
      values_.alias(graph_.output(id),
                    read(id, graph_.inputs(id)[0], Stored::kChannelsLast, u->view));
    } else if (u != nullptr) {
      write_unit(id, *u);
    } else {
      std::vector<std::string> inputs;
      for (const ValueId value : graph_.inputs(id)) inputs.push_back(read(id, value));
      AUTOGO_REQUIRE(op != OpKind::kOpaque, ErrorKind::kUnsupported,
                     "an operator that is not in the table cannot be written anew");
      write_new_node(writer_, graph_, id, inputs, values_.written(graph_.output(id)));
    }
  }

  void write_input(NodeId id, const OnnxUnit* u) {
    const std::string& name = values_.written(graph_.output(id));
    if (u != nullptr && u->kind == OnnxUnit::Kind::kInput) {
      onnx::ValueInfoProto info = source_->model.graph().input(u->port);
      resized_ = adapt_shape(info, graph_.type(graph_.output(id)).shape) || resized_;
      inputs_[name] = info;
      *out().add_input() = info;
    } else {
      *out().add_input() = value_info(name, graph_.type(graph_.output(id)));
    }
  }

  void write_output(NodeId id, const OnnxUnit* u) {
    const ValueId value = graph_.inputs(id)[0];
    const std::string& name = values_.output_names()[next_output_++];
    if (u != nullptr && u->kind == OnnxUnit::Kind::kOutput) {
      onnx::ValueInfoProto& info = *out().add_output();
      info = source_->model.graph().output(u->port);
      complete_shape(info, graph_.type(value).shape);
      adapt_shape(info, graph_.type(value).shape);
    } else {
      *out().add_output() = value_info(name, graph_.type(value));
    }
    if (const std::string from = read(id, value); from != name) write_identity(from, name);
  }

  /// Gives a value its second name, by the Identity that the source has for it where it has one: a
  /// model that is exported again stays the same.
  void write_identity(const std::string& from, const std::string& to) {
    if (const onnx::NodeProto* identity = source_identity(to)) {
      onnx::NodeProto& proto = *out().add_node();
      proto = *identity;
      proto.set_input(0, from);
    } else {
      writer_.add_node("Identity", writer_.fresh(to + "_identity"), {from}, to);
    }
  }

  /// The Identity that made this value in the source, where importing took it out; else null.
  const onnx::NodeProto* source_identity(const std::string& name) const {
    if (source_ == nullptr) return nullptr;
    const auto value = source_->value_index.find(name);
    if (value == source_->value_index.end()) return nullptr;
    const int producer = source_->value(value->second).producer;
    if (producer < 0) return nullptr;
    const OnnxNode& node = source_->node(producer);
    const bool removed = node.state == OnnxNode::State::kAlias;
    return removed && node.proto->op_type() == "Identity" ? node.proto : nullptr;
  }

  /// The checker wants a shape that some exporters leave out, and others give names to sizes that
  /// are known; where a dimension of the model is dynamic we do not know what to say.
  void complete_shape(onnx::ValueInfoProto& info, const Shape& shape) const {
    if (source_->dynamic || !info.type().has_tensor_type() || !shape.known()) return;
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    if (!tensor.has_shape()) {
      tensor.mutable_shape();  // a scalar's has no dimension
      for (const std::int64_t d : shape.dims()) tensor.mutable_shape()->add_dim()->set_dim_value(d);
    }
    if (tensor.shape().dim_size() != shape.rank()) return;
    for (int d = 0; d < shape.rank(); ++d) {
      auto& dim = *tensor.mutable_shape()->mutable_dim(d);
      if (!is_fixed(dim)) dim.set_dim_value(shape[static_cast<std::size_t>(d)]);
    }
  }

  using Names = std::map<std::string, std::string>;  ///< in the source -> now, where they differ

  /// An attention of the source whose mask is computed has the nodes of the mask between its own.
  /// They stay in the source's order: what stands before the nodes of `next` is written now, as far
  /// as what it reads is there.
  void begin_attentions(NodeId next) {
    const OnnxUnit* before = unit(next);
    if (before == nullptr || before->nodes.empty()) return;
    for (; first_attention_ < attentions_.size(); ++first_attention_) {
      auto& [id, begun] = attentions_[first_attention_];
      if (id > next) break;
    }
    for (std::size_t i = first_attention_; i < attentions_.size(); ++i) {
      auto& [id, begun] = attentions_[i];
      const OnnxUnit& u = *unit(id);
      if (u.nodes[begun] >= before->nodes.front()) return;
      Names renamed;
      while (u.nodes[begun] < before->nodes.front() && can_begin(id, u, begun, next, renamed)) {
        write_source_node(u.nodes[begun++], renamed);
      }
      built_.lowered_from.resize(static_cast<std::size_t>(out().node_size()), id);
    }
  }

  /// Whether all that a unit's node reads from other nodes is written before `next`; those names
  /// are then noted. The last node makes the output and is not begun.
  bool can_begin(NodeId id, const OnnxUnit& u, std::size_t i, NodeId next, Names& renamed) {
    if (i + 1 >= u.nodes.size()) return false;
    const OnnxNode& node = source_->node(u.nodes[i]);
    for (const OnnxUnit::Read& r : u.reads) {
      const bool reads = std::ranges::any_of(
          node.inputs, [&](int v) { return v >= 0 && source_->value(v).name == r.name; });
      if (!reads) continue;
      const ValueId value = graph_.inputs(id)[r.slot];
      if (graph_.value(value).producer >= next) return false;
      const std::string now = read(id, value, Stored::kAsTyped, r.view);
      if (now != r.name) renamed[r.name] = now;
    }
    return true;
  }

  /// How many of a unit's nodes begin_attentions() has written.
  std::size_t begun(NodeId id) const {
    const auto it =
        std::ranges::lower_bound(attentions_, id, {}, &std::pair<NodeId, std::size_t>::first);
    return it == attentions_.end() || it->first != id ? 0 : it->second;
  }

  void write_unit(NodeId id, const OnnxUnit& u) {
    Names renamed;
    const Stored stored = u.channels_last ? Stored::kChannelsLast : Stored::kAsTyped;
    for (const OnnxUnit::Read& r : u.reads) {
      const std::string now = read(id, graph_.inputs(id)[r.slot], stored, r.view);
      if (now != r.name) renamed[r.name] = now;
    }
    for (std::size_t i = 0; i < u.outputs.size(); ++i) {
      const std::string& name = source_->value(u.outputs[i]).name;
      const ValueId output = graph_.output(id, static_cast<std::uint32_t>(i));
      const bool map = source_->value(u.outputs[i]).channels_last;
      const std::string& now =
          values_.written(output, map ? Stored::kChannelsLast : Stored::kAsTyped);
      if (now != name) renamed[name] = now;
    }
    const std::size_t first = graph_.node(id).op == OpKind::kAttention ? begun(id) : 0;
    for (std::size_t i = first; i < u.nodes.size(); ++i) write_source_node(u.nodes[i], renamed);
  }

  void write_source_node(int node, const Names& renamed) {
    const OnnxNode& from = source_->node(node);
    for (const int value : from.inputs) require_constant(value);
    for (const int value : from.captured) require_constant(value);
    onnx::NodeProto& proto = *out().add_node();
    proto = *from.proto;
    for (int i = 0; i < proto.input_size(); ++i) {  // a simplified shape has a name of its own
      const int value = from.inputs[static_cast<std::size_t>(i)];
      if (value >= 0) proto.set_input(i, source_->value(value).name);
    }
    if (renamed.empty()) return;
    auto rename = [&](std::string& name) {
      if (const auto it = renamed.find(name); it != renamed.end()) name = it->second;
    };
    std::ranges::for_each(*proto.mutable_input(), rename);
    std::ranges::for_each(*proto.mutable_output(), rename);
    rename_captured(proto, renamed);
  }

  /// Writes a constant, and before it what computes it, unless it is written already. The chain
  /// of nodes may be as long as the file, so it is kept here and not on the stack of calls.
  void require_constant(int value) {
    struct Open {
      const OnnxNode* node;
      std::size_t next_input = 0;
    };
    std::vector<Open> chain;
    auto enter = [&](int next) {
      const int producer = start_constant(next);
      if (producer >= 0) chain.push_back({&source_->node(producer)});
    };
    enter(value);
    while (!chain.empty()) {
      Open& last = chain.back();
      if (last.next_input < last.node->inputs.size()) {
        enter(last.node->inputs[last.next_input++]);
      } else {
        *out().add_node() = *last.node->proto;
        chain.pop_back();
      }
    }
  }

  /// @return the node that is still to be written for this constant, after its own inputs; -1: none
  int start_constant(int value) {
    if (value < 0 || !source_->value(value).is_constant() || !written_.insert(value).second) {
      return -1;
    }
    const OnnxValue& v = source_->value(value);
    if (v.kind == OnnxValue::Kind::kFolded) {
      onnx::TensorProto& tensor = *out().add_initializer();
      tensor.set_name(v.name);
      write_small(*v.worlds[0].data, tensor);
    } else if (v.kind == OnnxValue::Kind::kWeight) {
      weights_.insert(value);
    } else if (written_nodes_.insert(v.producer).second) {
      return v.producer;
    }
    return -1;
  }

  /// The source's own initializers first, in its order, then folded and new ones.
  void order_initializers() {
    if (weights_.empty()) return;
    google::protobuf::RepeatedPtrField<onnx::TensorProto> added;
    added.Swap(out().mutable_initializer());
    for (const int value : weights_) {  // value indices follow the order of the file
      const OnnxValue& v = source_->value(value);
      if (v.sparse != nullptr) {
        *out().add_sparse_initializer() = *v.sparse;
      } else if (source_weights_ == SourceWeights::kCopied) {
        *out().add_initializer() = *v.tensor;
      } else {
        onnx::TensorProto& tensor = *out().add_initializer();
        tensor.set_name(v.tensor->name());
        tensor.set_data_type(v.tensor->data_type());
        *tensor.mutable_dims() = v.tensor->dims();
      }
    }
    for (onnx::TensorProto& tensor : added) out().add_initializer()->Swap(&tensor);
  }

  /// Inputs in the source's order, with the declarations of initializers (IR 3) in their places; IR
  /// below 4 wants every initializer declared.
  void finish_inputs() {
    std::set<std::string> weights, declared;
    for (const auto& tensor : out().initializer()) weights.insert(tensor.name());
    for (const auto& tensor : out().sparse_initializer()) weights.insert(tensor.values().name());
    if (source_ != nullptr) {
      google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> given;
      given.Swap(out().mutable_input());
      std::set<std::string> names;
      for (const auto& input : given) names.insert(input.name());
      for (const auto& input : source_->model.graph().input()) {
        const bool weight = weights.contains(input.name());
        if (!weight && !inputs_.contains(input.name())) continue;
        const auto made = inputs_.find(input.name());
        *out().add_input() = made == inputs_.end() ? input : made->second;
        declared.insert(input.name());
      }
      for (onnx::ValueInfoProto& input : given) {
        if (!declared.contains(input.name())) out().add_input()->Swap(&input);
      }
    }
    for (const auto& input : out().input()) {
      if (!weights.contains(input.name())) built_.input_names.push_back(input.name());
    }
    if (writer_.model().ir_version() >= 4) return;
    for (const auto& tensor : out().initializer()) {
      if (declared.contains(tensor.name())) continue;
      const std::vector<std::int64_t> dims = tensor_dims(tensor);
      *out().add_input() =
          value_info(tensor.name(), {to_dtype(tensor.data_type()), Layout::kNone, Shape(dims)});
    }
  }

  /// Declarations of inner values and quantisation notes whose values are still there: a value
  /// that kept its name kept its type, unless the graph was made for another size of the input:
  /// then only the graph's own values have a shape that is known.
  void finish_value_info() {
    if (source_ == nullptr) return;
    std::set<std::string> defined;
    for (const auto& node : out().node()) {
      defined.insert(node.output().begin(), node.output().end());
    }
    std::map<std::string, Shape> shapes;
    for (const auto& [name, type] : values_.types()) shapes[name] = type.shape;
    for (const auto& info : source_->model.graph().value_info()) {
      const auto shape = shapes.find(info.name());
      if (!defined.contains(info.name()) || (resized_ && shape == shapes.end())) continue;
      *out().add_value_info() = info;
      if (shape != shapes.end()) {
        adapt_shape(*out().mutable_value_info(out().value_info_size() - 1), shape->second);
      }
    }
    for (const auto& tensor : out().initializer()) defined.insert(tensor.name());
    for (const auto& input : out().input()) defined.insert(input.name());
    for (const auto& note : source_->model.graph().quantization_annotation()) {
      if (defined.contains(note.tensor_name())) *out().add_quantization_annotation() = note;
    }
  }

  const Graph& graph_;
  const ExportOptions& options_;
  SourceWeights source_weights_;
  std::shared_ptr<const ModelSource> shared_source_;  // goes into the result
  const ModelSource* source_;
  ModelWriter writer_;
  BuiltModel built_;
  StoredValues values_;
  std::size_t next_output_ = 0;
  std::map<std::string, onnx::ValueInfoProto> inputs_;
  std::vector<std::pair<NodeId, std::size_t>> attentions_;  ///< of the source; nodes written ahead
  std::size_t first_attention_ = 0;                         ///< the first that is still to come
  bool resized_ = false;  ///< an input has another shape than in the source
  std::set<int> written_, written_nodes_, weights_;
};

}  // namespace

BuiltModel build_model(const Graph& graph, const ExportOptions& options, SourceWeights weights) {
  return Exporter(graph, options, weights).run();
}

std::size_t export_onnx(const Graph& graph, const std::string& path, const ExportOptions& options) {
  try {
    BuiltModel built = build_model(graph, options, SourceWeights::kCopied);
    write_model(built.model, built.source.get(), path);
    return static_cast<std::size_t>(built.model.graph().node_size());
  } catch (Error& e) {
    // Unless it names the model already, or its weights in a file beside it.
    if (!std::string_view(e.what()).starts_with(path)) e.prepend(path);
    throw;
  }
}

}  // namespace autogo
