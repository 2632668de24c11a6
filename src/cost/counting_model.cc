// What adds up over nodes. The nodes outside of a cut are counted once, in the order of their ids,
// so that a weight which nodes on both sides read stays counted when the cut goes; a body brings
// weights of its own. So a candidate costs its own few nodes, and the sum is exact.
//
// Tested by tests/cost/cost_model_test.cc.

#include <array>

#include "autogo/cost/cost.h"
#include "autogo/cost/cost_model.h"
#include "candidate_model.h"
#include "node_costs.h"

namespace autogo {
namespace {

const std::array<MeasureInfo, 4> kMeasures = {
    {{"macs", "MACs", "multiply-accumulates of weights and matrix products"},
     {"flops", "FLOPs", "twice the multiply-accumulates"},
     {"params", "parameters", "trained parameters"},
     {"weight_bytes", "bytes", "weights as they are stored"}}};

std::vector<double> numbers(const Cost& cost) {
  const auto macs = static_cast<double>(cost.macs);
  return {macs, 2 * macs, static_cast<double>(cost.params), static_cast<double>(cost.weight_bytes)};
}

Cost sum(const std::vector<Cost>& costs) {
  Cost total;
  for (const Cost& cost : costs) total += cost;
  return total;
}

struct RestOfNetwork : CostContext {
  Cost cost;
};

class CountingModel : public CandidateModel {
 public:
  std::span<const MeasureInfo> measures() const override { return kMeasures; }
  std::uint64_t content_hash() const override { return 1; }

  std::unique_ptr<CostContext> prepare(const Graph& graph, const Cut& cut) const override {
    std::vector<char> inside(graph.num_nodes(), 0);
    for (std::size_t i = cut.begin; i < cut.end; ++i) inside[index(cut.order[i])] = 1;
    auto rest = std::make_unique<RestOfNetwork>();
    rest->cost = sum(node_costs(graph, inside));
    return rest;
  }

  std::vector<double> measure_candidate(const CostContext& context,
                                        const Candidate& candidate) const override {
    Cost cost = static_cast<const RestOfNetwork&>(context).cost;
    for (std::uint32_t n = 0; n < candidate.body->num_nodes(); ++n) {
      cost += node_cost(*candidate.body, NodeId{n});
    }
    return numbers(cost);
  }

 private:
  std::vector<double> measure_network(const Graph& graph) const override {
    return numbers(sum(node_costs(graph)));
  }
};

}  // namespace

std::unique_ptr<CostModel> make_counting_model() { return std::make_unique<CountingModel>(); }

}  // namespace autogo
