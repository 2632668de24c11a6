// Attention as PyTorch and the libraries on it export it (attention_models.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "attention_builder.h"
#include "autogo/base/error.h"
#include "autogo/cost/cost.h"
#include "autogo/onnx/model.h"
#include "ort.h"
#include "support/command.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// The models, written once a process. Empty where PyTorch is missing.
const TempDir& models() {
  static const TempDir folder;
  return folder;
}

/// Exports them. Code 77 where PyTorch is missing, which is a reason to skip; any other is not.
const CommandResult& exported() {
  static const CommandResult result =
      run_command("/usr/bin/python3 '" AUTOGO_SOURCE_DIR "/tests/onnx/attention_models.py' '" +
                  models().path() + "'");
  return result;
}

#define AUTOGO_SKIP_WITHOUT_TORCH()                                    \
  if (exported().missing()) GTEST_SKIP() << "no Debian python3-torch"; \
  ASSERT_EQ(exported().code, 0) << exported().text

Graph imported(const std::string& name) { return import_onnx(models() / (name + ".onnx")); }

std::map<std::string, int> count_ops(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes()) ++counts[op_name(node.op)];
  return counts;
}

std::vector<NodeId> attentions(const Graph& graph) {
  std::vector<NodeId> found;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    if (graph.node(NodeId{n}).op == OpKind::kAttention) found.push_back(NodeId{n});
  }
  return found;
}

struct Case {
  std::string name;
  std::size_t attentions, inputs;
  Shape type;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> list{{"vit", 3, 1, {1, 17, 32}},
                                      {"vit_any_batch", 3, 1, {1, 17, 32}},
                                      {"swin", 2, 1, {4, 16, 32}},
                                      {"timm", 2, 1, {2, 9, 32}},
                                      {"bert", 2, 2, {2, 9, 32}},
                                      {"bert_any_batch", 2, 2, {1, 9, 32}},
                                      {"distilbert", 2, 2, {2, 9, 32}},
                                      {"sdpa", 2, 1, {2, 9, 32}},
                                      {"by_hand", 2, 2, {2, 9, 32}}};
  return list;
}

TEST(Attention, IsOneNodeInEveryForm) {
  AUTOGO_SKIP_WITHOUT_TORCH();
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Graph graph = imported(c.name);
    const std::vector<NodeId> found = attentions(graph);
    EXPECT_EQ(found.size(), c.attentions) << dump(graph);
    for (const NodeId id : found) {
      const Attrs& a = graph.node(id).attrs;
      EXPECT_EQ(a.group, 4);
      EXPECT_EQ(a.block, 8);
      EXPECT_EQ(a.out_channels, 32);
      EXPECT_TRUE(a.bias);
      EXPECT_EQ(graph.node(id).num_inputs, c.inputs);
      EXPECT_EQ(graph.output_type(id).shape, c.type);
      EXPECT_EQ(graph.type(graph.inputs(id)[0]).shape, c.type);
    }
    const auto counts = count_ops(graph);
    EXPECT_EQ(counts.count("softmax") + counts.count("matmul"), 0U) << dump(graph);
    EXPECT_EQ(counts.at("gelu"), static_cast<int>(c.attentions));  // the MLPs are as they were
    EXPECT_GE(counts.at("layer_norm"), static_cast<int>(2 * c.attentions));
  }
}

TEST(Attention, WrittenByHandWithAMaskIsOneNode) {
  const TempDir folder;
  const Graph graph = import_onnx(masked_attention().save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "dense attention add");
  const std::vector<NodeId> found = attentions(graph);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(graph.node(found[0]).num_inputs, 2U);
  EXPECT_EQ(graph.node(found[0]).attrs.group, 4);
  EXPECT_EQ(graph.node(found[0]).attrs.block, 8);
  EXPECT_EQ(graph_cost(graph).total.params, 2 * 32 * 32 + 32 * 96 + 96);
}

TEST(Attention, WithAnInnerValueThatIsSeenStaysAsItIs) {
  for (const char* const seen : {"shares", "kt", "joined"}) {
    const TempDir folder;
    OnnxBuilder b = masked_attention();
    b.output(seen);
    EXPECT_TRUE(attentions(import_onnx(b.save(folder / "m.onnx"))).empty()) << seen;
  }
}

TEST(Attention, ThatAddsScoresToThemselvesHasNoMask) {
  const TempDir folder;
  OnnxBuilder b = masked_attention();
  for (onnx::NodeProto& node : *b.model().mutable_graph()->mutable_node()) {
    if (node.output(0) == "masked") node.set_input(1, "scores");
  }
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(ops_of(graph), "dense attention add");
  EXPECT_EQ(graph.node(attentions(graph).at(0)).num_inputs, 1U);
}

/// The last node of a branch that nobody reads may leave its output out.
TEST(Attention, ThatEndsInNothingIsLeftAlone) {
  for (const std::string& last : {"mix", "back", "joined", "z"}) {
    const TempDir folder;
    OnnxBuilder b = masked_attention();
    auto& nodes = *b.model().mutable_graph()->mutable_node();
    while (nodes[nodes.size() - 1].output(0) != last) nodes.RemoveLast();
    nodes[nodes.size() - 1].set_output(0, "");
    b.node("Relu", {"h"}, {"y"});
    EXPECT_TRUE(attentions(import_onnx(b.save(folder / "m.onnx"))).empty()) << last;
  }
}

