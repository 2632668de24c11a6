// From runs of nodes to isomorphism classes (AutoGO, 3.1: "revert each subsequence back to its
// subgraph").
//
// The published code compares a new segment with the earlier ones of the same token only, so equal
// subgraphs read in two orders stay two, and it drops operands that enter from outside. Here a
// class is what canonical_hash says of the body, and the body has every crossing edge as a port.
//
// Three hash maps make it cheap: exact key -> variant (a class in certain shapes), structure key ->
// class, canonical hash -> class. Only a new structure key costs an extraction and a canonical
// form. The representative of a class is its most frequent variant. Bodies of the losers would fill
// hundreds of megabytes, so a variant remembers only where it was seen first, and the caller cuts
// the winners out in a last pass.
//
// Tested by tests/segment/collector_test.cc.

#include "collector.h"

#include <algorithm>
#include <numeric>

#include "autogo/base/error.h"
#include "autogo/graph/canonical.h"
#include "autogo/graph/creatable.h"

namespace autogo {
namespace {

/// A run as a body in the numbering of the graph.
Graph cut_out(const Graph& graph, const Uses& uses, std::span<const NodeId> order,
              const Merger::Run& run) {
  const Cut cut{order, run.begin, std::size_t{run.begin} + run.length};
  return extract_segment(graph, segment_ports(graph, uses, cut), cut);
}

/// Sums, products and windows of NAS-Bench-101 may take the first channels of an operand: the
/// importer and the generators note the channel count in `ints`.
bool slices_operand(const Node& node) {
  const OpKind op = node.op;
  return !node.attrs.ints.empty() && op != OpKind::kReshape && op != OpKind::kTranspose &&
         op != OpKind::kReduceMean;
}

bool is_map(const TensorType& type) { return feature_map(type).c > 0; }

bool node_insertable(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (!is_creatable(graph, id) || op_info(node.op).shape_class == ShapeClass::kFixed) return false;
  if (slices_operand(node) || node.num_outputs != 1) return false;
  std::vector<TensorType> inputs;
  for (const ValueId v : graph.inputs(id)) inputs.push_back(graph.type(v));
  if (!std::all_of(inputs.begin(), inputs.end(), is_map)) return false;
  if (!is_map(graph.output_type(id))) return false;
  try {
    return infer_type(node.op, node.attrs, inputs) == graph.output_type(id);
  } catch (const Error&) {  // an imported oddity: fine where it is, not to be built anew
    return false;
  }
}

bool is_port(const Node& node) { return op_info(node.op).shape_class == ShapeClass::kPort; }

std::uint32_t components(const Graph& body) {
  std::vector<std::uint32_t> root(body.num_nodes());
  std::iota(root.begin(), root.end(), 0U);
  auto find = [&root](std::uint32_t n) {
    while (root[n] != n) n = root[n] = root[root[n]];
    return n;
  };
  std::uint32_t count = 0;
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    if (is_port(body.node(NodeId{n}))) continue;
    ++count;
    for (const ValueId v : body.inputs(NodeId{n})) {
      const NodeId producer = body.value(v).producer;
      if (is_port(body.node(producer))) continue;
      const std::uint32_t a = find(n), b = find(static_cast<std::uint32_t>(producer));
      if (a != b) --count;
      root[a] = b;
    }
  }
  return count;
}

}  // namespace

