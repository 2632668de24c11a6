// Parameters, bytes and multiply-accumulates of imported nodes.
#include <gtest/gtest.h>

#include "autogo/cost/cost.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

Cost total(const OnnxBuilder& b) {
  const TempDir folder;
  return graph_cost(import_onnx(b.save(folder / "m.onnx"))).total;
}

/// Parameters of y = op(x, constants...).
struct Operand {
  std::vector<std::int64_t> dims;
  DType type = DType::kFloat32;
};
std::int64_t params(const std::string& op, const std::vector<std::int64_t>& x,
                    const std::vector<Operand>& constants, std::int64_t opset = 17,
                    const std::function<void(onnx::NodeProto&)>& attributes = {}) {
  OnnxBuilder b(opset);
  b.input("x", x).output("y");
  std::vector<std::string> inputs{"x"};
  for (const Operand& operand : constants) {
    if (operand.dims == std::vector<std::int64_t>{-1}) {
      inputs.emplace_back();
      continue;
    }
    inputs.push_back("c" + std::to_string(inputs.size()));
    if (is_floating(operand.type)) {
      b.weight(inputs.back(), operand.dims, operand.type);
      continue;
    }
    std::int64_t elements = 1;
    for (const std::int64_t d : operand.dims) elements *= d;
    auto& tensor = *b.graph().add_initializer();
    tensor.set_name(inputs.back());
    const std::vector<std::int64_t> ones(static_cast<std::size_t>(elements), 1);
    write_small({operand.type, operand.dims, ones, {}}, tensor);
  }
  auto& node = b.node(op, inputs, {"y"});
  if (attributes) attributes(node);
  return total(b).params;
}

const Operand kAbsent{{-1}};

TEST(Facts, TheSlotSaysWhatIsTrained) {
  auto hidden = [](onnx::NodeProto& n) { set_attribute(n, "hidden_size", std::int64_t{4}); };
  EXPECT_EQ(params("Conv", {1, 2, 8}, {{{6, 2, 5}}, {{6}}}), 66);
  EXPECT_EQ(params("LayerNormalization", {2, 6}, {{{6}}}), 6);
  EXPECT_EQ(params("LayerNormalization", {2, 6}, {{{6}}, {{6}}}), 12);
  EXPECT_EQ(params("RMSNormalization", {2, 6}, {{{6}}}, 23), 6);
  EXPECT_EQ(params("GroupNormalization", {1, 8, 4, 4}, {{{2}}, {{2}}}, 18,
                   [](auto& n) { set_attribute(n, "num_groups", std::int64_t{2}); }),
            4);
  EXPECT_EQ(params("BatchNormalization", {1, 8, 4, 4}, {{{8}}, {{8}}, {{8}}, {{8}}}), 16);
  EXPECT_EQ(params("PRelu", {1, 8, 4, 4}, {{{1}}}), 1);
  EXPECT_EQ(
      params("LSTM", {5, 1, 3},
             {{{1, 16, 3}}, {{1, 16, 4}}, {{1, 32}}, kAbsent, {{1, 1, 4}}, {{1, 1, 4}}, {{1, 12}}},
             14, hidden),
      48 + 64 + 32 + 12);
  EXPECT_EQ(params("GRU", {5, 1, 3}, {{{1, 12, 3}}, {{1, 12, 4}}, kAbsent, kAbsent, {{1, 1, 4}}},
                   14, hidden),
            36 + 48);
  EXPECT_EQ(params("Add", {1, 8}, {{{8}}}), 8);  // a bias
  EXPECT_EQ(params("Mul", {1, 8}, {{{1}}}), 0);  // a number
  EXPECT_EQ(params("Sub", {1, 8}, {{{8}}}), 0);  // the mean of pictures
  EXPECT_EQ(params("Gather", {3, 5}, {{{2}, DType::kInt32}}), 0);
  EXPECT_EQ(params("STFT", {1, 64, 1}, {{{}, DType::kInt64}, {{16}}}), 0);
  EXPECT_EQ(params("Pad", {2, 3}, {{{4}, DType::kInt64}}), 0);
}

