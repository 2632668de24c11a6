// Merging a string of labels into segments, token for token as SentencePiece's BPE does.
//
// Problem: the search segments a network thousands of times, each time under another random part
// V' of the vocabulary (A.5.3). SentencePiece lives in another process, and its own way to restrict
// a vocabulary first merges with all of V and then splits what was not allowed, which only refines
// one and the same segmentation. We merge anew, without the dropped pieces.
//
// SentencePiece's rule: among all neighbouring tokens whose concatenation is a piece, merge the
// pair whose piece has the best score, the leftmost among equals; repeat. Scores are minus the rank
// in which training found the pieces, so they are never equal for different pieces. A pair
// qualifies by the string that it spells, not by how training once built that string: "aaa" may be
// a + aa or aa + a. So we enter every split of a piece into two tokens in a hash table from pair to
// piece, some 3,000 entries for a vocabulary of 2,000, and a merge step costs two look-ups.
//
// Dropping a piece removes it as a result; as an operand it cannot occur then. So V' needs nothing
// but one flag a piece, checked at look-up, and the same table serves every V'.
//
// Candidates wait in a binary heap ordered by (rank, position). An entry is stale when one of its
// tokens has been merged meanwhile: then the lengths of the token at its position and of the one
// after it no longer add up to the piece's length, since tokens only grow.
//
// Complexity: O(n log n) for n symbols; a token is merged at most n times in total.
//
// Tested by tests/segment/bpe_test.cc (a naive merger, exact pieces) and trainer_test.cc (against
// SentencePiece on thousands of strings).

#include "bpe.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>

#include "autogo/base/rng.h"

namespace autogo {

Merger::Merger(std::vector<std::vector<Symbol>> pieces) {
  std::set<std::vector<Symbol>> seen;
  std::map<std::vector<Symbol>, Token> tokens;
  for (auto& piece : pieces) {
    if (piece.size() < 2 || !seen.insert(piece).second) continue;
    tokens[piece] = kPieceBit | static_cast<Token>(pieces_.size());
    pieces_.push_back(std::move(piece));
  }
  std::size_t splits = 1;
  for (const auto& piece : pieces_) splits += piece.size() - 1;
  std::size_t capacity = 16;
  while (capacity < 2 * splits) capacity *= 2;
  table_.resize(capacity);

  auto token_of = [&tokens](const Symbol* begin, const Symbol* end) -> Token {
    if (end - begin == 1) return *begin;
    const auto it = tokens.find(std::vector<Symbol>(begin, end));
    return it == tokens.end() ? kNoSymbol : it->second;
  };
  for (std::uint32_t p = 0; p < pieces_.size(); ++p) {
    const Symbol* const begin = pieces_[p].data();
    const Symbol* const end = begin + pieces_[p].size();
    for (const Symbol* middle = begin + 1; middle != end; ++middle) {
      const Token left = token_of(begin, middle);
      const Token right = token_of(middle, end);
      if (left != kNoSymbol && right != kNoSymbol) add_pair(left, right, p);
    }
  }
}

void Merger::add_pair(Token left, Token right, std::uint32_t piece) {
  const std::uint64_t pair = (static_cast<std::uint64_t>(left) << 32) | right;
  std::size_t at = mix64(pair) & (table_.size() - 1);
  while (table_[at].pair != kNoPair && table_[at].pair != pair) at = (at + 1) & (table_.size() - 1);
  table_[at] = {pair, piece};
}

std::uint32_t Merger::find_pair(Token left, Token right) const {
  const std::uint64_t pair = (static_cast<std::uint64_t>(left) << 32) | right;
  std::size_t at = mix64(pair) & (table_.size() - 1);
  while (table_[at].pair != kNoPair) {
    if (table_[at].pair == pair) return table_[at].piece;
    at = (at + 1) & (table_.size() - 1);
  }
  return kNoSymbol;
}

std::vector<std::uint32_t> Merger::merge(std::span<const Symbol> symbols,
                                         const std::vector<char>& dropped,
                                         std::vector<Run>* merges) const {
  const auto n = static_cast<std::uint32_t>(symbols.size());
  std::vector<Token> token(symbols.begin(), symbols.end());
  std::vector<std::uint32_t> length(n, 1);  // 0: merged into the token before
  std::vector<std::uint32_t> previous(n), result;
  for (std::uint32_t i = 0; i < n; ++i) previous[i] = i - 1;

  // (rank << 32 | position), smallest first.
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> heap;
  auto consider = [&](std::uint32_t left, std::uint32_t right) {
    if (token[left] == kNoSymbol || token[right] == kNoSymbol || table_.empty()) return;
    const std::uint32_t piece = find_pair(token[left], token[right]);
    if (piece == kNoSymbol || (!dropped.empty() && dropped[piece])) return;
    heap.push((static_cast<std::uint64_t>(piece) << 32) | left);
  };
  for (std::uint32_t i = 1; i < n; ++i) consider(i - 1, i);

  while (!heap.empty()) {
    const auto piece = static_cast<std::uint32_t>(heap.top() >> 32);
    const auto left = static_cast<std::uint32_t>(heap.top());
    heap.pop();
    const std::uint32_t right = left + length[left];
    if (length[left] == 0 || right >= n) continue;
    if (length[left] + length[right] != pieces_[piece].size()) continue;
    length[left] += length[right];
    length[right] = 0;
    token[left] = kPieceBit | piece;
    if (merges != nullptr) merges->push_back({left, length[left]});
    const std::uint32_t next = left + length[left];
    if (next < n) {
      previous[next] = left;
      consider(left, next);
    }
    if (left > 0) consider(previous[left], left);
  }
  for (std::uint32_t i = 0; i < n; i += length[i]) result.push_back(length[i]);
  return result;
}

}  // namespace autogo
