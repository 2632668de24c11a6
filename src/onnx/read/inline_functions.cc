// Calls are expanded from the outside in, with a stack of the functions that are open, so that each
// node is copied once, with its final names. Nothing here recurses on the depth of calls, which a
// file may choose; only on that of subgraphs, which is bounded.
//
// A function's own names mean nothing outside of it: all are made anew. Its inputs become what the
// call gives, or nothing where the call leaves them out; its attributes replace those of its nodes
// that refer to them, or take these away when they have no value.
//
// A file of a few lines can ask for more nodes than any memory holds (each function calls the next
// one twice): what comes of it is counted and refused beyond a limit that no network reaches.
//
// Tested by tests/onnx/inline_functions_test.cc.

#include "inline_functions.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "autogo/base/error.h"
#include "onnx/attributes.h"
#include "onnx/infer/infer.h"
#include "onnx/model_source.h"

namespace autogo {
namespace {

using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::NodeProto;

constexpr std::size_t kMaxCopies = 500'000;  // nodes and calls
constexpr std::size_t kMaxCopiedBytes = std::size_t{256} << 20;
constexpr int kMaxDepth = 32;  // of subgraphs in subgraphs

// Fields that the library's version of the format does not have yet.
constexpr int kNodeOverload = 8, kFunctionOverload = 13, kFunctionDefaults = 11;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

template <typename Visit>
void visit_unknown(const google::protobuf::Message& message, int number, const Visit& visit) {
  const auto& fields = message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.number() == number &&
        field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      visit(field.length_delimited());
    }
  }
}

std::string overload_of(const google::protobuf::Message& message, int number) {
  std::string overload;
  visit_unknown(message, number, [&](const std::string& text) { overload = text; });
  return overload;
}

/// Domain, name, overload.
using FunctionKey = std::tuple<std::string, std::string, std::string>;

std::string standard_name(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

FunctionKey key_of(const NodeProto& node) {
  return {standard_name(node.domain()), node.op_type(), overload_of(node, kNodeOverload)};
}

FunctionKey key_of(const FunctionProto& function) {
  return {standard_name(function.domain()), function.name(),
          overload_of(function, kFunctionOverload)};
}

std::string describe(const FunctionProto& function) {
  return "local function '" + (function.domain().empty() ? "" : function.domain() + ".") +
         function.name() + "'";
}

/// Calls visit(node) for the nodes of a list and of their subgraphs.
template <typename Nodes>
void for_each_node(const Nodes& nodes, const std::function<void(const NodeProto&)>& visit) {
  for (const NodeProto& node : nodes) {
    visit(node);
    for (const AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) for_each_node(attribute.g().node(), visit);
      for (const GraphProto& g : attribute.graphs()) for_each_node(g.node(), visit);
    }
  }
}

/// The functions of a model by key, and which of them can be inlined.
class Functions {
 public:
  explicit Functions(onnx::ModelProto& model) : model_(model) {
    for (const FunctionProto& function : model.functions()) {
      if (!by_key_.emplace(key_of(function), &function).second) {
        fail(describe(function) + " is defined twice");
      }
    }
    for (const FunctionProto& function : model.functions()) check(function);
    refuse_recursion();
    for (const auto& import : model.opset_import()) {
      versions_[standard_name(import.domain())] = import.version();
    }
    for (const FunctionProto& function : model.functions()) {
      if (!takes_models_opsets(function)) kept_.insert(&function);
    }
  }

  /// The function that a node calls and that is to take its place; null: none.
  const FunctionProto* inlined(const NodeProto& node) const {
    const FunctionProto* function = called(node);
    return kept_.contains(function) ? nullptr : function;
  }

  /// Drops the functions that nobody calls any more, and imports of domains that were theirs.
  void drop_unused() {
    std::set<FunctionKey> used;
    std::set<std::string> domains;
    std::vector<const FunctionProto*> todo;
    auto use = [&](const NodeProto& node) {
      domains.insert(standard_name(node.domain()));
      const FunctionProto* function = called(node);
      if (function != nullptr && used.insert(key_of(*function)).second) todo.push_back(function);
    };
    for_each_node(model_.graph().node(), use);
    while (!todo.empty()) {
      const FunctionProto* function = todo.back();
      todo.pop_back();
      for_each_node(function->node(), use);
    }
    std::set<std::string> theirs;
    google::protobuf::RepeatedPtrField<FunctionProto> functions;
    functions.Swap(model_.mutable_functions());
    for (FunctionProto& function : functions) {
      theirs.insert(standard_name(function.domain()));
      if (used.contains(key_of(function))) model_.add_functions()->Swap(&function);
    }
    google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> imports;
    imports.Swap(model_.mutable_opset_import());
    for (onnx::OperatorSetIdProto& import : imports) {
      const std::string domain = standard_name(import.domain());
      if (!domain.empty() && theirs.contains(domain) && !domains.contains(domain)) continue;
      model_.add_opset_import()->Swap(&import);
    }
  }

