#include "glob.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "autogo/base/error.h"
#include "autogo/base/spelling.h"
#include "autogo/onnx/file_nodes.h"

namespace autogo {
namespace {

/// What a pattern may name: nodes of the graph by the names that `profile` shows, and the nodes of
/// the file behind them.
struct Names {
  explicit Names(const Graph& input) : graph(input), file(file_nodes(input)) {
    for (std::uint32_t n = 0; n < input.num_nodes(); ++n) {
      const std::uint32_t origin = input.node(NodeId{n}).origin;
      if (origin == kNoOrigin) continue;
      shown.push_back(input.node_name(NodeId{n}));
      origins.push_back(origin);
    }
  }

  const Graph& graph;
  std::vector<FileNode> file;
  std::vector<std::string> shown;
  std::vector<std::uint32_t> origins;  ///< of `shown`
};

[[noreturn]] void refuse_miss(const std::string& pattern, const Names& names) {
  std::vector<std::string> all = names.shown;
  std::set<std::string> seen(all.begin(), all.end());
  for (const FileNode& node : names.file) {
    if (seen.insert(node.name).second) all.push_back(node.name);
  }
  std::string close;
  for (const std::string& name : closest_names(pattern, all, 3)) {
    close += (close.empty() ? "" : ", ") + name;
  }
  throw Error(ErrorKind::kUsage, "--freeze '" + pattern + "' matches no node" +
                                     (close.empty() ? "" : "; close names: " + close))
      .with_hint("`autogo profile MODEL` lists the names; * ? [a-z] work as in a shell");
}

[[noreturn]] void refuse_removed(const std::string& pattern, const Names& names,
                                 const std::vector<std::size_t>& removed) {
  constexpr std::size_t kShown = 3;
  std::string list;
  for (std::size_t i = 0; i < std::min(kShown, removed.size()); ++i) {
    const FileNode& node = names.file[removed[i]];
    list += (list.empty() ? "" : ", ") + node.name + " (" + node.op_type + ")";
  }
  if (removed.size() > kShown) list += ", ...";
  throw Error(ErrorKind::kUsage, "--freeze '" + pattern +
                                     "' matches only nodes that autogo removes when it reads the "
                                     "model, they cannot stay: " +
                                     list)
      .with_hint("they compute nothing that the network needs; freeze the nodes beside them");
}

/// Origins that a pattern freezes.
std::vector<std::uint32_t> matched_origins(const std::string& pattern, const Names& names) {
  auto matches = [&](const std::string& name) {
    return name == pattern || ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  };
  std::vector<std::size_t> in_file;
  for (std::size_t i = 0; i < names.file.size(); ++i) {
    if (matches(names.file[i].name)) in_file.push_back(i);
  }
  std::vector<std::uint32_t> result = origins_of(names.graph, in_file);
  for (std::size_t i = 0; i < names.shown.size(); ++i) {
    if (matches(names.shown[i])) result.push_back(names.origins[i]);
  }
  if (result.empty() && in_file.empty()) refuse_miss(pattern, names);
  if (result.empty()) refuse_removed(pattern, names, in_file);
  return result;
}

}  // namespace

std::vector<char> frozen_origins(const Graph& input, std::span<const std::string> patterns) {
  const Names names(input);
  std::vector<char> frozen(
      names.origins.empty() ? 0 : std::size_t{*std::ranges::max_element(names.origins)} + 1, 0);
  for (const std::string& pattern : patterns) {
    for (const std::uint32_t origin : matched_origins(pattern, names)) {
      if (origin < frozen.size()) frozen[origin] = 1;
    }
  }
  return frozen;
}

}  // namespace autogo