TEST(Facts, QuantisedWeightsAndBiasesCount) {
  EXPECT_EQ(
      params("MatMulInteger", {1, 8}, {{{8, 4}, DType::kInt8}, kAbsent, {{4}, DType::kInt8}}, 10),
      32);
  OnnxBuilder b(13);
  b.input("x", {1, 8}).output("y").weight("scales", {4});
  auto integers = [&](const std::string& name, DType type, std::vector<std::int64_t> dims) {
    std::int64_t elements = 1;
    for (const std::int64_t d : dims) elements *= d;
    auto& tensor = *b.graph().add_initializer();
    tensor.set_name(name);
    write_small({type, dims, std::vector<std::int64_t>(static_cast<std::size_t>(elements), 3), {}},
                tensor);
  };
  integers("w", DType::kInt8, {8, 4});
  integers("b", DType::kInt32, {4});
  integers("zero", DType::kInt8, {4});
  set_attribute(b.node("DequantizeLinear", {"w", "scales", "zero"}, {"wf"}), "axis",
                std::int64_t{1});
  set_attribute(b.node("DequantizeLinear", {"b", "scales"}, {"bf"}), "axis", std::int64_t{0});
  b.node("Gemm", {"x", "wf", "bf"}, {"y"});
  const Cost cost = total(b);
  EXPECT_EQ(cost.params, 32 + 4);  // neither the scales nor the zero points
  EXPECT_EQ(cost.weight_bytes, 32 + 4 * 4);
}

TEST(Facts, AWeightIsCountedWhereItIsStored) {
  // Stored transposed and halved, read by two: the word embedding that is also the classifier.
  OnnxBuilder b(13);
  b.input("ids", {1, 5}, onnx::TensorProto::INT64).output("y").weight("w", {10, 4});
  b.node("Gather", {"w", "ids"}, {"e"});
  set_attribute(b.node("Transpose", {"w"}, {"wt"}), "perm", std::vector<std::int64_t>{1, 0});
  b.node("MatMul", {"e", "wt"}, {"y"});
  const Cost cost = total(b);
  EXPECT_EQ(cost.params, 40);
  EXPECT_EQ(cost.weight_bytes, 160);
}

TEST(Facts, OnePartOfAWeightIsThePartOfAll) {
  OnnxBuilder b(13);
  b.input("x", {1, 4}).output("y").weight("qkv", {4, 12});
  set_attribute(b.node("Split", {"qkv"}, {"q", "k", "v"}), "axis", std::int64_t{1});
  b.node("MatMul", {"x", "q"}, {"a"});
  b.node("MatMul", {"x", "k"}, {"b"});
  b.node("MatMul", {"x", "v"}, {"c"});
  b.node("Sum", {"a", "b", "c"}, {"y"});
  EXPECT_EQ(total(b).params, 48);
}

TEST(Facts, TheBiasOfADenseLayerWithOneOutputIsNoNumber) {
  OnnxBuilder b(13);
  b.input("x", {2, 4}).output("y").weight("w", {4, 1}).weight("b", {1});
  b.node("MatMul", {"x", "w"}, {"m"});
  b.node("Add", {"m", "b"}, {"y"});
  EXPECT_EQ(total(b).params, 5);
}

