#include <filesystem>
#include <string>

#include "autogo/corpus/networks.h"
#include "autogo/cost/cost.h"
#include "autogo/graph/canonical.h"
#include "autogo/onnx/model.h"
#include "support.h"

namespace autogo {
namespace {

TEST(ShippedModels, AreTheNetworksOfTheLibrary) {
  for (const SampleNetwork& network : sample_networks()) {
    const std::string path =
        std::string(AUTOGO_SOURCE_DIR) + "/data/models/" + network.name + ".onnx";
    const Graph file = import_onnx(path), built = network.build();
    EXPECT_EQ(canonical_hash(file), canonical_hash(built))
        << path << " is out of date: run tools/make_models.sh";
    EXPECT_EQ(graph_cost(file).total.params, graph_cost(built).total.params) << path;
    EXPECT_LT(std::filesystem::file_size(path), 200'000U) << path;
  }
}

}  // namespace
}  // namespace autogo
