// The operator table: one row an operator. Everything that the project knows of an operator without
// looking at a node is here. What a row cannot say: its shape rule in shape_rules.cc, counts that
// depend on attributes in src/cost, ONNX spellings of several nodes or attributes in src/onnx.
//
// Tested by tests/graph/op_test.cc.

#include "autogo/graph/op.h"

#include <array>
#include <cstring>
#include <string_view>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"

namespace autogo {
namespace {

using enum OpKind;
using SC = ShapeClass;

/// An activation that ONNX spells by one operator without attributes, or by a rule of its own
/// (null). What training never showed of it, it borrows from ReLU.
constexpr OpInfo activation(OpKind kind, const char* name, const char* onnx, const char* help) {
  return {.kind = kind,
          .name = name,
          .shape_class = SC::kPreserve,
          .role = OpRole::kActivation,
          .insertable = true,
          .per_output = 1,
          .relative = kRelu,
          .onnx = onnx,
          .help = help};
}

constexpr OpInfo with_alpha(OpInfo row, float usual) {
  row.has_alpha = true;
  row.alpha = usual;
  return row;
}

constexpr OpInfo with_beta(OpInfo row, float usual) {
  row.has_beta = true;
  row.beta = usual;
  return row;
}

constexpr OpInfo with_slope(OpInfo row) {
  row.channel_weights[0] = {"slope", 0.25F};
  return row;
}

constexpr OpInfo since(OpInfo row, std::int8_t opset) {
  row.onnx_since = opset;
  return row;
}

constexpr std::array<OpInfo, kNumOps> kTable = {{
    {.kind = kInput,
     .name = "input",
     .shape_class = SC::kPort,
     .min_inputs = 0,
     .max_inputs = 0,
     .help = "network input"},
    {.kind = kOutput, .name = "output", .shape_class = SC::kPort, .help = "network output"},
    {.kind = kConv,
     .name = "conv",
     .shape_class = SC::kConvLike,
     .weighted = true,
     .chooses_channels = true,
     .windowed = true,
     .insertable = true,
     .first_only = true,
     .help = "2-D convolution"},
    {.kind = kDepthwiseConv,
     .name = "depthwise_conv",
     .shape_class = SC::kDepthwise,
     .weighted = true,
     .windowed = true,
     .insertable = true,
     .first_only = true,
     .relative = kConv,
     .help = "2-D convolution, one filter group a channel"},
    {.kind = kConvTranspose,
     .name = "conv_transpose",
     .shape_class = SC::kUpsample,
     .weighted = true,
     .chooses_channels = true,
     .windowed = true,
     .insertable = true,
     .first_only = true,
     .relative = kConv,
     .help = "2-D transposed convolution"},
    {.kind = kDense,
     .name = "dense",
     .shape_class = SC::kConvLike,
     .weighted = true,
     .chooses_channels = true,
     .insertable = true,
     .last_only = true,
     .help = "product with a constant matrix over the last axis"},
    {.kind = kBatchNorm,
     .name = "batch_norm",
     .shape_class = SC::kPreserve,
     .role = OpRole::kNorm,
     .insertable = true,
     .first_only = true,
     .channel_weights = {{{"scale", 1}, {"bias", 0}, {"mean", 0, false}, {"variance", 1, false}}},
     .per_output = 2,
     .onnx = "BatchNormalization",
     .has_epsilon = true,
     .help = "batch normalisation"},
    {.kind = kLayerNorm,
     .name = "layer_norm",
     .shape_class = SC::kPreserve,
     .role = OpRole::kNorm,
     .insertable = true,
     .last_only = true,
     .channel_weights = {{{"scale", 1}, {"bias", 0}}},
     .per_output = 5,
     .relative = kBatchNorm,
     .help = "layer normalisation over the last axis"},
    {.kind = kInstanceNorm,
     .name = "instance_norm",
     .shape_class = SC::kPreserve,
     .role = OpRole::kNorm,
     .insertable = true,
     .first_only = true,
     .channel_weights = {{{"scale", 1}, {"bias", 0}}},
     .per_output = 5,
     .relative = kBatchNorm,
     .onnx = "InstanceNormalization",
     .has_epsilon = true,
     .help = "instance normalisation"},
    {.kind = kGroupNorm,
     .name = "group_norm",
     .shape_class = SC::kPreserve,
     .role = OpRole::kNorm,
     .first_only = true,
     .channel_weights = {{{"scale", 1}, {"bias", 0}}},
     .per_output = 5,
     .relative = kBatchNorm,
     .help = "group normalisation"},
    activation(kRelu, "relu", "Relu", "max(x, 0)"),
    activation(kRelu6, "relu6", nullptr, "clip(x, 0, 6)"),
    with_alpha(activation(kLeakyRelu, "leaky_relu", "LeakyRelu", "x or alpha x"), 0.01F),
    with_slope(activation(kPRelu, "prelu", nullptr, "x or slope x, one learned slope a channel")),
    with_alpha(activation(kElu, "elu", "Elu", "exponential linear"), 1),
    activation(kSelu, "selu", "Selu", "scaled exponential linear"),
    activation(kSigmoid, "sigmoid", "Sigmoid", "logistic"),
    with_beta(with_alpha(activation(kHardSigmoid, "hard_sigmoid", "HardSigmoid",
                                    "clip(alpha x + beta, 0, 1)"),
                         0.2F),
              0.5F),
    activation(kTanh, "tanh", "Tanh", "hyperbolic tangent"),
    activation(kSoftplus, "softplus", "Softplus", "log(1 + exp(x))"),
    activation(kSwish, "swish", nullptr, "x sigmoid(x), SiLU"),
    since(activation(kHardSwish, "hard_swish", "HardSwish", "x hard_sigmoid(x)"), 14),
    activation(kGelu, "gelu", nullptr, "x Phi(x), the erf form or its tanh approximation"),
    since(activation(kMish, "mish", "Mish", "x tanh(softplus(x))"), 18),
    {.kind = kSoftmax,
     .name = "softmax",
     .shape_class = SC::kPreserve,
     .along_axis = true,
     .per_output = 3,
     .help = "softmax over an axis"},
    {.kind = kSqueezeExcite,
     .name = "squeeze_excite",
     .shape_class = SC::kPreserve,
     .insertable = true,
     .first_only = true,
     .help = "channel gate: x gate(conv(act(conv(mean(x)))))"},
    {.kind = kAdd,
     .name = "add",
     .shape_class = SC::kJoin,
     .min_inputs = 2,
     .max_inputs = -1,
     .commutative = true,
     .insertable = true,
     .help = "element-wise sum"},
    {.kind = kSub,
     .name = "sub",
     .shape_class = SC::kJoin,
     .min_inputs = 2,
     .max_inputs = 2,
     .insertable = true,
     .onnx = "Sub",
     .help = "element-wise difference"},
    {.kind = kMul,
     .name = "mul",
     .shape_class = SC::kJoin,
     .min_inputs = 2,
     .max_inputs = 2,
     .commutative = true,
     .insertable = true,
     .onnx = "Mul",
     .help = "element-wise product"},
    {.kind = kDiv,
     .name = "div",
     .shape_class = SC::kJoin,
     .min_inputs = 2,
     .max_inputs = 2,
     .onnx = "Div",
     .help = "element-wise quotient"},
    {.kind = kMatMul,
     .name = "matmul",
     .shape_class = SC::kFixed,
     .min_inputs = 2,
     .max_inputs = 2,
     .onnx = "MatMul",
     .help = "product of two computed matrices"},
    {.kind = kConcat,
     .name = "concat",
     .shape_class = SC::kConcat,
     .min_inputs = 2,
     .max_inputs = -1,
     .along_axis = true,
     .insertable = true,
     .help = "concatenation over an axis"},
    {.kind = kMaxPool,
     .name = "max_pool",
     .shape_class = SC::kPoolLike,
     .windowed = true,
     .insertable = true,
     .first_only = true,
     .help = "2-D maximum pooling"},
    {.kind = kAvgPool,
     .name = "avg_pool",
     .shape_class = SC::kPoolLike,
     .windowed = true,
     .insertable = true,
     .first_only = true,
     .help = "2-D average pooling"},
    {.kind = kGlobalAvgPool,
     .name = "global_avg_pool",
     .shape_class = SC::kGlobalPool,
     .insertable = true,
     .first_only = true,
     .onnx = "GlobalAveragePool",
     .help = "mean over height and width"},
    {.kind = kGlobalMaxPool,
     .name = "global_max_pool",
     .shape_class = SC::kGlobalPool,
     .insertable = true,
     .first_only = true,
     .relative = kGlobalAvgPool,
     .onnx = "GlobalMaxPool",
     .help = "maximum over height and width"},
    {.kind = kResize,
     .name = "resize",
     .shape_class = SC::kUpsample,
     .insertable = true,
     .first_only = true,
     .per_output = 1,
     .help = "spatial scaling by integer factors"},
    {.kind = kDepthToSpace,
     .name = "depth_to_space",
     .shape_class = SC::kUpsample,
     .insertable = true,
     .first_only = true,
     .help = "channel blocks to pixels (pixel shuffle)"},
    {.kind = kSpaceToDepth,
     .name = "space_to_depth",
     .shape_class = SC::kFixed,
     .first_only = true,
     .help = "pixel blocks to channels"},
    {.kind = kPad,
     .name = "pad",
     .shape_class = SC::kFixed,
     .first_only = true,
     .help = "spatial padding"},
    {.kind = kIdentity,
     .name = "identity",
     .shape_class = SC::kPreserve,
     .insertable = true,
     .onnx = "Identity",
     .help = "x"},
    {.kind = kZero, .name = "zero", .shape_class = SC::kPreserve, .help = "0 x"},
    {.kind = kFlatten,
     .name = "flatten",
     .shape_class = SC::kFixed,
     .help = "to two dimensions, at an axis"},
    {.kind = kReshape, .name = "reshape", .shape_class = SC::kFixed, .help = "to a given shape"},
    {.kind = kTranspose,
     .name = "transpose",
     .shape_class = SC::kFixed,
     .help = "permutation of the axes"},
    {.kind = kReduceMean,
     .name = "reduce_mean",
     .shape_class = SC::kFixed,
     .help = "mean over axes"},
    {.kind = kOpaque,
     .name = "opaque",
     .shape_class = SC::kFixed,
     .min_inputs = 0,
     .max_inputs = -1,
     .help = "any other operator: kept as it is, never changed"},
    since(
        with_alpha(activation(kCelu, "celu", "Celu", "continuously differentiable exponential"), 1),
        12),
    {.kind = kLogSoftmax,
     .name = "log_softmax",
     .shape_class = SC::kPreserve,
     .along_axis = true,
     .per_output = 4,
     .relative = kSoftmax,
     .help = "logarithm of the softmax over an axis"},
    {.kind = kScale,
     .name = "scale",
     .shape_class = SC::kPreserve,
     .along_axis = true,
     .insertable = true,
     .channel_weights = {{{"scale", 1}}},
     .per_output = 1,
     .relative = kMul,
     .help = "x times one learned number a channel"},
    {.kind = kAttention,
     .name = "attention",
     .shape_class = SC::kConvLike,
     .max_inputs = -1,
     .weighted = true,
     .chooses_channels = true,
     .new_inputs = 1,
     .insertable = true,
     .relative = kConv,
     .help = "attention with its projections, over the tokens or places of its input"},
}};

constexpr bool rows_by_number() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (op_number(kTable[i].kind) != static_cast<int>(i)) return false;
  }
  return true;
}
static_assert(rows_by_number(), "a row of the operator table is missing or misplaced");

}  // namespace

