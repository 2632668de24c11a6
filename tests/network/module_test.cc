// A program without LibTorch that loads the module on first use.
#include <gtest/gtest.h>

#include <fstream>

#include "autogo/base/error.h"
#include "autogo/network/network.h"

namespace autogo {
namespace {

TEST(NetworkModule, RunsAndGivesItsWeights) {
  Graph graph;
  const ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, 2, 3, 3}});
  Attrs attrs;
  attrs.out_channels = 2;
  graph.add_output(graph.add(OpKind::kConv, attrs, {x}));
  const auto net = make_network(lower(graph));
  EXPECT_EQ(net->num_parameters(), 4);
  const std::vector<double> w = real_values(net->weights().at("conv_1.weight"));
  ASSERT_EQ(w.size(), 4U);
  const auto out = net->forward({make_tensor({1, 2, 3, 3}, std::vector<float>(18, 1.0F))});
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].dims, (std::vector<std::int64_t>{1, 2, 3, 3}));
  EXPECT_NEAR(real_values(out[0])[0], w[0] + w[1], 1e-6);
  EXPECT_NEAR(real_values(out[0])[17], w[2] + w[3], 1e-6);
}

TEST(NetworkModule, ErrorsCrossTheBorder) {
  Program program;
  program.opset = 13;
  program.values.resize(2);
  program.inputs = {0};
  program.outputs = {1};
  ProgramNode node;
  node.op_type = "Loop";
  node.name = "loop";
  node.inputs = {0};
  node.outputs = {1};
  program.nodes.push_back(node);
  try {
    make_network(program);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    EXPECT_STREQ(e.what(), "node 'loop' (Loop): operator Loop cannot run here");
  }
}

TEST(NetworkModule, WordsOfOptions) {
  EXPECT_EQ(weight_source_from("mixed"), WeightSource::kMixed);
  EXPECT_EQ(device_from("cuda"), Device::kCuda);
  try {
    device_from("tpu");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "device 'tpu': expected cpu or cuda");
  }
}

}  // namespace
}  // namespace autogo
