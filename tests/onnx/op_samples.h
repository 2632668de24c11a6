#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

struct Sample {
  std::string name;
  OpKind op;
  Attrs attrs;
  std::int64_t since = 7;      ///< the opset from which it can be written
  std::int64_t one_since = 7;  ///< and from which it is read back as one operator
  bool of_vectors = true;      ///< can be given vectors where tokens are meant
};

inline Attrs window(int kernel, int stride, Padding padding = Padding::kSame) {
  Attrs a;
  a.kernel = {kernel, kernel};
  a.stride = {stride, stride};
  a.padding = padding;
  return a;
}

inline Attrs with(Attrs a, const std::function<void(Attrs&)>& change) {
  change(a);
  return a;
}

inline Attrs two_heads(bool bias) {
  Attrs a;
  a.out_channels = 12;
  a.group = 2;
  a.block = 4;
  a.bias = bias;
  return a;
}

/// One or more samples of every operator that can be written anew, on 1x8x15x15 maps.
inline std::vector<Sample> map_samples() {
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
      {"celu", kCelu, with({}, [](Attrs& a) { a.alpha = 0.5F; }), 7, 12},
      {"hard_sigmoid", kHardSigmoid,
       with({},
            [](Attrs& a) {
              a.alpha = 0.2F;
              a.beta = 0.5F;
            })},
      {"gelu", kGelu, {}, 9},  // no Erf before
      {"gelu_tanh", kGelu, with({}, [](Attrs& a) { a.text = "tanh"; })},
      {"max_pool", kMaxPool, window(3, 2)},
      {"max_pool_ceil", kMaxPool,
       with(window(2, 2, Padding::kExplicit), [](Attrs& a) { a.ceil_mode = true; })},
      {"max_pool_dilated", kMaxPool,
       with(window(3, 2),
            [](Attrs& a) {
              a.dilation = {2, 1};
            }),
       10},
      {"avg_pool", kAvgPool, window(3, 1)},
      {"avg_pool_dilated", kAvgPool,
       with(window(3, 1),
            [](Attrs& a) {
              a.dilation = {1, 2};
              a.count_include_pad = true;
            }),
       19},
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
            }),
       7, 11},
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
      {"scale", kScale, {}},
      {"attention", kAttention, two_heads(true), 7, 99},  // with reshapes of the map around it
      {"softmax", kSoftmax, with({}, [](Attrs& a) { a.axis = 3; })},
      {"log_softmax", kLogSoftmax, with({}, [](Attrs& a) { a.axis = 3; })},
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

inline std::vector<Sample> token_samples() {
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
          {"gelu", kGelu, {}, 9},
          {"attention", kAttention, two_heads(false), 7, 7, false},
          {"scale_last", kScale, with({}, [](Attrs& a) { a.axis = -1; })},
          {"prelu", kPRelu, {}, 7, 7, false}};
}

/// x -> Relu (of the source) -> one new node.
inline Graph with_new_node(const Graph& source, const Sample& sample) {
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

}  // namespace autogo
