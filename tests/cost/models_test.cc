#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "autogo/cost/cost.h"
#include "autogo/onnx/model.h"

namespace autogo {
namespace {

struct Figures {
  const char* file;
  std::int64_t macs, params;
};

class PublishedModels : public testing::TestWithParam<Figures> {};

TEST_P(PublishedModels, HaveTheirPublishedFigures) {
  const std::string path = std::string(AUTOGO_SOURCE_DIR) + "/../shared/models/" + GetParam().file;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const Graph graph = import_onnx(path);
  const GraphCost cost = graph_cost(graph);
  EXPECT_EQ(cost.total.macs, GetParam().macs);
  EXPECT_EQ(cost.total.params, GetParam().params);
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    EXPECT_FALSE(unknown_cost(graph, NodeId{n})) << graph.node_name(NodeId{n});
  }
}

// Multiply-accumulates as torchvision publishes them: 4.09, 7.80, 15.47, 0.30, 0.22, 0.39, 2.83 and
// 17.56 G; parameters likewise, less what folding batch norms into convolutions removes.
INSTANTIATE_TEST_SUITE_P(
    Torchvision, PublishedModels,
    testing::Values(Figures{"resnet50_bn.onnx", 4'089'184'256, 25'557'032},
                    Figures{"resnet50_bn_opset20.onnx", 4'089'184'256, 25'557'032},
                    Figures{"resnet50.onnx", 4'089'184'256, 25'530'472},
                    Figures{"resnet50_dynbatch.onnx", 4'089'184'256, 25'530'472},
                    Figures{"resnet101_bn.onnx", 7'801'405'440, 44'549'160},
                    Figures{"vgg16_bn.onnx", 15'470'264'320, 138'365'992},
                    Figures{"mobilenet_v2.onnx", 300'774'272, 3'487'816},
                    Figures{"mobilenet_v3_large_bn.onnx", 216'589'760, 5'483'032},
                    Figures{"mobilenet_v3_large_bn_opset18.onnx", 216'589'760, 5'483'032},
                    Figures{"efficientnet_b0_bn.onnx", 385'814'752, 5'288'548},
                    Figures{"densenet121_bn.onnx", 2'834'161'664, 7'978'856},
                    Figures{"vit_b_16.onnx", 17'563'828'224, 86'567'656},
                    Figures{"light/light_resnet50.onnx", 4'089'184'256, 25'557'032},
                    Figures{"light/light_squeezenet.onnx", 349'151'936, 1'235'496},
                    Figures{"light/light_vgg19.onnx", 19'632'062'464, 143'667'240}),
    [](const auto& test) {
      std::string name = test.param.file;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

struct Totals {
  const char* file;
  std::int64_t macs, params, weight_bytes;
};

class SmallCases : public testing::TestWithParam<Totals> {};

TEST_P(SmallCases, HaveTheirFigures) {
  const std::string path =
      std::string(AUTOGO_SOURCE_DIR) + "/../shared/cases/" + GetParam().file + ".onnx";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const Graph graph = import_onnx(path);
  const Cost total = graph_cost(graph).total;
  EXPECT_EQ(total.macs, GetParam().macs);
  EXPECT_EQ(total.params, GetParam().params);
  EXPECT_EQ(total.weight_bytes, GetParam().weight_bytes);
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    EXPECT_FALSE(unknown_cost(graph, NodeId{n})) << graph.node_name(NodeId{n});
  }
}

INSTANTIATE_TEST_SUITE_P(
    Counts, SmallCases,
    testing::Values(
        Totals{"14_shared_weight", 18'432, 148, 592}, Totals{"15_group_norm_18", 0, 4, 16},
        Totals{"15_layer_norm_no_bias", 0, 6, 24}, Totals{"15_prelu_one_slope", 0, 1, 4},
        Totals{"16_slice_int32", 0, 0, 0}, Totals{"16_resize_scales", 1'728, 12, 48},
        Totals{"16_lstm_states", 560, 112, 448}, Totals{"19_local_functions", 202'752, 808, 3'232},
        Totals{"20_one_hot", 800, 40, 160}, Totals{"21_einsum", 210, 21, 84},
        Totals{"21_attention_23", 13'440, 1'024, 4'096}, Totals{"24_bias_of_one", 48, 13, 52}),
    [](const auto& test) { return std::string(test.param.file); });

}  // namespace
}  // namespace autogo
