#include "graph_json.h"

#include <gtest/gtest.h>

#include "graph_support.h"

namespace autogo {
namespace {

using namespace testing;  // NOLINT: test helpers of this folder
using enum OpKind;

Graph varied() {
  Graph g;
  const ValueId x = g.add_input(map_type(8, 9, 7));
  const ValueId tokens = g.add_input({DType::kFloat16, Layout::kNone, Shape{1, 2, 3, 4}});
  Attrs conv;
  conv.kernel = {3, 1};
  conv.stride = {2, 1};
  conv.pads = {1, 0, 1, 0};
  conv.out_channels = 12;
  conv.group = 4;
  conv.bias = true;
  Attrs leaky;
  leaky.alpha = 0.1F;
  const ValueId y = g.add(kLeakyRelu, leaky, {g.add(kConv, conv, {x})});
  Attrs pool;
  pool.kernel = {2, 2};
  pool.padding = Padding::kSameLower;
  pool.ceil_mode = true;
  const ValueId z = g.add(kMaxPool, pool, {y});
  Attrs opaque;
  opaque.text = "com.acme.Frob \"x\"";
  opaque.digest = 0xfedcba9876543210ULL;
  opaque.ints = {-1, 1LL << 40};
  const std::array<Value, 2> outputs{Value{map_type()},
                                     Value{TensorType{DType::kInt64, Layout::kNone, Shape{}}}};
  const NodeId o = g.add_typed(kOpaque, opaque, std::array{z, tokens}, outputs);
  g.add_output(g.output(o, 1));
  g.add_output(z);
  return g;
}

TEST(GraphJson, RoundTrip) {
  const Graph g = varied();
  const Json json = graph_to_json(g);
  const Graph back = graph_from_json(parse_json(json.dump(), "text"), "text");
  EXPECT_EQ(dump(back), dump(g));
  EXPECT_EQ(canonical_hash(back), canonical_hash(g));
  for (std::uint32_t v = 0; v < g.num_nodes(); ++v) {
    EXPECT_EQ(back.node(NodeId{v}).attrs, g.node(NodeId{v}).attrs) << v;
  }
  for (std::uint32_t v = 0; v < g.num_values(); ++v) {
    EXPECT_EQ(back.type(ValueId{v}), g.type(ValueId{v})) << v;
  }
  EXPECT_EQ(graph_to_json(back), json);
}

TEST(GraphJson, IsBrief) {
  Graph g;
  const ValueId x = g.add_input(map_type());
  g.add_output(g.add(kRelu, {}, {x}));
  EXPECT_EQ(graph_to_json(g).dump(),
            R"([["input",[],{},[[1,4,8,8]]],["relu",[0]],["output",[1]]])");
}

std::string failure(const char* text) {
  try {
    graph_from_json(Json::parse(text), "db");
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput) << e.what();
    return e.what();
  }
  return "no error";
}

TEST(GraphJson, BadText) {
  EXPECT_EQ(failure("{}"), "db: a graph is a list of nodes");
  EXPECT_EQ(failure("[7]"), "db: node 0: expected [op, inputs, attributes, types]");
  EXPECT_EQ(failure(R"([["frob",[]]])"), "db: node 0: unknown operator 'frob'");
  EXPECT_EQ(failure(R"([["input",[],{},[[1,-4,8,8]]]])"),
            "db: node 0: the shape 1x?x8x8 is impossible");
  EXPECT_EQ(failure(R"([["input",[],{},[[4294967296,4294967296,4294967296]]]])"),
            "db: node 0: the shape 4294967296x4294967296x4294967296 is impossible");
  EXPECT_EQ(failure(R"([["input",[],{},[[1,4,8,8]]],["relu",[1]]])"),
            "db: node 1: uses a value that does not exist yet");
  EXPECT_EQ(failure(R"([["input",[],{},[[1,4,8,8]]],["relu",[-1]]])"),
            "db: node 1: uses a value that does not exist yet");
  EXPECT_EQ(failure(R"([["input",[],{},[[1,4,8,8]]],["conv",[0],{"out_channels":-3}]])"),
            "db: node 1: out_channels is -3");
  EXPECT_EQ(failure(R"([["input",[],{},[[1,4,8,8]]],["relu",[0],{"kernle":[3,3]}]])"),
            "db: node 1: unknown attribute");
  EXPECT_EQ(failure(R"([["input",[],{},[[1,4,8,8]]],["conv",[0],{"kernel":"3x3"}]])"),
            "db: node 1: \"kernel\" has the wrong type");
  EXPECT_EQ(failure(R"([["input",[],{},[[1,4,8,8]]],["conv",[0],{"padding":7}]])"),
            "db: node 1: unknown padding 7");
  EXPECT_EQ(failure(R"([["input",[],{},[[1,"4",8,8]]]])"),
            "db: node 0: a shape is not a list of whole numbers");
  EXPECT_EQ(failure(R"([["input",[]]])"), "db: node 0: input has one type and no inputs");
  EXPECT_EQ(failure(R"([["output",[]]])"), "db: node 0: output has one input");
  EXPECT_EQ(failure(R"([["input",[],{},[{"shape":[1],"dtype":999,"layout":0}]]])"),
            "db: node 0: unknown dtype or layout");
}

// Whatever a damaged file holds, it is an Error of the input and not a crash.
TEST(GraphJson, DamagedTextIsRefusedOrRead) {
  const std::string text = graph_to_json(varied()).dump();
  constexpr std::uint64_t kSeed = 7;
  Rng rng(kSeed);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string broken = text;
    const std::string_view letters = "0129-[]{},\"x.e";
    broken[rng.below(broken.size())] = letters[rng.below(letters.size())];
    try {
      const Graph g = graph_from_json(parse_json(broken, "db"), "db");
      dump(g);
    } catch (const Error& e) {
      ++refused;
      EXPECT_NE(e.kind(), ErrorKind::kInternal) << "seed " << kSeed << ": " << broken;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace autogo
