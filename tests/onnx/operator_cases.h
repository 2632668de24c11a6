#pragma once

#include <functional>
#include <string>
#include <vector>

#include "onnx_builder.h"
#include "support/temp_dir.h"

// Small models of ONNX's operators as exporters write them: what a back end is compared with ONNX
// Runtime on.

namespace autogo {

/// Judges models. @param list  a path where a list of them may be written
using CheckModels =
    std::function<void(const std::vector<std::string>& models, const std::string& list)>;
using Ints = std::vector<std::int64_t>;

inline const int kOnnxFloat = onnx::TensorProto::FLOAT;
inline const int kOnnxInt64 = onnx::TensorProto::INT64;

/// Collects small models, one or more nodes each.
class OperatorCases {
 public:
  OperatorCases(std::int64_t opset, const CheckModels& check) : opset_(opset), check_(check) {}
  using Make = std::function<void(OnnxBuilder&)>;

  /// x of this shape to y; `make` adds nodes and constants.
  void add(const std::string& name, const Ints& dims, const Make& make, int out = kOnnxFloat) {
    OnnxBuilder b(opset_, opset_ < 15 ? 7 : opset_ < 20 ? 8 : 10);
    b.input("x", dims);
    make(b);
    b.output("y");
    b.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(out);
    models_.push_back(b.save(folder_ / (name + std::to_string(opset_) + ".onnx")));
  }
  void check() const { check_(models_, folder_ / "list"); }

 private:
  std::int64_t opset_;
  const CheckModels& check_;
  TempDir folder_;
  std::vector<std::string> models_;
};

inline void set_float(onnx::NodeProto& node, const std::string& name, float value) {
  set_attribute(node, name, value);
}

inline void window_cases(const CheckModels& check) {
  for (const std::int64_t opset : {13, 19}) {
    OperatorCases cases(opset, check);
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

inline void convolution_cases(const CheckModels& check) {
  OperatorCases cases(13, check);
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

inline void elementwise_cases(const CheckModels& check) {
  OperatorCases cases(18, check);
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
  OperatorCases newer(20, check);
  newer.add("gelu", {2, 5}, [](OnnxBuilder& b) { b.node("Gelu", {"x"}, {"y"}); });
  newer.add("gelu_tanh", {2, 5}, [](OnnxBuilder& b) {
    set_attribute(b.node("Gelu", {"x"}, {"y"}), "approximate", std::string("tanh"));
  });
  newer.check();
}

inline void normalisation_cases(const CheckModels& check) {
  OperatorCases cases(17, check);
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
  OperatorCases old(11, check);
  for (const int axis : {0, 1, 2}) {
    old.add("softmax" + std::to_string(axis), {2, 3, 4}, [&](OnnxBuilder& b) {
      set_attribute(b.node("Softmax", {"x"}, {"y"}), "axis", std::int64_t{axis});
    });
  }
  old.check();
  OperatorCases newer(21, check);
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

inline void product_cases(const CheckModels& check) {
  OperatorCases cases(13, check);
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

inline void movement_cases(const CheckModels& check) {
  OperatorCases cases(13, check);
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

inline void index_cases(const CheckModels& check) {
  OperatorCases cases(14, check);
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
        kOnnxInt64);
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

inline void resize_cases(const CheckModels& check) {
  OperatorCases cases(13, check);
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
  OperatorCases old(9, check);
  old.add("upsample", {1, 2, 3, 4}, [](OnnxBuilder& b) {
    auto& t = *b.graph().add_initializer();
    t.set_name("s");
    write_small({DType::kFloat32, {4}, {}, {1, 1, 2, 3}}, t);
    b.node("Upsample", {"x", "s"}, {"y"});
  });
  old.check();
}

}  // namespace autogo
