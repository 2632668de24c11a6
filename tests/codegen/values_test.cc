// Constants, element types and shapes at the edge of what networks have: exported PyTorch files
// give ONNX Runtime's values, shapes and types, or the operator is refused by name.
#include <list>
#include <map>

#include "codegen_support.h"
#include "onnx/onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;
using Proto = onnx::TensorProto;

/// Models of one test, run in one go.
class Values {
 public:
  OnnxBuilder& add(const std::string& name, std::int64_t opset = 17) {
    names_.push_back(name);
    return builders_.emplace_back(opset, 8);
  }
  void expect_agree(const std::vector<int>& batches = {1}) {
    std::vector<std::string> models;
    auto name = names_.begin();
    for (const OnnxBuilder& b : builders_) {
      models.push_back(b.save(folder_ / (*name++ + ".onnx")));
    }
    Refusals refused;
    EXPECT_EQ(exported(models, refused, export_pytorch), models);
    EXPECT_EQ(refused, Refusals{});
    expect_pytorch_agrees(models, folder_ / "list", batches);
  }

 private:
  TempDir folder_;
  std::vector<std::string> names_;
  std::list<OnnxBuilder> builders_;
};

std::string refusal(const OnnxBuilder& b) {
  const TempDir folder;
  Refusals refused;
  exported({b.save(folder / "a.onnx")}, refused, export_pytorch);
  return refused["a"];
}

OnnxBuilder& ints_of(OnnxBuilder& b, const std::string& name, const Ints& dims, const Ints& values,
                     DType type) {
  auto& tensor = *b.graph().add_initializer();
  tensor.set_name(name);
  write_small({type, dims, values, {}}, tensor);
  return b;
}

