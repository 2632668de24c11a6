#include <gtest/gtest.h>

#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

Graph imported(const OnnxBuilder& builder) {
  const TempDir folder;
  return import_onnx(builder.save(folder / "m.onnx"));
}

OnnxBuilder map_model(std::int64_t opset = 13) {
  OnnxBuilder b(opset);
  b.input("x", {1, 8, 6, 6}).output("y");
  return b;
}

TEST(Patterns, ClipFromZeroToSixIsRelu6) {
  OnnxBuilder by_input = map_model();
  by_input.scalar("low", 0).scalar("high", 6).node("Clip", {"x", "low", "high"}, {"y"});
  EXPECT_EQ(ops_of(imported(by_input)), "relu6");
  OnnxBuilder other = map_model();
  other.scalar("low", 0).scalar("high", 5).node("Clip", {"x", "low", "high"}, {"y"});
  EXPECT_EQ(ops_of(imported(other)), "opaque:Clip");
  OnnxBuilder by_attribute = map_model(9);
  auto& clip = by_attribute.node("Clip", {"x"}, {"y"});
  set_attribute(clip, "min", 0.0F);
  set_attribute(clip, "max", 6.0F);
  EXPECT_EQ(ops_of(imported(by_attribute)), "relu6");
}

TEST(Patterns, SwishInBothOrders) {
  for (const bool first : {true, false}) {
    OnnxBuilder b = map_model();
    b.node("Sigmoid", {"x"}, {"s"});
    b.node("Mul", first ? std::vector<std::string>{"s", "x"} : std::vector<std::string>{"x", "s"},
           {"y"});
    EXPECT_EQ(ops_of(imported(b)), "swish");
  }
}

TEST(Patterns, AnInnerValueThatIsSeenPreventsTheIdiom) {
  OnnxBuilder output = map_model();
  output.node("Sigmoid", {"x"}, {"s"});
  output.node("Mul", {"x", "s"}, {"y"});
  output.output("s");
  EXPECT_EQ(ops_of(imported(output)), "sigmoid mul");
  OnnxBuilder used = map_model();
  used.node("Sigmoid", {"x"}, {"s"});
  used.node("Mul", {"x", "s"}, {"p"});
  used.node("Add", {"p", "s"}, {"y"});
  EXPECT_EQ(ops_of(imported(used)), "sigmoid mul add");
}

TEST(Patterns, HardSwishInEveryForm) {
  OnnxBuilder one = map_model(14);
  one.node("HardSwish", {"x"}, {"y"});
  EXPECT_EQ(ops_of(imported(one)), "hard_swish");
  OnnxBuilder two = map_model();
  set_attribute(two.node("HardSigmoid", {"x"}, {"h"}), "alpha", 1.0F / 6);
  two.node("Mul", {"x", "h"}, {"y"});
  EXPECT_EQ(ops_of(imported(two)), "hard_swish");
  for (const bool inner : {true, false}) {
    OnnxBuilder b = map_model();
    b.scalar("three", 3).scalar("zero", 0).scalar("six", 6);
    b.node("Add", {"x", "three"}, {"a"});
    b.node("Clip", {"a", "zero", "six"}, {"c"});
    if (inner) {
      b.node("Div", {"c", "six"}, {"d"});
      b.node("Mul", {"x", "d"}, {"y"});
    } else {
      b.node("Mul", {"x", "c"}, {"d"});
      b.node("Div", {"d", "six"}, {"y"});
    }
    EXPECT_EQ(ops_of(imported(b)), "hard_swish");
  }
  OnnxBuilder other = map_model();  // alpha 0.2 is another function
  other.node("HardSigmoid", {"x"}, {"h"});
  other.node("Mul", {"x", "h"}, {"y"});
  EXPECT_EQ(ops_of(imported(other)), "hard_sigmoid mul");
}

TEST(Patterns, GeluByErfWhereverTheHalfStands) {
  auto gelu = [](int half_at) {
    OnnxBuilder b = map_model();
    b.scalar("root", 1.41421356).scalar("one", 1).scalar("half", 0.5);
    b.node("Div", {"x", "root"}, {"d"});
    b.node("Erf", {"d"}, {"e"});
    b.node("Add", {"e", "one"}, {"a"});
    if (half_at == 0) {
      b.node("Mul", {"x", "a"}, {"p"});
      b.node("Mul", {"p", "half"}, {"y"});
    } else if (half_at == 1) {
      b.node("Mul", {"x", "half"}, {"p"});
      b.node("Mul", {"p", "a"}, {"y"});
    } else {
      b.node("Mul", {"half", "a"}, {"p"});
      b.node("Mul", {"x", "p"}, {"y"});
    }
    return ops_of(imported(b));
  };
  for (const int half_at : {0, 1, 2}) EXPECT_EQ(gelu(half_at), "gelu");
}

