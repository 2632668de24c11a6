// A network as one Python file for PyTorch.
//
// The file has a class for each kind of segment, the network that puts them together, and a few
// lines that read the weights, so that it needs nothing but torch. Names of weights are those of
// the modules' state: load_state_dict is strict.
//
// Tested by tests/codegen/pytorch_test.cc and tools/check_codegen.sh.

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/codegen/codegen.h"
#include "code_file.h"
#include "torch_ops.h"

namespace autogo {
namespace {

class Torch : public Dialect {
 public:
  PyExpr expression(Call& call) const override {
    if (call.unit.idiom != OpKind::kOpaque) return torch_idiom(call);
    const OperatorRule rule = call.op.domain.empty() ? rule_of(call.op.op_type) : nullptr;
    if (rule == nullptr) call.refuse("the operator has no form in PyTorch");
    for (const auto* values : {&call.op.inputs, &call.op.outputs}) {
      for (const int v : *values) {
        if (v >= 0) require_type(call.view.value(v).dtype);
      }
    }
    const PyExpr made = rule(call);
    require_single_output(call, made);
    return made;
  }
  std::string layer(const std::string& name, const std::string&) const override {
    return "self." + name;
  }
  std::string constant_layer(const LayerWeight& weight) const override {
    std::vector<std::string> arguments{py_dims(weight.dims)};
    if (weight.integers) arguments.push_back("dtype=torch.int64");
    const std::string empty = py_call("torch.empty", arguments).text;
    return weight.trained ? py_call("nn.Parameter", {empty}).text : empty;
  }
  PyExpr constant_value(const std::string& layer, DType type) const override {
    const PyExpr stored{"self." + layer};
    return torch_type(type) == "torch.float32" || type == DType::kInt64 ? stored
                                                                        : torch_as(stored, type);
  }
  PyExpr literal(const ConstantView& constant) const override { return torch_tensor(constant); }
  bool takes_numbers() const override { return false; }
  std::string call(const SectionUse& use, const ClassCode&,
                   const std::string& arguments) const override {
    return "self." + use.name + "(" + arguments + ")";
  }
  PyExpr result(const FileState&, const Shape&, int, const std::string& name) const override {
    return {name};
  }
  void start(FileState&, const NetworkView& view) const override {
    for (const int v : view.program().inputs) {
      try {
        require_type(view.value(v).dtype);
      } catch (Error& e) {
        e.prepend("input '" + view.value(v).name + "'");
        throw;
      }
    }
  }
  int depth() const override { return 4; }

 private:
  static OperatorRule rule_of(const std::string& op_type) {
    for (const auto rows : {torch_layers(), torch_norms(), torch_elementwise(), torch_movement(),
                            torch_sampling(), torch_reductions()}) {
      for (const OperatorRow& row : rows) {
        if (row.name == op_type) return row.rule;
      }
    }
    return nullptr;
  }
  static void require_type(DType type) {
    AUTOGO_REQUIRE(type == DType::kUndefined || !torch_type(type).empty(), ErrorKind::kUnsupported,
                   std::string("values of type ") + dtype_name(type) + " have no form in PyTorch");
  }
};

constexpr std::string_view kReader = R"(
def read_safetensors(path):
    """The tensors of a .safetensors file by name."""
    types = {"F32": torch.float32, "I64": torch.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start, tensors = file.tell(), {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            data = bytearray(file.read(end - begin))
            tensors[name] = torch.empty(entry["shape"], dtype=types[entry["dtype"]])
            if data:
                flat = torch.frombuffer(data, dtype=types[entry["dtype"]])
                tensors[name] = flat.reshape(entry["shape"])
    return tensors


def load(path=pathlib.Path(__file__).with_suffix(".safetensors")):
    """The network with its weights, in evaluation mode."""
    network = Network()
    network.load_state_dict(read_safetensors(path))
    return network.eval()
)";

std::string class_text(const ClassCode& code) {
  const SectionCode& section = *code.code;
  std::string text = "\nclass " + code.name + "(nn.Module):\n";
  std::string parameters;
  for (const std::string& name : code.parameters) parameters += ", " + name;
  if (!section.layers.empty()) {
    text += py_wrap("def __init__(self" + parameters + "):", 4) + "\n";
    text += "        super().__init__()\n";
  }
  for (std::size_t i = 0; i < section.layers.size(); ++i) {
    const LayerCode& layer = section.layers[i];
    std::string line = "self." + layer.name + " = " + code.constructors[i];
    if (layer.name.starts_with("buffer")) {
      line = py_call("self.register_buffer", {py_string(layer.name), code.constructors[i]}).text;
    }
    text += py_wrap(line, 8) + "\n";
  }
  std::string arguments;
  for (const std::string& name : section.arguments) arguments += ", " + name;
  if (!section.layers.empty()) text += "\n";
  text += py_wrap("def forward(self" + arguments + "):", 4) + "\n";
  for (const std::string& line : section.lines) text += py_wrap(line, 8) + "\n";
  return text;
}

std::string network_text(const CodeFile& file) {
  std::string text = "\nclass Network(nn.Module):\n    \"\"\"" + file.description() + "\"\"\"\n\n";
  text += "    def __init__(self):\n        super().__init__()\n";
  for (const SectionUse& use : file.classes.uses) {
    std::string arguments;
    for (const std::string& a : use.arguments) arguments += (arguments.empty() ? "" : ", ") + a;
    const ClassCode& made = file.classes.classes[use.class_index];
    std::string values;
    for (std::size_t i = 0; i < use.arguments.size(); ++i) {
      values += (i == 0 ? "" : ", ") + made.parameters[i] + "=" + use.arguments[i];
    }
    text += py_wrap("self." + use.name + " = " + made.name + "(" + values + ")", 8) + "\n";
  }
  std::string inputs;
  for (const std::string& name : file.top.arguments) inputs += ", " + name;
  text += "\n" + py_wrap("def forward(self" + inputs + "):", 4) + "\n";
  for (const std::string& line : file.top.lines) text += py_wrap(line, 8) + "\n";
  return text;
}

}  // namespace

CodeSummary export_pytorch(const Graph& graph, const std::string& path,
                           const CodeOptions& options) {
  const Torch dialect;
  const CodeFile file(graph, dialect, options);
  std::string text = file.header("PyTorch");
  text +=
      "import json\nimport pathlib\n\nimport torch\nimport torch.nn as nn\n"
      "import torch.nn.functional as F\n";
  for (const std::string& name : file.state.helpers)
    text += "\n\n" + std::string(torch_helper(name));
  for (const ClassCode& code : file.classes.classes) text += "\n" + class_text(code);
  text += "\n" + network_text(file);
  text += "\n" + std::string(kReader);

  std::vector<StoredTensor> tensors = file.tensors(
      [](const std::string& segment, const LayerCode& layer, const LayerWeight& weight) {
        const bool bare = layer.name.starts_with("weight") || layer.name.starts_with("buffer");
        return segment + "." + (bare ? layer.name : layer.name + "." + weight.name);
      });
  for (std::size_t i = 0; i < tensors.size(); ++i) {  // the state of nn.BatchNorm has a counter
    const std::string& name = tensors[i].name;
    if (!name.ends_with(".running_var")) continue;
    tensors.push_back({name.substr(0, name.rfind('.')) + ".num_batches_tracked", "I64", {}, [] {
                         return std::string(8, '\0');
                       }});
  }
  return file.write(path, text, tensors);
}

}  // namespace autogo
