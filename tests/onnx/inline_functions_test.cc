#include "onnx/read/inline_functions.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "autogo/cost/cost.h"
#include "onnx_builder.h"
#include "ort.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Strings = std::vector<std::string>;

/// A model with functions of the domain "lib".
class FunctionBuilder : public OnnxBuilder {
 public:
  explicit FunctionBuilder(std::int64_t opset = 17) : OnnxBuilder(opset), opset_(opset) {
    import(*model().add_opset_import(), "lib", 1);
  }
  onnx::FunctionProto& function(const std::string& name, const Strings& inputs,
                                const Strings& outputs, std::int64_t opset = 0) {
    auto& f = *model().add_functions();
    f.set_domain("lib");
    f.set_name(name);
    for (const std::string& input : inputs) f.add_input(input);
    for (const std::string& output : outputs) f.add_output(output);
    import(*f.add_opset_import(), "", opset == 0 ? opset_ : opset);
    import(*f.add_opset_import(), "lib", 1);
    return f;
  }
  onnx::NodeProto& call(const std::string& name, const Strings& inputs, const Strings& outputs) {
    auto& proto = node(name, inputs, outputs);
    proto.set_domain("lib");
    return proto;
  }
  static void import(onnx::OperatorSetIdProto& import, const std::string& domain,
                     std::int64_t version) {
    import.set_domain(domain);
    import.set_version(version);
  }

 private:
  std::int64_t opset_;
};

template <typename Owner>
onnx::NodeProto& inner(Owner& owner, const std::string& op, const Strings& inputs,
                       const Strings& outputs, const std::string& domain = "") {
  auto& proto = *owner.add_node();
  proto.set_op_type(op);
  proto.set_domain(domain);
  for (const std::string& name : inputs) proto.add_input(name);
  for (const std::string& name : outputs) proto.add_output(name);
  return proto;
}

onnx::AttributeProto& refer(onnx::NodeProto& node, const std::string& name, const std::string& to,
                            onnx::AttributeProto::AttributeType type) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_ref_attr_name(to);
  attribute.set_type(type);
  return attribute;
}

/// "name: Op in in -> out", a line a node.
std::string text_of(const onnx::ModelProto& model) {
  std::string text;
  for (const auto& node : model.graph().node()) {
    text += node.name() + ": " + node.op_type();
    for (const auto& name : node.input()) text += " " + (name.empty() ? "-" : name);
    text += " ->";
    for (const auto& name : node.output()) text += " " + name;
    text += "\n";
  }
  return text;
}

std::string inlined(FunctionBuilder& b) {
  inline_functions(b.model());
  return text_of(b.model());
}

