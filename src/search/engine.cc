// The search (AutoGO, section 3.2, Algorithm 1): an evolution whose one mutation replaces a
// segment.
//
//   for each iteration
//     parents <- input (first), else the front, filled up by rank sum            parents.h
//     for each parent: order, sparse segmentation, m sources                     sources.h
//     for each (parent, source), in parallel: replacements, shapes, cost, gain   mutate.h
//     for each result in order: drop duplicates, update front, write journal
//     again with m more sources for parents that yielded too few children
//
// What an item is, and what it gives, is the variation's matter (variation.h, for segments
// mutation/segment_variation.h); who runs items, the executor's (executor.h). Work items are
// independent: their random stream is keyed by iteration, parent and cut, and the parents of an
// iteration are fixed at its start. Results enter the state in the order of items, whoever finishes
// first, and the front, the duplicates and the journal see only this order. That makes the run
// independent of the number of threads, and gives a resumed run its
// place: it plans its iterations as ever, and items that the journal has are taken from it instead
// of being computed, each checked against the plan and the networks (check_item.h). A stop is not
// heeded until the journal is read to its end, so that the front never falls behind it.
//
// Gains are paired: a child's is its parent's plus y(P, S*, C) - y(P, S, C) at the cut where it
// was made, so what the predictor gets wrong about P and C cancels. Absolute predictions of
// networks far from the training families would not be comparable; differences at one cut are. What
// no family's labels vouch for is promised with care (promise.h).
//
// The history keeps mutations, not graphs, and each body once; a parent's graph is replayed from
// its lineage when it is picked. The input takes part in the front, so that nothing dominated by it
// is reported.
//
// Tested by tests/search/search_test.cc, tests/search/resume_test.cc.

#include "engine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "autogo/base/error.h"
#include "autogo/base/parallel.h"
#include "autogo/graph/canonical.h"
#include "search/mutation/segment_variation.h"
#include "search/run/json_fields.h"
#include "search/run/options.h"