const OpInfo& op_info(OpKind kind) { return kTable[static_cast<std::size_t>(op_number(kind))]; }

std::span<const OpInfo> op_table() { return kTable; }

std::optional<OpKind> op_from_name(std::string_view name) {
  for (const OpInfo& row : kTable) {
    if (name == row.name) return row.kind;
  }
  return std::nullopt;
}

std::uint64_t hash(const Attrs& a) {
  std::uint64_t h = 0;
  auto mix = [&h](std::uint64_t value) { h = hash_combine(h, value); };
  auto mix_signed = [&mix](std::int64_t value) { mix(static_cast<std::uint64_t>(value)); };
  auto mix_float = [&mix](float value) {
    std::uint32_t bits = 0;
    if (value != 0) std::memcpy(&bits, &value, sizeof(bits));  // -0 == 0
    mix(bits);
  };
  for (const auto& pair : {a.kernel, a.stride, a.dilation, a.output_padding}) {
    for (const std::int32_t v : pair) mix_signed(v);
  }
  for (const std::int32_t v : a.pads) mix_signed(v);
  mix(static_cast<std::uint64_t>(a.padding) | std::uint64_t{a.bias} << 8 |
      std::uint64_t{a.ceil_mode} << 9 | std::uint64_t{a.count_include_pad} << 10);
  for (const std::int32_t v : {a.out_channels, a.group, a.axis, a.block}) mix_signed(v);
  for (const float v : {a.alpha, a.beta, a.epsilon}) mix_float(v);
  mix(a.digest);
  mix(a.ints.size());
  for (const std::int64_t v : a.ints) mix_signed(v);
  if (!a.text.empty()) mix(hash_bytes(a.text.data(), a.text.size()));
  return h;
}

}  // namespace autogo
