#include "autogo/base/error.h"
#include "autogo/graph/canonical.h"
#include "engine.h"

namespace autogo {

SearchPlan plan_search(const SearchConfig& config, const Graph& input,
                       const SegmentDatabase& database, const CostModels& models) {
  const SearchSetup setup = set_up(config.options, input, models);
  const ReplacementPool pool(database, input, setup.allowed, config.options);
  const Parent parent(0, 0, input);
  SearchOptions full = config.options;
  full.sparsity = 1;
  Rng rng(config.options.seed);
  const std::vector<std::uint32_t> sizes = segment_sizes(parent, full, database, rng);
  SearchPlan plan;
  plan.macs = static_cast<std::int64_t>(setup.value("macs", setup.costs));
  plan.params = static_cast<std::int64_t>(setup.value("params", setup.costs));
  for (const Bound& bound : setup.bounds) {
    const auto limit = static_cast<std::int64_t>(bound.limit);
    if (bound.kind == Bound::Kind::kAbove) plan.min_macs = limit;
    if (bound.kind == Bound::Kind::kBelow) plan.max_macs = limit;
    if (bound.kind == Bound::Kind::kAtMost) {
      plan.constraints.set(setup.models.measures()[bound.place].name, bound.limit);
    }
  }
  plan.frozen_macs = setup.fixed.macs;
  plan.nodes = setup.nodes;
  plan.mutable_nodes = setup.mutable_nodes;
  plan.segments = static_cast<std::uint32_t>(sizes.size());
  plan.sources = static_cast<std::uint32_t>(
      source_runs(parent, sizes, longest_run(config.options), setup.frozen, pool).size());
  plan.replacements = pool.all().size();
  for (const OpInfo& row : op_table()) {
    if (setup.allowed.contains(row.kind)) plan.operators.emplace_back(row.name);
  }
  return plan;
}

}  // namespace autogo
