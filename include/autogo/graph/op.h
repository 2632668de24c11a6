#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/graph/types.h"

namespace autogo {

/// The primitive operations: one row each in the operator table (src/graph/op.cc). The numbers
/// stand in predictors and hashes: a new operator takes the next one, none is ever used again.
enum class OpKind : std::uint8_t {
  kInput = 0,          ///< a network (or segment) input; no inputs, one output
  kOutput = 1,         ///< a network (or segment) output; one input, no outputs
  kConv = 2,           ///< 2-D convolution; `group` > 1 is a grouped one
  kDepthwiseConv = 3,  ///< 2-D convolution with group == input channels
  kConvTranspose = 4,  ///< 2-D transposed convolution
  kDense = 5,          ///< matrix product with a constant matrix over the last axis, bias optional
  kBatchNorm = 6,
  kLayerNorm = 7,
  kInstanceNorm = 8,
  kGroupNorm = 9,
  kRelu = 10,
  kRelu6 = 11,
  kLeakyRelu = 12,
  kPRelu = 13,
  kElu = 14,
  kSelu = 15,
  kSigmoid = 16,
  kHardSigmoid = 17,
  kTanh = 18,
  kSoftplus = 19,
  kSwish = 20,  ///< x * sigmoid(x), also called SiLU
  kHardSwish = 21,
  kGelu = 22,
  kMish = 23,
  kSoftmax = 24,
  kSqueezeExcite = 25,  ///< x * gate(conv(act(conv(mean(x))))); out_channels: the squeezed ones
  kAdd = 26,            ///< element-wise, two or more inputs, all computed (no constant operand)
  kSub = 27,
  kMul = 28,
  kDiv = 29,
  kMatMul = 30,  ///< product of two computed matrices (attention)
  kConcat = 31,  ///< over the channels unless `axis` says otherwise
  kMaxPool = 32,
  kAvgPool = 33,
  kGlobalAvgPool = 34,  ///< N,C,H,W to N,C,1,1
  kGlobalMaxPool = 35,
  kResize = 36,        ///< spatial scaling by integer factors `stride`; `text` is the mode
  kDepthToSpace = 37,  ///< `block`; `text` is the mode
  kSpaceToDepth = 38,  ///< `block`
  kPad = 39,           ///< spatial padding by constants, `pads`
  kIdentity = 40,
  kZero = 41,        ///< a map of zeros of the input's shape
  kFlatten = 42,     ///< from `axis`
  kReshape = 43,     ///< to `ints`
  kTranspose = 44,   ///< by the permutation `ints`
  kReduceMean = 45,  ///< over the axes `ints`; `axis` 1 keeps the reduced dimensions
  kOpaque = 46,      ///< anything else; `text` is the ONNX name. Never mutated
  kCelu = 47,
  kLogSoftmax = 48,
  kScale = 49,      ///< x times one learned number for each index along `axis` (LayerScale)
  kAttention = 50,  ///< of tokens along `axis`, with projections; `group` heads, each of `block`
};
inline constexpr int kNumOps = 51;
/// The operator's own number, the same in every version.
constexpr int op_number(OpKind kind) { return static_cast<int>(kind); }

/// A set of operators.
class OpSet {
 public:
  OpSet() = default;
  OpSet(std::initializer_list<OpKind> kinds) {
    for (const OpKind kind : kinds) insert(kind);
  }
  void insert(OpKind kind) { bits_.set(static_cast<std::size_t>(op_number(kind))); }
  void erase(OpKind kind) { bits_.reset(static_cast<std::size_t>(op_number(kind))); }
  bool contains(OpKind kind) const { return bits_.test(static_cast<std::size_t>(op_number(kind))); }
  /// Is every one of them in `other`?
  bool within(const OpSet& other) const { return (bits_ & ~other.bits_).none(); }
  OpSet& operator|=(const OpSet& other) {
    bits_ |= other.bits_;
    return *this;
  }
  OpSet& operator&=(const OpSet& other) {
    bits_ &= other.bits_;
    return *this;
  }
  bool operator==(const OpSet&) const = default;

