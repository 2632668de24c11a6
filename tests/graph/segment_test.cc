#include "autogo/graph/segment.h"

#include <gtest/gtest.h>

#include <string>

#include "autogo/base/error.h"
#include "autogo/corpus/networks.h"
#include "graph_support.h"

namespace autogo {
namespace {

using namespace testing;  // NOLINT: test helpers of this folder
using enum OpKind;

/// Random DAG of joins and activations with several inputs and outputs; every value of it has the
/// same type, so that any segment fits where it came from.
Graph random_graph(Rng& rng, std::size_t nodes) {
  Graph g;
  std::vector<ValueId> values{g.add_input(map_type()), g.add_input(map_type())};
  constexpr std::array<OpKind, 5> kOps = {kRelu, kTanh, kAdd, kSub, kAdd};
  while (g.num_nodes() < nodes) {
    const OpKind op = kOps[rng.below(kOps.size())];
    std::vector<ValueId> inputs;
    const auto arity = static_cast<std::size_t>(op_info(op).min_inputs);
    for (std::size_t i = 0; i < arity; ++i) {
      const std::size_t back = rng.below(std::min<std::size_t>(values.size(), 6));
      inputs.push_back(values[values.size() - 1 - back]);
    }
    values.push_back(g.add(op, {}, inputs));
  }
  const Uses uses(g);
  for (const ValueId v : values) {
    if (uses.of(v).empty()) g.add_output(v);
  }
  g.add_output(values[values.size() / 2]);
  return g;
}

/// Nodes between the inputs and the outputs of a canonical order.
std::pair<std::size_t, std::size_t> inner(const Graph& g) {
  return {g.input_nodes().size(), g.num_nodes() - g.output_nodes().size()};
}

TEST(Segment, SplicingBackWhatWasCutGivesTheSameGraph) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    const Graph g = random_graph(rng, 5 + rng.below(40));
    const std::vector<NodeId> order = canonical_order(g);
    const auto [first, last] = inner(g);
    Cut cut{order, first + rng.below(last - first), 0};
    cut.end = cut.begin + 1 + rng.below(last - cut.begin);
    const Uses uses(g);
    const Ports ports = segment_ports(g, uses, cut);
    const Graph body = extract_segment(g, ports, cut);
    EXPECT_EQ(body.num_nodes(), cut.end - cut.begin + ports.inputs.size() + ports.outputs.size());
    const Graph back = splice(g, cut, body, ports.inputs, ports.outputs);
    ASSERT_EQ(back.num_nodes(), g.num_nodes()) << "seed " << seed;
    ASSERT_EQ(canonical_hash(back), canonical_hash(g)) << "seed " << seed;
  }
}

TEST(Segment, EveryCutOfRealNetworksGoesBack) {
  for (const SampleNetwork& network : sample_networks()) {
    const Graph g = network.build();
    const Uses uses(g);
    const Canonical canonical = canonicalize(g, NodeIdentity::kSegment);
    const std::uint64_t hash = canonical_hash(g);
    const auto [first, last] = inner(g);
    for (std::size_t begin = first; begin < last; begin += 3) {
      for (const std::size_t length : {1U, 2U, 7U}) {
        if (begin + length > last) continue;
        const Cut cut{canonical.order, begin, begin + length};
        const Ports ports = segment_ports(g, uses, cut);
        const Graph body = extract_segment(g, ports, cut);
        ASSERT_EQ(canonical_hash(splice(g, cut, body, ports.inputs, ports.outputs)), hash)
            << network.name << " [" << begin << ", " << begin + length << ")";
      }
    }
  }
}

TEST(Segment, EveryCrossingEdgeIsAPort) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Rng rng(seed);
    const Graph g = random_graph(rng, 30);
    const std::vector<NodeId> order = canonical_order(g);
    const auto [first, last] = inner(g);
    const Cut cut{order, first + 3, last - 4};
    const Ports ports = segment_ports(g, Uses(g), cut);
    std::vector<char> inside(g.num_nodes(), 0);
    for (std::size_t i = cut.begin; i < cut.end; ++i) inside[index(cut.order[i])] = 1;
    for (std::uint32_t n = 0; n < g.num_nodes(); ++n) {
      for (const ValueId v : g.inputs(NodeId{n})) {
        const bool from = inside[index(g.value(v).producer)] != 0, to = inside[n] != 0;
        const auto& list = to ? ports.inputs : ports.outputs;
        if (from != to) {
          EXPECT_EQ(std::ranges::count(list, v), 1) << "seed " << seed;
        }
      }
    }
  }
}

/// x -> relu -> tanh -> sigmoid -> y, with a shortcut from relu to the add after sigmoid.
struct Shortcut {
  Graph g;
  ValueId x, relu, tanh, sigmoid, sum;
  std::vector<NodeId> order;

