// Mining: corpora in, segment database out (AutoGO, 3.1, A.3 and A.5.2).
//
//   read     every graph in canonical order; its labels as numbers; graphs that read the same are
//            kept once, with a count
//   letters  the most frequent labels get a letter each, at most half the vocabulary; the others
//            stand as their context-free label
//   train    byte-pair encoding in the SentencePiece helper
//   collect  every graph again: merge it under the vocabulary, count the runs that merging makes
//   bodies   the graphs in which the winners were first seen, once more: cut them out
//
// Strings end at ports and at nodes that are never mutated (has_label), so pieces never contain
// them.
//
// Back-off. Networks outside the corpora bring labels that mining has not seen. They fall back to
// the context-free label, and for that to lead to segments, the vocabulary must know pieces of
// context-free labels too. So a random share of the strings, at most kContextFreeStrings, is
// trained on a second time in context-free letters. The two kinds of letters meet in one string
// only around rare labels. A share of a few percent is enough: pairs of context-free letters are
// few, and each is as frequent as all its contexts together.
//
// Why read twice instead of keeping the graphs: 42,000 of them fill 7 GB; building one again takes
// some 50 us. Kept are the orders and the label strings, 4 bytes a node each.
//
// Graphs are built and analysed on all threads, in windows; what they found is taken in corpus
// order on the caller's thread, so the result does not depend on the number of threads.
//
// Tested by tests/segment/mine_test.cc.

#include "autogo/segment/mine.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "autogo/base/error.h"
#include "autogo/base/parallel.h"
#include "autogo/base/progress.h"
#include "autogo/graph/canonical.h"
#include "collector.h"
#include "database_impl.h"
#include "trainer.h"

namespace autogo {
namespace {

constexpr std::size_t kWindow = 256;
constexpr std::size_t kContextFreeStrings = 2000;

using Sequence = std::vector<std::uint32_t>;  ///< label numbers along an order; kNoSymbol: a border

struct SeenLabel {
  Label label;
  std::uint64_t context_free = 0;
  std::uint64_t count = 0;
};

/// What is kept of a graph between the passes.
struct KeptGraph {
  std::uint32_t corpus = 0;
  std::uint32_t sequence = 0;
  std::vector<NodeId> order;
};

class Miner {
 public:
  Miner(std::span<GraphStream* const> streams, const MineOptions& options, Log& log)
      : streams_(streams), options_(options), log_(log) {}

  MineResult run() {
    require_trainer();
    choose_graphs();
    read();
    choose_letters();
    train();
    collect();
    db().finish();
    result_.report.graphs = graphs_.size();
    return std::move(result_);
  }

 private:
  SegmentDatabase::Impl& db() { return result_.database.impl(); }

  /// Which graphs of each stream are mined: all, or a random sample.
  void choose_graphs();
  void read();
  void choose_letters();
  void train();
  void collect();
  void cut_out(const std::vector<SegmentCollector::Class>& classes);

  /// Builds the chosen graphs for which `wanted` holds on all threads, and hands what `work` made
  /// of each to `consume`, in order.
  /// @param work  (graph, number) -> T, on any thread
  template <typename T>
  void for_each(const char* what, std::uint64_t total,
                const std::function<bool(std::uint64_t)>& wanted,
                const std::function<T(Graph&&, std::uint64_t)>& work,
                const std::function<void(T&&, std::uint64_t)>& consume);

  std::uint32_t sequence_number(Sequence sequence);
  Symbol letter(std::uint32_t label) const {
    return label == kNoSymbol ? kNoSymbol : letters_[label];
  }

