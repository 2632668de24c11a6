// Tested by tests/search/search_test.cc, tests/search/constraints_test.cc.

#include "setup.h"

#include <map>
#include <string>

#include "autogo/base/error.h"
#include "search/mutation/attention.h"
#include "search/mutation/glob.h"
#include "search/mutation/sources.h"
#include "search/run/options.h"

namespace autogo {
namespace {

/// What --freeze names, and what an attention is made of.
std::vector<char> frozen_nodes(const Graph& input, const SearchOptions& options) {
  std::vector<char> frozen = frozen_origins(input, options.freeze);
  const std::vector<bool> attention = inside_attention(input);
  for (std::uint32_t n = 0; n < input.num_nodes(); ++n) {
    const std::uint32_t origin = input.node(NodeId{n}).origin;
    if (attention[n] && origin < frozen.size()) frozen[origin] = 1;
  }
  return frozen;
}

/// What nodes that stay cost is the least that any network of the run can.
void require_possible(const SearchOptions& options, const SearchSetup& setup) {
  const std::map<std::string, std::int64_t> fixed = {{"macs", setup.fixed.macs},
                                                     {"flops", 2 * setup.fixed.macs},
                                                     {"params", setup.fixed.params},
                                                     {"weight_bytes", setup.fixed.weight_bytes}};
  for (const Bound& bound : setup.bounds) {
    const MeasureInfo& measure = setup.models.measures()[bound.place];
    const auto least = fixed.find(measure.name);
    if (bound.kind == Bound::Kind::kAbove || least == fixed.end()) continue;
    const auto value = static_cast<double>(least->second);
    if (bound.holds(value)) continue;
    const std::string share = percent_text(change_percent(value, setup.costs[bound.place]));
    const bool window = bound.kind == Bound::Kind::kBelow;
    throw Error(ErrorKind::kInfeasible,
                bound.option + (window ? " " + percent_text(options.max_flops_increase) : "") +
                    ": cannot be met, since nodes that stay (frozen, or of kinds that autogo does "
                    "not change) keep the model " +
                    (window ? "above " + share
                            : "at " + std::to_string(least->second) + " " + measure.unit + " (" +
                                  share + " of the input's)") +
                    "; allow more than that");
  }
}

}  // namespace

double SearchSetup::value(std::string_view measure, std::span<const double> by_place) const {
  return by_place[models.place(measure, "search")];
}

SearchSetup set_up(const SearchOptions& options, const Graph& input, const CostModels& models) {
  validate(options, models);
  SearchSetup setup;
  setup.frozen = frozen_nodes(input, options);
  setup.allowed = allowed_ops(options, input);
  setup.models = asked_models(options, models);
  setup.costs = setup.models.measure(input);
  AUTOGO_REQUIRE(setup.value("macs", setup.costs) > 0, ErrorKind::kUnsupported,
                 "the model has no multiply-accumulates that autogo can count");
  setup.bounds = bounds_of(options, setup.models, setup.costs);
  for (const std::string& word : objectives_of(options)) {
    setup.objectives.push_back(setup.models.place(word, "--objective"));
  }
  const std::vector<Cost> nodes = graph_cost(input).nodes;
  for (std::uint32_t n = 0; n < input.num_nodes(); ++n) {
    const bool port = op_info(input.node(NodeId{n}).op).shape_class == ShapeClass::kPort;
    setup.nodes += port ? 0 : 1;
    const bool replaceable = is_replaceable(input, NodeId{n}, setup.frozen);
    setup.mutable_nodes += replaceable ? 1 : 0;
    if (!replaceable) setup.fixed += nodes[n];
  }
  if (setup.mutable_nodes == 0) {
    if (!options.freeze.empty()) {
      throw Error(ErrorKind::kInfeasible,
                  "--freeze leaves no node that could be replaced; freeze fewer nodes");
    }
    throw Error(ErrorKind::kUnsupported,
                "no node of the model is of a kind that autogo can replace")
        .with_hint("'autogo profile' shows what kind each node is of; opaque ones stay as they are");
  }
  require_possible(options, setup);
  return setup;
}

}  // namespace autogo