 private:
  const FunctionProto* called(const NodeProto& node) const {
    const auto it = by_key_.find(key_of(node));
    return it == by_key_.end() ? nullptr : it->second;
  }

  /// Every name that it uses is defined, once.
  static void check(const FunctionProto& function) {
    std::unordered_set<std::string> defined;
    auto define = [&](const std::string& name) {
      if (!name.empty() && !defined.insert(name).second) {
        fail(describe(function) + ": defines '" + name + "' twice");
      }
    };
    std::ranges::for_each(function.input(), define);
    for (const NodeProto& node : function.node()) std::ranges::for_each(node.output(), define);
    for (const NodeProto& node : function.node()) {
      auto use = [&](const std::string& name) {
        if (!name.empty() && !defined.contains(name)) {
          fail(describe(function) + ": " + autogo::describe(node) + ": its input '" + name +
               "' is not defined in the function");
        }
      };
      std::ranges::for_each(node.input(), use);
      for_each_captured(node, use);
    }
    for (const std::string& output : function.output()) {
      if (!defined.contains(output)) {
        fail(describe(function) + ": its output '" + output + "' is not defined");
      }
    }
  }

  /// Depth first, without recursion.
  void refuse_recursion() const {
    struct Open {
      const FunctionProto* function;
      std::vector<const FunctionProto*> callees;
    };
    std::unordered_set<const FunctionProto*> open, done;
    std::vector<Open> stack;
    auto enter = [&](const FunctionProto* function) {
      stack.push_back({function, {}});
      open.insert(function);
      for_each_node(function->node(), [&](const NodeProto& node) {
        if (const FunctionProto* callee = called(node)) stack.back().callees.push_back(callee);
      });
    };
    for (const FunctionProto& root : model_.functions()) {
      if (!done.contains(&root)) enter(&root);
      while (!stack.empty()) {
        if (stack.back().callees.empty()) {
          open.erase(stack.back().function);
          done.insert(stack.back().function);
          stack.pop_back();
          continue;
        }
        const FunctionProto* callee = stack.back().callees.back();
        stack.back().callees.pop_back();
        if (open.contains(callee)) fail(describe(*callee) + " calls itself");
        if (!done.contains(callee)) enter(callee);
      }
    }
  }

  /// Whether its operators mean the same in the model. Imports that only functions had become the
  /// model's.
  bool takes_models_opsets(const FunctionProto& function) {
    std::map<std::string, std::int64_t> own;
    for (const auto& import : function.opset_import()) {
      own[standard_name(import.domain())] = import.version();
    }
    bool same = true;
    std::set<std::string> domains;
    for_each_node(function.node(), [&](const NodeProto& node) {
      if (called(node) != nullptr) return;
      const std::string domain = standard_name(node.domain());
      const auto mine = own.find(domain), models = versions_.find(domain);
      if (mine == own.end()) return;  // not imported: the model's
      domains.insert(domain);
      same =
          same && (models == versions_.end() || models->second == mine->second ||
                   (domain.empty() && same_operator(node.op_type(), mine->second, models->second)));
    });
    if (!same) return false;
    for (const std::string& domain : domains) {
      if (!versions_.emplace(domain, own.at(domain)).second) continue;
      auto& import = *model_.add_opset_import();
      import.set_domain(domain);
      import.set_version(own.at(domain));
    }
    return true;
  }

  onnx::ModelProto& model_;
  std::map<FunctionKey, const FunctionProto*> by_key_;
  std::map<std::string, std::int64_t> versions_;  // of the model's domains
  std::unordered_set<const FunctionProto*> kept_;
};

/// New names of a function's values, or of a subgraph's inside of it.
struct NameScope {
  const NameScope* outer = nullptr;
  std::unordered_map<std::string, std::string> names;

  const std::string& find(const std::string& name) const {
    for (const NameScope* scope = this; scope != nullptr; scope = scope->outer) {
      if (const auto it = scope->names.find(name); it != scope->names.end()) return it->second;
    }
    return name;  // the empty one
  }
};

class Inliner {
 public:
  explicit Inliner(onnx::ModelProto& model) : model_(model), functions_(model) {
    collect_names(model.graph());
  }