  std::span<GraphStream* const> streams_;
  const MineOptions& options_;
  Log& log_;
  MineResult result_;
  std::vector<std::vector<std::uint64_t>> chosen_;  ///< by stream, ascending; empty: all
  std::vector<std::uint64_t> totals_;               ///< by stream, 0: not counted
  std::vector<KeptGraph> graphs_;
  std::vector<SeenLabel> labels_;
  std::unordered_map<std::uint64_t, std::uint32_t> label_numbers_;
  std::vector<Sequence> sequences_;
  std::vector<std::uint64_t> sequence_counts_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> sequence_numbers_;
  std::vector<Symbol> letters_, context_free_letters_;  ///< by label number
  std::vector<std::uint32_t> stream_of_;                ///< by graph number, while reading
};

void Miner::choose_graphs() {
  chosen_.resize(streams_.size());
  totals_.resize(streams_.size());
  const Rng root(options_.seed);
  for (std::size_t s = 0; s < streams_.size(); ++s) {
    const std::size_t number = db().corpus_index(streams_[s]->name());
    if (options_.sample == 0) continue;
    streams_[s]->rewind();
    while (streams_[s]->next()) ++totals_[s];
    if (totals_[s] <= options_.sample) continue;
    Rng rng = root.fork(1).fork(number);
    for (const std::size_t i : rng.sample(totals_[s], options_.sample)) chosen_[s].push_back(i);
    std::sort(chosen_[s].begin(), chosen_[s].end());
  }
}

template <typename T>
void Miner::for_each(const char* what, std::uint64_t total,
                     const std::function<bool(std::uint64_t)>& wanted,
                     const std::function<T(Graph&&, std::uint64_t)>& work,
                     const std::function<void(T&&, std::uint64_t)>& consume) {
  Progress progress(log_, what, total, "graphs");
  std::vector<std::pair<std::uint64_t, std::function<Graph()>>> window;
  std::uint64_t number = 0;
  auto flush = [&] {
    std::vector<std::optional<T>> made(window.size());
    parallel_for(window.size(), options_.threads,
                 [&](std::size_t i) { made[i] = work(window[i].second(), window[i].first); });
    for (std::size_t i = 0; i < window.size(); ++i) consume(std::move(*made[i]), window[i].first);
    progress.add(window.size());
    window.clear();
  };
  for (std::size_t s = 0; s < streams_.size(); ++s) {
    streams_[s]->rewind();
    const auto corpus = static_cast<std::uint32_t>(db().corpus_index(streams_[s]->name()));
    std::size_t next_chosen = 0;
    for (std::uint64_t i = 0;; ++i) {
      if (!chosen_[s].empty() && next_chosen == chosen_[s].size()) break;
      std::function<Graph()> build = streams_[s]->next();
      if (!build) break;
      if (!chosen_[s].empty() && chosen_[s][next_chosen] != i) continue;
      ++next_chosen;
      if (stream_of_.size() == number) stream_of_.push_back(corpus);
      if (wanted(number)) window.emplace_back(number, std::move(build));
      ++number;
      if (window.size() == kWindow) flush();
    }
  }
  flush();
}

std::uint32_t Miner::sequence_number(Sequence sequence) {
  const std::uint64_t hash =
      hash_bytes(sequence.data(), sequence.size() * sizeof(Sequence::value_type));
  const auto [begin, end] = sequence_numbers_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (sequences_[it->second] == sequence) {
      ++sequence_counts_[it->second];
      return it->second;
    }
  }
  const auto number = static_cast<std::uint32_t>(sequences_.size());
  sequences_.push_back(std::move(sequence));
  sequence_counts_.push_back(1);
  sequence_numbers_.emplace(hash, number);
  return number;
}

void Miner::read() {
  struct Read {
    Graph graph;
    std::vector<NodeId> order;
    std::vector<LabelKeys> keys;  // along the order
  };
  std::uint64_t total = 0;
  for (std::size_t s = 0; s < streams_.size(); ++s) {
    total += chosen_[s].empty() ? totals_[s] : chosen_[s].size();
  }
  for_each<Read>(
      "reading", total, [](std::uint64_t) { return true; },
      [](Graph&& graph, std::uint64_t) {
        Read read;
        read.order = canonical_order(graph, NodeIdentity::kSegment);
        const std::vector<LabelKeys> keys = label_keys(graph, Uses(graph));
        for (const NodeId id : read.order) read.keys.push_back(keys[index(id)]);
        read.graph = std::move(graph);
        return read;
      },
      [this](Read&& read, std::uint64_t number) {
        Sequence sequence;
        sequence.reserve(read.keys.size());
        std::optional<Uses> uses;
        for (std::size_t p = 0; p < read.keys.size(); ++p) {
          const LabelKeys& keys = read.keys[p];
          if (keys.full == 0) {
            sequence.push_back(kNoSymbol);
            continue;
          }
          const auto [it, added] =
              label_numbers_.try_emplace(keys.full, static_cast<std::uint32_t>(labels_.size()));
          if (added) {
            if (!uses) uses.emplace(read.graph);
            labels_.push_back(
                {label_of(read.graph, *uses, read.order[p], false), keys.context_free, 0});
          }
          ++labels_[it->second].count;
          sequence.push_back(it->second);
        }
        result_.report.nodes += read.graph.num_nodes();
        result_.report.edges += read.graph.num_edges();
        graphs_.push_back(
            {stream_of_[number], sequence_number(std::move(sequence)), std::move(read.order)});
      });
  AUTOGO_REQUIRE(!labels_.empty(), ErrorKind::kInput,
                 "nothing to mine: the corpora hold no operation that can be mutated");
  result_.report.distinct_strings = sequences_.size();
  result_.report.labels_seen = labels_.size();
  log_.info("read " + std::to_string(graphs_.size()) + " graphs, " +
            std::to_string(result_.report.nodes) + " nodes: " + std::to_string(sequences_.size()) +
            " distinct strings over " + std::to_string(labels_.size()) + " labels");
}

void Miner::choose_letters() {
  context_free_letters_.resize(labels_.size());
  std::vector<std::size_t> by_count(labels_.size());
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    by_count[i] = i;
    Label bare = labels_[i].label;
    bare.context_free = true;
    bare.incoming.clear();
    bare.outgoing.clear();
    context_free_letters_[i] = db().alphabet.add(bare);
  }
  const std::size_t bare_labels = db().alphabet.size();
  AUTOGO_REQUIRE(options_.vocab_size > bare_labels + 1, ErrorKind::kUsage,
                 "a vocabulary of " + std::to_string(options_.vocab_size) +
                     " is too small: the corpora have " + std::to_string(bare_labels) +
                     " operations");
  std::sort(by_count.begin(), by_count.end(), [this](std::size_t a, std::size_t b) {
    if (labels_[a].count != labels_[b].count) return labels_[a].count > labels_[b].count;
    return to_string(labels_[a].label) < to_string(labels_[b].label);
  });
  letters_ = context_free_letters_;
  const std::size_t room = std::max<std::size_t>(options_.vocab_size / 2, bare_labels);
  for (const std::size_t i : by_count) {
    if (db().alphabet.size() >= room) break;
    letters_[i] = db().alphabet.add(labels_[i].label);
  }
}

