// A checksum says that a line is as it was written, not that it is true: it may have been written
// by an autogo with another order of nodes, or by hand. Everything that the search would index,
// splice or report by is therefore compared with the parent's graph before it is used.
//
// Tested by tests/search/replay_test.cc.

#include "check_item.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "autogo/base/error.h"
#include "autogo/graph/canonical.h"

namespace autogo {
namespace {

/// Is `map` an arrangement of 0 ... size - 1?
bool is_permutation(std::vector<std::uint32_t> map, std::size_t size) {
  std::ranges::sort(map);
  if (map.size() != size) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (map[i] != i) return false;
  }
  return true;
}

/// Are the costs those of the network? Of what only survivors are asked the journal is all there
/// is.
bool costs_as(const CostModels& models, const Graph& graph, std::span<const double> costs) {
  const Graph* const graphs[] = {&graph};
  auto claimed = costs.begin();
  for (const auto& model : models.models()) {
    const auto end = claimed + static_cast<std::ptrdiff_t>(model->measures().size());
    const bool same = model->tier() == CostTier::kEveryCandidate
                          ? std::ranges::equal(std::span(claimed, end), model->measure(graphs)[0])
                          : std::none_of(claimed, end, [](double c) { return std::isnan(c); });
    if (!same) return false;
    claimed = end;
  }
  return true;
}

class ItemCheck {
 public:
  ItemCheck(const JournalItem& item, const Parent& parent, const Individual& individual,
            const SourceRun& run, const MutationSetup& setup)
      : item_(item),
        parent_(parent),
        individual_(individual),
        setup_(setup),
        ports_(segment_ports(parent.graph, parent.uses, parent.cut(run))) {}

  void totals() const {
    const SourceResult& r = item_.result;
    require(r.drawn >= r.resolved && r.resolved <= setup_.replacements &&
                r.resolved >= r.in_window && r.resolved - r.in_window >= r.steps &&
                r.in_window + r.steps >= r.children.size(),
            "its counts contradict each other");
    for (std::size_t i = 0; i < r.least.size(); ++i) {
      require(!(r.least[i] > r.most[i]), "its least measure is above its most");
    }
    require(r.in_window > 0 || r.best_gain == 0, "\"best_gain\" of no network");
  }

  void child(const Child& child) const {
    ports(child.step);
    limits(child);
    const Graph graph = apply(child.step, parent_.graph, parent_.uses, parent_.order);
    require(costs_as(setup_.models, graph, child.costs),
            name(child) + " does not cost what it claims");
    const std::uint64_t hash = canonical_hash(graph);
    require(hash == child.hash,
            name(child) + " is not what its mutation makes: that has the hash " + hex64(hash));
  }

 private:
  void require(bool condition, const std::string& text) const {
    if (condition) return;
    throw Error(ErrorKind::kInput, item_.where + ": " + text)
        .with_hint("start a new run with another -o");
  }
  static std::string name(const Child& child) { return "the child " + hex64(child.hash); }

  /// Can the body take the place of the cut?
  void ports(const Mutation& step) const {
    const Graph& body = *step.body;
    const std::vector<NodeId> inputs = body.input_nodes(), outputs = body.output_nodes();
    const std::string text = "the body " + hex64(step.body_hash) + " does not fit the cut ";
    require(is_permutation(step.inputs, ports_.inputs.size()) &&
                is_permutation(step.outputs, ports_.outputs.size()) &&
                inputs.size() == ports_.inputs.size() && outputs.size() == ports_.outputs.size(),
            text + "at its ports");
    require(setup_.pool.has_class(step.segment) && setup_.pool.allows(body) && sound_body(body),
            "the body " + hex64(step.body_hash) + " is none that the run may put in");
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const TensorType& outer = parent_.graph.type(ports_.inputs[step.inputs[i]]);
      require(body.output_type(inputs[i]).shape == outer.shape, text + "in the shape of an input");
    }
    for (std::size_t j = 0; j < outputs.size(); ++j) {
      const TensorType& outer = parent_.graph.type(ports_.outputs[step.outputs[j]]);
      require(body.output_type(outputs[j]).shape == outer.shape,
              text + "in the shape of an output");
    }
  }

  /// Would the run have accepted it?
  void limits(const Child& child) const {
    const SourceResult& r = item_.result;
    for (std::size_t i = 0; i < child.costs.size(); ++i) {
      require(child.costs[i] >= r.least[i] && child.costs[i] <= r.most[i],
              name(child) + " costs less or more than any network that was tried");
    }
    const bool kept = keeps(setup_.bounds, child.costs);
    require(admits(setup_.bounds, child.costs, individual_.costs),
            name(child) + " lies outside of the FLOPs window or the constraints");
    require(child.gain >= setup_.min_gain && (!kept || child.gain <= r.best_gain),
            name(child) + " has a gain that the run does not accept");
    require(child.gain == setup_.promise(child.gains),
            name(child) + " is promised another gain than its sums give");
  }

  const JournalItem& item_;
  const Parent& parent_;
  const Individual& individual_;
  const MutationSetup& setup_;
  Ports ports_;
};

}  // namespace

void check_item(const JournalItem& item, std::uint32_t iteration, const Parent& parent,
                const Individual& individual, const SourceRun& run, const MutationSetup& setup) {
  const bool same = item.iteration == iteration && item.parent == parent.hash &&
                    item.run.begin == run.begin && item.run.end == run.end;
  if (!same) {
    throw Error(ErrorKind::kInput, item.where +
                                       ": this work item is not the one that this autogo "
                                       "would do at this place")
        .with_hint(
            "continue the run with the autogo that began it, or start a new one with "
            "another -o");
  }
  const ItemCheck check(item, parent, individual, run, setup);
  check.totals();
  for (const Child& child : item.result.children) check.child(child);
}

}  // namespace autogo
