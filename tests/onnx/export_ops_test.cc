#include <gtest/gtest.h>

#include <functional>

#include "autogo/base/error.h"
#include "onnx_builder.h"
#include "ort.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

struct Sample {
  std::string name;
  OpKind op;
  Attrs attrs;
};

Attrs window(int kernel, int stride, Padding padding = Padding::kSame) {
  Attrs a;
  a.kernel = {kernel, kernel};
  a.stride = {stride, stride};
  a.padding = padding;
  return a;
}

Attrs with(Attrs a, const std::function<void(Attrs&)>& change) {
  change(a);
  return a;
}

/// One or more samples of every operator that can be written anew, on 1x8x15x15 maps.
std::vector<Sample> map_samples() {
  using enum OpKind;
  auto channels = [](int c) { return [c](Attrs& a) { a.out_channels = c; }; };
  std::vector<Sample> samples{
      {"conv", kConv, with(window(3, 2), channels(12))},
      {"conv_lower", kConv, with(window(4, 2, Padding::kSameLower), channels(12))},
      {"conv_group", kConv,
       with(window(3, 1),
            [](Attrs& a) {
              a.out_channels = 12;
              a.group = 4;
              a.bias = true;
            })},
      {"conv_explicit", kConv,
       with(window(3, 2, Padding::kExplicit),
            [](Attrs& a) {
              a.out_channels = 4;
              a.pads = {1, 0, 2, 1};
              a.dilation = {2, 1};
            })},
      {"depthwise", kDepthwiseConv, with(window(5, 1), channels(16))},
      {"transposed", kConvTranspose,
       with(window(3, 2, Padding::kExplicit),
            [](Attrs& a) {
              a.out_channels = 6;
              a.pads = {1, 1, 1, 1};
              a.output_padding = {1, 1};
              a.bias = true;
            })},
      {"transposed_same", kConvTranspose, with(window(3, 2), channels(6))},
      {"transposed_lower", kConvTranspose, with(window(4, 2, Padding::kSameLower), channels(6))},
      {"transposed_small", kConvTranspose, with(window(2, 4), channels(6))},
      {"batch_norm", kBatchNorm, with({}, [](Attrs& a) { a.epsilon = 1e-3F; })},
      {"instance_norm", kInstanceNorm, with({}, [](Attrs& a) { a.epsilon = 1e-3F; })},
      {"leaky", kLeakyRelu, with({}, [](Attrs& a) { a.alpha = 0.2F; })},
      {"elu", kElu, with({}, [](Attrs& a) { a.alpha = 1; })},
      {"hard_sigmoid", kHardSigmoid,
       with({},
            [](Attrs& a) {
              a.alpha = 0.2F;
              a.beta = 0.5F;
            })},
      {"gelu", kGelu, {}},
      {"gelu_tanh", kGelu, with({}, [](Attrs& a) { a.text = "tanh"; })},
      {"max_pool", kMaxPool, window(3, 2)},
      {"max_pool_ceil", kMaxPool,
       with(window(2, 2, Padding::kExplicit), [](Attrs& a) { a.ceil_mode = true; })},
      {"avg_pool", kAvgPool, window(3, 1)},
      {"avg_pool_ceil", kAvgPool,
       with(window(2, 2, Padding::kExplicit), [](Attrs& a) { a.ceil_mode = true; })},
      {"avg_pool_count", kAvgPool,
       with(window(3, 2, Padding::kExplicit),
            [](Attrs& a) {
              a.pads = {1, 1, 1, 1};
              a.count_include_pad = true;
            })},
      {"resize", kResize,
       with({},
            [](Attrs& a) {
              a.stride = {2, 3};
            })},
      {"resize_linear", kResize,
       with({},
            [](Attrs& a) {
              a.stride = {2, 2};
              a.text = "linear";
            })},
      {"shuffle", kDepthToSpace,
       with({},
            [](Attrs& a) {
              a.block = 2;
              a.text = "CRD";
            })},
      {"depth_to_space", kDepthToSpace,
       with({},
            [](Attrs& a) {
              a.block = 2;
              a.text = "DCR";
            })},
      {"squeeze_excite", kSqueezeExcite,
       with({},
            [](Attrs& a) {
              a.out_channels = 2;
              a.bias = true;
              a.text = "relu,hard_sigmoid";
            })},
      {"squeeze_excite_swish", kSqueezeExcite,
       with({},
            [](Attrs& a) {
              a.out_channels = 2;
              a.text = "swish,sigmoid";
            })},
      {"pad", kPad,
       with({},
            [](Attrs& a) {
              a.pads = {1, 0, 2, 3};
            })},
      {"flatten", kFlatten, {}},
      {"reshape", kReshape,
       with({},
            [](Attrs& a) {
              a.ints = {0, 4, -1};
            })},
      {"transpose", kTranspose,
       with({},
            [](Attrs& a) {
              a.ints = {0, 2, 3, 1};
            })},
      {"reduce_mean", kReduceMean,
       with({},
            [](Attrs& a) {
              a.ints = {1};
              a.axis = 0;
            })},
      {"softmax", kSoftmax, with({}, [](Attrs& a) { a.axis = 3; })},
  };
  for (const OpKind op :
       {kRelu, kRelu6, kPRelu, kSelu, kSigmoid, kTanh, kSoftplus, kSwish, kHardSwish, kMish,
        kGlobalAvgPool, kGlobalMaxPool, kIdentity, kZero, kSqueezeExcite}) {
    Attrs a;
    if (op == kSqueezeExcite) a.out_channels = 4;
    samples.push_back({op_name(op), op, a});
  }
  for (const OpKind op : {kAdd, kSub, kMul, kDiv, kConcat})
    samples.push_back({op_name(op), op, {}});
  return samples;
}

