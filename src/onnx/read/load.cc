// Reading an ONNX file into a ModelSource: everything that can be wrong with a file as a file is
// found here, before a shape is looked at, so that later passes can trust names, order and sizes.
//
// The file is mapped and parsed once; protobuf copies the weights out of the mapping (the one copy
// that a model's weights ever see). Calls of local functions are replaced by the functions' nodes
// (inline_functions.cc). Nodes are put into a stable topological order (Kahn's algorithm, the
// smallest position in the file first), so a sorted file keeps its order. A value that a subgraph
// of If, Loop or Scan takes from outside ("captured") counts as an input of the node.
//
// Tested by tests/onnx/load_test.cc, tests/onnx/hostile_test.cc and tests/fuzz.

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <queue>
#include <string_view>
#include <unordered_set>

#include "autogo/base/error.h"
#include "autogo/base/placeholder.h"
#include "foreign_format.h"
#include "inline_functions.h"
#include "onnx/attributes.h"
#include "onnx/model_source.h"
#include "onnx/tensor_data.h"
#include "opset.h"

namespace autogo {
namespace {

using onnx::GraphProto;
using onnx::NodeProto;
using onnx::TensorProto;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

std::string_view file_text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

void parse(const std::string& path, onnx::ModelProto& model) {
  const MappedFile file(path);
  const std::size_t size = file.bytes().size();
  if (size == 0) fail("the file is empty, expected an ONNX model");
  if (size > INT_MAX) {
    fail("the file has more than 2 GB, the limit of the format: save its weights as external data");
  }
  google::protobuf::io::CodedInputStream stream(
      reinterpret_cast<const std::uint8_t*>(file.bytes().data()), static_cast<int>(size));
  stream.SetTotalBytesLimit(INT_MAX);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    if (const auto other = foreign_format(file_text(file))) {
      throw Error(ErrorKind::kInput, other->what).with_hint(other->hint);
    }
    fail("cannot be read as an ONNX model: it is truncated, damaged or of another format (" +
         std::to_string(size) + " bytes)");
  }
  if (!model.has_graph() || !model.has_ir_version()) {
    throw Error(ErrorKind::kInput, "is not an ONNX model: it has no " +
                                       std::string(model.has_graph() ? "IR version" : "graph"))
        .with_hint("networks of TensorFlow (.pb) are converted with tf2onnx");
  }
}

/// Calls visit(tensor, where) for every stored tensor of a graph, subgraphs included.
template <typename Visit>
void for_each_tensor(const GraphProto& graph, const Visit& visit) {
  for (const TensorProto& tensor : graph.initializer()) {
    visit(tensor, "initializer '" + tensor.name() + "'");
  }
  for (const NodeProto& node : graph.node()) {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_t()) visit(attribute.t(), describe(node));
      if (attribute.has_g()) for_each_tensor(attribute.g(), visit);
      for (const GraphProto& g : attribute.graphs()) for_each_tensor(g, visit);
    }
  }
}

void open_external(ModelSource& source, const TensorProto& tensor, const std::string& where) {
  const ExternalReference reference = external_reference(tensor, where);
  source.external_data = true;
  const std::filesystem::path file =
      std::filesystem::path(source.path).parent_path() / reference.location;
  auto& mapping = source.external_files[reference.location];
  if (!mapping) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) {
      throw Error(ErrorKind::kInput,
                  where + ": the external data file '" + reference.location + "' is missing")
          .with_hint("put it beside the model, where " + file.string() + " was expected");
    }
    mapping = std::make_unique<MappedFile>(file.string());
  }
  const std::uint64_t size = mapping->bytes().size();
  if (reference.offset > size || reference.bytes > size - reference.offset) {
    if (const auto placeholder = placeholder_of(file_text(*mapping))) {
      throw Error(ErrorKind::kInput, where + ": the external data file '" + reference.location +
                                         "' is " + placeholder->what)
          .with_hint(placeholder->hint);
    }
    fail(where + ": needs bytes " + std::to_string(reference.offset) + " to " +
         std::to_string(reference.offset + reference.bytes) + " of '" + reference.location +
         "', which has " + std::to_string(size));
  }
  source.external_bytes.push_back(source.raw_bytes(tensor));
}

/// Builds the value and node tables of the main graph.
class Tables {
 public:
  explicit Tables(ModelSource& source) : source_(source), graph_(source.model.graph()) {}

  void build() {
    define_weights();
    define_inputs();
    for (const NodeProto& node : graph_.node()) define_outputs(node);
    for (int i = 0; i < graph_.node_size(); ++i) connect(i);
    sort();
    for (const onnx::ValueInfoProto& output : graph_.output()) {
      if (!source_.value_index.contains(output.name())) {
        fail("the network output '" + output.name() + "' is not defined by any node");
      }
    }
    if (graph_.output_size() == 0) fail("the graph has no output");
  }

