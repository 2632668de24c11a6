// The named views of a count.
//
// kAutogo is the count of AutoGO's published tables, reproduced on its published graphs to the last
// operation. Its rules: the sum over nodes of 2 x (number of incoming edges) x cost, where
//
//   conv, depthwise, transposed   multiply-accumulates, + 1 per output element with a bias
//   dense                         multiply-accumulates + one per output, bias or not
//   batch norm                    2 per output element (so are the other norms: not in AutoGO)
//   activations, add, mul, pools, means   1 per output element
//   attention                     what its projections, two products, softmax and masks count
//   everything else               0
//
// So an add of two counts each output element four times. That is the published convention, faults
// included; use kMacs to compare with anybody else's numbers.
//
// Tested by tests/cost/autogo_flops_test.cc.

#include <algorithm>

#include "attention_counts.h"
#include "autogo/cost/cost.h"
#include "count.h"

namespace autogo {
namespace {

std::int64_t autogo_cost(const Graph& graph, NodeId id) {
  using enum OpKind;
  const Node& node = graph.node(id);
  if (node.num_inputs == 0 || node.num_outputs == 0) return 0;
  const std::int64_t out = std::max<std::int64_t>(graph.output_type(id).shape.elements(), 0);
  switch (node.op) {
    case kConv:
    case kDepthwiseConv:
    case kConvTranspose:
      return (Count(node_cost(graph, id).macs) + (node.attrs.bias ? out : 0)).value();
    case kDense:
      return (Count(node_cost(graph, id).macs) + out).value();
    case kMatMul:
    case kOpaque:
      return node_cost(graph, id).macs;
    case kSqueezeExcite:
      return (Count(node_cost(graph, id).macs) + out).value();
    case kBatchNorm:
    case kLayerNorm:
    case kInstanceNorm:
    case kGroupNorm:
      return (Count(2) * out).value();
    case kAdd:
    case kSub:
    case kMul:
    case kDiv:
    case kMaxPool:
    case kAvgPool:
    case kGlobalAvgPool:
    case kGlobalMaxPool:
    case kReduceMean:
      return out;
    case kIdentity:
    case kZero:
      return 0;
    default:
      return op_info(node.op).shape_class == ShapeClass::kPreserve ? out : 0;
  }
}

/// The sum over what it is made of, each part with its own incoming edges.
std::int64_t autogo_attention(const Graph& graph, NodeId id) {
  const AttentionCounts c = attention_counts(graph, id);
  return (Count(2) * (c.projections + c.projected) + Count(4) * c.products + Count(2) * c.scores +
          Count(4) * c.masks * c.scores)
      .value();
}

}  // namespace

std::int64_t node_flops(const Graph& graph, NodeId id, FlopsConvention convention) {
  if (convention == FlopsConvention::kAutogo && graph.node(id).op == OpKind::kAttention) {
    return autogo_attention(graph, id);
  }
  if (convention == FlopsConvention::kAutogo) {
    return (Count(2) * graph.node(id).num_inputs * autogo_cost(graph, id)).value();
  }
  const std::int64_t macs = node_cost(graph, id).macs;
  return convention == FlopsConvention::k2Macs ? 2 * macs : macs;
}

std::int64_t graph_flops(const Graph& graph, FlopsConvention convention) {
  Count flops = 0;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    flops += node_flops(graph, NodeId{n}, convention);
  }
  return flops.value();
}

}  // namespace autogo
