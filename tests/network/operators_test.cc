// Operator by operator against ONNX Runtime: the operator table as the exporter writes it, and the
// ONNX primitives that other exporters write.
#include "onnx/onnx_builder.h"
#include "onnx/op_samples.h"
#include "run_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using testing::expect_like_runtime;
using testing::random_weights;
using Ints = std::vector<std::int64_t>;

constexpr double kTolerance = 1e-4;
const int kFloat = onnx::TensorProto::FLOAT;
const int kInt64 = onnx::TensorProto::INT64;

std::string base_model(const TempDir& folder, std::int64_t opset, const Ints& dims,
                       const std::string& name) {
  OnnxBuilder b(opset, opset < 15 ? 7 : opset < 20 ? 8 : 10);
  b.input("x", dims).output("y", dims);
  b.node("Relu", {"x"}, {"y"});
  return b.save(folder / name);
}

TEST(Operators, TheTableAsTheExporterWritesIt) {
  const TempDir folder;
  std::vector<std::string> models;
  for (const std::int64_t opset : {10, 13, 18, 21}) {
    const std::string tag = std::to_string(opset);
    auto add = [&](const std::string& base, const Sample& sample) {
      const Graph graph = with_new_node(import_onnx(base), sample);
      models.push_back(base + "_" + sample.name + ".onnx");
      replace_weights(graph, random_weights(lower(graph), 3), models.back());
    };
    const std::string map = base_model(folder, opset, {1, 8, 15, 15}, "m" + tag);
    const std::string tokens = base_model(folder, opset, {1, 6, 8}, "t" + tag);
    const std::string vector = base_model(folder, opset, {1, 8}, "v" + tag);
    for (const Sample& sample : map_samples()) add(map, sample);
    for (const Sample& sample : token_samples()) add(tokens, sample);
    for (const Sample& sample : token_samples()) {
      if (sample.op != OpKind::kPRelu) add(vector, sample);
    }
  }
  expect_like_runtime(models, folder / "list", kTolerance);
}

/// Collects small models, one or more nodes each.
class Cases {
 public:
  explicit Cases(std::int64_t opset) : opset_(opset) {}
  using Make = std::function<void(OnnxBuilder&)>;

  /// x of this shape to y; `make` adds nodes and constants.
  void add(const std::string& name, const Ints& dims, const Make& make, int out = kFloat) {
    OnnxBuilder b(opset_, opset_ < 15 ? 7 : opset_ < 20 ? 8 : 10);
    b.input("x", dims);
    make(b);
    b.output("y");
    b.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(out);
    models_.push_back(b.save(folder_ / (name + std::to_string(opset_) + ".onnx")));
  }
  void check() const { expect_like_runtime(models_, folder_ / "list", kTolerance); }

 private:
  std::int64_t opset_;
  TempDir folder_;
  std::vector<std::string> models_;
};

void set_float(onnx::NodeProto& node, const std::string& name, float value) {
  set_attribute(node, name, value);
}