std::string refusal(FunctionBuilder& b) {
  try {
    inline_functions(b.model());
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

/// Two calls of a convolution with an activation, which is a function in a function.
FunctionBuilder nested() {
  FunctionBuilder b;
  b.input("x", {1, 3, 8, 8}).output("y", {1, 4, 8, 8});
  b.weight("w0", {4, 3, 3, 3}).weight("b0", {4}).weight("w1", {4, 4, 3, 3});
  auto& block = b.function("block", {"x", "w", "b"}, {"r"});
  block.add_attribute("slope");
  auto& conv = inner(block, "Conv", {"x", "w", "b"}, {"c"});
  conv.set_name("conv");
  set_attribute(conv, "pads", std::vector<std::int64_t>{1, 1, 1, 1});
  auto& activate = inner(block, "activate", {"c"}, {"r"}, "lib");
  refer(activate, "amount", "slope", onnx::AttributeProto::FLOAT);
  auto& leaky = b.function("activate", {"v"}, {"u"});
  leaky.add_attribute("amount");
  auto& node = inner(leaky, "LeakyRelu", {"v"}, {"u"});
  refer(node, "alpha", "amount", onnx::AttributeProto::FLOAT);
  set_attribute(b.call("block", {"x", "w0", "b0"}, {"h"}), "slope", 0.25F);
  b.call("block", {"h", "w1"}, {"y"});  // no bias, no slope: LeakyRelu's own default
  return b;
}

TEST(InlineFunctions, NodesTakeThePlaceOfTheirCall) {
  FunctionBuilder b = nested();
  EXPECT_EQ(inlined(b),
            "h_block/conv: Conv x w0 b0 -> h_block/c\n"
            "h_block/LeakyRelu: LeakyRelu h_block/c -> h\n"
            "y_block/conv: Conv h w1 - -> y_block/c\n"
            "y_block/LeakyRelu: LeakyRelu y_block/c -> y\n");
  const auto& graph = b.model().graph();
  EXPECT_EQ(attribute_float(graph.node(1), "alpha", 0.01F), 0.25F);
  EXPECT_EQ(graph.node(3).attribute_size(), 0);
  EXPECT_EQ(b.model().functions_size(), 0);
  EXPECT_EQ(b.model().opset_import_size(), 1);  // "lib" is empty now
}

TEST(InlineFunctions, WhatComesOutRunsTheSame) {
  const TempDir folder;
  FunctionBuilder b = nested();
  const std::string in = b.save(folder / "in.onnx");
  const Graph graph = import_onnx(in);
  EXPECT_EQ(ops_of(graph), "conv leaky_relu conv leaky_relu");
  EXPECT_EQ(graph_macs(graph), 64 * 9 * (3 * 4 + 4 * 4));
  export_onnx(graph, folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  const OrtAnswer answer = ask_ort("compare", {in, folder / "out.onnx"}, folder / "list");
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
}

TEST(InlineFunctions, AFunctionOfOneNodeKeepsTheNameOfItsCall) {
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y");
  inner(b.function("relu", {"x"}, {"r"}), "Relu", {"x"}, {"r"});
  b.call("relu", {"x"}, {"h"}).set_name("act");
  b.call("relu", {"h"}, {"y"}).clear_name();
  EXPECT_EQ(inlined(b), "act: Relu x -> h\ny: Relu h -> y\n");
}

TEST(InlineFunctions, MadeUpNamesTakeNoOthers) {
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y").output("f/t");
  auto& f = b.function("f", {"x"}, {"r"});
  inner(f, "Relu", {"x"}, {"t"});
  inner(f, "Tanh", {"t"}, {"r"});
  b.call("f", {"x"}, {"y"}).set_name("f");
  b.node("Sigmoid", {"x"}, {"f/t"}).set_name("f/Relu");
  EXPECT_EQ(inlined(b),
            "f/Relu_2: Relu x -> f/t_2\n"
            "f/Tanh: Tanh f/t_2 -> y\n"
            "f/Relu: Sigmoid x -> f/t\n");
}

TEST(InlineFunctions, WhatAFunctionPassesThroughIsAnIdentity) {
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y").output("z").output("u");
  inner(b.function("f", {"a"}, {"a", "r", "r"}), "Relu", {"a"}, {"r"});
  b.call("f", {"x"}, {"y", "z", "u"}).set_name("f");
  EXPECT_EQ(inlined(b),
            "f/Identity: Identity x -> y\n"
            "f/Identity_2: Identity z -> u\n"
            "f: Relu x -> z\n");
}

TEST(InlineFunctions, OutputsThatNobodyWantsHaveANameOfTheirOwn) {
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y");
  auto& f = b.function("f", {"a"}, {"p", "q"});
  inner(f, "Relu", {"a"}, {"p"});
  inner(f, "Tanh", {"p"}, {"q"});
  b.call("f", {"x"}, {"", "y"}).set_name("f");
  EXPECT_EQ(inlined(b), "f/Relu: Relu x -> f/p\nf/Tanh: Tanh f/p -> y\n");
}

TEST(InlineFunctions, SubgraphsAreRenamedAndSearchedForCalls) {
  // The branches of an If in a function read the function's value and call another function; the
  // main graph has the names that they use inside.
  const TempDir folder;
  FunctionBuilder b;
  b.input("x", {1, 4}).input("c", {}, onnx::TensorProto::BOOL).output("y", {1, 4});
  auto& f = b.function("f", {"v", "c"}, {"r"});
  f.add_attribute("amount");
  inner(f, "Relu", {"v"}, {"t"});
  auto& node = inner(f, "If", {"c"}, {"r"});
  for (const std::string branch : {"then_branch", "else_branch"}) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(branch);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    auto& g = *attribute.mutable_g();
    g.set_name(branch);
    inner(g, "twice", {"t"}, {"x"}, "lib");
    refer(inner(g, "LeakyRelu", {"x"}, {"y"}), "alpha", "amount", onnx::AttributeProto::FLOAT);
    OnnxBuilder::set_type(*g.add_output(), "y", {1, 4}, onnx::TensorProto::FLOAT);
  }
  inner(b.function("twice", {"a"}, {"b"}), "Add", {"a", "a"}, {"b"});
  OnnxBuilder::set_type(*b.graph().add_value_info(), "h", {1, 4}, onnx::TensorProto::FLOAT);
  set_attribute(b.call("f", {"x", "c"}, {"h"}), "amount", 0.5F);
  set_attribute(b.call("f", {"h", "c"}, {"y"}), "amount", 0.25F);
  const std::string in = b.save(folder / "in.onnx");
  EXPECT_EQ(ops_of(import_onnx(in)), "relu opaque:If relu opaque:If");
  export_onnx(import_onnx(in), folder / "out.onnx");
  expect_valid(folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  EXPECT_EQ(model.functions_size(), 0);
  const auto& then_branch = model.graph().node(1).attribute(0).g();
  EXPECT_EQ(then_branch.node(0).op_type(), "Add");
  EXPECT_EQ(then_branch.node(0).input(0), "h_f/t");
  EXPECT_EQ(attribute_float(then_branch.node(1), "alpha", 0), 0.5F);
  const OrtAnswer answer = ask_ort("compare", {in, folder / "out.onnx"}, folder / "list");
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
}

TEST(InlineFunctions, DefaultsOfAttributesAreTaken) {
  // FunctionProto.attribute_proto, which the library does not know: field 11.
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y").output("z");
  auto& f = b.function("f", {"a"}, {"r"});
  refer(inner(f, "LeakyRelu", {"a"}, {"r"}), "alpha", "amount", onnx::AttributeProto::FLOAT);
  onnx::NodeProto holder;
  set_attribute(holder, "amount", 0.125F);
  f.GetReflection()->MutableUnknownFields(&f)->AddLengthDelimited(
      11, holder.attribute(0).SerializeAsString());
  b.call("f", {"x"}, {"y"});
  set_attribute(b.call("f", {"x"}, {"z"}), "amount", 0.5F);
  inline_functions(b.model());
  EXPECT_EQ(attribute_float(b.graph().node(0), "alpha", 0), 0.125F);
  EXPECT_EQ(attribute_float(b.graph().node(1), "alpha", 0), 0.5F);
}

TEST(InlineFunctions, OverloadsAreToldApart) {
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y").output("z");
  for (const char* op : {"Relu", "Tanh"}) {  // NodeProto.overload is field 8, the function's 13
    auto& f = b.function("f", {"a"}, {"r"});
    inner(f, op, {"a"}, {"r"});
    f.GetReflection()->MutableUnknownFields(&f)->AddLengthDelimited(13, op);
    auto& call = b.call("f", {"x"}, {op[0] == 'R' ? "y" : "z"});
    call.GetReflection()->MutableUnknownFields(&call)->AddLengthDelimited(8, op);
  }
  EXPECT_EQ(op_types((inline_functions(b.model()), b.model())), (Strings{"Relu", "Tanh"}));
}

TEST(InlineFunctions, OpsetsOfFunctionsAreKept) {
  // Relu is the same in 14 and 17; ReduceSum of 11 has its axes as an attribute, of 13 as an input.
  const TempDir folder;
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y", {1, 4});
  inner(b.function("relu", {"x"}, {"r"}, 14), "Relu", {"x"}, {"r"});
  auto& sum = inner(b.function("sum", {"x"}, {"r"}, 11), "ReduceSum", {"x"}, {"r"});
  set_attribute(sum, "axes", std::vector<std::int64_t>{1});
  inner(b.function("unused", {"x"}, {"r"}, 11), "Relu", {"x"}, {"r"});
  b.call("relu", {"x"}, {"h"});
  b.call("sum", {"h"}, {"s"});
  b.node("Add", {"h", "s"}, {"y"});
  const Graph graph = import_onnx(b.save(folder / "in.onnx"));
  EXPECT_EQ(ops_of(graph), "relu opaque:lib.sum opaque:Add");
  export_onnx(graph, folder / "out.onnx");
  const auto model = read_model(folder / "out.onnx");
  ASSERT_EQ(model.functions_size(), 1);
  EXPECT_EQ(model.functions(0).name(), "sum");
  EXPECT_EQ(model.opset_import_size(), 2);
}

TEST(InlineFunctions, DomainsThatOnlyFunctionsImportBecomeTheModels) {
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y");
  auto& f = b.function("f", {"a"}, {"r"});
  FunctionBuilder::import(*f.add_opset_import(), "vendor", 3);
  inner(f, "Mystery", {"a"}, {"r"}, "vendor");
  b.call("f", {"x"}, {"y"});
  inline_functions(b.model());
  ASSERT_EQ(b.model().opset_import_size(), 2);
  EXPECT_EQ(b.model().opset_import(1).domain(), "vendor");
  EXPECT_EQ(b.model().opset_import(1).version(), 3);
}

TEST(InlineFunctions, RefusesFunctionsThatAreWrong) {
  FunctionBuilder itself;
  inner(itself.function("f", {"a"}, {"r"}), "g", {"a"}, {"r"}, "lib");
  inner(itself.function("g", {"a"}, {"r"}), "f", {"a"}, {"r"}, "lib");
  EXPECT_EQ(refusal(itself), "local function 'lib.f' calls itself");

  FunctionBuilder twice;
  twice.function("f", {"a"}, {});
  twice.function("f", {"a"}, {});
  EXPECT_EQ(refusal(twice), "local function 'lib.f' is defined twice");

  FunctionBuilder undefined;
  inner(undefined.function("f", {"a"}, {"r"}), "Relu", {"x"}, {"r"});
  EXPECT_EQ(refusal(undefined),
            "local function 'lib.f': node 'r' (Relu): its input 'x' is not defined in the "
            "function");

  FunctionBuilder no_output;
  no_output.function("f", {"a"}, {"r"});
  EXPECT_EQ(refusal(no_output), "local function 'lib.f': its output 'r' is not defined");

  FunctionBuilder arity;
  arity.function("f", {"a"}, {"a"});
  arity.call("f", {"x", "x"}, {"y"});
  EXPECT_EQ(refusal(arity),
            "node 'y_f' (f): has more inputs or outputs than the local function 'lib.f'");

  FunctionBuilder left_out;
  left_out.function("f", {"a"}, {"a"});
  left_out.call("f", {}, {"y"});
  EXPECT_EQ(refusal(left_out),
            "node 'y_f' (f): leaves out the input 'a', which the local function 'lib.f' returns");
}

TEST(InlineFunctions, AFewLinesDoNotBecomeMillionsOfNodes) {
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y");
  const std::string message = "its local functions expand to more than 500000 nodes or 256 MB";
  for (int i = 0; i < 40; ++i) {
    auto& f = b.function("f" + std::to_string(i), {"a"}, {"r"});
    const std::string next = "f" + std::to_string(i + 1);
    inner(f, next, {"a"}, {"t"}, "lib");
    inner(f, next, {"t"}, {"r"}, "lib");
  }
  inner(b.function("f40", {"a"}, {"r"}), "Relu", {"a"}, {"r"});
  b.call("f0", {"x"}, {"y"});
  EXPECT_EQ(refusal(b), message);
}

TEST(InlineFunctions, TheDepthOfCallsIsNoMatter) {
  FunctionBuilder b;
  b.input("x", {1, 4}).output("y");
  constexpr int kDepth = 50'000;
  for (int i = 0; i < kDepth; ++i) {
    auto& f = b.function("f" + std::to_string(i), {"a"}, {"r"});
    inner(f, "f" + std::to_string(i + 1), {"a"}, {"r"}, "lib");
  }
  inner(b.function("f" + std::to_string(kDepth), {"a"}, {"r"}), "Relu", {"a"}, {"r"});
  b.call("f0", {"x"}, {"y"});
  EXPECT_EQ(inlined(b), "y_f0/Relu: Relu x -> y\n");
}

}  // namespace
}  // namespace autogo
