// Which nodes of a Graph stand for which nodes of its file.
//
// Importing joins nodes (patterns.cc), computes constants ahead and removes identities. Who names a
// node names one of the file; this finds where it went. A node that computes constants goes out
// with every node that reads one, so it is kept by those, through as many further constants as lie
// between: a walk along uses, iterative because chains of constants may be long.
//
// Tested by tests/onnx/file_nodes_test.cc.

#include "autogo/onnx/file_nodes.h"

#include <algorithm>

#include "onnx/model_source.h"

namespace autogo {
namespace {

class Keepers {
 public:
  explicit Keepers(const ModelSource& source)
      : source_(source), users_(source.nodes.size()), origins_(source.nodes.size()) {
    for (std::size_t i = 0; i < source.nodes.size(); ++i) {
      auto use = [&](int value) {
        if (const int maker = producer(value); maker >= 0) users_[at(maker)].push_back(i);
      };
      std::ranges::for_each(source.nodes[i].inputs, use);
      std::ranges::for_each(source.nodes[i].captured, use);
    }
    for (std::size_t origin = 0; origin < source.units.size(); ++origin) {
      const OnnxUnit& unit = source.units[origin];
      auto keep = [&](int node) {
        origins_[at(node)].push_back(static_cast<std::uint32_t>(origin));
      };
      std::ranges::for_each(unit.nodes, keep);
      // A Transpose that is no node of the Graph stays while both its sides do.
      auto keep_view = [&](int view) {
        if (view < 0) return;
        keep(view);
        const int maker = producer(source.node(view).inputs[0]);
        if (maker < 0) return;
        std::vector<std::uint32_t>& sides = origins_[at(view)];
        sides.insert(sides.end(), origins_[at(maker)].begin(), origins_[at(maker)].end());
      };
      keep_view(unit.view);
      for (const OnnxUnit::Read& read : unit.reads) keep_view(read.view);
      if (unit.kind != OnnxUnit::Kind::kConstantOutput) continue;
      if (const int maker = producer(unit.outputs[0]); maker >= 0) keep(maker);
    }
  }

  std::vector<std::uint32_t> of(std::span<const std::size_t> nodes) const {
    std::vector<std::size_t> open(nodes.begin(), nodes.end());
    std::vector<bool> seen(source_.nodes.size(), false);
    std::vector<std::uint32_t> result;
    while (!open.empty()) {
      const std::size_t node = open.back();
      open.pop_back();
      if (seen[node]) continue;
      seen[node] = true;
      result.insert(result.end(), origins_[node].begin(), origins_[node].end());
      const OnnxNode::State state = source_.nodes[node].state;
      if (state == OnnxNode::State::kConstant || state == OnnxNode::State::kFolded) {
        open.insert(open.end(), users_[node].begin(), users_[node].end());
      }
    }
    std::ranges::sort(result);
    const auto doubles = std::ranges::unique(result);
    result.erase(doubles.begin(), doubles.end());
    return result;
  }

 private:
  static std::size_t at(int node) { return static_cast<std::size_t>(node); }
  int producer(int value) const {
    return value < 0 ? -1 : source_.value(source_.root(value)).producer;
  }

  const ModelSource& source_;
  std::vector<std::vector<std::size_t>> users_;      // by node: those that read what it makes
  std::vector<std::vector<std::uint32_t>> origins_;  // by node: the units that it is part of
};

}  // namespace

std::vector<FileNode> file_nodes(const Graph& graph) {
  std::vector<FileNode> nodes;
  const auto* source = dynamic_cast<const ModelSource*>(graph.source().get());
  if (source == nullptr) return nodes;
  for (const OnnxNode& node : source->nodes) nodes.push_back({node.name, node.proto->op_type()});
  return nodes;
}

std::vector<std::string> names_behind(const Graph& graph, NodeId node) {
  const auto* source = dynamic_cast<const ModelSource*>(graph.source().get());
  const std::uint32_t origin = graph.node(node).origin;
  if (source == nullptr || origin >= source->units.size() || source->units[origin].nodes.empty()) {
    return {graph.node_name(node)};
  }
  std::vector<std::string> names;
  for (const int i : source->units[origin].nodes) names.push_back(source->node(i).name);
  return names;
}

std::vector<std::uint32_t> origins_of(const Graph& graph, std::span<const std::size_t> nodes) {
  const auto* source = dynamic_cast<const ModelSource*>(graph.source().get());
  if (source == nullptr) return {};
  return Keepers(*source).of(nodes);
}

}  // namespace autogo
