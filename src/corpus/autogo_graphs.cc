// Computation graphs as AutoGO's authors publish them: nodes with TensorFlow names and recorded
// sizes, edges as pairs of node positions. Every recorded size is checked against our shape rules,
// so a graph that imports is one that we can cost and export.
//
// Names carry suffixes ("add_12", "fusedbatchnormv3"). Sizes are N,H,W,C there and N,C,H,W here.
// Padding is TensorFlow's: "same" or "valid". The published networks have quirks of their own (the
// ResNets' strided units lost their residual branch), which a graph holds as they are; only a node
// that is no sum and has several inputs, which their builder adds up silently, is refused.
//
// Tested by tests/corpus/autogo_graphs_test.cc: the published FLOPs of every graph.

#include <array>
#include <functional>
#include <queue>
#include <string_view>

#include "autogo/base/error.h"
#include "autogo/corpus/corpus.h"
#include "base/json.h"

namespace autogo {
namespace {

struct OpName {
  std::string_view prefix;
  OpKind op;
};
/// Longest first where one begins another.
constexpr OpName kOps[] = {
    {"conv2d", OpKind::kConv},       {"depthwiseconv2d", OpKind::kDepthwiseConv},
    {"matmul", OpKind::kDense},      {"fusedbatchnorm", OpKind::kBatchNorm},
    {"relu6", OpKind::kRelu6},       {"relu", OpKind::kRelu},
    {"sigmoid", OpKind::kSigmoid},   {"tanh", OpKind::kTanh},
    {"swish", OpKind::kSwish},       {"gelu", OpKind::kGelu},
    {"add", OpKind::kAdd},           {"mul", OpKind::kMul},
    {"concat", OpKind::kConcat},     {"maxpool", OpKind::kMaxPool},
    {"avgpool", OpKind::kAvgPool},   {"mean", OpKind::kReduceMean},
    {"identity", OpKind::kIdentity}, {"input", OpKind::kInput},
    {"output", OpKind::kOutput},
};

OpKind find_op(const std::string& name) {
  for (const OpName& known : kOps) {
    if (name.starts_with(known.prefix)) return known.op;
  }
  throw Error(ErrorKind::kUnsupported, "unknown operation '" + name + "'");
}

/// Smallest ready position first: the order depends on the file only.
std::vector<std::size_t> topological_order(const std::vector<std::vector<std::size_t>>& inputs,
                                           const std::string& where) {
  std::vector<std::vector<std::size_t>> users(inputs.size());
  std::vector<std::size_t> waiting(inputs.size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    waiting[i] = inputs[i].size();
    if (waiting[i] == 0) ready.push(i);
    for (const std::size_t from : inputs[i]) users[from].push_back(i);
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    order.push_back(i);
    for (const std::size_t user : users[i]) {
      if (--waiting[user] == 0) ready.push(user);
    }
  }
  AUTOGO_REQUIRE(order.size() == inputs.size(), ErrorKind::kInput,
                 where + ": the graph has a cycle");
  return order;
}

std::array<std::int32_t, 2> pair_of(const Json& list, std::size_t first, const std::string& key) {
  AUTOGO_REQUIRE(list.is_array() && list.size() >= first + 2, ErrorKind::kInput,
                 "\"" + key + "\" is too short");
  std::array<std::int32_t, 2> pair{};
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    const auto value = json_as<std::int32_t>(list[first + i]);
    AUTOGO_REQUIRE(value, ErrorKind::kInput, "\"" + key + "\" holds something else than integers");
    pair[i] = *value;
  }
  return pair;
}

Attrs node_attrs(OpKind op, const Json& node) {
  Attrs attrs;
  Json metadata = node.value("metadata", Json());
  if (!metadata.is_object()) metadata = Json::object();
  const bool window = op == OpKind::kConv || op == OpKind::kDepthwiseConv ||
                      op == OpKind::kMaxPool || op == OpKind::kAvgPool;
  if (window) {
    const bool pool = op == OpKind::kMaxPool || op == OpKind::kAvgPool;
    attrs.kernel = pool ? pair_of(metadata.value("ksize", Json()), 1, "ksize")
                        : pair_of(node.value("kernel", Json()), 0, "kernel");
    attrs.stride = pair_of(node.value("strides", Json()), 1, "strides");
    if (metadata.contains("dilations")) {
      attrs.dilation = pair_of(metadata["dilations"], 1, "dilations");
    }
    const auto padding = json_member<std::string>(metadata, "padding", "metadata");
    AUTOGO_REQUIRE(padding == "same" || padding == "valid", ErrorKind::kInput,
                   "padding '" + padding + "', expected same or valid");
    if (padding == "same") attrs.padding = Padding::kSame;
  }
  if (op_info(op).weighted) {
    attrs.out_channels = json_member<std::int32_t>(node, "cout", "node");
    attrs.bias = metadata.value("use_bias", Json(false)) == true;
  }
  if (op == OpKind::kReduceMean) {
    attrs.ints = {2, 3};
    attrs.axis = 0;
  }
  return attrs;
}

FeatureMap recorded(const Json& node, const char* suffix) {
  const auto get = [&](const char* axis) {
    return json_member<std::int64_t>(node, std::string(axis) + suffix, "node");
  };
  return {get("c"), get("h"), get("w")};
}

std::string text_of(const FeatureMap& map) {
  return std::to_string(map.c) + "x" + std::to_string(map.h) + "x" + std::to_string(map.w);
}

ValueId add_node(Graph& graph, const Json& node, std::span<const ValueId> inputs) {
  const OpKind op = find_op(json_member<std::string>(node, "op", "node"));
  if (op == OpKind::kInput) {
    const FeatureMap map = recorded(node, "out");
    return graph.add_input({DType::kFloat32, Layout::kChannelsFirst, {1, map.c, map.h, map.w}});
  }
  if (op == OpKind::kOutput) {
    AUTOGO_REQUIRE(inputs.size() == 1, ErrorKind::kInput, "output has one input");
    graph.add_output(inputs[0]);
    return inputs[0];
  }
  const OpInfo& info = op_info(op);
  AUTOGO_REQUIRE(info.max_inputs < 0 || inputs.size() <= static_cast<std::size_t>(info.max_inputs),
                 ErrorKind::kUnsupported,
                 std::string(info.name) + " with " + std::to_string(inputs.size()) +
                     " inputs, which are summed silently when the network is built");
  const ValueId result = graph.add(op, node_attrs(op, node), inputs);
  const FeatureMap found = feature_map(graph.type(result)), expected = recorded(node, "out");
  AUTOGO_REQUIRE(found == expected, ErrorKind::kInput,
                 "gives " + text_of(found) + ", recorded is " + text_of(expected));
  return result;
}

}  // namespace

Graph autogo_graph(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  const auto nodes = json_member<std::vector<Json>>(json, "nodes", where);
  std::vector<std::vector<std::size_t>> inputs(nodes.size());
  using Edges = std::vector<std::vector<std::size_t>>;
  for (const auto& edge : json_member<Edges>(json, "edges", where)) {
    AUTOGO_REQUIRE(edge.size() == 2 && edge[0] < nodes.size() && edge[1] < nodes.size(),
                   ErrorKind::kInput, where + ": an edge is not a pair of node positions");
    inputs[edge[1]].push_back(edge[0]);
  }
  Graph graph;
  std::vector<ValueId> values(nodes.size()), operands;
  for (const std::size_t i : topological_order(inputs, where)) {
    operands.clear();
    for (const std::size_t from : inputs[i]) operands.push_back(values[from]);
    try {
      values[i] = add_node(graph, nodes[i], operands);
    } catch (Error& e) {
      e.prepend(where + ": node " + std::to_string(i));
      throw;
    }
  }
  return graph;
}

}  // namespace autogo
