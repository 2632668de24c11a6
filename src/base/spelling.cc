// What somebody meant, for "did you mean".
//
// Tested by tests/base/spelling_test.cc.

#include "autogo/base/spelling.h"

#include <algorithm>
#include <utility>

namespace autogo {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows i - 2, i - 1 and i of the table of distances between beginnings.
  std::vector<std::size_t> earlier(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(earlier, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], earlier[j - 2] + 1);
    }
  }
  return row.back();
}

std::vector<std::string> closest_names(const std::string& text, std::span<const std::string> names,
                                       std::size_t count) {
  std::vector<std::pair<std::size_t, std::size_t>> ranked;  // distance, index
  for (std::size_t i = 0; i < names.size(); ++i) {
    ranked.emplace_back(edit_distance(text, names[i]), i);
  }
  std::ranges::sort(ranked);
  ranked.resize(std::min(count, ranked.size()));
  std::vector<std::string> result;
  for (const auto& [distance, i] : ranked) result.push_back(names[i]);
  return result;
}

std::string nearest_word(const std::string& word, std::span<const std::string> known) {
  const std::vector<std::string> closest = closest_names(word, known, 1);
  const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  return closest.empty() || edit_distance(word, closest[0]) > limit ? "" : closest[0];
}

}  // namespace autogo
