// Peak memory belongs to a whole network: which values are held when it peaks depends on all that
// runs before and behind. A candidate is therefore put in place and looked at as a network.
//
// Traffic is that of nodes which run one after the other, nothing fused: each reads its operands
// and its weights from memory and writes its results there.
//
// Tested by tests/cost/cost_model_test.cc.

#include <array>

#include "attention_counts.h"
#include "autogo/cost/cost.h"
#include "autogo/cost/cost_model.h"
#include "candidate_model.h"
#include "node_costs.h"

namespace autogo {
namespace {

const std::array<MeasureInfo, 2> kMeasures = {
    {{"peak_memory", "bytes", "values held at the worst moment of a run, weights not counted"},
     {"memory_traffic", "bytes", "values and weights that the nodes read and write"}}};

struct WholeNetwork : CostContext {
  WholeNetwork(const Graph& graph_, const Cut& cut_) : graph(graph_), cut(cut_) {}
  const Graph& graph;
  const Cut cut;
};

std::int64_t traffic(const Graph& graph) {
  Count sum = 0;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    if (op_info(graph.node(id).op).shape_class == ShapeClass::kPort) continue;
    for (const ValueId v : graph.inputs(id)) sum += value_bytes(graph.type(v));
    for (std::uint32_t port = 0; port < graph.node(id).num_outputs; ++port) {
      sum += value_bytes(graph.type(graph.output(id, port)));
    }
    sum += node_cost(graph, id).weight_bytes;
    if (graph.node(id).op == OpKind::kAttention) {  // what its parts hand on to each other
      const AttentionCounts counts = attention_counts(graph, id);
      const auto width = static_cast<std::int64_t>(dtype_size(graph.output_type(id).dtype));
      sum += (Count(2) * counts.projected + Count(4) * counts.scores) * width;
    }
  }
  return sum.value();
}

std::vector<double> numbers(const Graph& graph) {
  return {static_cast<double>(graph_cost(graph).peak_activation_bytes),
          static_cast<double>(traffic(graph))};
}

class MemoryModel : public CandidateModel {
 public:
  std::span<const MeasureInfo> measures() const override { return kMeasures; }
  std::uint64_t content_hash() const override { return 2; }

  std::unique_ptr<CostContext> prepare(const Graph& graph, const Cut& cut) const override {
    return std::make_unique<WholeNetwork>(graph, cut);
  }

  std::vector<double> measure_candidate(const CostContext& context,
                                        const Candidate& candidate) const override {
    const auto& at = static_cast<const WholeNetwork&>(context);
    return numbers(splice(at.graph, at.cut, *candidate.body, candidate.inputs, candidate.outputs));
  }

 private:
  std::vector<double> measure_network(const Graph& graph) const override { return numbers(graph); }
};

}  // namespace

std::unique_ptr<CostModel> make_memory_model() { return std::make_unique<MemoryModel>(); }

}  // namespace autogo