Graph segment_body(const Graph& graph, const Uses& uses, std::span<const NodeId> order,
                   const Merger::Run& run) {
  const Graph cut = cut_out(graph, uses, order, run);
  Graph body;
  std::vector<ValueId> map(cut.num_values());
  std::vector<ValueId> inputs;
  std::vector<Value> outputs;
  for (const NodeId id : canonical_order(cut, NodeIdentity::kSegment)) {
    const Node& node = cut.node(id);
    if (node.op == OpKind::kInput) {
      map[index(cut.output(id))] = body.add_input(cut.output_type(id));
      continue;
    }
    inputs.clear();
    for (const ValueId v : cut.inputs(id)) inputs.push_back(map[index(v)]);
    if (op_info(node.op).commutative) std::sort(inputs.begin(), inputs.end());
    if (node.op == OpKind::kOutput) {
      body.add_output(inputs[0]);
      continue;
    }
    outputs.clear();
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      outputs.push_back({cut.type(cut.output(id, port)), NodeId{}, kNoOrigin});
    }
    const NodeId copy = body.add_typed(node.op, node.attrs, inputs, outputs);
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      map[index(cut.output(id, port))] = body.output(copy, port);
    }
  }
  return body;
}

bool is_insertable(const Graph& graph, std::span<const NodeId> nodes) {
  return std::all_of(nodes.begin(), nodes.end(),
                     [&graph](NodeId id) { return node_insertable(graph, id); });
}

SegmentEntry describe_body(Graph body) {
  SegmentEntry entry;
  std::vector<NodeId> inner;
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    const Node& node = body.node(NodeId{n});
    if (node.op == OpKind::kInput) {
      ++entry.num_inputs;
    } else if (node.op == OpKind::kOutput) {
      ++entry.num_outputs;
    } else {
      inner.push_back(NodeId{n});
      entry.ops.insert(node.op);
    }
  }
  entry.num_nodes = static_cast<std::uint32_t>(inner.size());
  entry.insertable = entry.num_inputs > 0 && entry.num_outputs > 0 && is_insertable(body, inner);
  entry.connected = components(body) <= 1;
  entry.body = std::move(body);
  return entry;
}

std::uint32_t SegmentCollector::class_of(const Graph& graph, const Uses& uses,
                                         std::span<const NodeId> order, const FoundSegment& found) {
  const auto next = static_cast<std::uint32_t>(classes_.size());
  const auto [known, new_structure] = by_structure_.try_emplace(found.keys.structure, next);
  if (!new_structure) return known->second;
  const std::uint64_t id =
      canonical_hash(cut_out(graph, uses, order, found.run), NodeIdentity::kSegment);
  const auto [same, new_class] = by_id_.try_emplace(id, next);
  known->second = same->second;
  if (new_class) {
    classes_.emplace_back();
    classes_.back().id = id;
    classes_.back().counts.resize(num_corpora_);
  }
  return same->second;
}

void SegmentCollector::add(const Graph& graph, const Uses& uses, std::span<const NodeId> order,
                           std::span<const FoundSegment> found, std::uint64_t graph_number,
                           std::size_t corpus) {
  for (const FoundSegment& segment : found) {
    const auto next = static_cast<std::uint32_t>(variants_.size());
    const auto [it, added] = by_exact_.try_emplace(segment.keys.exact, next);
    if (added) {
      Variant variant;
      variant.exact = segment.keys.exact;
      variant.of = class_of(graph, uses, order, segment);
      variant.insertable =
          is_insertable(graph, order.subspan(segment.run.begin, segment.run.length));
      variant.location = {graph_number, segment.run};
      variants_.push_back(variant);
    }
    Variant& variant = variants_[it->second];
    variant.count += segment.count;
    classes_[variant.of].counts[corpus] += segment.count;
  }
}

std::vector<SegmentCollector::Class> SegmentCollector::classes() const {
  std::vector<const Variant*> best(classes_.size(), nullptr);
  for (const Variant& v : variants_) {
    const Variant*& top = best[v.of];
    const auto rank = [](const Variant& x) { return std::tuple(x.insertable, x.count, ~x.exact); };
    if (top == nullptr || rank(v) > rank(*top)) top = &v;
  }
  std::vector<Class> result = classes_;
  for (std::size_t c = 0; c < result.size(); ++c) {
    result[c].location = best[c]->location;
    result[c].body_count = best[c]->count;
  }
  return result;
}

}  // namespace autogo
