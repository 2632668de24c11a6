// The paper's m sources x n replacements presume a database with n fitting replacements for any
// source. A network of operators that were never mined (a transformer) has a handful for each, and m
// sources of it would barely be a sample. So a parent that yields few children gets m more sources.
//
// An item's random stream is keyed by iteration, parent and cut, never by who runs it.
//
// Tested by tests/search/search_test.cc, tests/search/resume_test.cc.

#include "segment_variation.h"

#include <algorithm>

#include "autogo/base/parallel.h"
#include "autogo/graph/simplify.h"
#include "search/run/check_item.h"

namespace autogo {
namespace {

constexpr std::uint64_t kSegmentStream = 2, kSourceStream = 3, kItemStream = 4;

}  // namespace

SegmentVariation::SegmentVariation(const SearchOptions& options, const SearchSetup& setup,
                                   const Graph& input, const SegmentDatabase& database,
                                   const Predictor& predictor, int threads)
    : options_(options),
      setup_(setup),
      database_(database),
      predictor_(predictor),
      threads_(threads),
      pool_(database, input, setup.allowed, options),
      mutation_{pool_,
                memo_,
                predictor,
                {predictor.knowledge(input), options.risk},
                setup.models,
                setup.bounds,
                options.min_gain,
                options.replacements,
                computation_hash(input)},
      rng_(options.seed) {}

void SegmentVariation::begin(const Rng& rng, const History& history,
                             std::span<const std::uint32_t> parents) {
  rng_ = rng;
  wave_ = 0;
  items_.clear();
  networks_.clear();
  for (const std::uint32_t i : parents) networks_.push_back(history[i]);
  untried_.assign(parents.size(), {});
  std::vector<std::unique_ptr<Parent>> ready(parents.size());
  parallel_for(parents.size(), threads_, [&](std::size_t p) {
    const std::uint64_t hash = networks_[p].hash;
    ready[p] = std::make_unique<Parent>(parents[p], hash, history.graph(parents[p]));
    ready[p]->trust = predictor_.knowledge(ready[p]->graph).trust;
    Rng segment_rng = rng_.fork(kSegmentStream).fork(hash);
    untried_[p] = source_runs(*ready[p], segment_sizes(*ready[p], options_, database_, segment_rng),
                              longest_run(options_), setup_.frozen, pool_);
  });
  parents_ = std::move(ready);
}

bool SegmentVariation::add_items(std::span<const std::uint64_t> resolved) {
  const Rng rng = rng_.fork(kSourceStream).fork(wave_);
  const std::size_t before = items_.size();
  for (std::size_t p = 0; p < parents_.size(); ++p) {
    const std::uint64_t wanted = std::uint64_t{options_.sources} * options_.replacements;
    if (wave_ > 0 && resolved[p] >= wanted / 2) continue;
    for (const SourceRun& run :
         select_sources(untried_[p], options_.sources, rng.fork(parents_[p]->hash))) {
      items_.push_back({p, run});
      std::erase(untried_[p], run);
    }
  }
  ++wave_;
  return items_.size() > before;
}

SourceResult SegmentVariation::run(std::size_t item) const {
  const auto& [p, run] = items_[item];
  const Rng rng = rng_.fork(kItemStream).fork(parents_[p]->hash).fork(run.begin).fork(run.end);
  return mutate_source(mutation_, *parents_[p], networks_[p], run, rng);
}

void SegmentVariation::check(const JournalItem& claim, std::uint32_t iteration,
                             std::size_t item) const {
  const auto& [p, run] = items_[item];
  check_item(claim, iteration, *parents_[p], networks_[p], run, mutation_);
}

}  // namespace autogo