std::vector<Sample> token_samples() {
  using enum OpKind;
  auto units = [](bool bias) {
    return with({}, [bias](Attrs& a) {
      a.out_channels = 5;
      a.bias = bias;
    });
  };
  return {{"dense", kDense, units(true)},
          {"dense_plain", kDense, units(false)},
          {"layer_norm", kLayerNorm, with({}, [](Attrs& a) { a.epsilon = 1e-5F; })},
          {"gelu", kGelu, {}},
          {"prelu", kPRelu, {}}};
}

/// x -> Relu (of the source) -> one new node.
Graph with_new_node(const Graph& source, const Sample& sample) {
  Graph graph;
  graph.set_source(source.source());
  ValueId last{};
  for (std::uint32_t i = 0; i < source.num_nodes(); ++i) {
    const Node& node = source.node(NodeId{i});
    if (node.op == OpKind::kInput) {
      last = graph.add_input(source.type(source.output(NodeId{i})), node.origin,
                             source.value(source.output(NodeId{i})).origin);
    } else if (node.op == OpKind::kRelu) {
      const std::array<ValueId, 1> in{last};
      last = graph.add(node.op, node.attrs, in, node.origin,
                       source.value(source.output(NodeId{i})).origin);
    }
  }
  const int arity = op_info(sample.op).min_inputs;
  std::vector<ValueId> inputs(static_cast<std::size_t>(arity), last);
  if (arity == 2) {
    inputs[0] = graph.add(OpKind::kTanh, {}, {last});
    if (sample.op == OpKind::kAdd) inputs.push_back(last);
  }
  graph.add_output(graph.add(sample.op, sample.attrs, inputs));
  return graph;
}

std::string base_model(const TempDir& folder, std::int64_t opset, DType type,
                       const std::vector<std::int64_t>& dims, const std::string& name) {
  const std::int64_t ir = opset < 9 ? 3 : opset < 15 ? 7 : opset < 20 ? 8 : 10;
  OnnxBuilder b(opset, ir);
  b.input("x", dims, static_cast<int>(type)).output("y", dims, static_cast<int>(type));
  b.node("Relu", {"x"}, {"y"});
  return b.save(folder / name);
}

bool expressible(const Sample& sample, std::int64_t opset) {
  return sample.name != "gelu" || opset >= 9;  // no Erf before
}

