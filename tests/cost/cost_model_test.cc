#include "autogo/cost/cost_model.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "autogo/cost/cost.h"
#include "autogo/graph/canonical.h"
#include "support/attrs.h"

namespace autogo {
namespace {

/// Two convolutions that read one stored weight, and a third with one of its own.
Graph tied_network() {
  Graph g;
  const auto source = std::make_shared<Source>();
  source->node_facts.resize(3);
  const Source::SharedWeight weight{7, 576, 2304};
  for (const std::size_t i : {0, 1}) source->node_facts[i] = {576, 2304};
  for (const std::size_t i : {0, 1}) source->node_facts[i].shared = {weight};
  source->node_facts[2] = {576, 2304};
  TensorType type;
  type.shape = Shape({1, 8, 16, 16});
  type.layout = Layout::kChannelsFirst;
  ValueId x = g.add_input(type);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const ValueId inputs[] = {x};
    x = g.add(OpKind::kRelu, {}, {g.add(OpKind::kConv, testing::conv_attrs(8), inputs, i)});
  }
  g.add_output(x);
  g.set_source(source);
  return g;
}

TEST(Measures, AreFoundByName) {
  Measures measures;
  measures.set("macs", 3);
  measures.set("peak_memory", 1.5);
  measures.set("macs", 4);
  EXPECT_EQ(measures.size(), 2U);
  EXPECT_EQ(measures.at("macs"), 4);
  EXPECT_EQ(measures.count("macs"), 4);
  EXPECT_EQ(measures.find("params"), std::nullopt);
  EXPECT_THROW(measures.at("params"), Error);
  EXPECT_EQ(measure_word("peak_memory"), "peak-memory");
}

TEST(CostModels, NamesAreThoseOfJsonAndOfTheCommandLine) {
  const CostModels& models = standard_cost_models();
  EXPECT_EQ(models.place("peak-memory", "--x"), models.place("peak_memory", "--x"));
  try {
    models.place("speed", "--x");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    EXPECT_EQ(std::string(e.what()),
              "--x: no such measure 'speed'; expected one of " + models.words());
  }
  EXPECT_TRUE(models.words().starts_with("macs, flops, params, weight-bytes, peak-memory"));
}

TEST(CostModels, MeasureWhatTheCountsSay) {
  const Graph g = tied_network();
  const GraphCost cost = graph_cost(g);
  const Measures measures = standard_cost_models().named(standard_cost_models().measure(g));
  EXPECT_EQ(measures.count("macs"), cost.total.macs);
  EXPECT_EQ(measures.count("flops"), 2 * cost.total.macs);
  EXPECT_EQ(measures.count("params"), 2 * 576);  // the tied weight once
  EXPECT_EQ(measures.count("weight_bytes"), 2 * 2304);
  EXPECT_EQ(measures.count("peak_memory"), cost.peak_activation_bytes);
  // Three convolutions and their activations on 8 x 16 x 16 floats; a weight is read by each.
  EXPECT_EQ(measures.count("memory_traffic"), 6 * 2 * 4 * 8 * 16 * 16 + 3 * 2304);
}

/// In place and as a network of its own the measures are the same, for every cut: a weight that
/// lives on outside of the cut is counted, one that goes with it is not.
TEST(CostModels, ACandidateInPlaceCostsWhatItsNetworkCosts) {
  const Graph g = tied_network();
  const std::vector<NodeId> order = canonical_order(g, NodeIdentity::kSegment);
  const Uses uses(g);
  Graph body;
  TensorType type = g.output_type(g.input_nodes()[0]);
  body.add_output(body.add(OpKind::kConv, testing::conv_attrs(8, 1), {body.add_input(type)}));
  std::size_t cuts = 0;
  for (std::size_t begin = 0; begin < order.size(); ++begin) {
    for (std::size_t end = begin + 1; end <= order.size(); ++end) {
      const Cut cut{order, begin, end};
      bool port = false;
      for (std::size_t i = begin; i < end; ++i) {
        port = port || op_info(g.node(order[i]).op).shape_class == ShapeClass::kPort;
      }
      if (port) continue;
      ++cuts;
      const Ports ports = segment_ports(g, uses, cut);
      const Candidate candidate{&body, ports.inputs, ports.outputs};
      const Graph child = splice(g, cut, body, ports.inputs, ports.outputs);
      for (const auto& model : standard_cost_models().models()) {
        const Graph* const graphs[] = {&child};
        EXPECT_EQ(model->measure_candidate(*model->prepare(g, cut), candidate),
                  model->measure(graphs)[0])
            << begin << " " << end;
      }
    }
  }
  EXPECT_EQ(cuts, 21U);
}

}  // namespace
}  // namespace autogo