TEST(Operators, WindowsWithUnevenPadding) {
  for (const std::int64_t opset : {13, 19}) {
    Cases cases(opset);
    for (const char* op : {"MaxPool", "AveragePool"}) {
      for (const bool ceil : {false, true}) {
        for (const bool count : {false, true}) {
          if (op == std::string("MaxPool") && count) continue;
          for (const Ints& pads : {Ints{0, 0, 0, 0}, Ints{1, 0, 0, 2}, Ints{1, 1, 1, 1}}) {
            const std::string name = std::string(op) + (ceil ? "_ceil" : "") +
                                     (count ? "_count" : "") + std::to_string(pads[0] + pads[3]);
            cases.add(name, {2, 3, 9, 11}, [&](OnnxBuilder& b) {
              auto& n = b.node(op, {"x"}, {"y"});
              set_attribute(n, "kernel_shape", Ints{3, 3});
              set_attribute(n, "strides", Ints{2, 2});
              set_attribute(n, "pads", pads);
              set_attribute(n, "ceil_mode", std::int64_t{ceil});
              if (count) set_attribute(n, "count_include_pad", std::int64_t{1});
            });
          }
        }
      }
      for (const char* rule : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
        cases.add(std::string(op) + rule, {1, 2, 7, 8}, [&](OnnxBuilder& b) {
          auto& n = b.node(op, {"x"}, {"y"});
          set_attribute(n, "kernel_shape", Ints{4, 3});
          set_attribute(n, "strides", Ints{2, 3});
          set_attribute(n, "auto_pad", std::string(rule));
        });
      }
    }
    cases.add("pool1d", {1, 2, 9}, [](OnnxBuilder& b) {
      set_attribute(b.node("AveragePool", {"x"}, {"y"}), "kernel_shape", Ints{3});
    });
    cases.add("pool_dilated", {1, 2, 9, 9}, [](OnnxBuilder& b) {
      auto& n = b.node("MaxPool", {"x"}, {"y"});
      set_attribute(n, "kernel_shape", Ints{3, 3});
      set_attribute(n, "dilations", Ints{2, 2});
    });
    if (opset >= 19) {
      cases.add("average_dilated", {1, 2, 9, 9}, [](OnnxBuilder& b) {
        auto& n = b.node("AveragePool", {"x"}, {"y"});
        set_attribute(n, "kernel_shape", Ints{3, 3});
        set_attribute(n, "dilations", Ints{2, 2});
        set_attribute(n, "pads", Ints{1, 1, 1, 1});
      });
    }
    cases.check();
  }
}

TEST(Operators, Convolutions) {
  Cases cases(13);
  for (const char* rule : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    cases.add(std::string("conv") + rule, {2, 4, 9, 8}, [&](OnnxBuilder& b) {
      b.weight("w", {6, 2, 4, 3}).weight("c", {6});
      auto& n = b.node("Conv", {"x", "w", "c"}, {"y"});
      set_attribute(n, "group", std::int64_t{2});
      set_attribute(n, "strides", Ints{2, 2});
      set_attribute(n, "auto_pad", std::string(rule));
    });
    cases.add(std::string("transposed") + rule, {2, 4, 5, 6}, [&](OnnxBuilder& b) {
      b.weight("w", {4, 3, 4, 3}).weight("c", {3});
      auto& n = b.node("ConvTranspose", {"x", "w", "c"}, {"y"});
      set_attribute(n, "strides", Ints{2, 2});
      set_attribute(n, "auto_pad", std::string(rule));
    });
  }
  cases.add("uneven", {1, 3, 8, 8}, [](OnnxBuilder& b) {
    b.weight("w", {5, 3, 3, 3});
    auto& n = b.node("Conv", {"x", "w"}, {"y"});
    set_attribute(n, "pads", Ints{0, 1, 2, 3});
    set_attribute(n, "dilations", Ints{1, 2});
  });
  cases.add("conv1d", {2, 3, 10}, [](OnnxBuilder& b) {
    b.weight("w", {4, 3, 3});
    b.node("Conv", {"x", "w"}, {"y"});
  });
  cases.add("conv3d", {1, 2, 5, 6, 4}, [](OnnxBuilder& b) {
    b.weight("w", {3, 2, 2, 3, 2});
    b.node("Conv", {"x", "w"}, {"y"});
  });
  cases.add("transposed_uneven", {1, 3, 5, 5}, [](OnnxBuilder& b) {
    b.weight("w", {3, 4, 3, 3}).weight("c", {4});
    auto& n = b.node("ConvTranspose", {"x", "w", "c"}, {"y"});
    set_attribute(n, "strides", Ints{2, 2});
    set_attribute(n, "pads", Ints{0, 1, 1, 2});
    set_attribute(n, "output_padding", Ints{1, 0});
  });
  cases.add("transposed_shape", {1, 3, 5, 5}, [](OnnxBuilder& b) {
    b.weight("w", {3, 4, 3, 3});
    auto& n = b.node("ConvTranspose", {"x", "w"}, {"y"});
    set_attribute(n, "strides", Ints{2, 2});
    set_attribute(n, "output_shape", Ints{10, 9});
  });
  cases.check();
}

