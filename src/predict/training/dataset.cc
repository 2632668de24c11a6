#include "dataset.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/parallel.h"
#include "autogo/corpus/corpus.h"
#include "autogo/graph/canonical.h"

namespace autogo {
namespace {

constexpr std::size_t kWindow = 512;  ///< networks in memory as graphs at once
constexpr std::uint64_t kSegmentStream = 0x5e6;
constexpr std::uint64_t kFoldStream = 0xf01d;

/// A network encoded over a table of its own, so that many can be encoded at once.
struct Piece {
  LabelledGraph labelled;
  FeatureTable table;
};

std::vector<std::vector<std::uint16_t>> segmentations_of(const SegmentDatabase& database,
                                                         const Graph& graph,
                                                         std::span<const NodeId> order,
                                                         std::uint32_t count, Rng rng) {
  std::vector<std::vector<std::uint16_t>> all;
  if (order.size() > std::numeric_limits<std::uint16_t>::max()) return all;
  for (std::uint32_t i = 0; i < count; ++i) {
    // The first is the full vocabulary's; the others keep from none to all of the pieces.
    const double keep = i == 0 ? 1.0 : rng.uniform();
    std::vector<std::uint16_t> ends;
    std::uint32_t end = 0;
    for (const std::uint32_t size : database.segment(graph, order, keep, rng)) {
      ends.push_back(static_cast<std::uint16_t>(end += size));
    }
    all.push_back(std::move(ends));
  }
  return all;
}

Piece encode_item(const CorpusReader& reader, const CorpusItem& item,
                  const std::optional<SegmentDatabase>& database, const DatasetOptions& options) {
  Piece piece;
  const Graph graph = reader.build(item);
  const std::vector<NodeId> order = canonical_order(graph, NodeIdentity::kSegment);
  piece.labelled.id = item.id;
  piece.labelled.label = *item.label;
  piece.labelled.graph = encode_graph(graph, order, piece.table);
  if (database) {
    const Rng rng = Rng(options.seed).fork(kSegmentStream).fork(id_hash(item.id));
    piece.labelled.segmentations =
        segmentations_of(*database, graph, order, options.segmentations, rng);
  }
  return piece;
}

LabelledCorpus load_corpus(const std::string& path, const std::optional<SegmentDatabase>& database,
                           const DatasetOptions& options, FeatureTable& table) {
  CorpusReader reader(path);
  LabelledCorpus corpus;
  corpus.path = path;
  corpus.family = reader.header().family;
  corpus.label = reader.header().label;
  corpus.training_images = reader.header().training_images;
  const std::string bytes = read_file(path);
  corpus.file_hash = hash_bytes(bytes.data(), bytes.size());
  for (bool more = true; more;) {
    std::vector<CorpusItem> items;
    for (CorpusItem item; items.size() < kWindow && (more = reader.next_record(item));) {
      if (item.label) items.push_back(std::move(item));
    }
    std::vector<Piece> pieces(items.size());
    parallel_for(items.size(), options.threads, [&](std::size_t i) {
      pieces[i] = encode_item(reader, items[i], database, options);
    });
    for (Piece& piece : pieces) {
      for (std::uint32_t& row : piece.labelled.graph.rows) {
        row = table.intern(piece.table.rows()[row]);
      }
      corpus.graphs.push_back(std::move(piece.labelled));
    }
  }
  AUTOGO_REQUIRE(!corpus.graphs.empty(), ErrorKind::kInput,
                 path + ": has no labelled networks; write it with --label");
  return corpus;
}

}  // namespace

LabelledData load_dataset(const std::vector<std::string>& corpora, const DatasetOptions& options,
                          Log& log) {
  AUTOGO_REQUIRE(!corpora.empty(), ErrorKind::kUsage, "no corpus given; name at least one");
  std::optional<SegmentDatabase> database;
  if (!options.segments.empty()) database = SegmentDatabase::load(options.segments);
  LabelledData dataset;
  if (database) dataset.segments_hash = database->content_hash();
  for (const std::string& path : corpora) {
    dataset.corpora.push_back(load_corpus(path, database, options, dataset.table));
    log.info(path + ": " + std::to_string(dataset.corpora.back().graphs.size()) + " networks of " +
             dataset.corpora.back().family);
  }
  return dataset;
}

std::uint64_t id_hash(const std::string& id) { return hash_bytes(id.data(), id.size()); }

bool held_out(const std::string& id, std::uint64_t seed, double share) {
  return Rng(hash_combine(id_hash(id), seed)).uniform() < share;
}

std::vector<CutRange> draw_cuts(const LabelledGraph& graph, std::size_t count, Rng& rng) {
  const auto n = static_cast<std::uint32_t>(graph.graph.num_nodes());
  std::vector<CutRange> cuts;
  for (std::size_t i = 0; i < count; ++i) {
    if (!graph.segmentations.empty() && rng.below(2) == 0) {
      const auto& ends = graph.segmentations[rng.below(graph.segmentations.size())];
      const std::size_t first = rng.below(ends.size());
      const std::size_t last = std::min(first + rng.below(3), ends.size() - 1);
      cuts.push_back({first == 0 ? 0U : ends[first - 1], ends[last]});
      continue;
    }
    const std::uint64_t longest = rng.below(4) == 0 ? 24 : 8;
    const auto length =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(1 + rng.below(longest), n));
    const auto begin = static_cast<std::uint32_t>(rng.below(n - length + 1));
    cuts.push_back({begin, begin + length});
  }
  return cuts;
}

std::vector<CutRange> fold_cuts(const LabelledGraph& graph, std::size_t folds, std::uint64_t seed) {
  const auto n = static_cast<std::uint32_t>(graph.graph.num_nodes());
  AUTOGO_CHECK(folds <= n);
  Rng rng = Rng(seed).fork(kFoldStream).fork(id_hash(graph.id));
  std::vector<CutRange> cuts;
  for (const std::size_t begin : rng.sample(n, folds)) {
    const auto length = static_cast<std::uint32_t>(1 + rng.below(8));
    const auto from = static_cast<std::uint32_t>(begin);
    cuts.push_back({from, std::min(from + length, n)});
  }
  return cuts;
}

}  // namespace autogo
