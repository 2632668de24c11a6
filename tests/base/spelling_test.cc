#include "autogo/base/spelling.h"

#include <gtest/gtest.h>

#include <map>

#include "autogo/base/rng.h"

namespace autogo {
namespace {

/// By its definition, over all beginnings.
std::size_t slow_distance(const std::string& a, const std::string& b) {
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> d;
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      std::size_t best = i == 0 ? j : j == 0 ? i : a.size() + b.size();
      if (i > 0) best = std::min(best, d[{i - 1, j}] + 1);
      if (j > 0) best = std::min(best, d[{i, j - 1}] + 1);
      if (i > 0 && j > 0) best = std::min(best, d[{i - 1, j - 1}] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        best = std::min(best, d[{i - 2, j - 2}] + 1);
      }
      d[{i, j}] = best;
    }
  }
  return d[{a.size(), b.size()}];
}

TEST(EditDistance, IsThatOfItsDefinition) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("conv_1", "conv_11"), 1U);
  EXPECT_EQ(edit_distance("serach", "search"), 1U);
  Rng rng(5);
  const auto word = [&] {
    std::string text(rng.below(9), 'a');
    for (char& c : text) c = static_cast<char>('a' + rng.below(3));
    return text;
  };
  for (int i = 0; i < 2000; ++i) {
    const std::string a = word(), b = word();
    EXPECT_EQ(edit_distance(a, b), slow_distance(a, b)) << a << " " << b;
  }
}

TEST(ClosestNames, AreTheNearestInTheirOrder) {
  const std::vector<std::string> names = {"relu", "conv", "cone", "silu"};
  EXPECT_EQ(closest_names("con", names, 2), (std::vector<std::string>{"conv", "cone"}));
  EXPECT_EQ(closest_names("con", names, 9).size(), 4U);
  EXPECT_TRUE(closest_names("con", {}, 2).empty());
}

TEST(NearestWord, TakesOneEditPerThreeLetters) {
  const std::vector<std::string> known = {"mine", "segment", "search"};
  EXPECT_EQ(nearest_word("mien", known), "mine");
  EXPECT_EQ(nearest_word("serach", known), "search");
  EXPECT_EQ(nearest_word("segmnet", known), "segment");
  EXPECT_EQ(nearest_word("bench", known), "");
  EXPECT_EQ(nearest_word("x", {}), "");
}

}  // namespace
}  // namespace autogo