TEST(Operators, ElementwiseFunctions) {
  Cases cases(18);
  for (const char* op : {"Abs",         "Acos",
                         "Asin",        "Asinh",
                         "Atan",        "Atanh",
                         "Ceil",        "Celu",
                         "Cos",         "Cosh",
                         "Elu",         "Erf",
                         "Exp",         "Floor",
                         "HardSigmoid", "HardSwish",
                         "Identity",    "LeakyRelu",
                         "Mish",        "Neg",
                         "Reciprocal",  "Relu",
                         "Round",       "Selu",
                         "Shrink",      "Sigmoid",
                         "Sign",        "Sin",
                         "Sinh",        "Softplus",
                         "Softsign",    "Tan",
                         "Tanh",        "ThresholdedRelu",
                         "LogSoftmax",  "Softmax"}) {
    cases.add(op, {2, 3, 5}, [&](OnnxBuilder& b) { b.node(op, {"x"}, {"y"}); });
  }
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu"}) {
    cases.add(std::string(op) + "_const", {2, 3, 5}, [&](OnnxBuilder& b) {
      b.weight("c", {3, 1});
      b.node(op, {"x", "c"}, {"y"});
    });
  }
  for (const char* op : {"Sum", "Mean", "Max", "Min"}) {
    cases.add(std::string(op) + "_three", {2, 3, 5}, [&](OnnxBuilder& b) {
      b.weight("c", {3, 1}).weight("d", {5});
      b.node(op, {"x", "c", "d"}, {"y"});
    });
  }
  cases.add("pow", {2, 5}, [](OnnxBuilder& b) {
    b.scalar("two", 2);
    b.node("Pow", {"x", "two"}, {"y"});
  });
  cases.add("clip", {2, 5}, [](OnnxBuilder& b) {
    b.scalar("low", -0.3).scalar("high", 0.4);
    b.node("Clip", {"x", "low", "high"}, {"y"});
  });
  cases.add("clip_low", {2, 5}, [](OnnxBuilder& b) {
    b.scalar("low", -0.3);
    b.node("Clip", {"x", "low"}, {"y"});
  });
  cases.add("where", {2, 5}, [](OnnxBuilder& b) {
    b.scalar("zero", 0).scalar("three", 3);
    b.node("Greater", {"x", "zero"}, {"c"});
    b.node("Where", {"c", "x", "three"}, {"y"});
  });
  cases.add("logic", {2, 5}, [](OnnxBuilder& b) {
    b.scalar("zero", 0).scalar("half", 0.5);
    b.node("Greater", {"x", "zero"}, {"a"});
    b.node("LessOrEqual", {"x", "half"}, {"b"});
    b.node("And", {"a", "b"}, {"c"});
    b.node("Not", {"c"}, {"d"});
    b.node("Xor", {"a", "d"}, {"e"});
    set_attribute(b.node("Cast", {"e"}, {"y"}), "to", std::int64_t{1});
  });
  cases.add("mod", {2, 5}, [](OnnxBuilder& b) {
    b.scalar("m", 0.3);
    set_attribute(b.node("Mod", {"x", "m"}, {"y"}), "fmod", std::int64_t{1});
  });
  cases.add("integers", {2, 5}, [](OnnxBuilder& b) {
    b.ints("seven", {7}).ints("two", {2});
    b.node("Shape", {"x"}, {"s"});
    b.node("Sub", {"s", "seven"}, {"d"});
    b.node("Div", {"d", "two"}, {"q"});  // truncates
    set_attribute(b.node("Cast", {"q"}, {"f"}), "to", std::int64_t{1});
    b.node("Add", {"x", "f2"}, {"y"});
    b.node("Identity", {"f"}, {"f1"});
    b.ints("first", {0});
    b.node("Gather", {"f1", "first"}, {"f2"});
    std::swap(*b.graph().mutable_node(4), *b.graph().mutable_node(6));  // topological order
    std::swap(*b.graph().mutable_node(4), *b.graph().mutable_node(5));
  });
  cases.add("dropout", {2, 5}, [](OnnxBuilder& b) { b.node("Dropout", {"x"}, {"y"}); });
  cases.check();
  Cases newer(20);
  newer.add("gelu", {2, 5}, [](OnnxBuilder& b) { b.node("Gelu", {"x"}, {"y"}); });
  newer.add("gelu_tanh", {2, 5}, [](OnnxBuilder& b) {
    set_attribute(b.node("Gelu", {"x"}, {"y"}), "approximate", std::string("tanh"));
  });
  newer.check();
}

