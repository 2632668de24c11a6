// Files of few bytes that ask for much work, and files that are long in one direction. They end
// in a result or a refusal at once; before, they ran for ages or left the stack.

#include "autogo/base/error.h"
#include "autogo/cost/cost.h"
#include "autogo/program/batch_axis.h"
#include "autogo/program/program.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kHuge = std::int64_t{1} << 31;

OnnxBuilder& add_empty(OnnxBuilder& b, const std::string& name, const Ints& dims) {
  auto& tensor = *b.graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (const std::int64_t d : dims) tensor.add_dims(d);
  return b;
}

std::string refusal(const OnnxBuilder& b) {
  const TempDir folder;
  const std::string path = b.save(folder / "m.onnx");
  try {
    import_onnx(path);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    return std::string(e.what()).substr(path.size() + 2);
  }
  return "no error";
}

/// An output that does not depend on what is being tried.
OnnxBuilder with_relu() {
  OnnxBuilder b;
  b.input("x", {1, 4}).output("y");
  b.node("Relu", {"x"}, {"y"});
  return b;
}

TEST(Hostile, NothingIsCountedBesideADimensionOfZero) {
  for (const char* op : {"Concat", "Gather", "Transpose", "Slice", "Expand", "Add", "Where"}) {
    OnnxBuilder b = with_relu();
    add_empty(b, "a", {kHuge, kHuge, 0});
    add_empty(b, "c", {kHuge, kHuge, 0});
    b.ints("zero", {0}).ints("none", {}).ints("one", {1}).ints("shape", {kHuge, kHuge, 0});
    if (op == std::string("Concat")) {
      set_attribute(b.node(op, {"a", "c"}, {"r"}), "axis", std::int64_t{2});
    } else if (op == std::string("Gather")) {
      set_attribute(b.node(op, {"a", "none"}, {"r"}), "axis", std::int64_t{2});
    } else if (op == std::string("Slice")) {
      b.node(op, {"a", "zero", "one", "zero"}, {"r"});
    } else if (op == std::string("Expand")) {
      b.node(op, {"a", "shape"}, {"r"});
    } else if (op == std::string("Transpose")) {
      b.node(op, {"a"}, {"r"});
    } else {
      set_attribute(b.node("Cast", {"a"}, {"flag"}), "to", std::int64_t{9});
      b.node(op, op == std::string("Add") ? std::vector<std::string>{"a", "c"}
                                          : std::vector<std::string>{"flag", "a", "c"},
             {"r"});
    }
    EXPECT_EQ(refusal(b), "no error") << op;
  }
}

TEST(Hostile, DimensionsAreLookedAtBeforeTheirProduct) {
  // 0 first: the product of the others leaves 64 bits.
  OnnxBuilder zero_first = with_relu();
  add_empty(zero_first, "a", {0, kHuge, kHuge, kHuge});
  EXPECT_EQ(refusal(zero_first),
            "initializer 'a': its shape 0x2147483648x2147483648x2147483648 is impossible");
  OnnxBuilder negative = with_relu();
  add_empty(negative, "a", {-1, 0});
  EXPECT_EQ(refusal(negative), "initializer 'a': its shape ?x0 is impossible");
  OnnxBuilder input;
  input.input("x", {kHuge, kHuge, kHuge}).output("y");
  input.node("Relu", {"x"}, {"y"});
  EXPECT_EQ(refusal(input), "input 'x' has more elements than can be counted");
  OnnxBuilder output = with_relu();
  output.ints("shape", {kHuge, kHuge, 2});
  output.node("Expand", {"x", "shape"}, {"big"});
  EXPECT_EQ(refusal(output), "node 'big_Expand' (Expand): the shapes 1x4 and "
                             "2147483648x2147483648x2 do not broadcast");
  OnnxBuilder tiled = with_relu();
  tiled.ints("shape", {kHuge, kHuge});
  tiled.node("Tile", {"x", "shape"}, {"big"});
  EXPECT_EQ(refusal(tiled),
            "node 'big_Tile' (Tile): its output would have a dimension of 8589934592");
}

TEST(Hostile, KernelsTooLargeToReckonWithAreRefused) {
  OnnxBuilder b;
  b.input("x", {1, 4, 8, 8}).output("y");
  auto& weights = *b.graph().add_initializer();
  weights.set_name("w");
  weights.set_data_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t d : {std::int64_t{0}, std::int64_t{4}, kHuge, std::int64_t{1}}) {
    weights.add_dims(d);
  }
  set_attribute(b.node("Conv", {"x", "w"}, {"y"}), "dilations", Ints{1 << 30, 1});
  EXPECT_EQ(refusal(b), "node 'y_Conv' (Conv): the kernel has a size of 2147483648");
}

TEST(Hostile, NodesWithoutWhatTheyNeedAreRefused) {
  OnnxBuilder slope = with_relu();
  slope.node("PRelu", {"x"}, {"p"});
  EXPECT_EQ(refusal(slope), "node 'p_PRelu' (PRelu): input 1 is missing");
  OnnxBuilder nothing = with_relu();
  nothing.node("Exp", {}, {"e"});
  EXPECT_EQ(refusal(nothing), "node 'e_Exp' (Exp): input 0 is missing");
  OnnxBuilder empty = with_relu();
  empty.node("MatMul", {"", "x"}, {"m"});
  EXPECT_EQ(refusal(empty), "node 'm_MatMul' (MatMul): input 0 is missing");
  OnnxBuilder outputs = with_relu();
  outputs.node("Exp", {"x"}, {"e", "f"});
  EXPECT_EQ(refusal(outputs), "node 'e_Exp' (Exp): has 2 outputs, expected 1 at most");
}

