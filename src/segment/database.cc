// The segment database: what the search asks of it (AutoGO, 3.1 and 3.2).
//
// Entries are sorted by how often they occur, ties by id, so that equal contents give equal entry
// numbers whatever the history of merging; the search draws by number, and its results must depend
// on the contents only. All look-ups are prepared once by Impl::finish().
//
// A network outside the mined families has labels without letters, and segmentation would leave it
// in single nodes: mutation by segments in name only (the published EDSR runs are like that, 64
// segments for 67 nodes). So add_segments_of() gives its operations context-free letters and goes
// on merging where the mined vocabulary stopped, on the network's own string. What repeats in it,
// such as the blocks of a transformer, becomes a piece, ranked behind all mined ones.
//
// Tested by tests/segment/database_test.cc.

#include "autogo/segment/database.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "autogo/base/error.h"
#include "autogo/graph/canonical.h"
#include "base/json.h"
#include "database_impl.h"
#include "fingerprint.h"

namespace autogo {
namespace {

/// Longest run of neighbours that add_segments_of() enters where the vocabulary has nothing to say.
constexpr std::uint32_t kMaxWindow = 6;
constexpr std::uint32_t kMaxWindowPorts = 4;
/// Bounds of what add_segments_of() teaches the vocabulary.
constexpr std::size_t kMaxOwnPiece = 8;
constexpr std::size_t kMaxOwnPieces = 256;

std::uint64_t total(const SegmentEntry& entry) {
  return std::accumulate(entry.counts.begin(), entry.counts.end(), std::uint64_t{0});
}

std::uint64_t hash_text(std::uint64_t h, const std::string& text) {
  return hash_combine(h, hash_bytes(text.data(), text.size()));
}

std::uint64_t hash_everything(const SegmentDatabase::Impl& db) {
  std::uint64_t h = hash_combine(db.record.vocab_size, db.record.seed);
  h = hash_combine(h, db.record.sample);
  for (const std::string& name : db.corpora) h = hash_text(h, name);
  h = hash_combine(h, db.alphabet.size());
  for (Symbol s = 0; s < db.alphabet.size(); ++s) h = hash_text(h, db.alphabet.text(s));
  for (const auto& piece : db.merger.pieces()) {
    h = hash_combine(h, piece.size());
    for (const Symbol s : piece) h = hash_combine(h, s);
  }
  h = hash_combine(h, db.entries.size());
  for (const SegmentEntry& entry : db.entries) {
    h = hash_combine(h, entry.id);
    h = hash_combine(h, entry.body_count);
    for (const std::uint64_t count : entry.counts) h = hash_combine(h, count);
    h = hash_combine(h, graph_hash(entry.body));
  }
  return h;
}

/// Runs of 2 to kMaxWindow neighbours with a node whose own label the alphabet lacks.
std::vector<Merger::Run> foreign_windows(const Graph& graph, std::span<const NodeId> order,
                                         const std::vector<char>& foreign) {
  std::vector<Merger::Run> windows;
  const auto n = static_cast<std::uint32_t>(order.size());
  for (std::uint32_t begin = 0; begin < n; ++begin) {
    bool any = false;
    for (std::uint32_t end = begin; end < n && end - begin < kMaxWindow; ++end) {
      if (!has_label(graph.node(order[end]))) break;
      any = any || foreign[end] != 0;
      if (any && end > begin) windows.push_back({begin, end + 1 - begin});
    }
  }
  return windows;
}

/// Goes on with byte-pair encoding where the vocabulary stopped, on one string: joins the most
/// frequent neighbours, the first of equals, as long as a pair stands there twice. Only pairs with
/// a foreign letter count; what is written in mined letters alone is left to the mined pieces.
/// @return the new pieces, best first
std::vector<std::vector<Symbol>> own_pieces(std::span<const Symbol> symbols,
                                            const std::vector<std::uint32_t>& lengths,
                                            const std::set<Symbol>& foreign) {
  using Token = std::vector<Symbol>;
  std::vector<Token> tokens, pieces;
  for (std::size_t p = 0; p < symbols.size();) {
    const std::uint32_t length = lengths[tokens.size()];
    tokens.emplace_back(symbols.begin() + static_cast<std::ptrdiff_t>(p),
                        symbols.begin() + static_cast<std::ptrdiff_t>(p + length));
    p += length;
  }
  auto join = [&](std::size_t t) {
    Token joined = tokens[t];
    joined.insert(joined.end(), tokens[t + 1].begin(), tokens[t + 1].end());
    return joined;
  };
  auto joinable = [&](const Token& joined) {
    return joined.size() <= kMaxOwnPiece &&
           std::ranges::none_of(joined, [](Symbol s) { return s == kNoSymbol; }) &&
           std::ranges::any_of(joined, [&](Symbol s) { return foreign.contains(s); });
  };
  while (pieces.size() < kMaxOwnPieces) {
    std::map<Token, std::size_t> counts;
    for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
      Token joined = join(t);
      if (joinable(joined)) ++counts[std::move(joined)];
    }
    const Token* best = nullptr;
    std::size_t best_count = 1;
    for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
      const auto it = counts.find(join(t));
      if (it == counts.end() || it->second <= best_count) continue;
      best = &it->first;
      best_count = it->second;
    }
    if (best == nullptr) return pieces;
    std::vector<Token> merged;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const bool here = t + 1 < tokens.size() && join(t) == *best;
      merged.push_back(here ? *best : std::move(tokens[t]));
      t += here ? 1 : 0;
    }
    tokens = std::move(merged);
    pieces.push_back(*best);
  }
  return pieces;
}

}  // namespace