TEST(Operators, NormalisationsAndReductions) {
  Cases cases(17);
  cases.add("layer", {2, 3, 4, 5}, [](OnnxBuilder& b) {
    b.weight("s", {4, 5}).weight("c", {4, 5});
    auto& n = b.node("LayerNormalization", {"x", "s", "c"}, {"y"});
    set_attribute(n, "axis", std::int64_t{2});
    set_float(n, "epsilon", 1e-3F);
  });
  cases.add("layer_plain", {2, 3, 5}, [](OnnxBuilder& b) {
    b.weight("s", {5});
    b.node("LayerNormalization", {"x", "s"}, {"y"});
  });
  cases.add("instance", {2, 3, 4, 5}, [](OnnxBuilder& b) {
    b.weight("s", {3}).weight("c", {3});
    b.node("InstanceNormalization", {"x", "s", "c"}, {"y"});
  });
  cases.add("lrn", {2, 7, 3, 3}, [](OnnxBuilder& b) {
    auto& n = b.node("LRN", {"x"}, {"y"});
    set_attribute(n, "size", std::int64_t{5});
    set_float(n, "alpha", 0.1F);
  });
  cases.add("lp", {2, 7, 3}, [](OnnxBuilder& b) {
    set_attribute(b.node("LpNormalization", {"x"}, {"y"}), "axis", std::int64_t{1});
  });
  cases.add("mvn", {2, 3, 4, 4},
            [](OnnxBuilder& b) { b.node("MeanVarianceNormalization", {"x"}, {"y"}); });
  for (const char* op : {"ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
                         "ReduceMin", "ReduceProd", "ReduceSumSquare"}) {
    cases.add(op, {2, 3, 4}, [&](OnnxBuilder& b) {
      set_attribute(b.node(op, {"x"}, {"y"}), "axes", Ints{0, -1});
    });
    cases.add(std::string(op) + "_all", {2, 3, 4}, [&](OnnxBuilder& b) {
      set_attribute(b.node(op, {"x"}, {"y"}), "keepdims", std::int64_t{0});
    });
  }
  cases.add("sum", {2, 3, 4}, [](OnnxBuilder& b) {
    b.ints("axes", {1});
    b.node("ReduceSum", {"x", "axes"}, {"y"});
  });
  cases.check();
  Cases old(11);
  for (const int axis : {0, 1, 2}) {
    old.add("softmax" + std::to_string(axis), {2, 3, 4}, [&](OnnxBuilder& b) {
      set_attribute(b.node("Softmax", {"x"}, {"y"}), "axis", std::int64_t{axis});
    });
  }
  old.check();
  Cases newer(21);
  newer.add("group", {2, 6, 4, 4}, [](OnnxBuilder& b) {
    b.weight("s", {6}).weight("c", {6});
    set_attribute(b.node("GroupNormalization", {"x", "s", "c"}, {"y"}), "num_groups",
                  std::int64_t{3});
  });
  newer.add("mean_axes", {2, 6, 4}, [](OnnxBuilder& b) {
    b.ints("axes", {1});
    b.node("ReduceMean", {"x", "axes"}, {"y"});
  });
  newer.check();
}

