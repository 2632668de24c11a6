#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "labels.h"

namespace autogo {

/// Byte-pair merging over symbols, as SentencePiece does it, for a fixed list of pieces.
class Merger {
 public:
  /// A run of symbols [begin, begin + length) that is one piece.
  struct Run {
    std::uint32_t begin = 0, length = 0;
  };

  Merger() = default;
  /// @param pieces  pieces of two symbols or more, best first; repeated ones count once
  explicit Merger(std::vector<std::vector<Symbol>> pieces);

  std::span<const std::vector<Symbol>> pieces() const { return pieces_; }

  /// Lengths of the tokens that greedy merging leaves; they add up to symbols.size(). kNoSymbol
  /// merges with nothing.
  /// @param dropped  by piece: not in the vocabulary this time; empty: all are
  /// @param merges   when given, every run that merging made, in the order made; runs that were
  ///                 merged further are in it too
  /// O(n log n). Const calls are thread-safe.
  std::vector<std::uint32_t> merge(std::span<const Symbol> symbols,
                                   const std::vector<char>& dropped = {},
                                   std::vector<Run>* merges = nullptr) const;

 private:
  using Token = std::uint32_t;  ///< a symbol, or kPieceBit | piece
  static constexpr Token kPieceBit = 0x80000000U;
  struct Slot {
    std::uint64_t pair = kNoPair;
    std::uint32_t piece = 0;
  };
  static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};

  void add_pair(Token left, Token right, std::uint32_t piece);
  /// The piece that two neighbouring tokens make; kNoSymbol when none.
  std::uint32_t find_pair(Token left, Token right) const;

  std::vector<std::vector<Symbol>> pieces_;
  std::vector<Slot> table_;  ///< open addressing, a power of two
  std::size_t num_pairs_ = 0;
};

}  // namespace autogo