  void run() {
    expand(*model_.mutable_graph(), 0);
    functions_.drop_unused();
  }

 private:
  /// A call that is being expanded.
  struct Frame {
    const FunctionProto* function = nullptr;
    int next = 0;  ///< node
    NameScope scope;
    std::map<std::string, AttributeProto> attributes;
  };

  void collect_names(const GraphProto& graph) {
    for (const auto& input : graph.input()) value_names_.insert(input.name());
    for (const auto& output : graph.output()) value_names_.insert(output.name());
    for (const auto& tensor : graph.initializer()) value_names_.insert(tensor.name());
    for (const auto& tensor : graph.sparse_initializer()) {
      value_names_.insert(tensor.values().name());
    }
    for (const NodeProto& node : graph.node()) {
      node_names_.insert(node.name());
      value_names_.insert(node.output().begin(), node.output().end());
      for (const AttributeProto& attribute : node.attribute()) {
        if (attribute.has_g()) collect_names(attribute.g());
        for (const GraphProto& g : attribute.graphs()) collect_names(g);
      }
    }
  }

  /// `base`, or `base`_2, `base`_3, ...
  std::string fresh(const std::string& base, std::unordered_set<std::string>& taken) {
    if (taken.insert(base).second) return base;
    int& number = next_number_.emplace(base, 1).first->second;
    std::string name;
    do {
      name = base + "_" + std::to_string(++number);
    } while (!taken.insert(name).second);
    return name;
  }

  void expand(GraphProto& graph, int depth) {
    if (depth > kMaxDepth) fail("has subgraphs nested deeper than " + std::to_string(kMaxDepth));
    google::protobuf::RepeatedPtrField<NodeProto> nodes;
    nodes.Swap(graph.mutable_node());
    for (NodeProto& node : nodes) {
      if (functions_.inlined(node) != nullptr) {
        expand_call(node, graph, depth);
      } else {
        add(std::move(node), graph, depth);
      }
    }
  }

  void add(NodeProto&& node, GraphProto& graph, int depth) {
    NodeProto& added = *graph.add_node();
    added = std::move(node);
    for (AttributeProto& attribute : *added.mutable_attribute()) {
      if (attribute.has_g()) expand(*attribute.mutable_g(), depth + 1);
      for (GraphProto& g : *attribute.mutable_graphs()) expand(g, depth + 1);
    }
  }

  void expand_call(const NodeProto& call, GraphProto& graph, int depth) {
    std::string prefix = call.name();
    for (const std::string& output : call.output()) {
      if (prefix.empty()) prefix = output;
    }
    node_names_.erase(call.name());
    std::vector<Frame> open;
    open.push_back(enter(call, prefix, graph));
    while (!open.empty()) {
      Frame& frame = open.back();
      if (frame.next == frame.function->node_size()) {
        open.pop_back();
        continue;
      }
      NodeProto node = copy(frame.function->node(frame.next++), frame, prefix);
      if (functions_.inlined(node) != nullptr) {
        open.push_back(enter(node, prefix, graph));
        continue;
      }
      const bool alone = open.size() == 1 && frame.function->node_size() == 1;
      const std::string own = node.name().empty() ? node.op_type() : node.name();
      node.set_name(fresh(alone ? prefix : prefix + "/" + own, node_names_));
      add(std::move(node), graph, depth);
    }
  }

  Frame enter(const NodeProto& call, const std::string& prefix, GraphProto& graph) {
    spend(0);
    Frame frame;
    frame.function = functions_.inlined(call);
    const FunctionProto& function = *frame.function;
    if (call.input_size() > function.input_size() || call.output_size() > function.output_size()) {
      fail(autogo::describe(call) + ": has more inputs or outputs than the " + describe(function));
    }
    auto& names = frame.scope.names;
    for (int i = 0; i < function.input_size(); ++i) {
      names[function.input(i)] = i < call.input_size() ? call.input(i) : "";
    }
    for (int i = 0; i < call.output_size(); ++i) {
      const auto [it, own] = names.emplace(function.output(i), call.output(i));
      if (call.output(i).empty()) {
        if (own) names.erase(it);
        continue;
      }
      if (own) continue;
      if (it->second.empty()) {
        fail(autogo::describe(call) + ": leaves out the input '" + function.output(i) +
             "', which the " + describe(function) + " returns");
      }
      NodeProto& same = *graph.add_node();  // it returns an input, or one value twice
      same.set_op_type("Identity");
      same.set_name(fresh(prefix + "/Identity", node_names_));
      same.add_input(it->second);
      same.add_output(call.output(i));
    }
    for (const NodeProto& node : function.node()) {
      for (const std::string& output : node.output()) {
        if (output.empty() || names.contains(output)) continue;
        names.emplace(output, fresh(prefix + "/" + output, value_names_));
      }
    }
    visit_unknown(function, kFunctionDefaults, [&](const std::string& bytes) {
      AttributeProto attribute;
      if (!attribute.ParseFromString(bytes)) fail(describe(function) + ": has damaged defaults");
      frame.attributes[attribute.name()] = attribute;
    });
    for (const AttributeProto& attribute : call.attribute()) {
      frame.attributes[attribute.name()] = attribute;
    }
    return frame;
  }