TEST(Operators, Products) {
  Cases cases(13);
  cases.add("matmul", {2, 3, 4}, [](OnnxBuilder& b) {
    b.weight("w", {4, 5});
    b.node("MatMul", {"x", "w"}, {"y"});
  });
  cases.add("matmul_left", {2, 3, 4}, [](OnnxBuilder& b) {
    b.weight("w", {5, 3});
    b.node("MatMul", {"w", "x"}, {"y"});
  });
  for (const int flags : {0, 1, 2, 3}) {
    cases.add("gemm" + std::to_string(flags), {3, 3}, [&](OnnxBuilder& b) {
      b.weight("w", {3, 3}).weight("c", {3});
      auto& n = b.node("Gemm", {"x", "w", "c"}, {"y"});
      set_attribute(n, "transA", std::int64_t{flags & 1});
      set_attribute(n, "transB", std::int64_t{flags >> 1});
      set_float(n, "alpha", 0.5F);
      set_float(n, "beta", 2);
    });
  }
  cases.add("gemm_matrix", {3, 4}, [](OnnxBuilder& b) {
    b.weight("w", {5, 4}).weight("c", {3, 1});
    set_attribute(b.node("Gemm", {"x", "w", "c"}, {"y"}), "transB", std::int64_t{1});
  });
  cases.add("einsum", {2, 3, 4}, [](OnnxBuilder& b) {
    b.weight("w", {4, 5});
    set_attribute(b.node("Einsum", {"x", "w"}, {"y"}), "equation", std::string("bij, jk -> bik"));
  });
  cases.check();
}

TEST(Operators, Movement) {
  Cases cases(13);
  auto constant_shape = [](OnnxBuilder& b, const char* op, const Ints& values) {
    b.ints("v", values);
    b.node(op, {"x", "v"}, {"y"});
  };
  cases.add("reshape", {2, 3, 4}, [&](OnnxBuilder& b) { constant_shape(b, "Reshape", {0, -1}); });
  cases.add("expand", {2, 1, 4}, [&](OnnxBuilder& b) { constant_shape(b, "Expand", {3, 1}); });
  cases.add("tile", {2, 3}, [&](OnnxBuilder& b) { constant_shape(b, "Tile", {2, 3}); });
  cases.add("squeeze", {2, 1, 3, 1}, [&](OnnxBuilder& b) {
    constant_shape(b, "Squeeze", {-1, 1});
  });
  cases.add("unsqueeze", {2, 3}, [&](OnnxBuilder& b) { constant_shape(b, "Unsqueeze", {0, -1}); });
  cases.add("flatten2", {2, 3, 4}, [](OnnxBuilder& b) {
    set_attribute(b.node("Flatten", {"x"}, {"y"}), "axis", std::int64_t{2});
  });
  cases.add("transpose", {2, 3, 4}, [](OnnxBuilder& b) { b.node("Transpose", {"x"}, {"y"}); });
  cases.add("slice", {5, 6}, [](OnnxBuilder& b) {
    b.ints("s", {-1, 1}).ints("e", {-1000, 100}).ints("a", {0, 1}).ints("t", {-2, 2});
    b.node("Slice", {"x", "s", "e", "a", "t"}, {"y"});
  });
  cases.add("slice_plain", {5, 6}, [](OnnxBuilder& b) {
    b.ints("s", {1, -3}).ints("e", {3, 9});
    b.node("Slice", {"x", "s", "e"}, {"y"});
  });
  cases.add("split", {2, 7}, [](OnnxBuilder& b) {
    b.ints("sizes", {3, 4});
    set_attribute(b.node("Split", {"x", "sizes"}, {"a", "b"}), "axis", std::int64_t{1});
    set_attribute(b.node("Concat", {"b", "a"}, {"y"}), "axis", std::int64_t{-1});
  });
  cases.add("split_even", {2, 6}, [](OnnxBuilder& b) {
    set_attribute(b.node("Split", {"x"}, {"a", "b"}), "axis", std::int64_t{1});
    b.node("Sub", {"b", "a"}, {"y"});
  });
  for (const char* mode : {"constant", "reflect", "edge"}) {
    cases.add(std::string("pad_") + mode, {2, 4, 5}, [&](OnnxBuilder& b) {
      b.ints("p", {0, 1, 2, 0, 3, 1}).scalar("value", 0.5);
      std::vector<std::string> inputs{"x", "p"};
      if (mode == std::string("constant")) inputs.push_back("value");
      set_attribute(b.node("Pad", inputs, {"y"}), "mode", std::string(mode));
    });
  }
  cases.add("pad_negative", {4, 5}, [](OnnxBuilder& b) {
    b.ints("p", {0, -1, 2, -1});
    b.node("Pad", {"x", "p"}, {"y"});
  });
  for (const char* mode : {"DCR", "CRD"}) {
    cases.add(std::string("depth_") + mode, {2, 12, 2, 3}, [&](OnnxBuilder& b) {
      auto& n = b.node("DepthToSpace", {"x"}, {"y"});
      set_attribute(n, "blocksize", std::int64_t{2});
      set_attribute(n, "mode", std::string(mode));
    });
  }
  cases.add("space", {2, 3, 4, 6}, [](OnnxBuilder& b) {
    set_attribute(b.node("SpaceToDepth", {"x"}, {"y"}), "blocksize", std::int64_t{2});
  });
  cases.check();
}