/// x + chain(w), the chain of `length` nodes that compute with constants.
OnnxBuilder deep_constants(const std::vector<std::string>& ops, int length) {
  OnnxBuilder b;
  b.input("x", {4, 4}).weight("w", {4, 4}).ints("shape", {4, 4}).output("y");
  std::string last = "w";
  for (int i = 0; i < length; ++i) {
    const std::string& op = ops[static_cast<std::size_t>(i) % ops.size()];
    const std::string next = "c" + std::to_string(i);
    b.node(op, op == "Reshape" ? std::vector<std::string>{last, "shape"}
                               : std::vector<std::string>{last},
           {next});
    last = next;
  }
  b.node("Add", {"x", last}, {"y"});
  return b;
}

TEST(Hostile, AChainOfConstantsMayBeAsLongAsTheFile) {
  constexpr int kLength = 200'000;
  const TempDir folder;
  const Graph graph =
      import_onnx(deep_constants({"Transpose", "Reshape"}, kLength).save(folder / "m.onnx"));
  EXPECT_EQ(graph_cost(graph).total.params, 16);
  export_onnx(graph, folder / "out.onnx");
  EXPECT_EQ(read_model(folder / "out.onnx").graph().node_size(), kLength + 1);
  EXPECT_EQ(lower(graph).nodes.size(), static_cast<std::size_t>(kLength) + 1);
}

TEST(Hostile, WideAndRepetitiveFilesTakeNoSquareOfTheirSize) {
  constexpr int kCount = 50'000;
  const TempDir folder;
  OnnxBuilder b;
  b.input("x", {1, 4}).output("y", {kCount, 4});
  std::vector<std::string> all;
  for (int i = 0; i < kCount; ++i) {
    const std::string n = std::to_string(i);
    b.node("Relu", {i == 0 ? "x" : "i" + std::to_string(i - 1)}, {"r" + n}).set_name("same");
    b.node("Identity", {i == 0 ? "x" : "i" + std::to_string(i - 1)}, {"i" + n}).set_name("same");
    all.push_back("r" + n);
    b.output("r" + n, {1, 4});
  }
  set_attribute(b.node("Concat", all, {"y"}), "axis", std::int64_t{0});
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  EXPECT_EQ(graph.num_nodes(), static_cast<std::size_t>(2 * kCount + 3));
  EXPECT_EQ(graph.node_name(NodeId{2}), "same_2");
  export_onnx(graph, folder / "out.onnx");
}

/// An If whose branch reads `count` outer values, in as many further branches.
TEST(Hostile, SubgraphsWithinAWideSubgraphDoNotCopyIt) {
  constexpr int kCount = 20'000;
  OnnxBuilder b;
  b.input("flag", {1}, onnx::TensorProto::BOOL).input("x", {1, 4}).output("y", {1, 4});
  b.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->Clear();
  onnx::NodeProto& outer = b.node("If", {"flag"}, {"y"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto& attribute = *outer.add_attribute();
    attribute.set_name(branch);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    onnx::GraphProto& body = *attribute.mutable_g();
    body.set_name(branch);
    for (int i = 0; i < kCount; ++i) {
      onnx::NodeProto& node = *body.add_node();
      node.set_op_type("If");
      node.add_input("flag");
      node.add_output(branch + std::to_string(i));
      auto& inner = *node.add_attribute();
      inner.set_name("then_branch");
      inner.set_type(onnx::AttributeProto::GRAPH);
      onnx::NodeProto& relu = *inner.mutable_g()->add_node();
      relu.set_op_type("Relu");
      relu.add_input("x");
      relu.add_output("inner");
      inner.mutable_g()->add_output()->set_name("inner");
    }
    body.add_output()->set_name(branch + std::to_string(kCount - 1));
  }
  const TempDir folder;
  const Graph graph = import_onnx(b.save(folder / "m.onnx"));
  // The condition, and what the branches capture: the condition again, and x.
  EXPECT_EQ(graph.inputs(NodeId{2}).size(), 3U);
}

/// A target of unknown numbers, of which there are none: still, six elements are no scalar.
TEST(Hostile, AReshapeToAScalarHasOneElement) {
  OnnxBuilder b;
  b.input("x", {2, 3}).input("n", {1}, 7).output("y");
  b.ints("nothing", {0});
  b.node("Tile", {"n", "nothing"}, {"none"});  // of length 0, whatever is in it
  b.node("Reshape", {"x", "none"}, {"y"});
  const TempDir folder;
  try {
    import_onnx(b.save(folder / "m.onnx"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(e.what()).find("Reshape of 2x3 to a scalar: the number of elements"),
              std::string::npos)
        << e.what();
  }
}

TEST(Hostile, SizesOfTheBatchFollowANegativeFlattenAxis) {
  OnnxBuilder b;
  b.input("x", {2, 3, 4, 5}).output("y", {6, 20});
  set_attribute(b.node("Flatten", {"x"}, {"y"}), "axis", std::int64_t{-2});
  const TempDir folder;
  const Program program = lower(import_onnx(b.save(folder / "m.onnx")));
  const BatchAxes axes = find_batch_axes(program);
  EXPECT_EQ(axes.axis[static_cast<std::size_t>(program.outputs[0])], 0);
}

}  // namespace
}  // namespace autogo