 private:
  std::bitset<kNumOps> bits_;
};

/// How output height and width follow from the input's.
enum class Padding : std::uint8_t {
  kExplicit,   ///< `pads`
  kSame,       ///< out = ceil(in / stride); an odd total pads the end more (ONNX SAME_UPPER, TF)
  kSameLower,  ///< the same size, an odd total pads the start more
};

/// Hyper-parameters of a node, everything that tells it apart from another of its kind. Only the
/// fields that the operator's row names are meaningful; the rest keep their defaults, so that
/// equality and hashing can look at all of them.
struct Attrs {
  std::array<std::int32_t, 2> kernel{1, 1};      ///< height, width
  std::array<std::int32_t, 2> stride{1, 1};      ///< height, width; kResize: scale factors
  std::array<std::int32_t, 2> dilation{1, 1};    ///< height, width
  std::array<std::int32_t, 4> pads{};            ///< top, left, bottom, right
  std::array<std::int32_t, 2> output_padding{};  ///< kConvTranspose only
  Padding padding = Padding::kExplicit;
  bool bias = false;
  bool ceil_mode = false;          ///< pooling: round the output size up
  bool count_include_pad = false;  ///< average pooling
  std::int32_t out_channels = 0;   ///< conv, dense; kDepthwiseConv: channels = inputs x multiplier
  std::int32_t group = 1;          ///< kConv, kConvTranspose, kGroupNorm
  std::int32_t axis = 1;
  std::int32_t block = 1;
  float alpha = 0;  ///< slope or scale of an activation
  float beta = 0;
  float epsilon = 0;         ///< normalisations
  std::uint64_t digest = 0;  ///< kOpaque: hash of the attributes that only ONNX knows
  /// kReshape, kTranspose, kReduceMean: see there. kConv, kMaxPool, kAdd: {c} when the node reads
  /// only the first c channels of its operands (NAS-Bench-101), else empty. Propagation and
  /// insertion drop the latter.
  std::vector<std::int64_t> ints;
  std::string text;
  bool operator==(const Attrs&) const = default;
};

std::uint64_t hash(const Attrs& attrs);

/// `Attrs::text` of an attention whose second input are the tokens that it looks at. The other
/// inputs of an attention, after these, are masks.
inline constexpr const char* kCrossAttention = "cross";

/// Where an attention that is created anew has its tokens (`Attrs::axis`): the last axis but one;
/// the places of a map with channels first, for which the axis stands at its default.
inline std::int32_t token_axis(const TensorType& type) {
  return type.layout == Layout::kChannelsFirst ? 1 : type.shape.rank() - 2;
}

/// What an operator does to a shape, seen by propagation and by the search.
enum class ShapeClass : std::uint8_t {
  kPreserve,    ///< output = input (element-wise, normalisation)
  kJoin,        ///< all inputs equal, output the same (add, mul)
  kConcat,      ///< sizes along `axis` add up, the rest equal
  kConvLike,    ///< spatial arithmetic; channels free
  kDepthwise,   ///< spatial arithmetic; channels x multiplier
  kPoolLike,    ///< spatial arithmetic; channels stay
  kUpsample,    ///< spatial growth: transposed convolution, resize, depth-to-space
  kGlobalPool,  ///< H = W = 1
  kFixed,       ///< not adjustable: reshapes, opaque; a segment with one is never a replacement
  kPort,        ///< kInput, kOutput
};

/// What an operator is for, where its shape does not tell.
enum class OpRole : std::uint8_t {
  kOther,
  kActivation,  ///< a function of every element alone; one may stand for another
  kNorm,        ///< brings elements to a common scale; one may stand for another
};

/// One number a channel.
struct ChannelWeight {
  const char* name = nullptr;  ///< null: there is none
  float initial = 0;           ///< of a new node
  bool trained = true;         ///< false: statistics, which no gradient changes
};

/// One operator: the record from which every layer derives what it can. What a row cannot say is in
/// one rule a layer: its shape (src/graph/shape_rules.cc), a count that depends on attributes
/// (src/cost), a spelling with weights or attributes of its own (src/onnx/import, src/onnx/export).
struct OpInfo {
  OpKind kind = OpKind::kOpaque;
  const char* name = "";  ///< lower case, stable: dumps, labels and files use it
  ShapeClass shape_class = ShapeClass::kFixed;
  std::int8_t min_inputs = 1, max_inputs = 1;  ///< computed inputs; -1: no upper limit
  OpRole role = OpRole::kOther;
  bool weighted = false;          ///< has a weight matrix (conv, depthwise, dense, transposed)
  bool chooses_channels = false;  ///< the channels of its output are its own choice
  bool windowed = false;          ///< looks at `kernel` places around each; its kernel is its name
  bool along_axis = false;        ///< works along the one axis that `axis` names
  bool commutative = false;       ///< the order of the inputs does not matter
  std::int8_t new_inputs = -1;    ///< how many a new one may have at most; -1: as many as it likes
  bool insertable = false;        ///< may appear in a replacement: the exporter can create it anew
  bool first_only = false;        ///< needs channels first (conv, pool, batch norm)
  bool last_only = false;         ///< needs channels last (dense, layer norm)
  /// Numbers that it learns or keeps, one of each a channel; in ONNX operands after the computed
  /// ones.
  std::array<ChannelWeight, 4> channel_weights{};
  std::int8_t per_output = 0;  ///< operations per output element, weights and operands apart
  /// The operator whose learned embedding stands in where training never showed this one; itself:
  /// there is none.
  OpKind relative = kind;
  /// The ONNX operator of the same inputs and no attributes but those below. Null: a rule of its
  /// own.
  const char* onnx = nullptr;
  std::int8_t onnx_since = 1;                ///< the opset from which ONNX has it
  bool has_alpha = false, has_beta = false;  ///< ONNX attributes that are Attrs::alpha and ::beta
  bool has_epsilon = false;                  ///< and Attrs::epsilon
  float alpha = 0, beta = 0;                 ///< what ONNX means where they are not given
  const char* help = "";
};

const OpInfo& op_info(OpKind kind);
std::span<const OpInfo> op_table();
inline const char* op_name(OpKind kind) { return op_info(kind).name; }
/// The kind with that table name. Empty when there is none.
std::optional<OpKind> op_from_name(std::string_view name);

/// Does it slide a window over its input? Not a transposed convolution, which spreads one.
inline bool slides_window(OpKind kind) {
  return op_info(kind).windowed && op_info(kind).shape_class != ShapeClass::kUpsample;
}

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