  Shortcut() {
    const auto source = std::make_shared<Source>();
    source->node_names = {"image", "Relu", "Tanh", "Sigmoid", "Add", "result"};
    source->value_names = {"x", "r", "t", "s", "y"};
    g.set_source(source);
    x = g.add_input(map_type(), 0, 0);
    relu = g.add(kRelu, {}, std::array{x}, 1, 1);
    tanh = g.add(kTanh, {}, std::array{relu}, 2, 2);
    sigmoid = g.add(kSigmoid, {}, std::array{tanh}, 3, 3);
    sum = g.add(kAdd, {}, std::array{relu, sigmoid}, 4, 4);
    g.add_output(sum, 5);
    for (std::uint32_t n = 0; n < g.num_nodes(); ++n) order.push_back(NodeId{n});
  }
};

TEST(Segment, PortsInOrderOfFirstUseAndProduction) {
  const Shortcut s;
  const Ports ports = segment_ports(s.g, Uses(s.g), {s.order, 1, 4});  // relu tanh sigmoid
  EXPECT_EQ(ports.inputs, std::vector<ValueId>{s.x});
  EXPECT_EQ(ports.outputs, (std::vector<ValueId>{s.relu, s.sigmoid}));
  EXPECT_EQ(dump(extract_segment(s.g, ports, {s.order, 1, 4}), true),
            "%0 = input : 1x4x8x8  # input_0\n"
            "%1 = relu (%0) : 1x4x8x8  # Relu\n"
            "%2 = tanh (%1) : 1x4x8x8  # Tanh\n"
            "%3 = sigmoid (%2) : 1x4x8x8  # Sigmoid\n"
            "output (%1)  # output_4\n"
            "output (%3)  # output_5\n");
}

TEST(Segment, AReplacementTakesOverTheNamesAtItsPorts) {
  const Shortcut s;
  Graph body;  // one input, one output: gelu, elu
  body.add_output(body.add(kElu, {}, {body.add(kGelu, {}, {body.add_input(map_type())})}));
  const Cut cut{s.order, 2, 4};
  const Graph child = splice(s.g, cut, body, std::array{s.relu}, std::array{s.sigmoid});
  EXPECT_EQ(dump(child, true),
            "%0 = input : 1x4x8x8  # image\n"
            "%1 = relu (%0) : 1x4x8x8  # Relu\n"
            "%2 = gelu (%1) : 1x4x8x8  # gelu_2\n"
            "%3 = elu (%2) : 1x4x8x8  # elu_3\n"
            "%4 = add (%1, %3) : 1x4x8x8  # Add\n"
            "output (%4)  # result\n");
  EXPECT_EQ(child.value_name(ValueId{3}), "s");  // the name of the value that it replaces
  EXPECT_EQ(child.value_name(ValueId{2}), "gelu_2");
}

TEST(Segment, SignatureOfTheNetworkStays) {
  // The canonical order may permute inputs and outputs; the child's may not.
  Graph g;
  const ValueId a = g.add_input(map_type(4)), b = g.add_input(map_type(6));
  const ValueId c = g.add(kConcat, {}, {b, a});
  const ValueId d = g.add(kRelu, {}, {c}), e = g.add(kTanh, {}, {a});
  g.add_output(e);
  g.add_output(d);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    const std::vector<NodeId> order = random_order(g, rng, false);
    std::size_t at = 0;
    while (order[at] != g.value(d).producer) ++at;
    Graph body;
    body.add_output(body.add(kGelu, {}, {body.add_input(map_type(10))}));
    const Graph child = splice(g, {order, at, at + 1}, body, std::array{c}, std::array{d});
    EXPECT_EQ(to_string(child.output_type(child.input_nodes()[0]).shape), "1x4x8x8");
    EXPECT_EQ(to_string(child.output_type(child.input_nodes()[1]).shape), "1x6x8x8");
    EXPECT_EQ(to_string(child.output_type(child.output_nodes()[0]).shape), "1x4x8x8");
    EXPECT_EQ(to_string(child.output_type(child.output_nodes()[1]).shape), "1x10x8x8");
  }
}

TEST(Segment, AWrongReplacementIsOurBug) {
  const Shortcut s;
  const Cut cut{s.order, 2, 4};
  const auto kind = [&](std::span<const ValueId> inputs, std::span<const ValueId> outputs,
                        std::int64_t channels) {
    Graph body;
    body.add_output(body.add(kElu, {}, {body.add_input(map_type(channels))}));
    try {
      splice(s.g, cut, body, inputs, outputs);
    } catch (const Error& e) {
      return e.kind();
    }
    return ErrorKind::kUsage;
  };
  const std::array in{s.relu}, out{s.sigmoid};
  EXPECT_EQ(kind(in, out, 4), ErrorKind::kUsage);  // fits
  EXPECT_EQ(kind(in, out, 5), ErrorKind::kInternal);
  EXPECT_EQ(kind({}, out, 4), ErrorKind::kInternal);
  EXPECT_EQ(kind(in, {}, 4), ErrorKind::kInternal);
  EXPECT_EQ(kind(std::array{s.tanh}, out, 4), ErrorKind::kInternal);  // of S itself
}

}  // namespace
}  // namespace autogo