void Miner::train() {
  struct Sentence {
    std::uint32_t sequence, begin, end;
    bool context_free;
  };
  std::vector<Sentence> sentences;
  auto add_runs = [&](std::uint32_t s, bool context_free) {
    const Sequence& sequence = sequences_[s];
    for (std::uint32_t begin = 0, p = 0; p <= sequence.size(); ++p) {
      if (p < sequence.size() && sequence[p] != kNoSymbol) continue;
      if (p > begin) sentences.push_back({s, begin, p, context_free});
      begin = p + 1;
    }
  };
  for (std::uint32_t s = 0; s < sequences_.size(); ++s) add_runs(s, false);
  Rng rng = Rng(options_.seed).fork(2);
  std::vector<std::size_t> again = rng.sample(sequences_.size(), kContextFreeStrings);
  std::sort(again.begin(), again.end());
  for (const std::size_t s : again) add_runs(static_cast<std::uint32_t>(s), true);

  BpeTraining training;
  training.vocab_size = options_.vocab_size;
  training.max_piece = options_.max_piece;
  log_.info("training byte-pair encoding on " + std::to_string(sentences.size()) + " strings");
  db().merger = Merger(train_bpe(training, sentences.size(), [&](std::size_t i, std::string& text) {
    const Sentence& sentence = sentences[i];
    const std::vector<Symbol>& letters = sentence.context_free ? context_free_letters_ : letters_;
    for (std::uint32_t p = sentence.begin; p < sentence.end; ++p) {
      append_utf8(letters[sequences_[sentence.sequence][p]], text);
    }
    return sequence_counts_[sentence.sequence];
  }));
  db().record = {options_.vocab_size, options_.sample, options_.seed};
}

