// Tested by tests/predict/knowledge_test.cc.

#include "image_task.h"

#include <algorithm>

namespace autogo {
namespace {

constexpr std::int64_t kImageChannels = 4;  ///< red, green, blue and how opaque

}  // namespace

bool answers_with_images(const Graph& graph) {
  std::vector<FeatureMap> inputs;
  for (const NodeId id : graph.input_nodes()) {
    inputs.push_back(feature_map(graph.output_type(id)));
  }
  const auto is_image = [&](NodeId output) {
    const FeatureMap map = feature_map(graph.type(graph.inputs(output)[0]));
    return map.c > 0 && map.c <= kImageChannels && map.h * map.w > 1 &&
           std::ranges::any_of(inputs, [&](const FeatureMap& input) {
             return input.c > 0 && map.h >= input.h && map.w >= input.w;
           });
  };
  const std::vector<NodeId> outputs = graph.output_nodes();
  return !outputs.empty() && std::ranges::all_of(outputs, is_image);
}

}  // namespace autogo