TEST(Operators, Indices) {
  Cases cases(14);
  cases.add("gather", {4, 5, 2}, [](OnnxBuilder& b) {
    auto& t = *b.graph().add_initializer();
    t.set_name("i");
    write_small({DType::kInt64, {2, 2}, {0, -1, 3, 2}, {}}, t);
    set_attribute(b.node("Gather", {"x", "i"}, {"y"}), "axis", std::int64_t{1});
  });
  cases.add("gather_one", {4, 5}, [](OnnxBuilder& b) {
    auto& t = *b.graph().add_initializer();
    t.set_name("i");
    write_small({DType::kInt64, {}, {-2}, {}}, t);
    b.node("Gather", {"x", "i"}, {"y"});
  });
  cases.add("gather_elements", {2, 3}, [](OnnxBuilder& b) {
    auto& t = *b.graph().add_initializer();
    t.set_name("i");
    write_small({DType::kInt64, {2, 2}, {2, 0, -1, 1}, {}}, t);
    set_attribute(b.node("GatherElements", {"x", "i"}, {"y"}), "axis", std::int64_t{1});
  });
  for (const char* op : {"ArgMax", "ArgMin"}) {
    cases.add(
        op, {3, 4},
        [&](OnnxBuilder& b) { set_attribute(b.node(op, {"x"}, {"y"}), "axis", std::int64_t{-1}); },
        kInt64);
  }
  cases.add("topk", {3, 7}, [](OnnxBuilder& b) {
    b.ints("k", {3});
    b.node("TopK", {"x", "k"}, {"y", "i"});
  });
  for (const int flags : {0, 1, 2, 3}) {
    cases.add("cumsum" + std::to_string(flags), {3, 4}, [&](OnnxBuilder& b) {
      b.ints("a", {1});
      auto& n = b.node("CumSum", {"x", "a"}, {"y"});
      set_attribute(n, "exclusive", std::int64_t{flags & 1});
      set_attribute(n, "reverse", std::int64_t{flags >> 1});
    });
  }
  cases.add("trilu", {3, 4}, [](OnnxBuilder& b) {
    set_attribute(b.node("Trilu", {"x"}, {"y"}), "upper", std::int64_t{0});
  });
  cases.add("onehot", {3, 4}, [](OnnxBuilder& b) {
    b.ints("d", {4}).weight("v", {2});
    auto& arg = b.node("ArgMax", {"x"}, {"i"});
    set_attribute(arg, "axis", std::int64_t{1});
    set_attribute(arg, "keepdims", std::int64_t{0});
    b.node("OneHot", {"i", "d", "v"}, {"y"});
  });
  cases.check();
}