TEST(ExportOps, EveryNewOperatorIsValidInEveryOpset) {
  const TempDir folder;
  std::vector<std::string> written;
  for (std::int64_t opset = 7; opset <= 23; ++opset) {
    const std::string tag = std::to_string(opset);
    const std::string map = base_model(folder, opset, DType::kFloat32, {1, 8, 15, 15}, "m" + tag);
    const std::string tokens = base_model(folder, opset, DType::kFloat32, {1, 6, 8}, "t" + tag);
    const std::string vector = base_model(folder, opset, DType::kFloat32, {1, 8}, "v" + tag);
    auto check = [&](const std::string& base, const Sample& sample) {
      SCOPED_TRACE(sample.name + " in opset " + tag);
      const Graph graph = with_new_node(import_onnx(base), sample);
      const std::string path = base + "_" + sample.name + ".onnx";
      if (!expressible(sample, opset)) {
        EXPECT_THROW(export_onnx(graph, path), Error);
        return;
      }
      export_onnx(graph, path);
      expect_valid(path);
      // Read back, the new node has the type that its shape rule gave.
      const Graph again = import_onnx(path);
      EXPECT_EQ(again.output_type(again.output_nodes()[0]).shape,
                graph.output_type(graph.output_nodes()[0]).shape);
      written.push_back(path);
    };
    for (const Sample& sample : map_samples()) check(map, sample);
    for (const Sample& sample : token_samples()) check(tokens, sample);
    for (const Sample& sample : token_samples()) {
      if (sample.op != OpKind::kPRelu) check(vector, sample);
    }
  }
  const OrtAnswer answer = ask_ort("run", written, folder / "list");
  if (!answer.available) GTEST_SKIP() << answer.text;
  std::string failures;
  std::size_t from = 0;
  while ((from = answer.text.find("FAIL ", from)) != std::string::npos) {
    const std::size_t end = answer.text.find('\n', from);
    failures += answer.text.substr(from, end - from) + "\n";
    from = end;
  }
  EXPECT_TRUE(answer.ok) << failures;
}

TEST(ExportOps, ReadsBackAsTheSameOperators) {
  // Written and read again, an operator of several ONNX nodes is one node of the table again.
  const TempDir folder;
  for (const std::int64_t opset : {9, 13, 17, 21}) {
    const std::string map =
        base_model(folder, opset, DType::kFloat32, {1, 8, 15, 15}, "m" + std::to_string(opset));
    const std::string tokens =
        base_model(folder, opset, DType::kFloat32, {1, 6, 8}, "t" + std::to_string(opset));
    auto check = [&](const std::string& base, const Sample& sample) {
      SCOPED_TRACE(sample.name + " in opset " + std::to_string(opset));
      const std::string path = base + "_" + sample.name + ".onnx";
      const Graph graph = with_new_node(import_onnx(base), sample);
      export_onnx(graph, path);
      std::string wanted = ops_of(graph);
      if (sample.op == OpKind::kIdentity) wanted = "relu";
      if (sample.op == OpKind::kZero) wanted = "relu opaque:Mul";
      if (sample.name == "shuffle" && opset == 9) wanted = "relu reshape transpose reshape";
      EXPECT_EQ(ops_of(import_onnx(path)), wanted);
    };
    for (const Sample& sample : map_samples()) check(map, sample);
    for (const Sample& sample : token_samples()) check(tokens, sample);
  }
}

TEST(ExportOps, NewWeightsHaveTheTypeOfTheirInput) {
  const TempDir folder;
  for (const DType type : {DType::kFloat16, DType::kFloat64, DType::kBFloat16}) {
    const std::string base = base_model(folder, 13, type, {1, 8, 15, 15}, dtype_name(type));
    for (const Sample& sample : map_samples()) {
      const std::string path = base + "_" + sample.name + ".onnx";
      export_onnx(with_new_node(import_onnx(base), sample), path);
      const onnx::ModelProto model = read_model(path);
      for (const auto& tensor : model.graph().initializer()) {
        const bool shape = tensor.data_type() == onnx::TensorProto::INT64 ||
                           tensor.name().ends_with("scales") || tensor.name().ends_with("roi");
        EXPECT_TRUE(shape || tensor.data_type() == static_cast<int>(type)) << tensor.name();
      }
      if (type == DType::kFloat16) expect_valid(path);
    }
  }
}

TEST(ExportOps, SaysWhatAnOpsetCannotExpress) {
  const TempDir folder;
  const std::string base = base_model(folder, 8, DType::kFloat32, {1, 8, 15, 15}, "m");
  const Graph graph = with_new_node(import_onnx(base), {"gelu", OpKind::kGelu, {}});
  try {
    export_onnx(graph, folder / "out.onnx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    EXPECT_EQ(std::string(e.what()),
              (folder / "out.onnx") + ": node 'gelu_2': a new gelu cannot be written in opset 8");
  }
}

}  // namespace
}  // namespace autogo