namespace autogo {
namespace {

constexpr std::uint64_t kParentStream = 1;

Individual input_individual(const SearchSetup& setup, const InputHashes& hashes) {
  Individual root;
  root.hash = hashes.input;
  root.costs = setup.costs;
  return root;
}

/// "FLOPs between -20.0 % and +10.0 % of the input's"; empty where the window is open.
std::string window_text(const SearchOptions& options) {
  if (std::isinf(options.max_flops_increase) && options.max_flops_decrease >= 100) return "";
  return "FLOPs between " + percent_text(-options.max_flops_decrease) + " and " +
         percent_text(options.max_flops_increase) + " of the input's";
}

std::vector<std::string> names_of(const CostModels& models) {
  std::vector<std::string> names;
  for (const MeasureInfo& info : models.measures()) names.push_back(info.name);
  return names;
}

/// Of everything that decides the run's result.
std::uint64_t config_hash(const SearchConfig& config, const InputHashes& hashes,
                          const CostModels& models) {
  OrderedJson options = config_to_json(config)["options"];
  // What only adds iterations or changes exported weights leaves the journal's lines as they are.
  options.erase("iterations");
  options.erase("new_weights");
  const std::string text = dump_json(options) + dump_json(algorithms_to_json());
  std::uint64_t hash = hash_bytes(text.data(), text.size());
  for (const std::uint64_t part :
       {hashes.input, hashes.segments, hashes.predictor, models.content_hash()}) {
    hash = hash_combine(hash, part);
  }
  return hash;
}

}  // namespace

SearchEngine::SearchEngine(const SearchConfig& config, const SearchRun& run,
                           const InputHashes& hashes, const Graph& input,
                           const SegmentDatabase& database, const Predictor& predictor,
                           const CostModels& models, Journal* journal)
    : config_(config),
      run_(run),
      hashes_(hashes),
      models_(models),
      setup_(set_up(config.options, input, models)),
      threads_(config.options.jobs > 0 ? config.options.jobs : available_threads()),
      variation_(std::make_unique<SegmentVariation>(config.options, setup_, input, database,
                                                    predictor, threads_)),
      executor_(make_thread_executor(threads_)),
      journal_(journal),
      history_(input, input_individual(setup_, hashes)),
      start_(std::chrono::steady_clock::now()),
      iteration_start_(start_) {
  totals_.best_gain = -std::numeric_limits<double>::infinity();
  hashes_seen_.insert(hashes.input);
  enter(0);
}

void SearchEngine::enter(std::uint32_t individual) {
  const Individual& network = history_[individual];
  points_.push_back({network.gain, objectives_of(network), individual});
  breaches_.push_back(breach(setup_.bounds, network.costs));
  if (breaches_.back() == 0) front_.add(points_.back());
}

std::vector<double> SearchEngine::objectives_of(const Individual& individual) const {
  std::vector<double> values;
  for (const std::size_t place : setup_.objectives) values.push_back(individual.costs[place]);
  return values;
}

double SearchEngine::first_objective(std::uint32_t individual) const {
  return history_[individual].costs[setup_.objectives.front()];
}

Measures SearchEngine::measures(std::uint32_t individual, const Graph& graph) const {
  const Graph* const graphs[] = {&graph};
  Measures measures = setup_.models.named(history_[individual].costs);
  Measures all;
  for (const auto& model : models_.models()) {
    std::vector<double> numbers;
    for (std::size_t i = 0; i < model->measures().size(); ++i) {
      const std::string& name = model->measures()[i].name;
      const std::optional<double> known = measures.find(name);
      if (!known && model->tier() != CostTier::kEveryCandidate) continue;
      if (!known && numbers.empty()) numbers = model->measure(graphs)[0];
      all.set(name, known ? *known : numbers[i]);
    }
  }
  return all;
}

std::vector<RunMember> SearchEngine::members() const {
  std::vector<ParetoPoint> better;
  for (const ParetoPoint& p : points_) {
    if (p.individual == 0 || breaches_[p.individual] > 0) continue;
    if (breaches_[0] > 0 || !dominates(points_[0], p)) better.push_back(p);
  }
  std::vector<RunMember> members;
  for (const RankedPoint& p : leading_fronts(std::move(better), config_.options.members)) {
    members.push_back({p.point.individual, p.rank});
  }
  std::ranges::stable_sort(members, {}, [&](const RunMember& m) {
    return std::pair(m.rank, first_objective(m.individual));
  });
  return members;
}

FoundFront SearchEngine::found() const {
  FoundFront found{history_, setup_.models, members(), {}, {}, threads_};
  const std::vector<MeasureInfo>& infos = setup_.models.measures();
  for (const std::size_t place : setup_.objectives) found.named.push_back(infos[place].name);
  for (const Bound& bound : setup_.bounds) {
    const std::string& name = infos[bound.place].name;
    if (std::ranges::find(found.named, name) == found.named.end()) found.named.push_back(name);
  }
  found.measures = [this](std::uint32_t i, const Graph& graph) { return measures(i, graph); };
  return found;
}

std::vector<std::uint32_t> SearchEngine::front() const {
  std::vector<std::uint32_t> front;
  for (const ParetoPoint& p : front_.points()) {
    if (p.individual != 0) front.push_back(p.individual);
  }
  std::ranges::stable_sort(front, {}, [&](std::uint32_t i) { return first_objective(i); });
  return front;
}

bool SearchEngine::halted() {
  if (halt_.load() != 0) return true;
  auto status = SearchStatus::kDone;
  if (run_.stop != nullptr && run_.stop->load()) {
    status = SearchStatus::kInterrupted;
  } else if (run_.timeout_s > 0) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
    if (passed.count() >= run_.timeout_s) status = SearchStatus::kTimeout;
  }
  if (status == SearchStatus::kDone) return false;
  halt_.store(static_cast<int>(status));
  return true;
}

SearchStatus SearchEngine::run() {
  open_journal();
  while (iteration_ < config_.options.iterations) {
    if (!replaying() && halted()) return static_cast<SearchStatus>(halt_.load());
    iteration_start_ = std::chrono::steady_clock::now();
    plan_iteration();
    std::size_t next = 0;
    while (variation_->add_items(resolved_)) {
      next = take_over(next);
      if (!run_items(next)) return static_cast<SearchStatus>(halt_.load());
      next = variation_->items().size();
    }
    end_iteration();
  }
  AUTOGO_REQUIRE(!replaying(), ErrorKind::kInput,
                 replay_->where() + ": the run ends before it, with iteration " +
                     std::to_string(iteration_) + " of config.json");
  return SearchStatus::kDone;
}

