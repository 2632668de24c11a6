// Which opsets can be read. From 7 on every rule of this layer knows what changed when (the schemas
// of Debian's ONNX end at 17; infer.cc says how the later ones are read). Before 7 operators had
// other attributes and no broadcasting; those whose meaning did not change are read as opset 7.
//
// What changed is told by the library's own schemas: an operator whose schema is the same object in
// the model's opset and in 7 did not. Of the others, many changed only in their form: 6 took
// `consumed_inputs` away, a hint to runtimes, and 7 the attributes that asked for broadcasting or
// for inference. kSameIf lists them with the condition under which nothing else changed.
//
// Tested by tests/onnx/opset_test.cc, in ONNX Runtime too.

#include "opset.h"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "autogo/base/error.h"
#include "onnx/attributes.h"
#include "onnx/model_source.h"

namespace autogo {
namespace {

using onnx::NodeProto;
using onnx::OpSchemaRegistry;

constexpr std::int64_t kOldest = 7;
constexpr std::int64_t kNewest = 26;  ///< 24 to 26 added element types and operators
constexpr std::int64_t kFirstIrWithOpsets = 3;

/// Attributes that no operator has in opset 7: dropped when a node is read as of 7.
constexpr std::array<std::string_view, 3> kLegacy = {"broadcast", "consumed_inputs", "is_test"};

bool has(const NodeProto& node, std::string_view name) {
  return find_attribute(node, name) != nullptr;
}

bool always(const NodeProto&) { return true; }

/// Without an axis the smaller operand meets the last dimensions, as in numpy.
bool broadcasts_as_numpy(const NodeProto& node) {
  return attribute_int(node, "broadcast", 0) == 0 || !has(node, "axis");
}

/// Their default is to train.
bool in_inference(const NodeProto& node) {
  for (int i = 1; i < node.output_size(); ++i) {
    if (!node.output(i).empty()) return false;
  }
  return attribute_int(node, "is_test", 0) != 0;
}

/// Whether the mean counts the padding was not said before 7.
bool has_no_padding(const NodeProto& node) {
  const auto pads = attribute_ints(node, "pads");
  const std::string rule = attribute_string(node, "auto_pad", "NOTSET");
  return (rule == "NOTSET" || rule == "VALID") &&
         (!pads || std::ranges::all_of(*pads, [](std::int64_t pad) { return pad == 0; }));
}

bool has_axis(const NodeProto& node) { return has(node, "axis"); }

bool split_by_attribute(const NodeProto& node) { return node.input_size() == 1; }

/// The defaults got more digits.
bool selu_is_explicit(const NodeProto& node) { return has(node, "alpha") && has(node, "gamma"); }

using Condition = bool (*)(const NodeProto&);

/// Operators with another schema in opset 7 that mean the same there under a condition.
const std::map<std::string_view, Condition>& same_if() {
  static const std::map<std::string_view, Condition> table = [] {
    std::map<std::string_view, Condition> t = {{"AveragePool", has_no_padding},
                                               {"BatchNormalization", in_inference},
                                               {"Concat", has_axis},
                                               {"Dropout", in_inference},
                                               {"Gemm", always},  // C may broadcast without asking
                                               {"Selu", selu_is_explicit},
                                               {"Split", split_by_attribute}};
    for (const char* op : {"Abs",       "Ceil",  "Clip",        "Elu",
                           "Exp",       "Floor", "HardSigmoid", "InstanceNormalization",
                           "LeakyRelu", "Log",   "Max",         "Mean",
                           "Min",       "Neg",   "Reciprocal",  "Relu",
                           "Sigmoid",   "Sqrt",  "Sum",         "Tanh"}) {
      t[op] = always;
    }
    for (const char* op :
         {"Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"}) {
      t[op] = broadcasts_as_numpy;
    }
    return t;
  }();
  return table;
}

/// First opset with the form that the operator has in `opset`; 0: the library does not know it.
int form_since(const std::string& op, std::int64_t opset) {
  const onnx::OpSchema* schema =
      OpSchemaRegistry::Schema(op, static_cast<int>(opset), onnx::ONNX_DOMAIN);
  return schema == nullptr ? 0 : schema->SinceVersion();
}

void lift(NodeProto& node, std::int64_t opset) {
  const std::string& op = node.op_type();
  if (!standard_domain(node) || form_since(op, opset) == form_since(op, kOldest)) return;
  const auto condition = same_if().find(op);
  if (condition == same_if().end() || !condition->second(node)) {
    throw Error(ErrorKind::kUnsupported,
                "the operator changed between opset " + std::to_string(opset) +
                    ", which the model uses, and " + std::to_string(kOldest) +
                    ", the oldest that can be read")
        .with_hint("convert the model with onnx.version_converter, or export it again");
  }
  const bool broadcasts = condition->second == broadcasts_as_numpy;
  auto& attributes = *node.mutable_attribute();
  attributes.erase(std::remove_if(attributes.begin(), attributes.end(),
                                  [&](const onnx::AttributeProto& a) {
                                    return std::ranges::find(kLegacy, a.name()) != kLegacy.end() ||
                                           (broadcasts && a.name() == "axis");
                                  }),
                   attributes.end());
}

void lift(onnx::GraphProto& graph, std::int64_t opset) {
  for (NodeProto& node : *graph.mutable_node()) {
    try {
      lift(node, opset);
    } catch (Error& e) {
      e.prepend(describe(node));
      throw;
    }
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) lift(*attribute.mutable_g(), opset);
      for (onnx::GraphProto& g : *attribute.mutable_graphs()) lift(g, opset);
    }
  }
}

onnx::OperatorSetIdProto* own_import(onnx::ModelProto& model) {
  onnx::OperatorSetIdProto* found = nullptr;
  for (onnx::OperatorSetIdProto& import : *model.mutable_opset_import()) {
    if (import.domain().empty() || import.domain() == "ai.onnx") found = &import;
  }
  return found;
}

}  // namespace

std::int64_t settle_opset(onnx::ModelProto& model) {
  if (model.opset_import_size() == 0) {  // IR 1 and 2 have no imports and mean opset 1
    model.add_opset_import()->set_version(1);
    model.set_ir_version(std::max(model.ir_version(), kFirstIrWithOpsets));
  }
  onnx::OperatorSetIdProto* import = own_import(model);
  if (import == nullptr) return 0;
  const std::int64_t opset = import->version();
  if (opset < 1 || opset > kNewest) {
    throw Error(ErrorKind::kUnsupported,
                "opset " + std::to_string(opset) + (opset < 1 ? " does not exist" : " is too new") +
                    ", opsets 1 to " + std::to_string(kNewest) + " can be read")
        .with_hint("export the model again with opset_version=" + std::to_string(kNewest) +
                   " or below, or convert it with onnx.version_converter");
  }
  if (opset >= kOldest) return opset;
  lift(*model.mutable_graph(), opset);
  import->set_version(kOldest);
  return kOldest;
}

}  // namespace autogo