std::vector<Symbol> SegmentDatabase::Impl::symbols(std::span<const LabelKeys> keys,
                                                   std::span<const NodeId> order) const {
  std::vector<Symbol> result;
  result.reserve(order.size());
  for (const NodeId id : order) {
    const LabelKeys& key = keys[index(id)];
    result.push_back(key.full == 0 ? kNoSymbol : alphabet.symbol_of(key));
  }
  return result;
}

std::size_t SegmentDatabase::Impl::corpus_index(const std::string& given) {
  // As the file will have it: a folder's name may be bytes that are no UTF-8.
  const std::string name = Json::parse(dump_json(Json(given))).get<std::string>();
  const auto it = std::find(corpora.begin(), corpora.end(), name);
  if (it != corpora.end()) return static_cast<std::size_t>(it - corpora.begin());
  corpora.push_back(name);
  for (SegmentEntry& entry : entries) entry.counts.resize(corpora.size());
  return corpora.size() - 1;
}

void SegmentDatabase::Impl::absorb(SegmentEntry entry) {
  entry.counts.resize(corpora.size());
  const auto [it, added] = by_id.try_emplace(entry.id, static_cast<std::uint32_t>(entries.size()));
  if (added) {
    entries.push_back(std::move(entry));
    return;
  }
  SegmentEntry& old = entries[it->second];
  for (std::size_t c = 0; c < corpora.size(); ++c) entry.counts[c] += old.counts[c];
  const std::uint64_t old_hash = graph_hash(old.body), new_hash = graph_hash(entry.body);
  if (old_hash == new_hash) entry.body_count += old.body_count;
  const bool replaced =
      old_hash == new_hash || std::tuple(entry.insertable, entry.body_count, ~new_hash) >
                                  std::tuple(old.insertable, old.body_count, ~old_hash);
  if (replaced) {
    old = std::move(entry);
  } else {
    old.counts = std::move(entry.counts);
  }
}

void SegmentDatabase::Impl::finish() {
  std::sort(entries.begin(), entries.end(), [](const SegmentEntry& a, const SegmentEntry& b) {
    return std::tuple(~total(a), a.id) < std::tuple(~total(b), b.id);
  });
  by_id.clear();
  by_ports.clear();
  for (std::uint32_t e = 0; e < entries.size(); ++e) {
    by_id[entries[e].id] = e;
    if (entries[e].insertable)
      by_ports[{entries[e].num_inputs, entries[e].num_outputs}].push_back(e);
  }
  content = hash_everything(*this);
}

SegmentDatabase::SegmentDatabase() : impl_(std::make_unique<Impl>()) { impl_->finish(); }
SegmentDatabase::~SegmentDatabase() = default;
SegmentDatabase::SegmentDatabase(SegmentDatabase&&) noexcept = default;
SegmentDatabase& SegmentDatabase::operator=(SegmentDatabase&&) noexcept = default;

std::span<const SegmentEntry> SegmentDatabase::entries() const { return impl_->entries; }
const std::vector<std::string>& SegmentDatabase::corpora() const { return impl_->corpora; }
std::uint64_t SegmentDatabase::content_hash() const { return impl_->content; }
std::size_t SegmentDatabase::num_labels() const { return impl_->alphabet.size(); }
std::size_t SegmentDatabase::num_pieces() const { return impl_->merger.pieces().size(); }

std::span<const std::uint32_t> SegmentDatabase::by_ports(std::uint32_t num_inputs,
                                                         std::uint32_t num_outputs) const {
  const auto it = impl_->by_ports.find({num_inputs, num_outputs});
  if (it == impl_->by_ports.end()) return {};
  return it->second;
}

const SegmentEntry* SegmentDatabase::find(std::uint64_t id) const {
  const auto it = impl_->by_id.find(id);
  return it == impl_->by_id.end() ? nullptr : &impl_->entries[it->second];
}

