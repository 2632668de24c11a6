#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "autogo/segment/database.h"
#include "bpe.h"
#include "collector.h"
#include "labels.h"

namespace autogo {

/// How the vocabulary was made; kept in the file so that it can be made again.
struct MiningRecord {
  std::uint32_t vocab_size = 0;
  std::uint64_t sample = 0;
  std::uint64_t seed = 0;
};

struct SegmentDatabase::Impl {
  Alphabet alphabet;
  Merger merger;
  MiningRecord record;
  std::vector<std::string> corpora;
  std::vector<SegmentEntry> entries;

  // Derived by finish().
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> by_ports;
  std::unordered_map<std::uint64_t, std::uint32_t> by_id;
  std::uint64_t content = 0;

  /// Symbols along an order: kNoSymbol for ports, fixed nodes and labels without a letter.
  std::vector<Symbol> symbols(std::span<const LabelKeys> keys, std::span<const NodeId> order) const;

  /// Gives the operations of a network outside the mined families letters, and the vocabulary the
  /// pieces that repeat in it. Nothing changes when every label has its letter.
  void learn_pieces(const Graph& graph, std::span<const LabelKeys> keys,
                    std::span<const NodeId> order);

  /// The corpus' number, entered when it is new.
  std::size_t corpus_index(const std::string& given);

  /// Adds counts to the entry of that id, entering it when it is new; where both have a body, the
  /// one that is insertable, was seen more often, or has the smaller hash stays.
  void absorb(SegmentEntry entry);

  /// Sorts the entries and derives the indices and the hash. Call after every change.
  void finish();
};

/// A database as a file has it, everything but the stated hash checked. @throws Error kInput
SegmentDatabase read_unchecked(const std::string& text, const std::string& path);

}  // namespace autogo
