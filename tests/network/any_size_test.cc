#include "any_size.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace autogo {
namespace {

/// Halves the maps and doubles them again beside a path that keeps them; then twice the size.
Graph hourglass() {
  Graph graph;
  const ValueId x = graph.add_input({DType::kFloat32, Layout::kChannelsFirst, Shape{1, 3, 16, 16}});
  Attrs down, up, shuffle;
  down.out_channels = up.out_channels = 12;
  down.kernel = {3, 3};
  down.stride = up.stride = up.kernel = {2, 2};
  down.pads = {1, 1, 1, 1};
  const ValueId small = graph.add(OpKind::kConv, down, {x});
  const ValueId wide = graph.add(OpKind::kConvTranspose, up, {small});
  down.stride = {1, 1};
  const ValueId same = graph.add(OpKind::kConv, down, {x});
  shuffle.block = 2;
  shuffle.text = "CRD";
  graph.add_output(
      graph.add(OpKind::kDepthToSpace, shuffle, {graph.add(OpKind::kAdd, {}, {wide, same})}));
  return graph;
}

TEST(AnySize, OddImagesGiveImagesOfTheirSize) {
  const Graph graph = hourglass();
  Program program = lower(graph);
  program.values[static_cast<std::size_t>(program.inputs[0])].shape = Shape{-1, 3, -1, -1};
  NetworkOptions options;
  options.weights = WeightSource::kRandom;
  NetModule net(program, options);
  const AnySize any(graph);
  EXPECT_EQ(any.factor(), 2);
  const torch::NoGradGuard no_grad;
  const torch::Tensor even = at::rand({1, 3, 10, 14});
  EXPECT_TRUE(at::equal(any.forward(net, even)[0], net.forward({even})[0]));
  const torch::Tensor odd = even.narrow(2, 0, 9).narrow(3, 0, 13);
  EXPECT_THROW(net.forward({odd}), Error);
  const torch::Tensor out = any.forward(net, odd)[0];
  EXPECT_EQ(out.sizes(), (std::vector<std::int64_t>{1, 3, 18, 26}));
  // Far from the edge that was continued nothing changes.
  EXPECT_TRUE(at::allclose(out.narrow(2, 0, 12).narrow(3, 0, 20),
                           net.forward({even})[0].narrow(2, 0, 12).narrow(3, 0, 20)));
}

}  // namespace
}  // namespace autogo
