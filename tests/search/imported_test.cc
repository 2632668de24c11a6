// Searches on networks as files bring them: nodes that the user froze, operators that autogo does
// not know, weights that two nodes share, nodes with two outputs. What stays goes out as it came in.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "autogo/cost/cost.h"
#include "autogo/onnx/model.h"
#include "autogo/search/search.h"
#include "onnx_builder.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::FakePredictor;
using testing::TemporaryFolder;

/// Conv, batch norm and ReLU; the nodes are NAME_Conv, NAME_bn_BatchNormalization, NAME_out_Relu.
std::string conv_bn_relu(OnnxBuilder& b, const std::string& name, const std::string& x,
                         std::int64_t in, std::int64_t out) {
  b.weight(name + "_w", {out, in, 3, 3});
  auto& conv = b.node("Conv", {x, name + "_w"}, {name});
  auto& pads = *conv.add_attribute();
  pads.set_name("pads");
  pads.set_type(onnx::AttributeProto::INTS);
  for (int i = 0; i < 4; ++i) pads.add_ints(1);
  std::vector<std::string> inputs = {name};
  for (const char* part : {"_scale", "_shift", "_mean", "_var"}) {
    b.weight(name + part, {out});
    inputs.push_back(name + part);
  }
  auto& variance = *b.graph().mutable_initializer(b.graph().initializer_size() - 1);
  const std::vector<float> ones(static_cast<std::size_t>(out), 1.0F);
  variance.set_raw_data(ones.data(), ones.size() * sizeof(float));
  b.node("BatchNormalization", inputs, {name + "_bn"});
  b.node("Relu", {name + "_bn"}, {name + "_out"});
  return name + "_out";
}

/// A convolution with weights that another one may have too.
std::string tied_conv(OnnxBuilder& b, const std::string& name, const std::string& x) {
  auto& conv = b.node("Conv", {x, "tied_w"}, {name});
  auto& pads = *conv.add_attribute();
  pads.set_name("pads");
  pads.set_type(onnx::AttributeProto::INTS);
  for (int i = 0; i < 4; ++i) pads.add_ints(1);
  b.node("Relu", {name}, {name + "_out"});
  return name + "_out";
}

OnnxBuilder mixed_model() {
  OnnxBuilder b;
  b.input("x", {1, 3, 16, 16}).output("y", {1, 10});
  std::string x = conv_bn_relu(b, "stem", "x", 3, 16);
  x = conv_bn_relu(b, "body1", x, 16, 16);
  auto& split = b.node("Split", {x}, {"left", "right"});
  auto& axis = *split.add_attribute();
  axis.set_name("axis");
  axis.set_type(onnx::AttributeProto::INT);
  axis.set_i(1);
  b.weight("tied_w", {8, 8, 3, 3});
  const std::string left = tied_conv(b, "tied1", "left"), right = tied_conv(b, "tied2", "right");
  auto& lrn = b.node("LRN", {right}, {"opaque"});
  auto& size = *lrn.add_attribute();
  size.set_name("size");
  size.set_type(onnx::AttributeProto::INT);
  size.set_i(3);
  b.node("Add", {left, "opaque"}, {"sum"});
  x = conv_bn_relu(b, "body2", "sum", 8, 16);
  x = conv_bn_relu(b, "body3", x, 16, 16);
  b.node("GlobalAveragePool", {x}, {"pooled"});
  b.node("Flatten", {"pooled"}, {"flat"});
  b.weight("head_w", {16, 10});
  b.node("MatMul", {"flat", "head_w"}, {"y"});
  return b;
}

std::map<std::string, onnx::NodeProto> nodes_by_name(const onnx::ModelProto& model) {
  std::map<std::string, onnx::NodeProto> nodes;
  for (const auto& node : model.graph().node()) nodes[node.name()] = node;
  return nodes;
}

std::map<std::string, std::string> weights_by_name(const onnx::ModelProto& model) {
  std::map<std::string, std::string> weights;
  for (const auto& tensor : model.graph().initializer()) {
    weights[tensor.name()] = tensor.raw_data();
  }
  return weights;
}