TEST(Attention, WithPartsLeftOutIsRefused) {
  const TempDir folder;
  const int nodes = masked_attention().model().graph().node_size();
  for (int i = 0; i < nodes; ++i) {
    for (int change = 0; change < 5; ++change) {
      SCOPED_TRACE("node " + std::to_string(i) + ", change " + std::to_string(change));
      OnnxBuilder b = masked_attention();
      onnx::NodeProto& node = *b.model().mutable_graph()->mutable_node(i);
      if (change == 0) node.clear_output();
      if (change == 1) node.set_output(0, "");
      if (change == 2) node.clear_input();
      if (change == 3) node.set_input(0, "");
      if (change == 4) node.mutable_input()->RemoveLast();
      EXPECT_THROW(import_onnx(b.save(folder / "m.onnx")), Error);
    }
  }
}

TEST(Attention, OverOtherTokensHasThemAsItsSecondInput) {
  AUTOGO_SKIP_WITHOUT_TORCH();
  const Graph graph = imported("decoder");
  const std::vector<NodeId> found = attentions(graph);
  ASSERT_EQ(found.size(), 1U) << dump(graph);
  EXPECT_EQ(graph.node(found[0]).attrs.text, kCrossAttention);
  EXPECT_EQ(graph.node(found[0]).attrs.axis, 0);  // tokens first
  ASSERT_EQ(graph.node(found[0]).num_inputs, 2U);
  EXPECT_EQ(node_cost(graph, found[0]).macs,
            2 * (2 * 7 * 32 * 32 + 2 * 9 * 32 * 32 + 2 * 7 * 9 * 32));
}

TEST(Attention, WhoseSharesAreSeenStaysAsItIs) {
  AUTOGO_SKIP_WITHOUT_TORCH();
  const Graph graph = imported("shown");
  EXPECT_TRUE(attentions(graph).empty());
  EXPECT_EQ(count_ops(graph).at("softmax"), 1);
}

std::vector<std::string> nodes_of(const std::string& path) {
  const onnx::ModelProto model = read_model(path);
  std::vector<std::string> nodes;
  for (const onnx::NodeProto& node : model.graph().node()) {
    if (node.op_type() != "Constant" && node.op_type() != "Identity")
      nodes.push_back(node.output(0));
  }
  return nodes;
}

/// Mask and attention are woven into each other there.
TEST(Attention, TheNodesOfAMaskKeepTheirPlaces) {
  AUTOGO_SKIP_WITHOUT_TORCH();
  const TempDir folder;
  for (const char* const name : {"bert", "distilbert", "by_hand"}) {
    SCOPED_TRACE(name);
    export_onnx(imported(name), folder / "back.onnx");
    const std::vector<std::string> before = nodes_of(models() / (std::string(name) + ".onnx"));
    std::vector<std::string> kept;  // without the shape arithmetic that was folded
    const std::vector<std::string> after = nodes_of(folder / "back.onnx");
    for (const std::string& node : before) {
      if (std::ranges::find(after, node) != after.end()) kept.push_back(node);
    }
    EXPECT_EQ(after, kept);
  }
}

TEST(Attention, GoesOutAsItCameIn) {
  AUTOGO_SKIP_WITHOUT_TORCH();
  const TempDir folder;
  std::vector<std::string> pairs;
  for (const char* const name : {"vit", "vit_any_batch", "swin", "timm", "bert", "bert_any_batch",
                                 "distilbert", "sdpa", "by_hand", "decoder", "shown"}) {
    const std::string back = folder / (std::string(name) + ".onnx");
    export_onnx(imported(name), back);
    pairs.insert(pairs.end(), {models() / (std::string(name) + ".onnx"), back});
  }
  const OrtAnswer answer = ask_ort("compare", pairs, folder / "list");
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
}

/// By hand: 4 heads of 8 channels, 32 channels, a mean and a product for each.
TEST(Attention, CountsWhatItsPartsCount) {
  AUTOGO_SKIP_WITHOUT_TORCH();
  struct Counted {
    std::string name;
    std::int64_t batch, tokens, masks, tables;
  };
  for (const Counted& c : {Counted{"vit", 1, 17, 0, 0}, Counted{"timm", 2, 9, 0, 0},
                           Counted{"bert", 2, 9, 1, 0}, Counted{"swin", 4, 16, 0, 4 * 16 * 16}}) {
    SCOPED_TRACE(c.name);
    const Graph graph = imported(c.name);
    const NodeId id = attentions(graph).at(0);
    const Cost cost = node_cost(graph, id);
    const std::int64_t tokens = c.batch * c.tokens, scores = tokens * c.tokens * 4;
    EXPECT_EQ(cost.macs, tokens * 32 * 32 * 4 + 2 * tokens * c.tokens * 32);
    EXPECT_EQ(cost.elementwise, tokens * 32 * 4 + scores * (3 + c.masks));
    EXPECT_EQ(cost.params, 4 * (32 * 32 + 32) + c.tables);
    EXPECT_EQ(node_flops(graph, id, FlopsConvention::kAutogo),
              2 * (tokens * 32 * 32 * 4 + tokens * 32 * 4) + 4 * 2 * tokens * c.tokens * 32 +
                  2 * scores + 4 * c.masks * scores);
  }
}

}  // namespace
}  // namespace autogo