void SearchEngine::open_journal() {
  if (journal_ == nullptr) return;
  const std::uint64_t config = config_hash(config_, hashes_, setup_.models);
  const std::vector<std::string> measures = names_of(setup_.models);
  replay_.emplace(journal_->path(), config, hashes_.input, measures, bodies_);
  if (replay_->end() > 0) return;
  replay_.reset();
  journal_->truncate(0);
  journal_->append(seal(begin_event(config, hashes_.input, measures)));
}

bool SearchEngine::replaying() {
  if (replay_ && replay_->at_end()) {
    journal_->truncate(replay_->end());
    replay_.reset();
  }
  return replay_.has_value();
}

void SearchEngine::plan_iteration() {
  const SearchOptions& options = config_.options;
  const Rng rng = Rng(options.seed).fork(iteration_);
  parents_ = select_parents(front_, points_, breaches_, options.parents, rng.fork(kParentStream));
  report_ = {};
  report_.iteration = iteration_;
  report_.parents = static_cast<std::uint32_t>(parents_.size());
  resolved_.assign(parents_.size(), 0);
  variation_->begin(rng, history_, parents_);
}

std::size_t SearchEngine::take_over(std::size_t first) {
  const std::span<const WorkItem> items = variation_->items();
  std::vector<JournalItem> done;
  while (first + done.size() < items.size() && replaying()) {
    AUTOGO_REQUIRE(replay_->has_item(), ErrorKind::kInput,
                   replay_->where() + ": iteration " + std::to_string(iteration_) +
                       " ends before its last work item");
    done.push_back(replay_->take_item());
  }
  parallel_for(done.size(), threads_,
               [&](std::size_t i) { variation_->check(done[i], iteration_, first + i); });
  for (JournalItem& claim : done) {
    const WorkItem& item = items[first++];
    const std::size_t children = claim.result.children.size();
    const JournalItem merged = merge(item, std::move(claim.result));
    AUTOGO_REQUIRE(merged.result.children.size() == children, ErrorKind::kInput,
                   claim.where + ": has a network that was found before");
  }
  return first;
}

bool SearchEngine::run_items(std::size_t first) {
  const std::span<const WorkItem> items = variation_->items();
  const std::size_t taken = executor_->run(
      first, items.size(), [&](std::size_t i) { return variation_->run(i); },
      [&](std::size_t i, SourceResult result) { write(merge(items[i], std::move(result))); },
      [&] { return halted(); });
  return taken == items.size();
}

JournalItem SearchEngine::merge(const WorkItem& work, SourceResult result) {
  const std::uint32_t parent = parents_[work.parent];
  JournalItem item;
  item.iteration = iteration_;
  item.parent = history_[parent].hash;
  item.run = work.run;
  resolved_[work.parent] += result.resolved;
  report_.drawn += result.drawn;
  report_.resolved += result.resolved;
  report_.in_window += result.in_window;
  if (result.resolved > 0) {
    widen(result.least, totals_);
    widen(result.most, totals_);
  }
  totals_.in_window += result.in_window;
  if (result.in_window > 0) totals_.best_gain = std::max(totals_.best_gain, result.best_gain);
  std::vector<Child> accepted;
  for (Child& child : result.children) {
    if (!hashes_seen_.insert(child.hash).second) continue;
    // A copy of its own: a body that was propagated keeps the whole propagation alive.
    auto [body, is_new] = bodies_.try_emplace(child.step.body_hash);
    if (is_new) {
      body->second = std::make_shared<const Graph>(*child.step.body);
      item.new_bodies.insert(child.step.body_hash);
    }
    child.step.body = body->second;
    const std::uint32_t i = history_.add(
        {parent, iteration_, child.hash, child.costs, child.gains, child.gain, child.step});
    enter(i);
    ++report_.accepted;
    accepted.push_back(std::move(child));
  }
  item.result = std::move(result);
  item.result.children = std::move(accepted);
  return item;
}

void SearchEngine::write(const JournalItem& item) {
  if (journal_ == nullptr) return;
  std::string lines;
  std::set<std::uint64_t> unwritten = item.new_bodies;
  for (const Child& child : item.result.children) {
    if (unwritten.erase(child.step.body_hash) > 0) lines += seal(body_event(child.step));
    lines += seal(child_event(item, child));
  }
  journal_->append(lines + seal(item_event(item)));
}

