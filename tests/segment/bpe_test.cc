#include "bpe.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "segment_support.h"

namespace autogo {
namespace {

using Pieces = std::vector<std::vector<Symbol>>;

std::vector<Symbol> word(const std::string& text) {
  std::vector<Symbol> symbols;
  for (const char c : text) symbols.push_back(c == '?' ? kNoSymbol : static_cast<Symbol>(c));
  return symbols;
}

Pieces pieces_of(const std::vector<std::string>& words) {
  Pieces pieces;
  for (const std::string& w : words) pieces.push_back(word(w));
  return pieces;
}

/// "ab|c" for tokens of 2 and 1 symbols.
std::string cut(const std::string& text, const std::vector<std::uint32_t>& lengths) {
  std::string result;
  std::size_t at = 0;
  for (const std::uint32_t length : lengths) {
    result += (at > 0 ? "|" : "") + text.substr(at, length);
    at += length;
  }
  EXPECT_EQ(at, text.size());
  return result;
}

std::string merged(const std::vector<std::string>& pieces, const std::string& text) {
  return cut(text, Merger(pieces_of(pieces)).merge(word(text)));
}

/// The rule as it is stated: look at all neighbours, merge the best pair, leftmost first; repeat.
std::vector<std::uint32_t> naive_merge(const Pieces& pieces, const std::vector<Symbol>& symbols,
                                       const std::vector<char>& dropped) {
  Pieces tokens;
  for (const Symbol s : symbols) tokens.push_back({s});
  for (;;) {
    std::size_t best_piece = pieces.size(), best_at = 0;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      std::vector<Symbol> joined = tokens[i];
      joined.insert(joined.end(), tokens[i + 1].begin(), tokens[i + 1].end());
      if (std::ranges::count(joined, kNoSymbol) > 0) continue;
      for (std::size_t p = 0; p < best_piece; ++p) {
        if (pieces[p] != joined || (!dropped.empty() && dropped[p])) continue;
        best_piece = p;
        best_at = i;
      }
    }
    if (best_piece == pieces.size()) break;
    tokens[best_at] = pieces[best_piece];
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
  std::vector<std::uint32_t> lengths;
  for (const auto& token : tokens) lengths.push_back(static_cast<std::uint32_t>(token.size()));
  return lengths;
}

TEST(Bpe, MergesTheBestPieceFirst) {
  EXPECT_EQ(merged({"bc", "ab"}, "abc"), "a|bc");
  EXPECT_EQ(merged({"ab", "bc"}, "abc"), "ab|c");
  EXPECT_EQ(merged({"ab", "cd", "abcd"}, "xabcdy"), "x|abcd|y");
}

TEST(Bpe, MergesTheLeftmostOfEqualPairs) { EXPECT_EQ(merged({"aa"}, "aaa"), "aa|a"); }

TEST(Bpe, FindsAPieceThroughAnyOfItsSplits) {
  EXPECT_EQ(merged({"bc", "abc"}, "abc"), "abc");
  EXPECT_EQ(merged({"ab", "abc"}, "abc"), "abc");
}

TEST(Bpe, CannotReachAPieceWithoutItsParts) { EXPECT_EQ(merged({"abc"}, "abc"), "a|b|c"); }

TEST(Bpe, LeavesUnknownSymbolsAlone) { EXPECT_EQ(merged({"aa"}, "a?aa??aa"), "a|?|aa|?|?|aa"); }

TEST(Bpe, TakesEmptyAndShortTexts) {
  EXPECT_EQ(merged({"aa"}, ""), "");
  EXPECT_EQ(merged({"aa"}, "a"), "a");
  EXPECT_EQ(cut("abc", Merger().merge(word("abc"))), "a|b|c");
}

TEST(Bpe, ReportsEveryMergeInOrder) {
  std::vector<Merger::Run> runs;
  Merger(pieces_of({"ab", "cd", "abcd"})).merge(word("abcdab"), {}, &runs);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  for (const Merger::Run& run : runs) found.emplace_back(run.begin, run.length);
  EXPECT_EQ(found, (decltype(found){{0, 2}, {4, 2}, {2, 2}, {0, 4}}));
}

/// Pieces such as training would find: joins of symbols and earlier pieces.
Pieces random_pieces(Rng& rng, std::size_t count, std::uint64_t letters) {
  Pieces parts, pieces;
  for (std::uint64_t s = 0; s < letters; ++s) parts.push_back({static_cast<Symbol>(s)});
  while (pieces.size() < count) {
    std::vector<Symbol> joined = parts[rng.below(parts.size())];
    const auto& tail = parts[rng.below(parts.size())];
    joined.insert(joined.end(), tail.begin(), tail.end());
    if (joined.size() > 8 || std::ranges::count(parts, joined) > 0) continue;
    parts.push_back(joined);
    pieces.push_back(joined);
  }
  return pieces;
}

TEST(Bpe, AgreesWithNaiveMergingUnderAnyVocabulary) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Rng rng(seed);
    const Pieces pieces = random_pieces(rng, 1 + rng.below(30), 2 + rng.below(4));
    std::vector<Symbol> text(rng.below(60));
    for (Symbol& s : text) {
      s = rng.below(20) == 0 ? kNoSymbol : static_cast<Symbol>(rng.below(5));
    }
    std::vector<char> dropped;
    if (rng.below(2) == 0) {
      for (std::size_t p = 0; p < pieces.size(); ++p) dropped.push_back(rng.below(2) == 0 ? 1 : 0);
    }
    const std::vector<std::uint32_t> lengths = Merger(pieces).merge(text, dropped);
    ASSERT_EQ(lengths, naive_merge(pieces, text, dropped)) << "seed " << seed;
    std::size_t at = 0;
    for (const std::uint32_t length : lengths) {  // a dropped piece never appears
      const std::vector<Symbol> token(text.begin() + static_cast<std::ptrdiff_t>(at),
                                      text.begin() + static_cast<std::ptrdiff_t>(at + length));
      at += length;
      if (length == 1) continue;
      const auto piece = std::ranges::find(pieces, token);
      ASSERT_NE(piece, pieces.end()) << "seed " << seed;
      if (!dropped.empty()) {
        EXPECT_FALSE(dropped[static_cast<std::size_t>(piece - pieces.begin())]);
      }
    }
    EXPECT_EQ(at, text.size());
  }
}

TEST(Bpe, ReallySegmentsAnew) {
  // Splitting what V merged would give a|b|c|d.
  const Merger merger(pieces_of({"bc", "ab", "cd"}));
  EXPECT_EQ(cut("abcd", merger.merge(word("abcd"))), "a|bc|d");
  EXPECT_EQ(cut("abcd", merger.merge(word("abcd"), {1, 0, 0})), "ab|cd");
}

}  // namespace
}  // namespace autogo
