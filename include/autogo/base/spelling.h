#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace autogo {

/// Optimal string alignment distance: the fewest insertions, deletions, replacements and swaps of
/// neighbours that make `b` of `a`. O(a * b).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The `count` names with the least edit distance to `text`, closest first, ties as given.
std::vector<std::string> closest_names(const std::string& text, std::span<const std::string> names,
                                       std::size_t count);

/// The known word that a misspelt one most likely means: least edit distance, at most a third of
/// its length. Empty when none is near. Ties: the first of `known`.
std::string nearest_word(const std::string& word, std::span<const std::string> known);

}  // namespace autogo