  NodeProto copy(const NodeProto& from, const Frame& frame, const std::string& prefix) {
    spend(from.ByteSizeLong());
    NodeProto node = from;
    rename(node, frame.scope, prefix, 0);
    resolve_attributes(node, frame);
    return node;
  }

  void spend(std::size_t bytes) {
    copied_bytes_ += bytes;
    if (++copies_ > kMaxCopies || copied_bytes_ > kMaxCopiedBytes) {
      fail("its local functions expand to more than " + std::to_string(kMaxCopies) + " nodes or " +
           std::to_string(kMaxCopiedBytes >> 20) + " MB");
    }
  }

  void rename(NodeProto& node, const NameScope& scope, const std::string& prefix, int depth) {
    for (std::string& name : *node.mutable_input()) name = std::string(scope.find(name));
    for (std::string& name : *node.mutable_output()) name = std::string(scope.find(name));
    for (AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) rename(*attribute.mutable_g(), scope, prefix, depth + 1);
      for (GraphProto& g : *attribute.mutable_graphs()) rename(g, scope, prefix, depth + 1);
    }
  }

  void rename(GraphProto& graph, const NameScope& outer, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) fail("has subgraphs nested deeper than " + std::to_string(kMaxDepth));
    NameScope scope{&outer, {}};
    auto define = [&](const std::string& name) {
      if (!name.empty()) scope.names[name] = fresh(prefix + "/" + name, value_names_);
    };
    auto apply = [&](std::string* name) { *name = std::string(scope.find(*name)); };
    for (const auto& input : graph.input()) define(input.name());
    for (const auto& tensor : graph.initializer()) {
      if (!scope.names.contains(tensor.name())) define(tensor.name());
    }
    for (const auto& tensor : graph.sparse_initializer()) define(tensor.values().name());
    for (const NodeProto& node : graph.node()) std::ranges::for_each(node.output(), define);
    graph.clear_value_info();
    for (auto& input : *graph.mutable_input()) apply(input.mutable_name());
    for (auto& tensor : *graph.mutable_initializer()) apply(tensor.mutable_name());
    for (auto& tensor : *graph.mutable_sparse_initializer()) {
      apply(tensor.mutable_values()->mutable_name());
    }
    for (NodeProto& node : *graph.mutable_node()) rename(node, scope, prefix, depth);
    for (auto& output : *graph.mutable_output()) apply(output.mutable_name());
  }

  /// Puts the call's attributes in the place of references to them.
  void resolve_attributes(NodeProto& node, const Frame& frame) {
    google::protobuf::RepeatedPtrField<AttributeProto> attributes;
    attributes.Swap(node.mutable_attribute());
    for (AttributeProto& attribute : attributes) {
      if (attribute.ref_attr_name().empty()) {
        if (attribute.has_g()) resolve_attributes(*attribute.mutable_g(), frame);
        for (GraphProto& g : *attribute.mutable_graphs()) resolve_attributes(g, frame);
        node.add_attribute()->Swap(&attribute);
        continue;
      }
      const auto given = frame.attributes.find(attribute.ref_attr_name());
      if (given == frame.attributes.end()) continue;
      spend(given->second.ByteSizeLong());
      AttributeProto& added = *node.add_attribute();
      added = given->second;
      added.set_name(attribute.name());
    }
  }

  void resolve_attributes(GraphProto& graph, const Frame& frame) {
    for (NodeProto& node : *graph.mutable_node()) resolve_attributes(node, frame);
  }

  onnx::ModelProto& model_;
  Functions functions_;
  std::unordered_set<std::string> value_names_, node_names_;
  std::unordered_map<std::string, int> next_number_;  // by base name
  std::size_t copies_ = 0, copied_bytes_ = 0;
};

}  // namespace

void inline_functions(onnx::ModelProto& model) {
  if (model.functions_size() > 0) Inliner(model).run();
}

}  // namespace autogo
