// Peak memory belongs to a whole network: which values are held when it peaks depends on all that
// runs before and behind. A candidate is therefore put in place and looked at as a network.
//
// Tested by tests/cost/cost_model_test.cc.

#include <array>

#include "autogo/cost/cost.h"
#include "autogo/cost/cost_model.h"
#include "candidate_model.h"

namespace autogo {
namespace {

const std::array<MeasureInfo, 1> kMeasures = {
    {{"peak_memory", "bytes", "values held at the worst moment of a run, weights not counted"}}};

struct WholeNetwork : CostContext {
  WholeNetwork(const Graph& graph_, const Cut& cut_) : graph(graph_), cut(cut_) {}
  const Graph& graph;
  const Cut cut;
};

double peak(const Graph& graph) {
  return static_cast<double>(graph_cost(graph).peak_activation_bytes);
}

class MemoryModel : public CandidateModel {
 public:
  std::span<const MeasureInfo> measures() const override { return kMeasures; }
  std::uint64_t content_hash() const override { return 1; }

  std::unique_ptr<CostContext> prepare(const Graph& graph, const Cut& cut) const override {
    return std::make_unique<WholeNetwork>(graph, cut);
  }

  std::vector<double> measure_candidate(const CostContext& context,
                                        const Candidate& candidate) const override {
    const auto& at = static_cast<const WholeNetwork&>(context);
    return {peak(splice(at.graph, at.cut, *candidate.body, candidate.inputs, candidate.outputs))};
  }

 private:
  std::vector<double> measure_network(const Graph& graph) const override { return {peak(graph)}; }
};

}  // namespace

std::unique_ptr<CostModel> make_memory_model() { return std::make_unique<MemoryModel>(); }

}  // namespace autogo
