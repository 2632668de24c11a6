#include "autogo/corpus/networks.h"

#include <algorithm>
#include <string>

#include "autogo/cost/cost.h"
#include "support.h"

namespace autogo {
namespace {

struct Figures {
  const char* name;
  std::int64_t macs, params;
};

class SampleNetworks : public testing::TestWithParam<Figures> {};

TEST_P(SampleNetworks, HasThePublishedFigures) {
  const Graph graph = sample_network(GetParam().name);
  const GraphCost cost = graph_cost(graph);
  EXPECT_EQ(cost.total.macs, GetParam().macs);
  EXPECT_EQ(cost.total.params, GetParam().params);
}

// torchvision's published figures for the first four (4.09, 7.80, 15.47 and 0.30 G).
INSTANTIATE_TEST_SUITE_P(
    Published, SampleNetworks,
    testing::Values(
        Figures{"resnet50", 4'089'184'256, 25'557'032},
        Figures{"resnet101", 7'801'405'440, 44'549'160},
        Figures{"vgg16_bn", 15'470'264'320, 138'365'992},
        Figures{"mobilenet_v2", 300'774'272, 3'504'872},
        // He et al.'s 40.55 M with projections instead of padded identities (0.26 M more).
        Figures{"resnet20_cifar", 40'813'184, 272'474},
        Figures{"vgg11_cifar", 152'769'536, 9'231'114},
        // torchvision's network with ten classes: its parameters, without its first two strides.
        Figures{"mobilenet_v2_cifar", 87'976'448, 2'236'682},
        // EDSR baseline x2: 1370 k parameters, 316.3 G for 1280x720, four times as much.
        Figures{"edsr_x2", 79'062'220'800, 1'369'859},
        // 12,464 weights (the FSRCNN paper) at each of 640x360 pixels; + biases, slopes.
        Figures{"fsrcnn4_x2", 12'464 * 230'400LL, 12'464 + 173 + 172}));

TEST(SampleNetwork, Vgg16HasAutogosPublishedFlops) {
  EXPECT_EQ(graph_flops(sample_network("vgg16_bn_gap"), FlopsConvention::kAutogo), 30'805'729'232);
}

TEST(SampleNetwork, UnetIsOfThePapersSize) {
  const Graph graph = sample_network("unet_denoise");
  EXPECT_NEAR(static_cast<double>(graph_flops(graph, FlopsConvention::k2Macs)), 17.05e9, 1.6e9);
  EXPECT_EQ(graph.output_type(graph.output_nodes()[0]).shape, (Shape{1, 3, 256, 256}));
}

TEST(SampleNetwork, SuperResolutionDoublesTheSize) {
  auto output = [](const char* name) {
    const Graph graph = sample_network(name);
    return graph.output_type(graph.output_nodes()[0]).shape;
  };
  EXPECT_EQ(output("edsr_x2"), (Shape{1, 3, 360, 640}));
  EXPECT_EQ(output("fsrcnn4_x2"), (Shape{1, 1, 720, 1280}));
  EXPECT_EQ(output("fsrcnn3_x2"), (Shape{1, 1, 720, 1280}));
}

TEST(SampleNetwork, ListIsSortedByName) {
  EXPECT_TRUE(std::ranges::is_sorted(sample_networks(), {},
                                     [](const SampleNetwork& n) { return std::string(n.name); }));
}

TEST(SampleNetwork, RefusesAnUnknownName) {
  EXPECT_EQ(error_of([] { sample_network("resnet"); }), "unknown network 'resnet'");
}

}  // namespace
}  // namespace autogo