TEST(Patterns, GeluByTanh) {
  OnnxBuilder b = map_model();
  b.scalar("three", 3)
      .scalar("c", 0.044715)
      .scalar("k", 0.7978845608)
      .scalar("one", 1)
      .scalar("half", 0.5);
  b.node("Pow", {"x", "three"}, {"cube"});
  b.node("Mul", {"cube", "c"}, {"m"});
  b.node("Add", {"x", "m"}, {"s"});
  b.node("Mul", {"s", "k"}, {"t"});
  b.node("Tanh", {"t"}, {"h"});
  b.node("Add", {"h", "one"}, {"a"});
  b.node("Mul", {"x", "half"}, {"p"});
  b.node("Mul", {"p", "a"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "gelu");
  EXPECT_EQ(graph.node(NodeId{1}).attrs.text, "tanh");
}

OnnxBuilder squeeze_excite(bool swish, bool outside = false) {
  OnnxBuilder b = map_model();
  b.weight("w1", {2, 8, 1, 1}).weight("b1", {2}).weight("w2", {8, 2, 1, 1}).weight("b2", {8});
  b.ints("axes", {2, 3});
  b.node("GlobalAveragePool", {"x"}, {"mean"});
  b.node("Conv", {"mean", "w1", "b1"}, {"r"});
  if (swish) {
    b.node("Sigmoid", {"r"}, {"rs"});
    b.node("Mul", {"r", "rs"}, {"a"});
  } else {
    b.node("Relu", {"r"}, {"a"});
  }
  b.node("Conv", {"a", "w2", "b2"}, {"e"});
  b.node("Sigmoid", {"e"}, {"g"});
  b.node("Mul", {"g", "x"}, {"y"});
  if (outside) b.output("g");
  return b;
}

TEST(Patterns, SqueezeAndExcite) {
  const Graph relu = imported(squeeze_excite(false));
  EXPECT_EQ(ops_of(relu), "squeeze_excite");
  EXPECT_EQ(relu.node(NodeId{1}).attrs.out_channels, 2);
  EXPECT_EQ(relu.node(NodeId{1}).attrs.text, "relu,sigmoid");
  EXPECT_TRUE(relu.node(NodeId{1}).attrs.bias);
  const Graph swish = imported(squeeze_excite(true));
  EXPECT_EQ(ops_of(swish), "squeeze_excite");
  EXPECT_EQ(swish.node(NodeId{1}).attrs.text, "swish,sigmoid");
  EXPECT_EQ(swish.source()->node_facts[swish.node(NodeId{1}).origin].params, 16 + 2 + 16 + 8);
  EXPECT_EQ(ops_of(imported(squeeze_excite(true, true))),
            "global_avg_pool conv swish conv sigmoid mul");
}

TEST(Patterns, MatMulAndAddAreDense) {
  OnnxBuilder b;
  b.input("x", {1, 5, 8}).weight("w", {8, 3}).weight("b", {3}).output("y");
  b.node("MatMul", {"x", "w"}, {"m"});
  b.node("Add", {"b", "m"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "dense");
  EXPECT_TRUE(graph.node(NodeId{1}).attrs.bias);
  EXPECT_EQ(graph.node(NodeId{1}).attrs.out_channels, 3);
  OnnxBuilder c;  // a bias by token is something else
  c.input("x", {1, 5, 8}).weight("w", {8, 3}).weight("b", {5, 3}).output("y");
  c.node("MatMul", {"x", "w"}, {"m"});
  c.node("Add", {"b", "m"}, {"y"});
  EXPECT_EQ(ops_of(imported(c)), "dense opaque:Add");
}

TEST(Patterns, LayerNormByItsParts) {
  OnnxBuilder b;
  b.input("x", {1, 5, 8}).weight("gamma", {8}).weight("beta", {8}).output("y");
  b.scalar("two", 2).scalar("epsilon", 1e-6);
  const std::vector<std::int64_t> last{-1};
  set_attribute(b.node("ReduceMean", {"x"}, {"mean"}), "axes", last);
  b.node("Sub", {"x", "mean"}, {"d"});
  b.node("Pow", {"d", "two"}, {"sq"});
  set_attribute(b.node("ReduceMean", {"sq"}, {"var"}), "axes", last);
  b.node("Add", {"var", "epsilon"}, {"safe"});
  b.node("Sqrt", {"safe"}, {"dev"});
  b.node("Div", {"d", "dev"}, {"n"});
  b.node("Mul", {"n", "gamma"}, {"g"});
  b.node("Add", {"g", "beta"}, {"y"});
  const Graph graph = imported(b);
  EXPECT_EQ(ops_of(graph), "layer_norm");
  EXPECT_FLOAT_EQ(graph.node(NodeId{1}).attrs.epsilon, 1e-6F);
  EXPECT_EQ(graph.source()->node_facts[graph.node(NodeId{1}).origin].params, 16);
}

TEST(Patterns, DropoutIdentityAndMonadicConcatVanish) {
  OnnxBuilder b = map_model(9);
  b.node("Identity", {"x"}, {"i"});
  b.node("Relu", {"i"}, {"r"});
  b.node("Dropout", {"r"}, {"d", "mask"});
  set_attribute(b.node("Concat", {"d"}, {"c"}), "axis", std::int64_t{1});
  b.node("Tanh", {"c"}, {"y"});
  EXPECT_EQ(ops_of(imported(b)), "relu tanh");
  OnnxBuilder mask = map_model(9);  // somebody looks at the mask
  mask.node("Dropout", {"x"}, {"y", "mask"});
  mask.graph().add_output()->set_name("mask");
  EXPECT_EQ(ops_of(imported(mask)), "opaque:Dropout");
}

TEST(Patterns, ConstantOperandsAreOpaque) {
  OnnxBuilder b = map_model();
  b.weight("c", {8, 1, 1}).node("Add", {"x", "c"}, {"y"});
  EXPECT_EQ(ops_of(imported(b)), "opaque:Add");
}

}  // namespace
}  // namespace autogo
