#include "autogo/base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autogo/base/error.h"
#include "autogo/base/hash.h"

namespace autogo {
namespace {

// The streams are part of every file and journal: these values must never change.
TEST(Rng, ValuesAreFixed) {
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafULL);  // splitmix64's first output for seed 0
  Rng rng(1);
  const std::uint64_t first = rng.next();
  EXPECT_EQ(Rng(1).next(), first);
  EXPECT_EQ(hash_bytes("autogo", 6), 0xb3dc8d0e817f331fULL);
  EXPECT_EQ(first, 0xf18d6ce93d6cf1eeULL);
  EXPECT_EQ(Rng(1).fork(7).next(), 0xf7af7f2f0bee2481ULL);
  EXPECT_EQ(Rng(1).below(1000), 846U);
  EXPECT_DOUBLE_EQ(Rng(1).uniform(), 0.94356423086485441);
  EXPECT_NEAR(Rng(1).normal(), 2.3014808348063958, 1e-15);
  std::vector<int> items = {0, 1, 2, 3, 4, 5, 6, 7};
  Rng(1).shuffle(items);
  EXPECT_EQ(items, (std::vector<int>{3, 1, 4, 7, 2, 5, 0, 6}));
  EXPECT_EQ(Rng(1).sample(10, 4), (std::vector<std::size_t>{6, 8, 3, 0}));
}

TEST(Rng, ForkDoesNotAdvanceAndDiffersByWork) {
  Rng rng(3);
  const Rng child = rng.fork(1);
  EXPECT_EQ(rng.next(), Rng(3).next());
  Rng again = Rng(3).fork(1), other = Rng(3).fork(2), copy = child;
  EXPECT_EQ(copy.next(), again.next());
  EXPECT_NE(Rng(3).fork(1).next(), other.next());
  EXPECT_NE(Rng(3).fork(1).fork(2).next(), Rng(3).fork(2).fork(1).next());
}

TEST(Rng, BelowIsUniform) {
  const std::uint64_t seed = 11;
  SCOPED_TRACE(seed);
  Rng rng(seed);
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[rng.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rng.below(1), 0U);
}

TEST(Rng, NormalHasTheRightMoments) {
  const std::uint64_t seed = 12;
  SCOPED_TRACE(seed);
  Rng rng(seed);
  double sum = 0, squares = 0;
  const int n = 100'000;
  for (int i = 0; i < n; ++i) {
    const double value = rng.normal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / n, 0, 0.02);
  EXPECT_NEAR(squares / n, 1, 0.03);
}

TEST(Rng, SampleIsDistinctAndCapped) {
  Rng rng(5);
  for (std::size_t count : {std::size_t{0}, std::size_t{3}, std::size_t{10}, std::size_t{12}}) {
    std::vector<std::size_t> indices = rng.sample(10, count);
    EXPECT_EQ(indices.size(), std::min<std::size_t>(count, 10));
    std::sort(indices.begin(), indices.end());
    EXPECT_EQ(std::adjacent_find(indices.begin(), indices.end()), indices.end());
    for (const std::size_t i : indices) EXPECT_LT(i, 10U);
  }
}

TEST(Rng, ShuffleReachesEveryOrder) {
  Rng rng(6);
  std::vector<std::vector<int>> seen;
  for (int i = 0; i < 200; ++i) {
    std::vector<int> items = {0, 1, 2};
    rng.shuffle(items);
    seen.push_back(items);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()) - seen.begin(), 6);
}

TEST(Hash, CombinationDependsOnOrder) {
  EXPECT_NE(hash_combine(1, 2), hash_combine(2, 1));
  EXPECT_NE(hash_bytes("ab", 2), hash_bytes("ba", 2));
  EXPECT_NE(hash_bytes("ab", 2), hash_bytes("ab", 2, 1));
  ByteHash pieces(7);
  for (const char* piece : {"a", "", "uto", "go"}) pieces.add(piece);
  EXPECT_EQ(pieces.value(), hash_bytes("autogo", 6, 7));
  EXPECT_EQ(hex64(0x0123456789abcdefULL), "0123456789abcdef");
  EXPECT_EQ(parse_hex64("0123456789abcdef", "x"), 0x0123456789abcdefULL);
  for (const char* bad : {"", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdef0"}) {
    EXPECT_THROW(parse_hex64(bad, "x"), Error) << bad;
  }
}

}  // namespace
}  // namespace autogo
