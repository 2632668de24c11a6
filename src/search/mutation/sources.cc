// Which segments of a parent are mutated (AutoGO, section 3.2 and A.5.5).
//
// The paper sorts segments by FLOPs and takes the m/2 lowest, the rest at random. Many runs have no
// multiply-accumulates at all (activations, norms), and with a fixed order of ties the same m/2
// runs near the network's input would be taken for ever; ties are therefore drawn. Runs without
// any fitting replacement are left out beforehand, so that m counts sources that can do something.
//
// Tested by tests/search/sources_test.cc.

#include "sources.h"

#include <algorithm>
#include <tuple>

#include "autogo/graph/canonical.h"
#include "autogo/graph/simplify.h"

namespace autogo {
namespace {

bool is_float(DType type) {
  return type == DType::kFloat32 || type == DType::kFloat16 || type == DType::kBFloat16 ||
         type == DType::kFloat64;
}

bool ports_are_maps(const Graph& graph, const std::vector<ValueId>& values) {
  return std::ranges::all_of(values, [&](ValueId v) {
    const TensorType& type = graph.type(v);
    return type.layout != Layout::kNone && type.shape.known() && is_float(type.dtype);
  });
}

}  // namespace

Parent::Parent(std::uint32_t individual_, std::uint64_t hash_, Graph graph_)
    : individual(individual_),
      hash(hash_),
      graph(std::move(graph_)),
      computes(computation_hash(graph)),
      uses(graph),
      order(canonical_order(graph, NodeIdentity::kSegment)) {
  costs.reserve(graph.num_nodes());
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    costs.push_back(node_cost(graph, NodeId{n}));
  }
}

bool is_replaceable(const Graph& graph, NodeId id, const std::vector<char>& frozen) {
  const Node& node = graph.node(id);
  const ShapeClass shape_class = op_info(node.op).shape_class;
  if (shape_class == ShapeClass::kPort || shape_class == ShapeClass::kFixed) return false;
  return node.origin == kNoOrigin || node.origin >= frozen.size() || frozen[node.origin] == 0;
}

PortLayouts port_layouts(const Graph& graph, const Ports& ports) {
  PortLayouts layouts;
  for (const ValueId v : ports.inputs) {
    layouts.first = layouts.first || graph.type(v).layout == Layout::kChannelsFirst;
    layouts.last = layouts.last || graph.type(v).layout == Layout::kChannelsLast;
  }
  return layouts;
}

std::vector<std::uint32_t> segment_sizes(const Parent& parent, const SearchOptions& options,
                                         const SegmentDatabase& database, Rng& rng) {
  if (options.mutation == MutationUnit::kOperator) {
    return std::vector<std::uint32_t>(parent.order.size(), 1);
  }
  return database.segment(parent.graph, parent.order, options.sparsity, rng);
}

std::uint32_t longest_run(const SearchOptions& options) {
  return options.mutation == MutationUnit::kOperator ? 1 : options.max_segments;
}

std::vector<SourceRun> source_runs(const Parent& parent, const std::vector<std::uint32_t>& sizes,
                                   std::uint32_t max_segments, const std::vector<char>& frozen,
                                   const ReplacementPool& pool) {
  const Graph& graph = parent.graph;
  std::vector<SourceRun> runs;
  std::uint32_t begin = 0;
  for (std::size_t first = 0; first < sizes.size(); begin += sizes[first], ++first) {
    SourceRun run{begin, begin, {}};
    for (std::size_t s = first; s < sizes.size() && s < first + max_segments; ++s) {
      bool replaceable = true;
      for (const std::uint32_t stop = run.end + sizes[s]; run.end < stop; ++run.end) {
        const NodeId id = parent.order[run.end];
        replaceable = replaceable && is_replaceable(graph, id, frozen);
        run.cost += parent.costs[index(id)];
      }
      if (!replaceable) break;
      const Ports ports = segment_ports(graph, parent.uses, parent.cut(run));
      if (ports.inputs.empty() || ports.outputs.empty() || !ports_are_maps(graph, ports.inputs) ||
          !ports_are_maps(graph, ports.outputs)) {
        continue;
      }
      const auto fitting =
          pool.fitting(ports.inputs.size(), ports.outputs.size(), port_layouts(graph, ports));
      if (!fitting.empty()) runs.push_back(run);
    }
  }
  return runs;
}

std::vector<SourceRun> select_sources(std::vector<SourceRun> runs, std::size_t m, Rng rng) {
  auto by_position = [](const SourceRun& run) { return std::tuple(run.begin, run.end); };
  if (runs.size() > m) {
    rng.shuffle(runs);
    const auto leanest = static_cast<std::ptrdiff_t>(m / 2);
    std::ranges::stable_sort(runs, {}, [](const SourceRun& run) { return run.cost.macs; });
    std::vector<SourceRun> rest(runs.begin() + leanest, runs.end());
    runs.resize(m / 2);
    for (const std::size_t i : rng.sample(rest.size(), m - m / 2)) runs.push_back(rest[i]);
  }
  std::ranges::sort(runs, {}, by_position);
  return runs;
}

}  // namespace autogo