 private:
  int define(const std::string& name, const std::string& by) {
    const int index = static_cast<int>(source_.values.size());
    if (!source_.value_index.emplace(name, index).second) {
      fail(by + ": defines '" + name + "', which is defined already");
    }
    source_.values.emplace_back().name = name;
    source_.names.insert(name);
    return index;
  }

  void define_weights() {
    for (const TensorProto& tensor : graph_.initializer()) {
      OnnxValue& value =
          source_.value(define(tensor.name(), "initializer '" + tensor.name() + "'"));
      value.kind = OnnxValue::Kind::kWeight;
      value.tensor = &tensor;
      value.dtype = to_dtype(tensor.data_type());
      value.worlds[0].dims = value.worlds[1].dims = tensor_dims(tensor);
    }
    for (const onnx::SparseTensorProto& tensor : graph_.sparse_initializer()) {
      const std::string& name = tensor.values().name();
      OnnxValue& value = source_.value(define(name, "sparse initializer '" + name + "'"));
      value.kind = OnnxValue::Kind::kWeight;
      value.sparse = &tensor;
      value.dtype = to_dtype(tensor.values().data_type());
      const std::vector<std::int64_t> dims(tensor.dims().begin(), tensor.dims().end());
      const bool possible =
          std::ranges::all_of(dims, [](std::int64_t d) { return d >= 0 && d <= kMaxDim; });
      if (!possible || !countable(dims)) {
        fail("sparse initializer '" + name + "': its shape is impossible");
      }
      value.worlds[0].dims = value.worlds[1].dims = dims;
    }
  }

  void define_inputs() {
    std::set<std::string> seen;
    for (int i = 0; i < graph_.input_size(); ++i) {
      const std::string& name = graph_.input(i).name();
      if (!seen.insert(name).second) fail("two network inputs are called '" + name + "'");
      if (source_.value_index.contains(name)) continue;  // an initializer with its declaration
      source_.value(define(name, "network input '" + name + "'")).kind = OnnxValue::Kind::kInput;
    }
  }

  void define_outputs(const NodeProto& proto) {
    const int index = static_cast<int>(source_.nodes.size());
    OnnxNode node;
    node.proto = &proto;
    for (const std::string& name : proto.output()) {
      node.outputs.push_back(name.empty() ? -1 : define(name, describe(proto)));
      if (!name.empty()) source_.value(node.outputs.back()).producer = index;
    }
    source_.nodes.push_back(std::move(node));
  }

  int use(const std::string& name, const NodeProto& proto) const {
    const auto it = source_.value_index.find(name);
    if (it != source_.value_index.end()) return it->second;
    fail(describe(proto) + ": its input '" + name +
         "' is not defined: no node, network input or initializer has this name");
  }

  void connect(int index) {
    OnnxNode& node = source_.node(index);
    for (const std::string& name : node.proto->input()) {
      node.inputs.push_back(name.empty() ? -1 : use(name, *node.proto));
    }
    std::unordered_set<int> seen;
    for_each_captured(*node.proto, [&](const std::string& name) {
      const int value = use(name, *node.proto);
      if (seen.insert(value).second) node.captured.push_back(value);
    });
    for (const onnx::AttributeProto& attribute : node.proto->attribute()) {
      if (attribute.has_g()) collect_names(attribute.g());
      for (const GraphProto& g : attribute.graphs()) collect_names(g);
    }
  }

  void collect_names(const GraphProto& graph) {
    for (const auto& input : graph.input()) source_.names.insert(input.name());
    for (const auto& tensor : graph.initializer()) source_.names.insert(tensor.name());
    for (const NodeProto& node : graph.node()) {
      source_.names.insert(node.output().begin(), node.output().end());
      for (const onnx::AttributeProto& attribute : node.attribute()) {
        if (attribute.has_g()) collect_names(attribute.g());
        for (const GraphProto& g : attribute.graphs()) collect_names(g);
      }
    }
  }

  /// Stable topological order; renumbers producers.
  void sort() {
    const std::size_t count = source_.nodes.size();
    std::vector<int> waiting(count, 0);
    std::vector<std::vector<int>> users(count);
    for (std::size_t i = 0; i < count; ++i) {
      auto depend = [&](int value) {
        const int producer = value < 0 ? -1 : source_.value(value).producer;
        if (producer < 0) return;
        users[static_cast<std::size_t>(producer)].push_back(static_cast<int>(i));
        ++waiting[i];
      };
      std::ranges::for_each(source_.nodes[i].inputs, depend);
      std::ranges::for_each(source_.nodes[i].captured, depend);
    }
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (std::size_t i = 0; i < count; ++i) {
      if (waiting[i] == 0) ready.push(static_cast<int>(i));
    }
    std::vector<OnnxNode> sorted;
    while (!ready.empty()) {
      const auto i = static_cast<std::size_t>(ready.top());
      ready.pop();
      for (const int user : users[i]) {
        if (--waiting[static_cast<std::size_t>(user)] == 0) ready.push(user);
      }
      for (const int value : source_.nodes[i].outputs) {
        if (value >= 0) source_.value(value).producer = static_cast<int>(sorted.size());
      }
      sorted.push_back(std::move(source_.nodes[i]));
    }
    if (sorted.size() < count) {
      const auto stuck = std::ranges::find_if(waiting, [](int n) { return n > 0; });
      fail(describe(*source_.nodes[static_cast<std::size_t>(stuck - waiting.begin())].proto) +
           ": depends on its own output: the graph has a cycle");
    }
    source_.nodes = std::move(sorted);
  }

