#include <array>
#include <string>

#include "autogo/graph/graph.h"

namespace autogo {
namespace {

template <std::size_t N>
std::string joined(const std::array<std::int32_t, N>& values, char separator) {
  std::string text;
  for (const std::int32_t v : values) {
    if (!text.empty()) text += separator;
    text += std::to_string(v);
  }
  return text;
}

std::string shortest(float value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.6g", static_cast<double>(value));
  return buffer.data();
}

/// The attributes that differ from their defaults, in the order of the struct.
std::string attribute_text(const Attrs& a) {
  const Attrs plain;
  std::string text;
  auto field = [&text](const std::string& piece) { text += ' ' + piece; };
  if (!a.text.empty()) field(a.text);
  if (a.kernel != plain.kernel) field("k" + joined(a.kernel, 'x'));
  if (a.stride != plain.stride) field("s" + joined(a.stride, 'x'));
  if (a.dilation != plain.dilation) field("d" + joined(a.dilation, 'x'));
  if (a.pads != plain.pads) field("p" + joined(a.pads, ','));
  if (a.output_padding != plain.output_padding) field("op" + joined(a.output_padding, 'x'));
  if (a.padding == Padding::kSame) field("same");
  if (a.padding == Padding::kSameLower) field("same_lower");
  if (a.out_channels != plain.out_channels) field("c" + std::to_string(a.out_channels));
  if (a.group != plain.group) field("g" + std::to_string(a.group));
  if (a.bias) field("bias");
  if (a.ceil_mode) field("ceil");
  if (a.count_include_pad) field("count_pad");
  if (a.axis != plain.axis) field("axis" + std::to_string(a.axis));
  if (a.block != plain.block) field("block" + std::to_string(a.block));
  if (a.alpha != plain.alpha) field("alpha=" + shortest(a.alpha));
  if (a.beta != plain.beta) field("beta=" + shortest(a.beta));
  if (a.epsilon != plain.epsilon) field("eps=" + shortest(a.epsilon));
  if (!a.ints.empty()) {
    std::string list;
    for (const std::int64_t v : a.ints) list += (list.empty() ? "" : ",") + std::to_string(v);
    field("[" + list + "]");
  }
  return text;
}

std::string type_text(const TensorType& type) {
  std::string text = to_string(type.shape);
  if (type.layout != default_layout(type.shape)) {
    text += type.layout == Layout::kChannelsLast    ? " last"
            : type.layout == Layout::kChannelsFirst ? " first"
                                                    : " plain";
  }
  if (type.dtype != DType::kFloat32) text += std::string(" ") + dtype_name(type.dtype);
  return text;
}

}  // namespace

std::string dump(const Graph& graph, bool names) {
  std::string text;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      text += (port == 0 ? "%" : ", %") + std::to_string(index(graph.output(id, port)));
    }
    if (node.num_outputs > 0) text += " = ";
    text += op_name(node.op) + attribute_text(node.attrs);
    if (node.num_inputs > 0) {
      std::string arguments;
      for (const ValueId v : graph.inputs(id)) {
        arguments += (arguments.empty() ? "%" : ", %") + std::to_string(index(v));
      }
      text += " (" + arguments + ")";
    }
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      text += (port == 0 ? " : " : ", ") + type_text(graph.type(graph.output(id, port)));
    }
    if (names) text += "  # " + graph.node_name(id);
    text += '\n';
  }
  return text;
}

}  // namespace autogo