void SearchEngine::end_iteration() {
  const IterationTotals totals{iteration_, report_.parents, report_.accepted,
                               front_.points().size()};
  if (replaying()) {
    const std::string at = replay_->where();
    AUTOGO_REQUIRE(replay_->has_totals() && replay_->take_totals() == totals, ErrorKind::kInput,
                   at + ": iteration " + std::to_string(iteration_) +
                       " does not end as the search would end it");
  } else {
    if (journal_ != nullptr) {
      journal_->append(seal(iteration_event(totals)));
      journal_->sync();
    }
    report();
  }
  ++iteration_;
}

void SearchEngine::report() {
  if (!run_.on_iteration) return;
  const std::vector<std::uint32_t> front = this->front();
  report_.front = front.size();
  if (!front.empty()) {
    const Individual& leanest = history_[front.front()];
    report_.best_change_percent =
        change_percent(first_objective(front.front()), first_objective(0));
    report_.gain_of_best = report_.best_gain = leanest.gain;
  }
  for (const std::uint32_t i : front) {
    report_.best_gain = std::max(report_.best_gain, history_[i].gain);
  }
  report_.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - iteration_start_).count();
  run_.on_iteration(report_);
}

void SearchEngine::throw_outside_of_bounds() const {
  const auto nearest =
      static_cast<std::size_t>(std::ranges::min_element(breaches_) - breaches_.begin());
  if (breaches_[nearest] == 0) {  // the input keeps the constraints, the window is the matter
    const std::size_t macs = setup_.bounds.front().place;
    throw Error(ErrorKind::kInfeasible,
                "no network was found with " + window_text(config_.options) +
                    "; those found are between " +
                    percent_text(change_percent(totals_.least[macs], setup_.costs[macs])) +
                    " and " + percent_text(change_percent(totals_.most[macs], setup_.costs[macs])) +
                    "; widen --max-flops-decrease or --max-flops-increase");
  }
  const std::vector<double>& costs = history_[static_cast<std::uint32_t>(nearest)].costs;
  std::string wanted, has;
  for (const Bound& bound : setup_.bounds) {
    if (bound.kind != Bound::Kind::kAtMost) continue;
    wanted += (wanted.empty() ? "" : " and ") + bound.option;
    has += (has.empty() ? "" : ", ") + measure_to_json(costs[bound.place]).dump() + " " +
           setup_.models.measures()[bound.place].unit + " (" +
           percent_text(change_percent(costs[bound.place], setup_.costs[bound.place])) + ")";
  }
  throw Error(ErrorKind::kInfeasible,
              "no network was found that keeps " + wanted + "; the nearest has " + has +
                  "; search longer (--iterations, --parents), or allow more");
}

void SearchEngine::throw_empty_front() const {
  if (totals_.least.empty()) {
    throw Error(ErrorKind::kInfeasible,
                "no replacement fits any of the " + std::to_string(setup_.mutable_nodes) + " of " +
                    std::to_string(setup_.nodes) +
                    " nodes that may change; the others are frozen or of kinds that autogo does "
                    "not change")
        .with_hint("allow more operators (--allow-ops), freeze fewer nodes, or mine segments of "
                   "similar models; 'autogo profile' shows what kind each node is of");
  }
  if (totals_.in_window == 0) throw_outside_of_bounds();
  const std::string window = window_text(config_.options);
  const std::string within = "no network" + (window.empty() ? "" : " with " + window) +
                             (setup_.bounds.size() > 2 ? " that keeps the constraints" : "");
  if (totals_.best_gain >= config_.options.min_gain) {
    throw Error(ErrorKind::kInfeasible,
                within +
                    " was found that is better than the input in its predicted gain or its cost; "
                    "search longer (--iterations, --sources), or widen the window");
  }
  throw Error(ErrorKind::kInfeasible, within + " reaches the predicted gain " +
                                          real_to_json(config_.options.min_gain).dump() +
                                          "; the best found has " + Json(totals_.best_gain).dump() +
                                          "; lower --min-gain, or widen the window");
}

}  // namespace autogo