void Miner::collect() {
  struct Found {
    Graph graph;
    std::optional<Uses> uses;
    std::vector<FoundSegment> segments;
  };
  SegmentCollector collector(db().corpora.size());
  for_each<Found>(
      "collecting", graphs_.size(), [](std::uint64_t) { return true; },
      [this](Graph&& graph, std::uint64_t number) {
        Found found;
        found.graph = std::move(graph);
        found.uses.emplace(found.graph);
        const KeptGraph& kept = graphs_[number];
        const Sequence& sequence = sequences_[kept.sequence];
        std::vector<Symbol> symbols;
        symbols.reserve(sequence.size());
        std::vector<Merger::Run> runs;
        for (std::uint32_t p = 0; p < sequence.size(); ++p) {
          symbols.push_back(letter(sequence[p]));
          if (sequence[p] != kNoSymbol) runs.push_back({p, 1});
        }
        db().merger.merge(symbols, {}, &runs);
        found.segments = find_segments(found.graph, *found.uses, kept.order, runs);
        return found;
      },
      [&](Found&& found, std::uint64_t number) {
        const KeptGraph& kept = graphs_[number];
        collector.add(found.graph, *found.uses, kept.order, found.segments, number, kept.corpus);
      });
  const std::vector<SegmentCollector::Class> classes = collector.classes();
  log_.info("found " + std::to_string(classes.size()) + " isomorphism classes in " +
            std::to_string(collector.num_variants()) + " variants");
  cut_out(classes);
}

void Miner::cut_out(const std::vector<SegmentCollector::Class>& classes) {
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> wanted;
  for (std::size_t c = 0; c < classes.size(); ++c) wanted[classes[c].location.graph].push_back(c);
  using Bodies = std::vector<std::pair<std::size_t, SegmentEntry>>;
  for_each<Bodies>(
      "cutting out", wanted.size(),
      [&wanted](std::uint64_t number) { return wanted.contains(number); },
      [&](Graph&& graph, std::uint64_t number) {
        Bodies bodies;
        const Uses uses(graph);
        for (const std::size_t c : wanted.at(number)) {
          bodies.emplace_back(c, describe_body(segment_body(graph, uses, graphs_[number].order,
                                                            classes[c].location.run)));
        }
        return bodies;
      },
      [&](Bodies&& bodies, std::uint64_t) {
        for (auto& [c, entry] : bodies) {
          entry.id = classes[c].id;
          entry.body_count = classes[c].body_count;
          entry.counts = classes[c].counts;
          db().absorb(std::move(entry));
        }
      });
}

}  // namespace

MineResult mine_segments(std::span<GraphStream* const> streams, const MineOptions& options,
                         Log& log) {
  AUTOGO_REQUIRE(options.max_piece >= 2 && options.max_piece <= 512, ErrorKind::kUsage,
                 "the largest piece must have 2 to 512 nodes");
  return Miner(streams, options, log).run();
}

}  // namespace autogo
