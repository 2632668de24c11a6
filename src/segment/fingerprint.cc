// Keys of segments without cutting them out.
//
// Mining meets some 14 million runs of nodes, of which perhaps one in a hundred is new. Extracting
// a body and bringing it into canonical form costs some 20 us; a fingerprint costs 40 ns a node.
// Two keys are made in one walk over the run: `structure` from what the isomorphism class looks at
// (segment_identity, wiring, ports), `exact` from everything. Nodes are numbered by their place in
// the run, outer values by their first use. That is finer than isomorphism: one class can have
// several structure keys, as many as there are orders in which it occurs. Each is canonicalised
// once, and then they meet.
//
// Tested by tests/segment/fingerprint_test.cc.

#include "fingerprint.h"

#include <algorithm>

#include "autogo/base/rng.h"
#include "autogo/graph/canonical.h"

namespace autogo {

std::uint64_t type_hash(const TensorType& type) {
  std::uint64_t h =
      hash_combine(static_cast<std::uint64_t>(type.dtype), static_cast<std::uint64_t>(type.layout));
  h = hash_combine(h, static_cast<std::uint64_t>(type.shape.rank() + 1));
  for (const std::int64_t d : type.shape.dims()) h = hash_combine(h, static_cast<std::uint64_t>(d));
  return h;
}

std::uint64_t graph_hash(const Graph& graph) {
  std::uint64_t h = graph.num_nodes();
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    h = hash_combine(h, static_cast<std::uint64_t>(op_number(node.op)));
    h = hash_combine(h, hash(node.attrs));
    h = hash_combine(h, (std::uint64_t{node.num_inputs} << 32) | node.num_outputs);
    for (const ValueId v : graph.inputs(id)) h = hash_combine(h, index(v));
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      h = hash_combine(h, type_hash(graph.type(graph.output(id, port))));
    }
  }
  return h;
}

Fingerprinter::Fingerprinter(const Graph& graph, const Uses& uses, std::span<const NodeId> order)
    : graph_(graph),
      order_(order),
      position_(graph.num_nodes()),
      last_use_(graph.num_values()),
      identity_(graph.num_nodes()),
      exact_(graph.num_nodes()),
      types_(graph.num_values()) {
  for (std::uint32_t p = 0; p < order.size(); ++p) position_[index(order[p])] = p;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const Node& node = graph.node(NodeId{n});
    identity_[n] = hash_combine(segment_identity(graph, NodeId{n}), node.num_outputs);
    exact_[n] = hash_combine(identity_[n], hash(node.attrs));
  }
  for (std::uint32_t v = 0; v < graph.num_values(); ++v) {
    types_[v] = type_hash(graph.type(ValueId{v}));
    for (const Uses::Use& use : uses.of(ValueId{v})) {
      last_use_[v] = std::max(last_use_[v], position_[index(use.node)]);
    }
  }
}

Fingerprinter::Keys Fingerprinter::keys(const Merger::Run& run) const {
  constexpr std::uint64_t kOuter = 0x8000000000000000ULL;
  const std::uint32_t end = run.begin + run.length;
  Keys keys{run.length, run.length};
  ports_.clear();
  for (std::uint32_t p = run.begin; p < end; ++p) {
    const NodeId id = order_[p];
    const Node& node = graph_.node(id);
    keys.structure = hash_combine(keys.structure, identity_[index(id)]);
    keys.exact = hash_combine(keys.exact, exact_[index(id)]);
    operands_.assign(graph_.inputs(id).begin(), graph_.inputs(id).end());
    if (op_info(node.op).commutative) {  // by place, so that the order of operands does not show
      std::sort(operands_.begin(), operands_.end(), [this](ValueId a, ValueId b) {
        return std::pair(position_[index(graph_.value(a).producer)], a) <
               std::pair(position_[index(graph_.value(b).producer)], b);
      });
    }
    for (const ValueId v : operands_) {
      const NodeId producer = graph_.value(v).producer;
      const std::uint32_t from = position_[index(producer)];
      std::uint64_t code = 0;
      if (from >= run.begin && from < end) {
        code = (std::uint64_t{from - run.begin} << 32) |
               (static_cast<std::uint32_t>(v) - graph_.node(producer).first_output);
      } else {
        const auto port = std::find(ports_.begin(), ports_.end(), v);
        code = kOuter | static_cast<std::uint64_t>(port - ports_.begin());
        if (port == ports_.end()) ports_.push_back(v);
        keys.exact = hash_combine(keys.exact, types_[index(v)]);
      }
      keys.structure = hash_combine(keys.structure, code);
    }
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      const ValueId v = graph_.output(id, port);
      keys.exact = hash_combine(keys.exact, types_[index(v)]);
      keys.structure = hash_combine(keys.structure, last_use_[index(v)] >= end ? 1 : 2);
    }
  }
  keys.exact = hash_combine(keys.exact, keys.structure);
  return keys;
}

std::vector<FoundSegment> find_segments(const Graph& graph, const Uses& uses,
                                        std::span<const NodeId> order,
                                        std::span<const Merger::Run> runs) {
  const Fingerprinter fingerprinter(graph, uses, order);
  std::vector<FoundSegment> found;
  std::unordered_map<std::uint64_t, std::size_t> places;
  places.reserve(runs.size());
  for (const Merger::Run& run : runs) {
    const Fingerprinter::Keys keys = fingerprinter.keys(run);
    const auto [it, added] = places.try_emplace(keys.exact, found.size());
    if (added) found.push_back({keys, run, 0});
    ++found[it->second].count;
  }
  return found;
}

}  // namespace autogo