std::vector<std::uint32_t> SegmentDatabase::segment(const Graph& graph,
                                                    std::span<const NodeId> order, double keep,
                                                    Rng& rng) const {
  const Uses uses(graph);
  const std::vector<Symbol> symbols = impl_->symbols(label_keys(graph, uses), order);
  std::vector<char> dropped;
  if (keep < 1) {
    const std::size_t pieces = num_pieces();
    dropped.assign(pieces, 1);
    const double kept = std::max(keep, 0.0) * static_cast<double>(pieces) + 0.5;
    for (const std::size_t p : rng.sample(pieces, static_cast<std::size_t>(kept))) dropped[p] = 0;
  }
  return impl_->merger.merge(symbols, dropped);
}

void SegmentDatabase::Impl::learn_pieces(const Graph& graph, std::span<const LabelKeys> keys,
                                         std::span<const NodeId> order) {
  const Uses uses(graph);
  std::set<Symbol> foreign;
  for (const NodeId id : order) {
    const LabelKeys& key = keys[index(id)];
    if (key.full == 0 || alphabet.find(key.full) != kNoSymbol) continue;
    foreign.insert(alphabet.add(label_of(graph, uses, id, /*context_free=*/true)));
  }
  if (foreign.empty()) return;
  const std::vector<Symbol> text = symbols(keys, order);
  std::vector<std::vector<Symbol>> pieces(merger.pieces().begin(), merger.pieces().end());
  for (auto& piece : own_pieces(text, merger.merge(text), foreign)) {
    pieces.push_back(std::move(piece));
  }
  merger = Merger(std::move(pieces));
}

void SegmentDatabase::add_segments_of(const Graph& graph, const std::string& corpus) {
  const Uses uses(graph);
  const std::vector<NodeId> order = canonical_order(graph, NodeIdentity::kSegment);
  const std::vector<LabelKeys> keys = label_keys(graph, uses);
  impl_->learn_pieces(graph, keys, order);
  std::vector<Merger::Run> runs;
  std::vector<char> foreign(order.size(), 0);
  for (std::uint32_t p = 0; p < order.size(); ++p) {
    if (!has_label(graph.node(order[p]))) continue;
    runs.push_back({p, 1});
    foreign[p] = impl_->alphabet.find(keys[index(order[p])].full) == kNoSymbol ? 1 : 0;
  }
  impl_->merger.merge(impl_->symbols(keys, order), {}, &runs);
  // A window may repeat what merging found already; each run counts once.
  std::map<std::pair<std::uint32_t, std::uint32_t>, bool> seen;
  for (const Merger::Run& run : runs) seen[{run.begin, run.length}] = true;
  for (const Merger::Run& window : foreign_windows(graph, order, foreign)) {
    if (seen.contains({window.begin, window.length})) continue;
    const Cut cut{order, window.begin, std::size_t{window.begin} + window.length};
    const Ports ports = segment_ports(graph, uses, cut);
    if (std::max(ports.inputs.size(), ports.outputs.size()) <= kMaxWindowPorts) {
      runs.push_back(window);
    }
  }
  SegmentCollector collector(1);
  collector.add(graph, uses, order, find_segments(graph, uses, order, runs), 0, 0);
  const std::size_t number = impl_->corpus_index(corpus);
  for (const SegmentCollector::Class& found : collector.classes()) {
    SegmentEntry entry = describe_body(segment_body(graph, uses, order, found.location.run));
    const bool from_window = found.location.run.length > 1;
    if (from_window && !entry.connected) continue;
    entry.id = found.id;
    entry.body_count = found.body_count;
    entry.counts.resize(impl_->corpora.size());
    entry.counts[number] = found.counts[0];
    impl_->absorb(std::move(entry));
  }
  impl_->finish();
}

void SegmentDatabase::merge(const SegmentDatabase& other) {
  const Impl& from = other.impl();
  std::vector<Symbol> symbols;
  for (Symbol s = 0; s < from.alphabet.size(); ++s) {
    symbols.push_back(impl_->alphabet.add(parse_label(from.alphabet.text(s))));
  }
  std::vector<std::vector<Symbol>> pieces(impl_->merger.pieces().begin(),
                                          impl_->merger.pieces().end());
  for (const auto& piece : from.merger.pieces()) {
    pieces.emplace_back();
    for (const Symbol s : piece) pieces.back().push_back(symbols[s]);
  }
  impl_->merger = Merger(std::move(pieces));
  if (impl_->entries.empty()) impl_->record = from.record;

  std::vector<std::size_t> corpora;
  for (const std::string& name : from.corpora) corpora.push_back(impl_->corpus_index(name));
  for (SegmentEntry entry : from.entries) {
    std::vector<std::uint64_t> counts(impl_->corpora.size());
    for (std::size_t c = 0; c < corpora.size(); ++c) counts[corpora[c]] = entry.counts[c];
    entry.counts = std::move(counts);
    impl_->absorb(std::move(entry));
  }
  impl_->finish();
}

}  // namespace autogo
