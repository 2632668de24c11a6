// The operator table: one row an operator. Everything that the project knows of an operator without
// looking at a node is here; its shape rule is in shape_rules.cc, its cost in src/cost, its ONNX
// spelling in src/onnx.
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

// Flags in table order: weighted, commutative, insertable, first_only, last_only.
constexpr std::array<OpInfo, kNumOps> kTable = {{
    {kInput, "input", SC::kPort, 0, 0, false, false, false, false, false, "network input"},
    {kOutput, "output", SC::kPort, 1, 1, false, false, false, false, false, "network output"},
    {kConv, "conv", SC::kConvLike, 1, 1, true, false, true, true, false, "2-D convolution"},
    {kDepthwiseConv, "depthwise_conv", SC::kDepthwise, 1, 1, true, false, true, true, false,
     "2-D convolution, one filter group a channel"},
    {kConvTranspose, "conv_transpose", SC::kUpsample, 1, 1, true, false, true, true, false,
     "2-D transposed convolution"},
    {kDense, "dense", SC::kConvLike, 1, 1, true, false, true, false, true,
     "product with a constant matrix over the last axis"},
    {kBatchNorm, "batch_norm", SC::kPreserve, 1, 1, false, false, true, true, false,
     "batch normalisation"},
    {kLayerNorm, "layer_norm", SC::kPreserve, 1, 1, false, false, true, false, true,
     "layer normalisation over the last axis"},
    {kInstanceNorm, "instance_norm", SC::kPreserve, 1, 1, false, false, true, true, false,
     "instance normalisation"},
    {kGroupNorm, "group_norm", SC::kPreserve, 1, 1, false, false, false, true, false,
     "group normalisation"},
    {kRelu, "relu", SC::kPreserve, 1, 1, false, false, true, false, false, "max(x, 0)"},
    {kRelu6, "relu6", SC::kPreserve, 1, 1, false, false, true, false, false, "clip(x, 0, 6)"},
    {kLeakyRelu, "leaky_relu", SC::kPreserve, 1, 1, false, false, true, false, false,
     "x or alpha x"},
    {kPRelu, "prelu", SC::kPreserve, 1, 1, false, false, true, false, false,
     "x or slope x, one learned slope a channel"},
    {kElu, "elu", SC::kPreserve, 1, 1, false, false, true, false, false, "exponential linear"},
    {kSelu, "selu", SC::kPreserve, 1, 1, false, false, true, false, false,
     "scaled exponential linear"},
    {kSigmoid, "sigmoid", SC::kPreserve, 1, 1, false, false, true, false, false, "logistic"},
    {kHardSigmoid, "hard_sigmoid", SC::kPreserve, 1, 1, false, false, true, false, false,
     "clip(alpha x + beta, 0, 1)"},
    {kTanh, "tanh", SC::kPreserve, 1, 1, false, false, true, false, false, "hyperbolic tangent"},
    {kSoftplus, "softplus", SC::kPreserve, 1, 1, false, false, true, false, false,
     "log(1 + exp(x))"},
    {kSwish, "swish", SC::kPreserve, 1, 1, false, false, true, false, false, "x sigmoid(x), SiLU"},
    {kHardSwish, "hard_swish", SC::kPreserve, 1, 1, false, false, true, false, false,
     "x hard_sigmoid(x)"},
    {kGelu, "gelu", SC::kPreserve, 1, 1, false, false, true, false, false,
     "x Phi(x), the erf form or its tanh approximation"},
    {kMish, "mish", SC::kPreserve, 1, 1, false, false, true, false, false, "x tanh(softplus(x))"},
    {kSoftmax, "softmax", SC::kPreserve, 1, 1, false, false, false, false, false,
     "softmax over an axis"},
    {kSqueezeExcite, "squeeze_excite", SC::kPreserve, 1, 1, false, false, true, true, false,
     "channel gate: x gate(conv(act(conv(mean(x)))))"},
    {kAdd, "add", SC::kJoin, 2, -1, false, true, true, false, false, "element-wise sum"},
    {kSub, "sub", SC::kJoin, 2, 2, false, false, true, false, false, "element-wise difference"},
    {kMul, "mul", SC::kJoin, 2, 2, false, true, true, false, false, "element-wise product"},
    {kDiv, "div", SC::kJoin, 2, 2, false, false, false, false, false, "element-wise quotient"},
    {kMatMul, "matmul", SC::kFixed, 2, 2, false, false, false, false, false,
     "product of two computed matrices"},
    {kConcat, "concat", SC::kConcat, 2, -1, false, false, true, false, false,
     "concatenation over an axis"},
    {kMaxPool, "max_pool", SC::kPoolLike, 1, 1, false, false, true, true, false,
     "2-D maximum pooling"},
    {kAvgPool, "avg_pool", SC::kPoolLike, 1, 1, false, false, true, true, false,
     "2-D average pooling"},
    {kGlobalAvgPool, "global_avg_pool", SC::kGlobalPool, 1, 1, false, false, true, true, false,
     "mean over height and width"},
    {kGlobalMaxPool, "global_max_pool", SC::kGlobalPool, 1, 1, false, false, true, true, false,
     "maximum over height and width"},
    {kResize, "resize", SC::kUpsample, 1, 1, false, false, true, true, false,
     "spatial scaling by integer factors"},
    {kDepthToSpace, "depth_to_space", SC::kUpsample, 1, 1, false, false, true, true, false,
     "channel blocks to pixels (pixel shuffle)"},
    {kSpaceToDepth, "space_to_depth", SC::kFixed, 1, 1, false, false, false, true, false,
     "pixel blocks to channels"},
    {kPad, "pad", SC::kFixed, 1, 1, false, false, false, true, false, "spatial padding"},
    {kIdentity, "identity", SC::kPreserve, 1, 1, false, false, true, false, false, "x"},
    {kZero, "zero", SC::kPreserve, 1, 1, false, false, false, false, false, "0 x"},
    {kFlatten, "flatten", SC::kFixed, 1, 1, false, false, false, false, false,
     "to two dimensions, at an axis"},
    {kReshape, "reshape", SC::kFixed, 1, 1, false, false, false, false, false, "to a given shape"},
    {kTranspose, "transpose", SC::kFixed, 1, 1, false, false, false, false, false,
     "permutation of the axes"},
    {kReduceMean, "reduce_mean", SC::kFixed, 1, 1, false, false, false, false, false,
     "mean over axes"},
    {kOpaque, "opaque", SC::kFixed, 0, -1, false, false, false, false, false,
     "any other operator: kept as it is, never changed"},
}};

constexpr bool table_in_enum_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].kind) != i) return false;
  }
  return true;
}
static_assert(table_in_enum_order(), "a row of the operator table is missing or misplaced");

}  // namespace

const OpInfo& op_info(OpKind kind) { return kTable[static_cast<std::size_t>(kind)]; }

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
