#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/graph/types.h"

namespace autogo {

/// The primitive operations. One row each in the operator table (src/graph/op.cc). The order is
/// part of the predictor's input encoding: append only.
enum class OpKind : std::uint8_t {
  kInput,          ///< a network (or segment) input; no inputs, one output
  kOutput,         ///< a network (or segment) output; one input, no outputs
  kConv,           ///< 2-D convolution; `group` > 1 is a grouped one
  kDepthwiseConv,  ///< 2-D convolution with group == input channels
  kConvTranspose,  ///< 2-D transposed convolution
  kDense,          ///< matrix product with a constant matrix over the last axis, bias optional
  kBatchNorm,
  kLayerNorm,
  kInstanceNorm,
  kGroupNorm,
  kRelu,
  kRelu6,
  kLeakyRelu,
  kPRelu,
  kElu,
  kSelu,
  kSigmoid,
  kHardSigmoid,
  kTanh,
  kSoftplus,
  kSwish,      ///< x * sigmoid(x), also called SiLU
  kHardSwish,
  kGelu,
  kMish,
  kSoftmax,
  kSqueezeExcite,  ///< x * gate(conv(act(conv(mean(x))))), one node; out_channels: the squeezed ones
  kAdd,            ///< element-wise, two or more inputs, all computed (no constant operand)
  kSub,
  kMul,
  kDiv,
  kMatMul,         ///< product of two computed matrices (attention)
  kConcat,         ///< over the channels unless `axis` says otherwise
  kMaxPool,
  kAvgPool,
  kGlobalAvgPool,  ///< N,C,H,W to N,C,1,1
  kGlobalMaxPool,
  kResize,         ///< spatial scaling by integer factors `stride`; `text` is the mode
  kDepthToSpace,   ///< `block`; `text` is the mode
  kSpaceToDepth,   ///< `block`
  kPad,            ///< spatial padding by constants, `pads`
  kIdentity,
  kZero,           ///< a map of zeros of the input's shape
  kFlatten,        ///< from `axis`
  kReshape,        ///< to `ints`
  kTranspose,      ///< by the permutation `ints`
  kReduceMean,     ///< over the axes `ints`; `axis` 1 keeps the reduced dimensions
  kOpaque,         ///< anything else; `text` is the ONNX name. Never mutated
};
inline constexpr int kNumOps = static_cast<int>(OpKind::kOpaque) + 1;

/// How output height and width follow from the input's.
enum class Padding : std::uint8_t {
  kExplicit,  ///< `pads`
  kSame,      ///< out = ceil(in / stride); an odd total pads the end more (ONNX SAME_UPPER, TF)
  kSameLower, ///< the same size, an odd total pads the start more
};

/// Hyper-parameters of a node, everything that tells it apart from another of its kind. Only the
/// fields that the operator's row names are meaningful; the rest keep their defaults, so that
/// equality and hashing can look at all of them.
struct Attrs {
  std::array<std::int32_t, 2> kernel{1, 1};    ///< height, width
  std::array<std::int32_t, 2> stride{1, 1};    ///< height, width; kResize: scale factors
  std::array<std::int32_t, 2> dilation{1, 1};  ///< height, width
  std::array<std::int32_t, 4> pads{};          ///< top, left, bottom, right
  std::array<std::int32_t, 2> output_padding{};///< kConvTranspose only
  Padding padding = Padding::kExplicit;
  bool bias = false;
  bool ceil_mode = false;          ///< pooling: round the output size up
  bool count_include_pad = false;  ///< average pooling
  std::int32_t out_channels = 0;   ///< conv, dense; kDepthwiseConv: channels = inputs x multiplier
  std::int32_t group = 1;          ///< kConv, kConvTranspose, kGroupNorm
  std::int32_t axis = 1;
  std::int32_t block = 1;
  float alpha = 0;    ///< slope or scale of an activation
  float beta = 0;
  float epsilon = 0;  ///< normalisations
  std::uint64_t digest = 0;        ///< kOpaque: hash of the attributes that only ONNX knows
  /// kReshape, kTranspose, kReduceMean: see there. kConv, kMaxPool, kAdd: {c} when the node reads
  /// only the first c channels of its operands (NAS-Bench-101), else empty. Propagation and
  /// insertion drop the latter.
  std::vector<std::int64_t> ints;
  std::string text;
  bool operator==(const Attrs&) const = default;
};

std::uint64_t hash(const Attrs& attrs);

/// What an operator does to a shape, seen by propagation and by the search.
enum class ShapeClass : std::uint8_t {
  kPreserve,   ///< output = input (element-wise, normalisation)
  kJoin,       ///< all inputs equal, output the same (add, mul)
  kConcat,     ///< sizes along `axis` add up, the rest equal
  kConvLike,   ///< spatial arithmetic; channels free
  kDepthwise,  ///< spatial arithmetic; channels x multiplier
  kPoolLike,   ///< spatial arithmetic; channels stay
  kUpsample,   ///< spatial growth: transposed convolution, resize, depth-to-space
  kGlobalPool, ///< H = W = 1
  kFixed,      ///< not adjustable: reshapes, opaque; a segment with one is never a replacement
  kPort,       ///< kInput, kOutput
};

struct OpInfo {
  OpKind kind;
  const char* name;          ///< lower case, stable: dumps, labels and files use it
  ShapeClass shape_class;
  std::int8_t min_inputs, max_inputs;  ///< computed inputs; -1: no upper limit
  bool weighted;             ///< has a weight matrix (conv, depthwise, dense, transposed)
  bool commutative;          ///< the order of the inputs does not matter
  bool insertable;           ///< may appear in a replacement: the exporter can create it anew
  bool first_only;           ///< needs channels first (conv, pool, batch norm)
  bool last_only;            ///< needs channels last (dense, layer norm)
  const char* help;
};

const OpInfo& op_info(OpKind kind);
std::span<const OpInfo> op_table();
inline const char* op_name(OpKind kind) { return op_info(kind).name; }
/// The kind with that table name. Empty when there is none.
std::optional<OpKind> op_from_name(std::string_view name);

/// Output size of one spatial dimension of a convolution or pooling window; <= 0 when the window
/// does not fit. `dim` 0 is height, 1 is width.
std::int64_t window_output_size(std::int64_t input, const Attrs& attrs, int dim);
/// The pads (begin, end) that `window_output_size` uses for this input size.
std::array<std::int32_t, 2> window_pads(std::int64_t input, const Attrs& attrs, int dim);

/// Output type of an operator by its shape rule.
/// @param inputs  types of the computed inputs, in order
/// @throws Error kInput that says which rule was broken, without naming the node: the caller does.
///         Not for kInput, kOutput and kOpaque.
TensorType infer_type(OpKind kind, const Attrs& attrs, std::span<const TensorType> inputs);

}  // namespace autogo
