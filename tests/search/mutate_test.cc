#include "search/mutation/mutate.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "autogo/cost/cost.h"
#include "autogo/graph/canonical.h"
#include "autogo/graph/simplify.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::FakePredictor;

/// Every type of the graph is what the shape rules give from the types before it.
void expect_consistent(const Graph& graph) {
  std::vector<TensorType> inputs;
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    if (op_info(node.op).shape_class == ShapeClass::kPort || node.op == OpKind::kOpaque) continue;
    inputs.clear();
    for (const ValueId v : graph.inputs(id)) inputs.push_back(graph.type(v));
    ASSERT_EQ(infer_type(node.op, node.attrs, inputs), graph.output_type(id))
        << "node " << n << " of\n"
        << dump(graph);
  }
}

/// Every value but a network output has a use, as in the parent.
void expect_all_used(const Graph& graph) {
  const Uses uses(graph);
  for (std::uint32_t v = 0; v < graph.num_values(); ++v) {
    EXPECT_FALSE(uses.of(ValueId{v}).empty()) << "value " << v << " of\n" << dump(graph);
  }
}

struct Case {
  const char* name;
  Graph graph;
};

/// The same network as if imported: convolutions of one shape share their weight.
Graph with_tied_weights(const Graph& from) {
  auto source = std::make_shared<Source>();
  Graph graph;
  std::map<std::int64_t, std::uint32_t> weights;  // id by size
  for (std::uint32_t n = 0; n < from.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = from.node(id);
    const Cost cost = node_cost(from, id);
    Source::NodeFacts facts{cost.params, cost.weight_bytes};
    if (node.op == OpKind::kConv) {
      const auto at =
          weights.emplace(cost.params, static_cast<std::uint32_t>(weights.size())).first;
      facts.shared = {{at->second, cost.params, cost.weight_bytes}};
    }
    source->node_facts.push_back(facts);
    source->node_names.push_back("n" + std::to_string(n));
    std::vector<Value> outputs;
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      outputs.push_back(from.value(from.output(id, port)));
    }
    graph.add_typed(node.op, node.attrs, from.inputs(id), outputs, n);
  }
  graph.set_source(source);
  return graph;
}

std::vector<Case> cases() {
  return {{"residual", testing::residual_network()},
          {"concat", testing::concat_network()},
          {"token", testing::token_network()},
          {"joined maps", testing::joined_maps_network()},
          {"rolled tokens", testing::rolled_tokens_network()},
          {"tied", with_tied_weights(testing::residual_network())}};
}

/// Walks at random: mutates, takes a random child, mutates that. Calls visit for every child.
template <typename Visit>
void random_walk(const Graph& start, const SearchOptions& options, std::uint64_t seed, int steps,
                 Visit visit) {
  const SegmentDatabase database = testing::small_database();
  const ReplacementPool pool(database, start, allowed_ops(options, start), options);
  PropagationMemo memo;
  const FakePredictor predictor;
  const testing::Limits limits(options, start);
  const MutationSetup setup{pool,
                            memo,
                            predictor,
                            {},
                            limits.models,
                            limits.bounds,
                            -std::numeric_limits<double>::infinity(),
                            30};
  Individual individual;
  individual.costs = limits.costs;
  Rng rng(seed);
  Graph graph = start;
  for (int step = 0; step < steps; ++step) {
    const Parent parent(0, 0, graph);
    const auto runs = select_sources(
        source_runs(parent, segment_sizes(parent, options, database, rng), 3, {}, pool), 4,
        rng.fork(static_cast<std::uint64_t>(step)));
    std::vector<Child> children;
    for (const SourceRun& run : runs) {
      SourceResult result = mutate_source(setup, parent, individual, run, rng.fork(rng.next()));
      for (Child& child : result.children) children.push_back(std::move(child));
    }
    if (children.empty()) continue;
    for (const Child& child : children) visit(parent, individual, child);
    const Child& next = children[rng.below(children.size())];
    graph = apply(next.step, parent.graph, parent.uses, parent.order);
    individual.costs = next.costs;
  }
}

TEST(Mutate, ThousandsOfChildrenAreValidNetworksOfTheStatedCost) {
  SearchOptions options;
  options.max_flops_decrease = 100;
  options.max_flops_increase = 300;
  options.objective = "flops,peak-memory";
  std::size_t children = 0;
  for (const Case& c : cases()) {
    const testing::Limits limits(options, c.graph);
    for (const MutationUnit unit : {MutationUnit::kSegment, MutationUnit::kOperator}) {
      options.mutation = unit;
      std::size_t of_case = 0;
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        SCOPED_TRACE(std::string(c.name) + ", seed " + std::to_string(seed));
        random_walk(c.graph, options, seed, 12,
                    [&](const Parent& parent, const Individual&, const Child& child) {
                      ++of_case;
                      const Graph graph =
                          apply(child.step, parent.graph, parent.uses, parent.order);
                      expect_consistent(graph);
                      expect_all_used(graph);
                      const Cost cost = graph_cost(graph).total;
                      EXPECT_EQ(limits.count("macs", child.costs), cost.macs);
                      EXPECT_EQ(limits.count("flops", child.costs), 2 * cost.macs);
                      EXPECT_EQ(limits.count("params", child.costs), cost.params);
                      EXPECT_EQ(limits.count("weight_bytes", child.costs), cost.weight_bytes);
                      EXPECT_EQ(limits.count("peak_memory", child.costs),
                                graph_cost(graph).peak_activation_bytes);
                      EXPECT_EQ(canonical_hash(graph), child.hash);
                      EXPECT_EQ(graph.input_nodes().size(), c.graph.input_nodes().size());
                    });
      }
      EXPECT_GT(of_case, unit == MutationUnit::kSegment ? 300U : 20U) << c.name;
      children += of_case;
    }
  }
  EXPECT_GT(children, 3000U);
}

