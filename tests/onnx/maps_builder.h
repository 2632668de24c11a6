#pragma once

// Convolutional networks as PyTorch and as TensorFlow write them: maps of N x C x H x W, or maps of
// N x H x W x C with a Transpose before and after each operator that needs channels first.

#include <algorithm>

#include "onnx_builder.h"

namespace autogo {

class MapBuilder {
 public:
  using Ints = std::vector<std::int64_t>;

  MapBuilder(OnnxBuilder& builder, bool channels_last) : b_(builder), last_(channels_last) {}

  std::int64_t channel_axis() const { return last_ ? 3 : 1; }
  Ints map(std::int64_t c, std::int64_t h, std::int64_t w) const {
    return last_ ? Ints{1, h, w, c} : Ints{1, c, h, w};
  }

  std::string conv(const std::string& x, std::int64_t in, std::int64_t out, std::int64_t kernel,
                   std::int64_t stride = 1, bool depthwise = false) {
    const std::string name = next("conv");
    b_.weight(name + "_w", {out, depthwise ? 1 : in, kernel, kernel}).weight(name + "_b", {out});
    const std::string from = to_first(x), to = last_ ? name + "_first" : name;
    auto& node = b_.node("Conv", {from, name + "_w", name + "_b"}, {to});
    const std::int64_t pad = kernel / 2;
    set_attribute(node, "pads", Ints{pad, pad, pad, pad});
    set_attribute(node, "strides", Ints{stride, stride});
    if (depthwise) set_attribute(node, "group", in);
    return to_last(to, name);
  }
  std::string max_pool(const std::string& x) {
    const std::string name = next("pool"), to = last_ ? name + "_first" : name;
    auto& node = b_.node("MaxPool", {to_first(x)}, {to});
    set_attribute(node, "kernel_shape", Ints{2, 2});
    set_attribute(node, "strides", Ints{2, 2});
    return to_last(to, name);
  }
  /// A batch norm, folded to a factor and a summand a channel.
  std::string scale_and_shift(const std::string& x, std::int64_t channels) {
    const std::string name = next("norm");
    const Ints dims = last_ ? Ints{channels} : Ints{channels, 1, 1};
    b_.weight(name + "_g", dims).weight(name + "_h", dims);
    b_.node("Mul", {x, name + "_g"}, {name + "_scaled"});
    b_.node("Add", {name + "_scaled", name + "_h"}, {name});
    return name;
  }
  std::string op(const std::string& type, const std::vector<std::string>& inputs) {
    const std::string name = next(type);
    b_.node(type, inputs, {name});
    return name;
  }
  std::string concat(const std::vector<std::string>& inputs) {
    const std::string name = next("concat");
    set_attribute(b_.node("Concat", inputs, {name}), "axis", channel_axis());
    return name;
  }
  std::string mean(const std::string& x, bool keep) {
    const std::string name = next("mean");
    auto& node = b_.node("ReduceMean", {x}, {name});
    set_attribute(node, "axes", last_ ? Ints{1, 2} : Ints{2, 3});
    set_attribute(node, "keepdims", std::int64_t{keep ? 1 : 0});
    return name;
  }
  std::string squeeze_excite(const std::string& x, std::int64_t channels, std::int64_t inner) {
    const std::string small = op("Relu", {conv(mean(x, true), channels, inner, 1)});
    return op("Mul", {x, op("Sigmoid", {conv(small, inner, channels, 1)})});
  }
  std::string dense(const std::string& x, std::int64_t in, std::int64_t out, const std::string& y) {
    b_.weight(y + "_w", {in, out}).weight(y + "_b", {out});
    b_.node("Gemm", {x, y + "_w", y + "_b"}, {y});
    return y;
  }

  /// MobileNet-like: depthwise convolutions, squeeze-and-excite, residual sum, pooling, branches.
  void mobile_network(const std::string& x, const std::string& y) {
    std::string h = op("Relu", {scale_and_shift(conv(x, 3, 8, 3, 2), 8)});
    const std::string wide = op("Relu", {conv(h, 8, 16, 1)});
    const std::string deep = op("Relu", {conv(wide, 16, 16, 3, 1, true)});
    h = op("Add", {h, conv(squeeze_excite(deep, 16, 4), 16, 8, 1)});
    h = max_pool(op("Relu", {h}));
    h = concat({conv(h, 8, 8, 1), op("Relu", {conv(h, 8, 8, 3)})});
    dense(mean(op("Relu", {h}), false), 16, 10, y);
  }

 private:
  std::string next(const std::string& what) { return what + std::to_string(count_++); }
  std::string to_first(const std::string& x) {
    if (!last_) return x;
    const std::string name = next(x + "_t");
    set_attribute(b_.node("Transpose", {x}, {name}), "perm", Ints{0, 3, 1, 2});
    return name;
  }
  std::string to_last(const std::string& from, const std::string& to) {
    if (!last_) return to;
    set_attribute(b_.node("Transpose", {from}, {to}), "perm", Ints{0, 2, 3, 1});
    return to;
  }

  OnnxBuilder& b_;
  bool last_;
  int count_ = 0;
};

/// The graph with nodes that the file no longer stands behind.
inline Graph renewed(const Graph& graph, const std::vector<OpKind>& ops) {
  Graph result;
  result.set_source(graph.source());
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    std::vector<Value> outputs;
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      outputs.push_back(graph.value(graph.output(id, port)));
    }
    const bool anew = std::ranges::count(ops, node.op) > 0;
    result.add_typed(node.op, node.attrs, graph.inputs(id), outputs,
                     anew ? kNoOrigin : node.origin);
  }
  return result;
}

}  // namespace autogo
