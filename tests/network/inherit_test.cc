#include "autogo/network/inherit.h"

#include <ATen/ATen.h>

#include "net_module.h"
#include "onnx/onnx_builder.h"
#include "run_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using testing::random_weights;

/// conv -> batch norm -> relu -> [conv w -> batch norm -> relu -> conv] -> mean -> dense; what is
/// in brackets is new, `middle` wide.
Graph network(const Graph& source, std::int32_t middle, bool extra_pool = false) {
  Graph g;
  g.set_source(source.source());
  std::vector<ValueId> map(source.num_values());
  Attrs conv, norm;
  conv.kernel = {3, 3};
  conv.padding = Padding::kSame;
  norm.epsilon = 1e-5F;
  for (std::uint32_t i = 0; i < source.num_nodes(); ++i) {
    const NodeId id{i};
    const Node& node = source.node(id);
    if (node.op == OpKind::kInput) {
      map[index(source.output(id))] = g.add_input(source.type(source.output(id)), node.origin,
                                                  source.value(source.output(id)).origin);
      continue;
    }
    ValueId in = map[index(source.inputs(id)[0])];
    if (node.op == OpKind::kOutput) {
      g.add_output(in, node.origin);
      continue;
    }
    if (node.op == OpKind::kGlobalAvgPool) {
      conv.out_channels = middle;
      in = g.add(OpKind::kConv, conv, {in});
      in = g.add(OpKind::kBatchNorm, norm, {in});
      in = g.add(OpKind::kRelu, {}, {in});
      if (extra_pool) {
        Attrs pool;
        pool.kernel = {3, 3};
        pool.padding = Padding::kSame;
        in = g.add(OpKind::kMaxPool, pool, {in});
      }
      conv.out_channels = 6;
      conv.bias = true;
      in = g.add(OpKind::kConv, conv, {in});
    }
    const std::array<ValueId, 1> inputs{in};
    map[index(source.output(id))] =
        g.add(node.op, node.attrs, inputs, node.origin, source.value(source.output(id)).origin);
  }
  return g;
}

Graph source_network() {
  OnnxBuilder b(13);
  b.input("x", {1, 3, 8, 8}).output("y", {1, 5});
  b.weight("w", {6, 3, 3, 3}).weight("fc", {5, 6}).weight("fb", {5});
  set_attribute(b.node("Conv", {"x", "w"}, {"c"}), "pads", std::vector<std::int64_t>{1, 1, 1, 1});
  b.node("Relu", {"c"}, {"r"});
  b.node("GlobalAveragePool", {"r"}, {"m"});
  b.node("Flatten", {"m"}, {"f"});
  set_attribute(b.node("Gemm", {"f", "fc", "fb"}, {"y"}), "transB", std::int64_t{1});
  const TempDir folder;
  return import_onnx(b.save(folder / "a.onnx"));
}

torch::Tensor output(const Program& program, const std::map<std::string, ProgramTensor>& weights) {
  NetModule net(program, {});
  auto state = net.state();
  for (const auto& [name, tensor] : weights) state.at(name) = to_torch(tensor, at::kFloat);
  net.load_state(state);
  const torch::NoGradGuard no_grad;
  return net.forward({at::sin(at::arange(2 * 3 * 64, at::kFloat) * 0.7).view({2, 3, 8, 8})})[0];
}

std::string text_of(const InheritedWeights& inherited) {
  std::string text;
  for (const InheritedWeight& w : inherited.report) {
    text +=
        w.name + " " + inheritance_name(w.kind) + (w.parent.empty() ? "" : " " + w.parent) + "\n";
  }
  return text;
}

TEST(Inherit, WideningKeepsTheFunction) {
  const Graph source = source_network();
  const Graph parent = network(source, 4), child = network(source, 7);
  const Program p = lower(parent), c = lower(child);
  const auto trained = random_weights(p, 3);
  const InheritedWeights inherited = inherit_weights(parent, p, trained, child, c);
  EXPECT_EQ(text_of(inherited),
            "w kept w\n"
            "conv_3.weight widened conv_3.weight\n"
            "batch_norm_4.scale widened batch_norm_4.scale\n"
            "batch_norm_4.bias widened batch_norm_4.bias\n"
            "batch_norm_4.mean widened batch_norm_4.mean\n"
            "batch_norm_4.variance widened batch_norm_4.variance\n"
            "conv_6.weight widened conv_6.weight\n"
            "conv_6.bias copied conv_6.bias\n"
            "fc kept fc\n"
            "fb kept fb\n");
  EXPECT_EQ(inherited.survived(), 1);
  const torch::Tensor before = output(p, trained), after = output(c, inherited.weights);
  EXPECT_LT((before - after).abs().max().item<double>(), 1e-5 * before.abs().max().item<double>());
}

TEST(Inherit, NarrowingTakesTheFirstChannels) {
  const Graph source = source_network();
  const Graph parent = network(source, 4), child = network(source, 3);
  const Program p = lower(parent), c = lower(child);
  const auto trained = random_weights(p, 3);
  const InheritedWeights inherited = inherit_weights(parent, p, trained, child, c);
  const torch::Tensor old = to_torch(trained.at("conv_6.weight"), at::kFloat);
  const torch::Tensor now = to_torch(inherited.weights.at("conv_6.weight"), at::kFloat);
  EXPECT_TRUE(at::equal(now, old.narrow(1, 0, 3)));
  EXPECT_EQ(inherited.report[1].kind, Inheritance::kSliced);
  // A narrow network widened to what it was computes what the narrow one does.
  const InheritedWeights back = inherit_weights(child, c, inherited.weights, parent, p);
  EXPECT_LT((output(c, inherited.weights) - output(p, back.weights)).abs().max().item<double>(),
            1e-4);
}

TEST(Inherit, KeptNodesKeepTrainedBits) {
  const Graph source = source_network();
  const Graph parent = network(source, 4), child = network(source, 4, true);
  const Program p = lower(parent), c = lower(child);
  const auto trained = random_weights(p, 3);
  const InheritedWeights inherited = inherit_weights(parent, p, trained, child, c);
  EXPECT_EQ(inherited.survived(), 1);
  for (const InheritedWeight& w : inherited.report) {
    EXPECT_TRUE(w.kind == Inheritance::kKept || w.kind == Inheritance::kCopied) << w.name;
    EXPECT_EQ(inherited.weights.at(w.name).bytes, trained.at(w.parent).bytes) << w.name;
  }
}

TEST(Inherit, WhatHasNoCounterpartIsFresh) {
  const Graph source = source_network();
  const Graph child = network(source, 4);
  const Program p = lower(source), c = lower(child);
  const InheritedWeights inherited = inherit_weights(source, p, {}, child, c);
  EXPECT_EQ(text_of(inherited),
            "w kept w\n"
            "conv_3.weight fresh\n"
            "batch_norm_4.scale fresh\n"
            "batch_norm_4.bias fresh\n"
            "batch_norm_4.mean fresh\n"
            "batch_norm_4.variance fresh\n"
            "conv_6.weight fresh\n"
            "conv_6.bias fresh\n"
            "fc kept fc\n"
            "fb kept fb\n");
  EXPECT_NEAR(inherited.survived(), (162.0 + 35) / (162 + 35 + 6 * 4 * 9 + 16 + 4 * 6 * 9 + 6),
              1e-12);
}

}  // namespace
}  // namespace autogo
