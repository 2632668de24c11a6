#include "autogo/graph/graph.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "autogo/base/error.h"
#include "graph_support.h"
#include "support/golden.h"

namespace autogo {
namespace {

using namespace testing;  // NOLINT: test helpers of this folder
using enum OpKind;

/// Something of everything that a dump can show.
Graph showcase() {
  Graph g;
  const ValueId image = g.add_input(map_type(3, 32, 32));
  Attrs conv;
  conv.kernel = {3, 3};
  conv.stride = {2, 2};
  conv.pads = {1, 1, 1, 1};
  conv.out_channels = 16;
  conv.bias = true;
  const ValueId a = g.add(kConv, conv, {image});
  Attrs depthwise;
  depthwise.kernel = {3, 5};
  depthwise.dilation = {2, 1};
  depthwise.padding = Padding::kSame;
  depthwise.out_channels = 16;
  const ValueId b = g.add(kDepthwiseConv, depthwise, {a});
  Attrs norm;
  norm.epsilon = 1e-5F;
  const ValueId c = g.add(kBatchNorm, norm, {b});
  Attrs leaky;
  leaky.alpha = 0.2F;
  const ValueId d = g.add(kAdd, {}, {g.add(kLeakyRelu, leaky, {c}), a});
  Attrs nhwc;
  nhwc.ints = {0, 2, 3, 1};
  const ValueId e = g.add(kTranspose, nhwc, {d});
  Attrs split;
  split.text = "Split";
  split.digest = 42;
  const TensorType half{DType::kFloat32, Layout::kChannelsLast, Shape{1, 16, 16, 8}};
  const TensorType count{DType::kInt64, Layout::kNone, Shape(std::span<const std::int64_t>{})};
  const std::array<Value, 2> outputs{Value{half}, Value{count}};
  const NodeId opaque = g.add_typed(kOpaque, split, std::array{e}, outputs);
  g.add_output(g.output(opaque, 0));
  g.add_output(g.output(opaque, 1));
  return g;
}

TEST(Dump, Golden) { expect_golden("graph/dump", dump(showcase())); }

TEST(Dump, NamesOnRequest) {
  Graph g;
  const auto source = std::make_shared<Source>();
  source->node_names = {"image", "Relu_0"};
  source->value_names = {"x", "y"};
  g.set_source(source);
  const ValueId x = g.add_input(map_type(), 0, 0);
  const ValueId y = g.add(kRelu, {}, std::array{x}, 1, 1);
  const ValueId z = g.add(kTanh, {}, {y});
  g.add_output(z);
  EXPECT_EQ(dump(g, true),
            "%0 = input : 1x4x8x8  # image\n"
            "%1 = relu (%0) : 1x4x8x8  # Relu_0\n"
            "%2 = tanh (%1) : 1x4x8x8  # tanh_2\n"
            "output (%2)  # output_3\n");
  EXPECT_EQ(g.value_name(y), "y");
  EXPECT_EQ(g.value_name(z), "tanh_2");
}

TEST(Graph, SecondOutputHasAName) {
  const Graph g = showcase();
  const NodeId opaque{static_cast<std::uint32_t>(g.num_nodes() - 3)};
  EXPECT_EQ(g.value_name(g.output(opaque, 1)), "opaque_7.1");
}

TEST(Graph, IsAValue) {
  Graph a = showcase();
  const std::string before = dump(a);
  Graph b = a;
  b.add_output(b.add(kRelu, {}, {ValueId{0}}));
  EXPECT_EQ(dump(a), before);
  EXPECT_EQ(b.num_nodes(), a.num_nodes() + 2);
}

TEST(Graph, Ports) {
  const Graph g = showcase();
  EXPECT_EQ(g.input_nodes(), std::vector<NodeId>{NodeId{0}});
  EXPECT_EQ(g.output_nodes(), (std::vector<NodeId>{NodeId{8}, NodeId{9}}));
  EXPECT_EQ(to_string(g.output_type(NodeId{8}).shape), "1x16x16x8");  // an output's: its input's
  EXPECT_EQ(g.value(g.output(NodeId{7}, 1)).producer, NodeId{7});
}

std::string failure(OpKind op, std::size_t inputs) {
  Graph g;
  const std::vector<ValueId> values(inputs, g.add_input(map_type()));
  try {
    g.add(op, {}, values);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    return e.what();
  }
  return "no error";
}

TEST(Graph, ArityIsChecked) {
  EXPECT_EQ(failure(kRelu, 2), "relu has 2 computed inputs, expected 1");
  EXPECT_EQ(failure(kRelu, 0), "relu has 0 computed inputs, expected 1");
  EXPECT_EQ(failure(kSub, 3), "sub has 3 computed inputs, expected 2");
  EXPECT_EQ(failure(kAdd, 1), "add has 1 computed inputs, expected 2 or more");
  EXPECT_EQ(failure(kAdd, 9), "no error");
}

TEST(Graph, ValuesMustExist) {
  Graph g;
  g.add_input(map_type());
  try {
    g.add_output(ValueId{1});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInternal);
  }
}

TEST(Uses, EveryEdgeOnce) {
  Graph g;
  const ValueId x = g.add_input(map_type());
  const ValueId y = g.add(kRelu, {}, {x});
  const ValueId z = g.add(kConcat, {}, {x, y, x});
  g.add_output(z);
  g.add_output(z);
  const Uses uses(g);
  const auto text = [&](ValueId v) {
    std::string out;
    for (const Uses::Use& use : uses.of(v)) {
      out += std::to_string(index(use.node)) + "." + std::to_string(use.slot) + " ";
    }
    return out;
  };
  EXPECT_EQ(text(x), "1.0 2.0 2.2 ");
  EXPECT_EQ(text(y), "2.1 ");
  EXPECT_EQ(text(z), "3.0 4.0 ");
}

TEST(Uses, UnusedValue) {
  Graph g;
  const ValueId x = g.add_input(map_type());
  EXPECT_TRUE(Uses(g).of(x).empty());
}

}  // namespace
}  // namespace autogo