TEST(PyTorchValues, ConstantsOfOneElement) {
  Values models;
  {
    OnnxBuilder& b = models.add("square_root").input("x", {2, 3}).output("y", {2, 3});
    b.scalar("c", 4).node("Sqrt", {"c"}, {"r"});
    b.node("Div", {"x", "r"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("cast").input("x", {2, 3}).output("y", {2, 3});
    ints_of(b, "c", {}, {3}, DType::kInt64);
    set_attribute(b.node("Cast", {"c"}, {"f"}), "to", std::int64_t{Proto::FLOAT});
    b.node("Mul", {"f", "x"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("matrix").input("x", {1, 5}).output("y", {1, 5});
    b.weight("w", {1, 1}).node("MatMul", {"w", "x"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("both").input("x", {2}).output("y", {2});
    b.scalar("p", 2).scalar("q", 3).node("Mul", {"p", "q"}, {"s"});
    b.node("Exp", {"s"}, {"e"});
    b.node("Add", {"x", "e"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("rank").input("x", {3}).output("y", {1, 1, 3});
    b.weight("w", {1, 1, 1}).node("Mul", {"x", "w"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("largest").input("x", {4}, Proto::INT64);
    b.output("y", {4}, Proto::INT64);
    ints_of(b, "c", {}, {(std::int64_t{1} << 60) + 1}, DType::kInt64);
    b.node("Max", {"x", "c"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("join").input("x", {3}).output("y", {4});
    b.weight("w", {1});
    set_attribute(b.node("Concat", {"x", "w"}, {"y"}), "axis", std::int64_t{0});
  }
  models.expect_agree();
}

TEST(PyTorchValues, TablesHaveTheirType) {
  Values models;
  {
    OnnxBuilder& b = models.add("truth").input("x", {2, 3}).output("y", {2, 3});
    ints_of(b, "c", {3}, {0, 1, 1}, DType::kBool);
    b.scalar("zero", 0).node("Where", {"c", "x", "zero"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("small").input("x", {2, 3}, Proto::INT32);
    b.output("y", {2, 3}, Proto::INT32);
    ints_of(b, "c", {3}, {1, 2, 3}, DType::kInt32);
    b.node("Add", {"x", "c"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("one").input("x", {2, 3}, Proto::INT32);
    b.output("y", {2, 3}, Proto::INT32);
    ints_of(b, "c", {}, {2}, DType::kInt32);
    ints_of(b, "t", {1, 3}, {0, 1, 0}, DType::kBool);
    b.node("Where", {"t", "x", "c"}, {"y"});
  }
  for (const auto& [type, tag] :
       std::map<DType, std::string>{{DType::kBool, "b"}, {DType::kInt32, "i"}}) {
    const int proto = static_cast<int>(type);
    Ints many(600);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = i % 7 == 0 ? 1 : 0;
    OnnxBuilder& b = models.add("large_" + tag).input("x", {2, 600}, proto);
    b.output("y", {2, 600}, proto);
    ints_of(b, "c", {600}, many, type)
        .node(type == DType::kBool ? "Xor" : "Sub", {"x", "c"}, {"y"});
    OnnxBuilder& pick = models.add("pick_" + tag).input("x", {2, 3}).output("y", {2, 600});
    ints_of(pick, "c", {600}, many, type == DType::kBool ? DType::kInt64 : type);
    set_attribute(pick.node("Gather", {"x", "c"}, {"y"}), "axis", std::int64_t{1});
  }
  models.expect_agree();
}

TEST(PyTorchValues, IntegersKeepTheirType) {
  Values models;
  for (const auto& [type, tag] : std::map<int, std::string>{
           {Proto::UINT8, "u8"}, {Proto::INT32, "i32"}, {Proto::INT64, "i64"}}) {
    const auto dtype = static_cast<DType>(type);
    auto unary = [&](const std::string& op, const Ints& dims) -> onnx::NodeProto& {
      OnnxBuilder& b = models.add(op + tag).input("x", {2, 3}, type).output("y", dims, type);
      return b.node(op, {"x"}, {"y"});
    };
    OnnxBuilder& b = models.add("Div" + tag).input("x", {2, 3}, type).output("y", {2, 3}, type);
    ints_of(b, "c", {}, {2}, dtype).node("Div", {"x", "c"}, {"y"});
    if (type == Proto::UINT8) continue;
    unary("ReduceProd", {1, 1});
    unary("ReduceMax", {1, 1});
    OnnxBuilder& sum = models.add("Sum" + tag).input("x", {2, 3}, type).output("y", {1, 3}, type);
    sum.ints("axes", {0}).node("ReduceSum", {"x", "axes"}, {"y"});
    OnnxBuilder& run = models.add("Run" + tag).input("x", {2, 3}, type).output("y", {2, 3}, type);
    ints_of(run, "axis", {}, {1}, DType::kInt32).node("CumSum", {"x", "axis"}, {"y"});
    OnnxBuilder& power = models.add("Pow" + tag).input("x", {2, 3}, type).output("y", {2, 3}, type);
    power.scalar("c", 2).node("Pow", {"x", "c"}, {"y"});
    OnnxBuilder& clip = models.add("Clip" + tag).input("x", {2, 3}, type).output("y", {2, 3}, type);
    ints_of(clip, "low", {}, {1}, dtype);
    ints_of(clip, "high", {}, {2}, dtype).node("Clip", {"x", "low", "high"}, {"y"});
  }
  models.expect_agree();
}

TEST(PyTorchValues, IndicesOfAnyType) {
  Values models;
  {
    OnnxBuilder& b =
        models.add("elements").input("x", {1, 4, 6}).input("i", {1, 4, 2}, Proto::INT32);
    b.output("y", {1, 4, 2});
    set_attribute(b.node("GatherElements", {"x", "i"}, {"y"}), "axis", std::int64_t{2});
  }
  {
    OnnxBuilder& b = models.add("rows").input("i", {2, 3}, Proto::INT32).output("y", {2, 3, 5});
    b.weight("w", {4, 5}).node("Gather", {"w", "i"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("fourth_axis").input("x", {1, 2, 3, 4}).output("y", {1, 2, 3});
    ints_of(b, "i", {}, {-1}, DType::kInt32);
    set_attribute(b.node("Gather", {"x", "i"}, {"y"}), "axis", std::int64_t{3});
  }
  {
    OnnxBuilder& b = models.add("table").input("x", {1, 4, 6}).output("y", {1, 1, 1, 6});
    ints_of(b, "i", {1, 1}, {-1}, DType::kInt64);
    set_attribute(b.node("Gather", {"x", "i"}, {"y"}), "axis", std::int64_t{1});
  }
  models.expect_agree();
}

TEST(PyTorchValues, ShapesAtTheEdge) {
  Values models;
  {
    OnnxBuilder& b = models.add("expand_first").input("x", {1, 4, 6}).output("y", {3, 4, 6});
    b.ints("s", {3, 4, 6}).node("Expand", {"x", "s"}, {"e"});
    b.node("Relu", {"e"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("expand_ones").input("x", {1, 4, 6}).output("y", {2, 4, 6});
    b.ints("s", {2, 1, 1}).node("Expand", {"x", "s"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("to_scalar").input("x", {1, 1}).output("y", {});
    b.ints("s", {}).node("Reshape", {"x", "s"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("rank_0").input("x", {3, 4}).output("y", {2, 3, 1});
    set_attribute(b.node("ReduceSum", {"x"}, {"r"}), "keepdims", std::int64_t{0});
    b.ints("s", {2, 3, 1}).node("Expand", {"r", "s"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("empty_weight").input("x", {1, 5, 6}).output("y", {1, 5, 3});
    b.weight("z", {1, 0, 6}).weight("w", {6, 3});
    set_attribute(b.node("Concat", {"x", "z"}, {"c"}), "axis", std::int64_t{1});
    b.node("MatMul", {"c", "w"}, {"y"});
  }
  {
    OnnxBuilder& b = models.add("rank_zero_product").input("x", {2, 6}).output("y", {2, 3});
    b.weight("down", {6, 0}).weight("up", {0, 3});
    b.node("MatMul", {"x", "down"}, {"h"});
    b.node("MatMul", {"h", "up"}, {"y"});
  }
  models.expect_agree();
}

/// The first dimension is the batch's, as PyTorch's exporter writes `token.expand(n, -1, -1)`.
TEST(PyTorchValues, ATokenForEachOfTheBatch) {
  Values models;
  OnnxBuilder& b = models.add("token").input("x", {-1, 4, 6}).output("y", {-1, 5, 6});
  ints_of(b, "zero", {}, {0}, DType::kInt64);
  b.ints("axis", {0}).ints("minus", {-1}).ints("ones", {1, 1, 1}).weight("token", {1, 1, 6});
  b.node("Shape", {"x"}, {"shape"});
  b.node("Gather", {"shape", "zero"}, {"n"});
  b.node("Unsqueeze", {"n", "axis"}, {"n1"});
  set_attribute(b.node("Concat", {"n1", "minus", "minus"}, {"to"}), "axis", std::int64_t{0});
  b.node("Mul", {"ones", "minus"}, {"negative"});
  b.node("Equal", {"to", "negative"}, {"same"});
  b.node("Where", {"same", "ones", "to"}, {"target"});
  b.node("Expand", {"token", "target"}, {"tokens"});
  set_attribute(b.node("Concat", {"tokens", "x"}, {"y"}), "axis", std::int64_t{1});
  models.expect_agree({1, 3});
}

TEST(PyTorchValues, OutputsBesideTheFirst) {
  Values models;
  {
    OnnxBuilder& b = models.add("mask").input("x", {1, 3, 4, 4}).output("y", {1, 3, 4, 4});
    b.output("mask", {1, 3, 4, 4}, Proto::BOOL);
    b.scalar("r", 0.5).node("Relu", {"x"}, {"h"});
    b.node("Dropout", {"h", "r"}, {"y", "mask"});
  }
  {
    OnnxBuilder& b = models.add("largest").input("x", {1, 9}).output("y", {1, 3});
    b.ints("k", {3}).node("TopK", {"x", "k"}, {"y", "i"});
  }
  models.expect_agree();
  OnnxBuilder b(17, 8);
  b.input("x", {2, 6}).output("y", {2, 6}).output("mean", {2, 1}).weight("s", {6});
  b.node("LayerNormalization", {"x", "s"}, {"y", "mean"});
  EXPECT_EQ(refusal(b), "its output 1 cannot be exported");
}

TEST(PyTorchValues, BatchStatisticsWhereTheFileAsksForThem) {
  Values models;
  OnnxBuilder& b = models.add("norm").input("x", {2, 4, 6, 6}).output("y", {2, 4, 6, 6});
  for (const char* weight : {"s", "b", "m", "v"}) b.weight(weight, {4});
  set_attribute(b.node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y", "rm", "rv"}),
                "training_mode", std::int64_t{1});
  models.expect_agree();
  OnnxBuilder drop(17, 8);
  drop.input("x", {2, 6}).output("y", {2, 6}).scalar("r", 0.5);
  ints_of(drop, "t", {}, {1}, DType::kBool).node("Dropout", {"x", "r", "t"}, {"y"});
  EXPECT_EQ(refusal(drop), "it drops in evaluation, too (training_mode)");
}

/// PyTorch names the sizes that it did not compute: "Resizey_dim_2".
TEST(PyTorchValues, OutputsWhoseSizesHaveNamesOnly) {
  Values models;
  OnnxBuilder& b = models.add("resize").input("x", {-1, 4, 8, 8}).output("y", {-1, -1, -1, -1});
  b.weight("w", {4, 4, 3, 3}).ints("size", {1, 4, 12, 12});
  b.node("Conv", {"x", "w"}, {"a"});
  auto& node = b.node("Resize", {"a", "", "", "size"}, {"y"});
  set_attribute(node, "mode", "linear");
  OnnxBuilder& up = models.add("deconv").input("x", {-1, 4, 8, 8}).output("y", {-1, -1, -1, -1});
  up.weight("w", {4, 4, 2, 2});
  auto& wide = up.node("ConvTranspose", {"x", "w"}, {"y"});
  set_attribute(wide, "strides", Ints{2, 2});
  set_attribute(wide, "output_shape", Ints{16, 16});
  models.expect_agree();
}

TEST(PyTorchValues, TypesThatPyTorchHasNot) {
  OnnxBuilder b(17, 8);
  b.input("x", {2, 3}, Proto::UINT32).output("y", {2, 3}, Proto::UINT32);
  b.node("Identity", {"x"}, {"h"});
  b.node("Mul", {"h", "x"}, {"y"});
  EXPECT_EQ(refusal(b), "values of type uint32 have no form in PyTorch");
}

}  // namespace
}  // namespace autogo
