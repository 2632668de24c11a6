#include "autogo/base/error.h"
#include "autogo/graph/canonical.h"
#include "engine.h"

namespace autogo {

SearchPlan plan_search(const SearchConfig& config, const Graph& input,
                       const SegmentDatabase& database) {
  const SearchSetup setup = set_up(config.options, input);
  const ReplacementPool pool(database, input, setup.allowed, config.options);
  const Parent parent(0, 0, input);
  SearchOptions full = config.options;
  full.sparsity = 1;
  Rng rng(config.options.seed);
  const std::vector<std::uint32_t> sizes = segment_sizes(parent, full, database, rng);
  SearchPlan plan;
  plan.macs = setup.macs;
  plan.params = setup.params;
  plan.min_macs = static_cast<std::int64_t>(setup.window.min_macs);
  plan.max_macs = static_cast<std::int64_t>(setup.window.max_macs);
  plan.frozen_macs = setup.frozen_macs;
  plan.nodes = setup.nodes;
  plan.mutable_nodes = setup.mutable_nodes;
  plan.segments = static_cast<std::uint32_t>(sizes.size());
  plan.sources = static_cast<std::uint32_t>(
      source_runs(parent, sizes, longest_run(config.options), setup.frozen, pool).size());
  plan.replacements = pool.all().size();
  for (const OpInfo& row : op_table()) {
    if ((setup.allowed >> static_cast<int>(row.kind) & 1) != 0)
      plan.operators.emplace_back(row.name);
  }
  return plan;
}

}  // namespace autogo