TEST(Mutate, ChildrenLieInTheWindowAndGainEnough) {
  const Graph graph = testing::residual_network();
  const SearchOptions options;
  const ReplacementPool pool(testing::small_database(), graph, allowed_ops(options, graph),
                             options);
  PropagationMemo memo;
  const FakePredictor predictor;
  const testing::Limits limits(options, graph);
  const MutationSetup setup{pool, memo, predictor, {}, limits.models, limits.bounds, 0.5, 100};
  const Parent parent(0, 0, graph);
  Individual individual;
  individual.costs = limits.costs;
  individual.gains.known = 0.25;
  std::size_t in_window = 0, accepted = 0;
  for (std::uint32_t begin = 2; begin < 20; ++begin) {
    SourceRun run{begin, begin + 2, {}};
    for (std::uint32_t i = begin; i < run.end; ++i) {
      run.cost += node_cost(graph, parent.order[i]);
    }
    const SourceResult result = mutate_source(setup, parent, individual, run, Rng(begin));
    EXPECT_LE(result.resolved, 100U);
    EXPECT_GE(result.drawn, result.resolved);
    EXPECT_GE(result.resolved, result.in_window);
    if (result.resolved > 0) {
      EXPECT_LE(limits.count("macs", result.least), limits.count("macs", result.most));
    }
    in_window += result.in_window;
    accepted += result.children.size();
    for (const Child& child : result.children) {
      const double change = child.costs[limits.models.place("macs", "test")] /
                            limits.costs[limits.models.place("macs", "test")];
      EXPECT_GT(change, 0.8);
      EXPECT_LT(change, 1.1);
      EXPECT_GE(child.gain, 0.5);
      EXPECT_LE(child.gain, result.best_gain);
      // The gain is the parent's plus the paired difference at this cut.
      const auto context = predictor.prepare(graph, parent.cut(run));
      const Ports ports = segment_ports(graph, parent.uses, parent.cut(run));
      const auto inputs = mapped_ports(ports.inputs, child.step.inputs);
      const auto outputs = mapped_ports(ports.outputs, child.step.outputs);
      const std::vector<Candidate> batch{{child.step.body.get(), inputs, outputs}};
      const double gain = predictor.score(*context, batch)[0] - predictor.score_original(*context);
      EXPECT_NEAR(child.gain, 0.25 + gain, 1e-6);
    }
  }
  EXPECT_GT(accepted, 10U);
  EXPECT_GT(in_window, accepted);
}

TEST(Mutate, TheSourcesOwnClassIsNoReplacement) {
  const Graph graph = testing::residual_network();
  SearchOptions options;
  options.max_flops_decrease = 100;
  const ReplacementPool pool(testing::small_database(), graph, allowed_ops(options, graph),
                             options);
  PropagationMemo memo;
  const FakePredictor predictor;
  const Parent parent(0, 0, graph);
  Individual individual;
  const testing::Limits limits(options, graph);
  individual.costs = limits.costs;
  const MutationSetup setup{pool, memo, predictor, {}, limits.models, limits.bounds, -10, 1000};
  const SourceRun run{1, 4, {}};  // conv, batch norm, relu
  const Ports ports = segment_ports(graph, parent.uses, parent.cut(run));
  const std::uint64_t own =
      canonical_hash(extract_segment(graph, ports, parent.cut(run)), NodeIdentity::kSegment);
  const SourceResult result = mutate_source(setup, parent, individual, run, Rng(1));
  EXPECT_GT(result.children.size(), 5U);
  for (const Child& child : result.children) EXPECT_NE(child.step.segment, own);
}

/// A convolution mined with stride 2 in another spelling of the pads: with stride 1 it is the
/// input's.
SegmentDatabase strided_database() {
  Graph g;
  Attrs strided = testing::conv_attrs(8, 3, 2);
  strided.pads = {};
  strided.padding = Padding::kSame;
  g.add_output(g.add(OpKind::kConv, strided, {g.add_input(testing::tensor({1, 8, 16, 16}))}));
  SegmentDatabase database;
  database.add_segments_of(g, "strided");
  return database;
}

TEST(Mutate, ACopyOfTheInputIsNoChild) {
  Graph graph;
  const ValueId x = graph.add_input(testing::tensor({1, 3, 8, 8}));
  graph.add_output(
      graph.add(OpKind::kRelu, {}, {graph.add(OpKind::kConv, testing::conv_attrs(4), {x})}));
  const SearchOptions options;
  const ReplacementPool pool(strided_database(), graph, allowed_ops(options, graph), options);
  PropagationMemo memo;
  const FakePredictor predictor;
  const Parent parent(0, 0, graph);
  Individual individual;
  const testing::Limits limits(options, graph);
  individual.costs = limits.costs;
  const MutationSetup setup{
      pool, memo, predictor, {}, limits.models, limits.bounds, -10, 100, computation_hash(graph)};
  const SourceResult result = mutate_source(setup, parent, individual, {1, 2, {}}, Rng(1));
  EXPECT_GT(result.resolved, 0U);
  EXPECT_EQ(result.in_window, 0U);
  EXPECT_TRUE(result.children.empty());
}

TEST(Mutate, IsDeterministic) {
  const Graph graph = testing::concat_network();
  const SearchOptions options;
  std::vector<std::uint64_t> first, second;
  auto collect = [](std::vector<std::uint64_t>& to) {
    return
        [&to](const Parent&, const Individual&, const Child& child) { to.push_back(child.hash); };
  };
  random_walk(graph, options, 5, 6, collect(first));
  random_walk(graph, options, 5, 6, collect(second));
  EXPECT_GT(first.size(), 50U);
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace autogo
