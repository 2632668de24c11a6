// A checksum says that a line is as it was written, not that it is true: it may have been written
// by an autogo with another order of nodes, or by hand. Everything that the search would index,
// splice or report by is therefore compared with the parent's graph before it is used.
//
// Tested by tests/search/replay_test.cc.

#include "check_item.h"

#include <algorithm>

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

class ItemCheck {
 public:
  ItemCheck(const JournalItem& item, const Parent& parent, const Individual& individual,
            const SourceRun& run, const MutationSetup& setup)
      : item_(item),
        parent_(parent),
        individual_(individual),
        run_(run),
        setup_(setup),
        ports_(segment_ports(parent.graph, parent.uses, parent.cut(run))) {}

  void totals() const {
    const SourceResult& r = item_.result;
    require(r.drawn >= r.resolved && r.resolved >= r.in_window &&
                r.in_window >= r.children.size() && r.resolved <= setup_.replacements,
            "its counts contradict each other");
    require(r.resolved > 0 || r.max_macs == 0, "\"macs\" of no network");
    require(r.in_window > 0 || r.best_gain == 0, "\"best_gain\" of no network");
  }

  void child(const Child& child) const {
    ports(child.step);
    limits(child);
    const Graph graph = apply(child.step, parent_.graph, parent_.uses, parent_.order);
    const std::int64_t added = body_cost(*child.step.body).macs;
    require(child.macs == individual_.macs - run_.cost.macs + added &&
                child.params == graph_params(graph),
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
    require(
        setup_.window.contains(child.macs) && child.macs >= r.min_macs && child.macs <= r.max_macs,
        name(child) + " lies outside of the FLOPs window");
    require(child.gain >= setup_.min_gain && child.gain <= r.best_gain,
            name(child) + " has a gain that the run does not accept");
    require(child.gain == setup_.promise(child.gains),
            name(child) + " is promised another gain than its sums give");
  }

  const JournalItem& item_;
  const Parent& parent_;
  const Individual& individual_;
  const SourceRun& run_;
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
