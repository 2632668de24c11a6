#include "glob.h"

#include <fnmatch.h>

#include <algorithm>
#include <numeric>

#include "autogo/base/error.h"

namespace autogo {
namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> closest_names(const std::string& text, std::span<const std::string> names,
                                       std::size_t count) {
  std::vector<std::pair<std::size_t, std::size_t>> ranked;  // distance, index
  for (std::size_t i = 0; i < names.size(); ++i) {
    ranked.emplace_back(edit_distance(text, names[i]), i);
  }
  std::ranges::sort(ranked);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < std::min(count, ranked.size()); ++i) {
    result.push_back(names[ranked[i].second]);
  }
  return result;
}

std::vector<char> frozen_origins(const Graph& input, std::span<const std::string> patterns) {
  std::vector<std::string> names;
  std::vector<std::uint32_t> origins;
  for (std::uint32_t n = 0; n < input.num_nodes(); ++n) {
    const std::uint32_t origin = input.node(NodeId{n}).origin;
    if (origin == kNoOrigin) continue;
    names.push_back(input.node_name(NodeId{n}));
    origins.push_back(origin);
  }
  std::vector<char> frozen(
      origins.empty() ? 0 : std::size_t{*std::ranges::max_element(origins)} + 1, 0);
  for (const std::string& pattern : patterns) {
    bool matched = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (::fnmatch(pattern.c_str(), names[i].c_str(), 0) != 0) continue;
      frozen[origins[i]] = 1;
      matched = true;
    }
    if (matched) continue;
    std::string close;
    for (const std::string& name : closest_names(pattern, names, 3)) {
      close += (close.empty() ? "" : ", ") + name;
    }
    throw Error(ErrorKind::kUsage, "--freeze '" + pattern + "' matches no node" +
                                       (close.empty() ? "" : "; close names: " + close))
        .with_hint("`autogo profile MODEL` lists the names; * ? [a-z] work as in a shell");
  }
  return frozen;
}

}  // namespace autogo
