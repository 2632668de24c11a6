// A network as one Python file for Keras 3.
//
// The file has a function for each kind of segment, the function that puts them together as a
// functional model, and a few lines that read the weights. Maps have their channels last, because
// that is what every back end of Keras runs on a CPU; the network's inputs and outputs of rank 4
// change their order.
//
// A layer is made where it is called, so a segment's statements hold a mark for each of its layers
// until the class is known that its sizes make it share.
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>
#include <array>

#include "autogo/base/error.h"
#include "autogo/codegen/codegen.h"
#include "code_file.h"
#include "keras_ops.h"

namespace autogo {
namespace {

std::string mark(const std::string& layer) { return "@" + layer + "@"; }

/// "ResidualSegment3" as a function's name.
std::string function_name(const std::string& class_name) {
  std::string name;
  for (const char c : class_name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !name.empty()) name += '_';
    name += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

class Keras : public Dialect {
 public:
  PyExpr expression(Call& call) const override {
    if (call.unit.idiom != OpKind::kOpaque) return keras_idiom(call);
    if (call.op.domain.empty()) {
      for (const auto rows : {keras_layers(), keras_elementwise(), keras_movement()}) {
        for (const OperatorRow& row : rows) {
          if (row.name != call.op.op_type) continue;
          const PyExpr made = row.rule(call);
          require_single_output(call, made);
          return made;
        }
      }
    }
    call.refuse("the operator has no form in Keras");
  }
  std::string layer(const std::string& name, const std::string&) const override {
    return mark(name);
  }
  std::string constant_layer(const LayerWeight&) const override { return refuse_constant(); }
  PyExpr constant_value(const std::string&, DType) const override { return {refuse_constant()}; }
  PyExpr literal(const ConstantView&) const override { return {refuse_constant()}; }
  bool takes_numbers() const override { return true; }
  std::string call(const SectionUse& use, const ClassCode& made,
                   const std::string& arguments) const override {
    std::string text = function_name(made.name) + "(" + arguments + ", name=" + py_string(use.name);
    for (std::size_t i = 0; i < use.arguments.size(); ++i) {
      text += ", " + made.parameters[i] + "=" + use.arguments[i];
    }
    return text + ")";
  }
  PyExpr result(const FileState& state, const Shape& shape, int v,
                const std::string& name) const override {
    const auto it = state.channels_last.find(v);
    const bool last = it != state.channels_last.end() && it->second;
    if (shape.rank() != 4 || last) return {name};
    return py_call("ops.transpose", {name, "(0, 2, 3, 1)"});
  }
  void start(FileState& state, const NetworkView& view) const override {
    for (const int v : view.program().inputs) {
      AUTOGO_REQUIRE(view.shape(v).known() && view.shape(v).rank() > 1, ErrorKind::kUnsupported,
                     "input '" + view.value(v).name + "': Keras needs a shape with a batch");
      state.channels_last[v] = view.shape(v).rank() == 4;
    }
  }
  int depth() const override { return 1; }

 private:
  [[noreturn]] static std::string refuse_constant() {
    throw Error(ErrorKind::kUnsupported, "a table of numbers as an operand has no form in Keras");
  }
};

struct Helper {
  std::string_view name, text;
};

constexpr std::array<Helper, 5> kHelpers{{
    {"Weight", R"(class Weight(layers.Layer):
    """A trained array. It is called on any value of the network, and gives the array."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)

    def build(self, input_shape):
        self.value = self.add_weight(shape=self.shape, initializer="zeros", name="value")

    def call(self, x):
        return ops.convert_to_tensor(self.value)

    def compute_output_shape(self, input_shape):
        return self.shape

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}
)"},
    {"average_real", R"(def average_real(x, kernel, strides, pads):
    """Average over the real cells of each window; padding does not count."""
    ones = ops.pad(ops.ones_like(x[:, :, :, :1]), pads)
    total = layers.AveragePooling2D(kernel, strides=strides)(ops.pad(x, pads))
    return total / layers.AveragePooling2D(kernel, strides=strides)(ones)
)"},
    {"depth_to_space", R"(def depth_to_space(x, block):
    """Channels to space, blocks first (ONNX DepthToSpace, mode DCR)."""
    h, w, c = x.shape[1:]
    x = ops.reshape(x, (-1, h, w, block, block, c // block**2))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, h * block, w * block, c // block**2))
)"},
    {"pixel_shuffle", R"(def pixel_shuffle(x, block):
    """Channels to space, channels first (ONNX DepthToSpace, mode CRD)."""
    h, w, c = x.shape[1:]
    x = ops.reshape(x, (-1, h, w, c // block**2, block, block))
    x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
    return ops.reshape(x, (-1, h * block, w * block, c // block**2))
)"},
    {"space_to_depth", R"(def space_to_depth(x, block):
    """Space to channels, blocks first (ONNX SpaceToDepth)."""
    h, w, c = x.shape[1:]
    x = ops.reshape(x, (-1, h // block, block, w // block, block, c))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, h // block, w // block, c * block**2))
)"},
}};

constexpr std::string_view kReader = R"(
def read_safetensors(path):
    """The arrays of a .safetensors file by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start, arrays = file.tell(), {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            data = np.frombuffer(file.read(end - begin), dtype="<f4")
            arrays[name] = data.reshape(entry["shape"])
    return arrays


def load(path=pathlib.Path(__file__).with_suffix(".safetensors")):
    """The network with its weights."""
    network, arrays = build(), read_safetensors(path)
    for layer in network.layers:
        for weight in layer.weights:
            weight.assign(arrays.pop(f"{layer.name}/{weight.name}"))
    if arrays:
        raise ValueError(f"{path}: weights of another network: {sorted(arrays)[0]}")
    return network
)";

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string function_text(const ClassCode& code) {
  const SectionCode& section = *code.code;
  std::string parameters;
  for (const std::string& name : section.arguments) parameters += name + ", ";
  parameters += "name";
  for (const std::string& name : code.parameters) parameters += ", " + name;
  std::string text =
      "\n" + py_wrap("def " + function_name(code.name) + "(" + parameters + "):", 0) + "\n";
  for (std::string line : section.lines) {
    for (std::size_t i = 0; i < section.layers.size(); ++i) {
      const std::string& made = code.constructors[i];
      const std::string open = made.substr(0, made.size() - 1);
      const std::string named = open + (open.ends_with('(') ? "" : ", ") + "name=f\"{name}_" +
                                section.layers[i].name + "\")";
      replace_all(line, mark(section.layers[i].name), named);
    }
    text += py_wrap(line, 4) + "\n";
  }
  return text;
}

std::string network_text(const CodeFile& file) {
  std::string text = "\ndef build():\n    \"\"\"" + file.description() + "\"\"\"\n";
  std::string inputs;
  for (std::size_t i = 0; i < file.top.arguments.size(); ++i) {
    const Shape& shape = file.view.shape(file.view.program().inputs[i]);
    std::vector<std::int64_t> dims(shape.dims().begin() + 1, shape.dims().end());
    if (dims.size() == 3) dims = {dims[1], dims[2], dims[0]};
    const std::string& name = file.top.arguments[i];
    text += "    " + name + " = input" + std::to_string(i + 1) + " = keras.Input(" +
            py_tuple(dims) + ")\n";
    inputs += (i == 0 ? "" : ", ") + std::string("input") + std::to_string(i + 1);
  }
  for (const std::string& line : file.top.lines) {
    const std::string prefix = "return ";
    if (!line.starts_with(prefix)) {
      text += py_wrap(line, 4) + "\n";
      continue;
    }
    const std::string outputs = line.substr(prefix.size());
    const bool several = file.view.program().outputs.size() > 1;
    text += py_wrap("return keras.Model([" + inputs + "], " +
                        (several ? "[" + outputs + "]" : outputs) + ")",
                    4) +
            "\n";
  }
  return text;
}

}  // namespace

std::string_view keras_helper(const std::string& name) {
  for (const Helper& helper : kHelpers) {
    if (helper.name == name) return helper.text;
  }
  AUTOGO_CHECK(false);
  return {};
}

CodeSummary export_keras(const Graph& graph, const std::string& path, const CodeOptions& options) {
  const Keras dialect;
  const CodeFile file(graph, dialect, options);
  std::string text = file.header("Keras");
  text +=
      "import json\nimport pathlib\n\nimport keras\nimport numpy as np\n"
      "from keras import layers, ops\n";
  for (const std::string& name : file.state.helpers) {
    text += "\n\n" + std::string(keras_helper(name));
  }
  for (const ClassCode& code : file.classes.classes) text += "\n" + function_text(code);
  text += "\n" + network_text(file);
  text += "\n" + std::string(kReader);
  return file.write(path, text,
                    file.tensors([](const std::string& segment, const LayerCode& layer,
                                    const LayerWeight& weight) {
                      return segment + "_" + layer.name + "/" + weight.name;
                    }));
}

}  // namespace autogo