TEST(Facts, ZerosLikeTheInputAreNoWeight) {
  for (const std::int64_t size : {8, 100'000}) {  // known numbers, and too many to be
    OnnxBuilder b(13);
    b.input("x", {1, size}).output("y");
    b.node("Shape", {"x"}, {"s"});
    b.node("ConstantOfShape", {"s"}, {"z"});
    b.node("Add", {"x", "z"}, {"y"});
    EXPECT_EQ(total(b).params, 0) << size;
  }
}

TEST(Facts, AClassTokenThatIsStretchedIsAWeight) {
  OnnxBuilder b(13);
  b.input("x", {3, 4, 6})
      .output("y")
      .weight("cls", {1, 1, 6})
      .ints("zero", {0})
      .ints("rest", {1, 6});
  b.node("Shape", {"x"}, {"s"});
  b.node("Gather", {"s", "zero"}, {"n"});
  set_attribute(b.node("Concat", {"n", "rest"}, {"to"}), "axis", std::int64_t{0});
  b.node("Expand", {"cls", "to"}, {"e"});
  set_attribute(b.node("Concat", {"e", "x"}, {"y"}), "axis", std::int64_t{1});
  EXPECT_EQ(total(b).params, 6);
}

TEST(Facts, WeightsInsideSubgraphsCount) {
  OnnxBuilder b(13);
  b.input("x", {1, 4})
      .input("c", {}, onnx::TensorProto::BOOL)
      .weight("w", {5, 4})
      .output("y", {1, 5});
  auto& node = b.node("If", {"c"}, {"y"});
  for (const std::string branch : {"then_branch", "else_branch"}) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(branch);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    auto& g = *attribute.mutable_g();
    g.set_name(branch);
    const std::string own = branch + "_b", wt = branch + "_wt", m = branch + "_m";
    auto& tensor = *g.add_initializer();
    tensor.set_name(own);
    write_small({DType::kFloat32, {5}, {}, {1, 2, 3, 4, 5}}, tensor);
    auto add = [&](const char* op, std::initializer_list<std::string> inputs,
                   const std::string& output) {
      auto& inner = *g.add_node();
      inner.set_op_type(op);
      for (const std::string& name : inputs) inner.add_input(name);
      inner.add_output(output);
    };
    add("Transpose", {"w"}, wt);
    add("MatMul", {"x", wt}, m);
    add("Add", {m, own}, branch + "_y");
    OnnxBuilder::set_type(*g.add_output(), branch + "_y", {1, 5}, onnx::TensorProto::FLOAT);
  }
  const Cost cost = total(b);
  EXPECT_EQ(cost.params, 20 + 5 + 5);  // the matrix once
  EXPECT_EQ(cost.weight_bytes, 120);
}

TEST(Facts, OperatorsOfOtherDomainsHaveWeightsByTheirSize) {
  OnnxBuilder b(13);
  b.input("x", {1, 4}).output("y", {1, 4}).weight("w", {4, 4}).scalar("k", 2).ints("shape", {1, 4});
  b.node("Mystery", {"x", "w", "k", "shape"}, {"y"}).set_domain("vendor");
  auto& import = *b.model().add_opset_import();
  import.set_domain("vendor");
  import.set_version(1);
  EXPECT_EQ(total(b).params, 16);
}

std::int64_t attention_macs(std::vector<std::vector<std::int64_t>> dims, std::int64_t q_heads,
                            std::int64_t kv_heads) {
  OnnxBuilder b(23, 11);
  std::vector<std::string> inputs;
  for (const auto& d : dims) {
    inputs.push_back("i" + std::to_string(inputs.size()));
    if (inputs.size() == 4) inputs.back() = "";  // no mask
    if (!inputs.back().empty()) b.input(inputs.back(), d);
  }
  b.output("y");
  auto& node = b.node("Attention", inputs, {"y"});
  if (q_heads > 0) set_attribute(node, "q_num_heads", q_heads);
  if (kv_heads > 0) set_attribute(node, "kv_num_heads", kv_heads);
  return total(b).macs;
}

TEST(Facts, AttentionCountsScoresAndValues) {
  EXPECT_EQ(attention_macs({{1, 10, 16}, {1, 10, 16}, {1, 10, 16}}, 2, 2), 2 * 2 * 10 * 10 * 8);
  // Grouped: two key heads serve six query heads; keys of 8, values of 6.
  EXPECT_EQ(attention_macs({{2, 5, 48}, {2, 7, 16}, {2, 7, 12}}, 6, 2), 2 * 6 * 5 * 7 * (8 + 6));
  EXPECT_EQ(attention_macs({{2, 6, 5, 8}, {2, 2, 7, 8}, {2, 2, 7, 6}}, 0, 0),
            2 * 6 * 5 * 7 * (8 + 6));
  // With three positions of the past.
  EXPECT_EQ(attention_macs(
                {{2, 6, 5, 8}, {2, 2, 7, 8}, {2, 2, 7, 6}, {}, {2, 2, 3, 8}, {2, 2, 3, 6}}, 0, 0),
            2 * 6 * 5 * 10 * (8 + 6));
}

TEST(Facts, AConstantThatIsAnOutputCostsNothing) {
  OnnxBuilder b;
  b.input("x", {1, 4}).weight("w", {3}).output("y", {1, 4}).output("w", {3});
  b.node("Relu", {"x"}, {"y"});
  const TempDir folder;
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    EXPECT_FALSE(unknown_cost(graph, NodeId{n})) << graph.node_name(NodeId{n});
  }
}

}  // namespace
}  // namespace autogo