class Imported : public ::testing::Test {
 protected:
  Imported() {
    config_ = testing::small_config(6);
    config_.model = mixed_model().save(folder_ / "model.onnx");
    config_.options.freeze = {"stem*", "body3_Conv"};
    config_.options.new_weights = ExportWeights::kRandom;
    config_.options.min_gain = -0.5;
    config_.options.max_flops_decrease = 60;
    config_.options.members = 12;
    input_ = import_onnx(config_.model);
    database_.add_segments_of(input_, "input");
  }
  SearchResult search(const std::string& name, const Predictor& predictor = FakePredictor(),
                      SearchRun run = {}) const {
    run.directory = folder_ / name;
    run.resume = std::filesystem::exists(run.directory + "/config.json");
    return run_search(config_, run, input_, database_, predictor);
  }

  TemporaryFolder folder_;
  SearchConfig config_;
  Graph input_;
  SegmentDatabase database_ = testing::small_database();
};

TEST_F(Imported, WhatTheSearchMayNotChangeStaysAsItWas) {
  const auto original = read_model(config_.model);
  const auto nodes = nodes_by_name(original);
  const auto weights = weights_by_name(original);
  const SearchResult result = search("run");
  ASSERT_GE(result.front.size(), 5U);
  const std::string always[] = {"stem_Conv",          "stem_bn_BatchNormalization",
                                "stem_out_Relu",      "body3_Conv",
                                "left_Split",         "opaque_LRN",
                                "flat_Flatten"};
  int split_tied = 0;
  std::set<std::uint64_t> hashes;
  for (const FrontMember& m : result.front) {
    SCOPED_TRACE(m.model);
    const std::string path = folder_ / "run/" + m.model;
    expect_valid(path);
    const auto exported = read_model(path);
    const auto now = nodes_by_name(exported);
    const auto now_weights = weights_by_name(exported);
    for (const std::string& name : always) {
      ASSERT_TRUE(now.contains(name)) << name;
      EXPECT_EQ(now.at(name).op_type(), nodes.at(name).op_type());
      EXPECT_EQ(now.at(name).output_size(), nodes.at(name).output_size());
    }
    for (const auto& [name, node] : now) {  // weights of all that came from the model
      if (!nodes.contains(name)) continue;
      for (const std::string& input : node.input()) {
        if (!weights.contains(input)) continue;
        EXPECT_EQ(now_weights.at(input), weights.at(input)) << input;
      }
    }
    int tied = 0;
    for (const char* name : {"tied1_Conv", "tied2_Conv"}) {
      if (!now.contains(name)) continue;
      EXPECT_EQ(now.at(name).input(1), "tied_w");
      ++tied;
    }
    split_tied += tied == 1 ? 1 : 0;
    const Graph back = import_onnx(path);
    EXPECT_EQ(graph_macs(back), m.measures.count("macs"));
    EXPECT_TRUE(hashes.insert(canonical_hash(back)).second);
  }
  EXPECT_GT(split_tied, 0) << "no member replaces one of the nodes that share weights";
}

TEST_F(Imported, AnInterruptedRunGoesOnToTheSameEnd) {
  search("whole");
  std::atomic<bool> stop{false};
  class Stopper : public FakePredictor {
   public:
    explicit Stopper(std::atomic<bool>& stop) : stop_(stop) {}
    std::unique_ptr<CutContext> prepare(const Graph& graph, const Cut& cut) const override {
      if (++count_ == 15) stop_ = true;
      return FakePredictor::prepare(graph, cut);
    }

   private:
    std::atomic<bool>& stop_;
    mutable std::atomic<int> count_{0};
  };
  SearchRun run;
  run.stop = &stop;
  EXPECT_EQ(search("stopped", Stopper(stop), run).status, SearchStatus::kInterrupted);
  EXPECT_EQ(search("stopped").status, SearchStatus::kDone);
  for (const char* file : {"/journal.jsonl", "/pareto.json"}) {
    EXPECT_EQ(read_file(folder_ / "whole" + file), read_file(folder_ / "stopped" + file));
  }
}

TEST_F(Imported, AChangedWeightIsAnotherModel) {
  search("run");
  OnnxBuilder changed = mixed_model();
  (*changed.graph().mutable_initializer(0)->mutable_raw_data())[5] ^= 1;
  changed.save(config_.model);
  input_ = import_onnx(config_.model);
  try {
    search("run");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    const std::string expected = (folder_ / "run") + ": the model '" + config_.model +
                                 "' has changed since the run began (hash ";
    EXPECT_EQ(std::string(e.what()).substr(0, expected.size()), expected);
  }
}

}  // namespace
}  // namespace autogo