TEST(Operators, Resizing) {
  Cases cases(13);
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* rule : {"asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"}) {
      for (const double scale : {2.0, 1.6, 0.7}) {
        cases.add(std::string(mode) + rule + std::to_string(scale), {1, 2, 5, 6},
                  [&](OnnxBuilder& b) {
                    auto& t = *b.graph().add_initializer();
                    t.set_name("s");
                    write_small({DType::kFloat32, {4}, {}, {1, 1, scale, scale}}, t);
                    auto& n = b.node("Resize", {"x", "", "s"}, {"y"});
                    set_attribute(n, "mode", std::string(mode));
                    set_attribute(n, "coordinate_transformation_mode", std::string(rule));
                  });
      }
    }
    cases.add(std::string(mode) + "sizes", {1, 2, 5, 6}, [&](OnnxBuilder& b) {
      b.ints("s", {1, 2, 9, 4});
      set_attribute(b.node("Resize", {"x", "", "", "s"}, {"y"}), "mode", std::string(mode));
    });
  }
  for (const char* rounding : {"floor", "ceil", "round_prefer_ceil"}) {
    cases.add(rounding, {1, 2, 5, 6}, [&](OnnxBuilder& b) {
      b.ints("s", {1, 2, 8, 11});
      set_attribute(b.node("Resize", {"x", "", "", "s"}, {"y"}), "nearest_mode",
                    std::string(rounding));
    });
  }
  cases.check();
  Cases old(9);
  old.add("upsample", {1, 2, 3, 4}, [](OnnxBuilder& b) {
    auto& t = *b.graph().add_initializer();
    t.set_name("s");
    write_small({DType::kFloat32, {4}, {}, {1, 1, 2, 3}}, t);
    b.node("Upsample", {"x", "s"}, {"y"});
  });
  old.check();
}

TEST(Operators, HalvesComputeAsSingle) {
  OnnxBuilder b(13);
  b.input("x", {2, 4}, onnx::TensorProto::FLOAT16).output("y", {2, 3}, onnx::TensorProto::FLOAT16);
  b.weight("w", {4, 3}, DType::kFloat16);
  b.node("MatMul", {"x", "w"}, {"y"});
  const TempDir folder;
  expect_like_runtime({b.save(folder / "half.onnx")}, folder / "list", 2e-3);
}

std::string refusal(const OnnxBuilder& builder) {
  const TempDir folder;
  try {
    const NetModule net(lower(import_onnx(builder.save(folder / "a.onnx"))), {});
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    return e.what();
  }
  return "nothing";
}

TEST(Operators, WhatCannotRunIsNamed) {
  OnnxBuilder foreign(13);
  auto& import = *foreign.model().add_opset_import();
  import.set_domain("com.example");
  import.set_version(1);
  foreign.input("x", {2, 4}).output("y", {2, 4});
  foreign.node("Twist", {"x"}, {"y"}).set_domain("com.example");
  EXPECT_EQ(refusal(foreign), "node 'y_Twist' (Twist): operator com.example.Twist cannot run here");
  OnnxBuilder quantised(13);
  quantised.input("x", {2, 4}).output("y", {2, 4}).scalar("s", 0.1);
  quantised.node("QuantizeLinear", {"x", "s"}, {"q"});
  quantised.node("DequantizeLinear", {"q", "s"}, {"y"});
  EXPECT_EQ(refusal(quantised),
            "node 'q_QuantizeLinear' (QuantizeLinear): operator QuantizeLinear cannot run here");
}

}  // namespace
}  // namespace autogo
