#include "attention_counts.h"

namespace autogo {
namespace {

/// What stands beside each other, and how many tokens each has.
struct Tokens {
  Count batch = 1, tokens = 1, channels = 1;
};

Tokens tokens_of(const TensorType& type, std::size_t axis) {
  const auto dims = type.shape.dims();
  if (type.layout == Layout::kChannelsFirst && dims.size() == 4) {
    return {dims[0], Count(dims[2]) * dims[3], dims[1]};
  }
  Tokens result{1, dims[axis], dims.back()};
  for (std::size_t d = 0; d + 1 < dims.size(); ++d) {
    if (d != axis) result.batch = result.batch * dims[d];
  }
  return result;
}

}  // namespace

AttentionCounts attention_counts(const Graph& graph, NodeId id) {
  const Attrs& a = graph.node(id).attrs;
  const auto inputs = graph.inputs(id);
  const bool cross = a.text == kCrossAttention;
  const auto axis = static_cast<std::size_t>(a.axis);
  const Tokens x = tokens_of(graph.type(inputs[0]), axis);
  const Tokens over = cross ? tokens_of(graph.type(inputs[1]), axis) : x;
  const Count inner = Count(a.group) * a.block;
  const Count queries = x.batch * x.tokens, keys = x.batch * over.tokens;
  AttentionCounts counts;
  counts.projections = queries * inner * x.channels + Count(2) * keys * inner * over.channels +
                       queries * inner * a.out_channels;
  counts.products = Count(2) * queries * over.tokens * inner;
  counts.projected = (queries + Count(2) * keys) * inner + queries * a.out_channels;
  counts.values = keys * inner;
  counts.scores = queries * over.tokens * a.group;
  counts.masks = static_cast<std::int64_t>(inputs.size()) - (cross ? 2 : 1);
  return counts;
}

}  // namespace autogo