  ModelSource& source_;
  const GraphProto& graph_;
};

/// What the subgraphs around a place define, the outermost first. Their depth is bounded by that of
/// the messages that protobuf reads; their width is not, so a scope is never copied.
class Scopes {
 public:
  void open(const GraphProto& graph) {
    std::unordered_set<std::string_view>& names = scopes_.emplace_back();
    for (const auto& input : graph.input()) names.insert(input.name());
    for (const auto& tensor : graph.initializer()) names.insert(tensor.name());
    for (const auto& tensor : graph.sparse_initializer()) names.insert(tensor.values().name());
    for (const NodeProto& node : graph.node()) {
      names.insert(node.output().begin(), node.output().end());
    }
  }
  void close() { scopes_.pop_back(); }
  bool define(std::string_view name) const {
    return std::ranges::any_of(scopes_, [&](const auto& names) { return names.contains(name); });
  }

 private:
  std::vector<std::unordered_set<std::string_view>> scopes_;
};

template <typename Visit>
void visit_captured(const GraphProto& graph, Scopes& scopes, const Visit& visit) {
  scopes.open(graph);
  auto use = [&](const std::string& name) {
    if (!name.empty() && !scopes.define(name)) visit(name);
  };
  for (const NodeProto& node : graph.node()) {
    std::ranges::for_each(node.input(), use);
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) visit_captured(attribute.g(), scopes, visit);
      for (const GraphProto& g : attribute.graphs()) visit_captured(g, scopes, visit);
    }
  }
  for (const auto& output : graph.output()) use(output.name());
  scopes.close();
}

using Names = std::map<std::string, std::string>;

void rename_in(GraphProto& graph, const Names& names, Scopes& scopes) {
  scopes.open(graph);
  auto rename = [&](std::string& name) {
    const auto it = names.find(name);
    if (it != names.end() && !scopes.define(name)) name = it->second;
  };
  for (NodeProto& node : *graph.mutable_node()) {
    std::ranges::for_each(*node.mutable_input(), rename);
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) rename_in(*attribute.mutable_g(), names, scopes);
      for (GraphProto& g : *attribute.mutable_graphs()) rename_in(g, names, scopes);
    }
  }
  for (auto& output : *graph.mutable_output()) rename(*output.mutable_name());
  scopes.close();
}

}  // namespace

std::string describe(const NodeProto& node) {
  std::string name = node.name();
  if (name.empty() && node.output_size() > 0) name = node.output(0);
  return "node '" + name + "' (" + node.op_type() + ")";
}

void for_each_captured(const NodeProto& node,
                       const std::function<void(const std::string&)>& visit) {
  Scopes scopes;
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.has_g()) visit_captured(attribute.g(), scopes, visit);
    for (const GraphProto& g : attribute.graphs()) visit_captured(g, scopes, visit);
  }
}

void rename_captured(NodeProto& node, const std::map<std::string, std::string>& names) {
  Scopes scopes;
  for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) rename_in(*attribute.mutable_g(), names, scopes);
    for (GraphProto& g : *attribute.mutable_graphs()) rename_in(g, names, scopes);
  }
}

std::string_view ModelSource::raw_bytes(const TensorProto& tensor) const {
  if (tensor.data_location() != TensorProto::EXTERNAL) return tensor.raw_data();
  const ExternalReference reference = external_reference(tensor, tensor.name());
  const auto bytes = external_files.at(reference.location)->bytes();
  return {reinterpret_cast<const char*>(bytes.data()) + reference.offset, reference.bytes};
}

std::shared_ptr<ModelSource> load_model(const std::string& path) {
  auto source = std::make_shared<ModelSource>();
  source->path = path;
  parse(path, source->model);
  inline_functions(source->model);
  source->opset = settle_opset(source->model);
  for_each_tensor(source->model.graph(), [&](const TensorProto& tensor, const std::string& where) {
    require_complete(tensor, where);
    if (tensor.data_location() == TensorProto::EXTERNAL) open_external(*source, tensor, where);
  });
  Tables(*source).build();
  return source;
}

}  // namespace autogo
