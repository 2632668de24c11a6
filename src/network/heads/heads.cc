// What stands at the end of a network.
//
// A classifier's last weighted layer decides the number of classes: the dense layer behind pooled
// features, or the 1x1 convolution whose maps are pooled to one number a class (SqueezeNet). A new
// head replaces that layer and nothing before it; what follows it (pooling, flattening, softmax) is
// kept, except reshapes that name the old number of classes, which become flattenings.
//
// Tested by tests/network/trainable_test.cc.

#include "heads.h"

#include <algorithm>
#include <array>

#include "autogo/base/error.h"
#include "graph_edit.h"

namespace autogo {
namespace {

bool only_moves(OpKind op) {
  return op == OpKind::kFlatten || op == OpKind::kReshape || op == OpKind::kIdentity;
}

ValueId first_output(const Graph& graph) {
  const std::vector<NodeId> outputs = graph.output_nodes();
  AUTOGO_REQUIRE(!outputs.empty(), ErrorKind::kUnsupported, "the network has no output");
  return graph.inputs(outputs[0])[0];
}

/// The way back from the output, through nothing but pooling, activations and reshapes, to the last
/// weighted layer, which is the last entry.
std::vector<NodeId> way_to_last_layer(const Graph& graph) {
  constexpr std::array kPassed = {
      OpKind::kSoftmax, OpKind::kLogSoftmax,    OpKind::kFlatten,
      OpKind::kReshape, OpKind::kIdentity,      OpKind::kRelu,
      OpKind::kAvgPool, OpKind::kGlobalAvgPool, OpKind::kReduceMean,
  };
  std::vector<NodeId> way = {graph.value(first_output(graph)).producer};
  for (;;) {
    const NodeId id = way.back();
    const OpKind op = graph.node(id).op;
    if (op == OpKind::kDense || op == OpKind::kConv) return way;
    AUTOGO_REQUIRE(std::ranges::find(kPassed, op) != kPassed.end(), ErrorKind::kUnsupported,
                   "no classifier found: expected a dense layer before the output, found node '" +
                       graph.node_name(id) + "' (" + op_name(op) + ")");
    way.push_back(graph.value(graph.inputs(id)[0]).producer);
  }
}

}  // namespace

ValueId logits_of(const Graph& graph) {
  const ValueId output = first_output(graph);
  ValueId value = output;
  while (only_moves(graph.node(graph.value(value).producer).op)) {
    value = graph.inputs(graph.value(value).producer)[0];
  }
  const NodeId producer = graph.value(value).producer;
  const OpKind op = graph.node(producer).op;
  const bool normalised = op == OpKind::kSoftmax || op == OpKind::kLogSoftmax;
  return normalised ? graph.inputs(producer)[0] : output;
}

std::int64_t elements_per_image(const Graph& graph, ValueId value) {
  const Shape& shape = graph.type(value).shape;
  std::int64_t count = 1;
  for (std::size_t d = 1; d < shape.dims().size(); ++d) count *= shape[d];
  return count;
}

Graph with_new_classifier(const Graph& graph, std::int64_t classes) {
  std::vector<NodeId> way = way_to_last_layer(graph);
  const NodeId head = way.back();
  way.pop_back();
  const ValueId features = graph.inputs(head)[0];
  GraphCopy copy(graph);
  copy.copy_cone({features});
  Attrs attrs = graph.node(head).attrs;
  attrs.out_channels = static_cast<std::int32_t>(classes);
  attrs.bias = true;
  attrs.ints.clear();
  copy.replace(graph.output(head),
               copy.graph().add(graph.node(head).op, attrs, {copy.at(features)}));
  for (auto id = way.rbegin(); id != way.rend(); ++id) {
    if (graph.node(*id).op == OpKind::kReshape) {
      const ValueId source = copy.at(graph.inputs(*id)[0]);
      copy.replace(graph.output(*id), copy.graph().add(OpKind::kFlatten, {}, {source}));
    } else {
      copy.copy_adapted(*id);
    }
  }
  copy.graph().add_output(copy.at(first_output(graph)), graph.node(graph.output_nodes()[0]).origin);
  return copy.take();
}

}  // namespace autogo
