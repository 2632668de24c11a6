// Shape rules of the operator table. A rule takes the types of the computed inputs and the node's
// attributes and gives the output type, or throws an Error that says which condition failed; the
// caller adds the node's name. Window arithmetic is in window.cc.
//
// Layouts travel here too: a transpose of N,C,H,W to N,H,W,C turns channels-first into
// channels-last, an activation keeps what it gets, a reshape starts afresh from its rank.
//
// Tested by tests/graph/shape_rules_test.cc and, through the onnx layer, against the ONNX checker.

#include "shape_rules.h"

#include <algorithm>
#include <string>

#include "autogo/base/error.h"
#include "autogo/graph/op.h"
#include "autogo/graph/window.h"

namespace autogo {

using shape_rules::fail;
using shape_rules::normal_axis;
using shape_rules::require_known;

namespace {

void require_map(OpKind kind, const TensorType& type) {
  if (type.shape.rank() != 4 || type.layout != Layout::kChannelsFirst) {
    fail(std::string(op_name(kind)) + " needs an N x C x H x W input, found " +
         to_string(type.shape));
  }
  require_known(type);
}

/// Hyper-parameters within bounds in which no sum or product below leaves 64 bits, for input
/// dimensions up to kMaxDim; a stride of 0 would divide and have a logarithm of -infinity.
void require_possible(OpKind kind, const Attrs& a) {
  constexpr std::int32_t kMax = 1 << 30;
  constexpr std::int32_t kMaxBlock = 1 << 15;
  auto within = [kind](std::int64_t value, std::int64_t low, std::int64_t high, const char* what) {
    if (value >= low && value <= high) return;
    fail(std::string(op_name(kind)) + ": " + what + " is " + std::to_string(value));
  };
  for (const std::size_t d : {0U, 1U}) {
    within(a.kernel[d], 1, kMax, "a kernel size");
    within(a.stride[d], 1, kMax, kind == OpKind::kResize ? "a scale" : "a stride");
    within(a.dilation[d], 1, kMax, "a dilation");
    within(a.output_padding[d], 0, kMax, "an output padding");
    within(window_axis(a, static_cast<int>(d)).extent(), 1, kMax,
           "the extent of the dilated kernel");
  }
  for (const std::int32_t pad : a.pads) within(pad, -kMax, kMax, "a pad");
  within(a.block, 1, kMaxBlock, "the block size");
  if (!countable(a.ints)) fail(std::string(op_name(kind)) + ": its list of numbers is impossible");
}

void require_possible(OpKind kind, const Shape& shape) {
  for (const std::int64_t d : shape.dims()) {
    if (d > kMaxDim) fail(std::string(op_name(kind)) + " with a dimension of " + std::to_string(d));
  }
  if (!countable(shape.dims())) {
    fail(std::string(op_name(kind)) + ": a tensor of " + to_string(shape) +
         " has more elements than can be counted");
  }
}

TensorType window_rule(OpKind kind, const Attrs& a, const TensorType& in, std::int64_t channels) {
  TensorType out = in;
  out.shape[1] = channels;
  for (const int dim : {0, 1}) {
    const auto axis = static_cast<std::size_t>(dim) + 2;
    const std::int64_t size = window_output_size(in.shape[axis], a, dim);
    if (size <= 0) {
      fail(std::string(op_name(kind)) + " window of " +
           std::to_string(window_axis(a, dim).extent()) + (dim == 0 ? " rows" : " columns") +
           " does not fit the input " + to_string(in.shape));
    }
    out.shape[axis] = size;
  }
  return out;
}

TensorType conv_rule(OpKind kind, const Attrs& a, const TensorType& in) {
  require_map(kind, in);
  const std::int64_t channels = in.shape[1];
  if (a.out_channels <= 0) fail("out_channels is " + std::to_string(a.out_channels));
  const std::int64_t group = kind == OpKind::kDepthwiseConv ? channels : a.group;
  if (group <= 0 || channels % group != 0 || a.out_channels % group != 0) {
    fail(std::string(op_name(kind)) + " with " + std::to_string(group) +
         " groups does not divide " + std::to_string(channels) + " input and " +
         std::to_string(a.out_channels) + " output channels");
  }
  return window_rule(kind, a, in, a.out_channels);
}

TensorType conv_transpose_rule(const Attrs& a, const TensorType& in) {
  require_map(OpKind::kConvTranspose, in);
  if (a.out_channels <= 0 || a.group <= 0 || in.shape[1] % a.group != 0 ||
      a.out_channels % a.group != 0) {
    fail("conv_transpose with " + std::to_string(a.group) + " groups does not divide " +
         std::to_string(in.shape[1]) + " input and " + std::to_string(a.out_channels) +
         " output channels");
  }
  TensorType out = in;
  out.shape[1] = a.out_channels;
  for (const int dim : {0, 1}) {
    const auto d = static_cast<std::size_t>(dim);
    const std::int64_t size = window_axis(a, dim).spread(in.shape[d + 2]);
    if (size <= 0) fail("conv_transpose gives an empty map from " + to_string(in.shape));
    out.shape[d + 2] = size;
  }
  return out;
}

/// The layout of what operands of one rank give together, whatever their order: one that was
/// carried there from a convolution or a dense product, rather than the rank's default, which is
/// what a reshape assumes (an add of windows put together again and of a dense product of them).
Layout joined_layout(std::span<const TensorType> inputs, int rank) {
  Layout joined = Layout::kNone;
  for (const TensorType& in : inputs) {
    if (in.shape.rank() != rank || in.layout == Layout::kNone) continue;
    const Layout assumed = default_layout(in.shape);
    if (joined == Layout::kNone || joined == assumed) {
      joined = in.layout;
    } else if (in.layout != assumed) {
      joined = std::max(joined, in.layout);
    }
  }
  return joined;
}

void require_one_dtype(OpKind kind, std::span<const TensorType> inputs) {
  for (const TensorType& in : inputs) {
    if (in.dtype == inputs.front().dtype) continue;
    fail(std::string(op_name(kind)) + " of " + dtype_name(inputs.front().dtype) + " and " +
         dtype_name(in.dtype));
  }
}

TensorType join_rule(OpKind kind, std::span<const TensorType> inputs) {
  // Numpy broadcasting; in segments all inputs are equal (propagation sees to it).
  require_one_dtype(kind, inputs);
  std::vector<std::int64_t> dims;
  std::size_t rank = 0;
  for (const TensorType& in : inputs) {
    require_known(in);
    rank = std::max(rank, static_cast<std::size_t>(in.shape.rank()));
  }
  const Layout layout = joined_layout(inputs, static_cast<int>(rank));
  dims.assign(rank, 1);
  for (const TensorType& in : inputs) {
    const auto skip = rank - static_cast<std::size_t>(in.shape.rank());
    for (std::size_t i = 0; i < in.shape.dims().size(); ++i) {
      const std::int64_t d = in.shape[i];
      std::int64_t& out = dims[skip + i];
      if (out == 1) {
        out = d;
      } else if (d != 1 && d != out) {
        fail(std::string(op_name(kind)) + " of " + to_string(inputs.front().shape) + " and " +
             to_string(in.shape) + ": the shapes do not broadcast");
      }
    }
  }
  return {inputs.front().dtype, layout, Shape(dims)};
}

TensorType concat_rule(const Attrs& a, std::span<const TensorType> inputs) {
  TensorType out = inputs.front();
  require_known(out);
  require_one_dtype(OpKind::kConcat, inputs);
  const std::size_t axis = normal_axis(a.axis, out.shape.rank(), OpKind::kConcat);
  for (const TensorType& in : inputs.subspan(1)) {
    require_known(in);
    bool equal = in.shape.rank() == out.shape.rank();
    for (std::size_t i = 0; equal && i < in.shape.dims().size(); ++i) {
      equal = i == axis || in.shape[i] == out.shape[i];
    }
    if (!equal) {
      fail("concat of " + to_string(inputs.front().shape) + " and " + to_string(in.shape) +
           " over axis " + std::to_string(a.axis) + ": the other dimensions differ");
    }
    out.shape[axis] += in.shape[axis];
  }
  out.layout = joined_layout(inputs, out.shape.rank());
  return out;
}

TensorType dense_rule(const Attrs& a, const TensorType& in) {
  require_known(in);
  if (in.shape.rank() < 1) fail("dense needs at least one dimension");
  if (a.out_channels <= 0) fail("out_channels is " + std::to_string(a.out_channels));
  TensorType out = in;
  out.shape[static_cast<std::size_t>(in.shape.rank()) - 1] = a.out_channels;
  if (in.shape.rank() <= 4 && in.shape.rank() >= 2) out.layout = Layout::kChannelsLast;
  return out;
}

/// Tokens lie along `axis`, by default the last axis but one; of a map with channels first they are
/// its places.
TensorType attention_rule(const Attrs& a, std::span<const TensorType> in) {
  const TensorType& x = in[0];
  const bool map = x.layout == Layout::kChannelsFirst && x.shape.rank() == 4;
  require_known(x);
  if (x.shape.rank() < 3 || (x.layout == Layout::kChannelsFirst && !map)) {
    fail("attention needs tokens or maps, found " + to_string(x.shape));
  }
  if (a.out_channels <= 0 || a.group <= 0) {
    fail("attention with " + std::to_string(a.group) + " heads and " +
         std::to_string(a.out_channels) + " output channels");
  }
  if (!map && (a.axis < 0 || a.axis + 1 >= x.shape.rank())) {
    fail("attention over axis " + std::to_string(a.axis) + " of " + to_string(x.shape));
  }
  if (a.text == kCrossAttention) {
    const bool fits = in.size() > 1 && in[1].shape.known() && in[1].shape.rank() == x.shape.rank();
    if (!fits || map) fail("attention over other tokens needs them as its second input");
  }
  TensorType out = x;
  out.shape[map ? 1 : static_cast<std::size_t>(x.shape.rank()) - 1] = a.out_channels;
  return out;
}

TensorType global_rule(OpKind kind, const TensorType& in) {
  require_map(kind, in);
  TensorType out = in;
  out.shape[2] = out.shape[3] = 1;
  return out;
}

TensorType resize_rule(const Attrs& a, const TensorType& in) {
  require_map(OpKind::kResize, in);
  TensorType out = in;
  for (const std::size_t d : {0U, 1U}) {
    if (a.stride[d] < 1) fail("resize by a factor of " + std::to_string(a.stride[d]));
    out.shape[d + 2] *= a.stride[d];
  }
  return out;
}

TensorType block_rule(OpKind kind, const Attrs& a, const TensorType& in) {
  require_map(kind, in);
  TensorType out = in;
  const std::int64_t b = a.block;
  if (b < 1) fail(std::string(op_name(kind)) + " with block size " + std::to_string(b));
  if (kind == OpKind::kDepthToSpace) {
    if (in.shape[1] % (b * b) != 0) {
      fail("depth_to_space needs channels divisible by " + std::to_string(b * b) + ", found " +
           std::to_string(in.shape[1]));
    }
    out.shape[1] /= b * b;
    out.shape[2] *= b;
    out.shape[3] *= b;
  } else {
    if (in.shape[2] % b != 0 || in.shape[3] % b != 0) {
      fail("space_to_depth needs height and width divisible by " + std::to_string(b) + ", found " +
           to_string(in.shape));
    }
    out.shape[1] *= b * b;
    out.shape[2] /= b;
    out.shape[3] /= b;
  }
  return out;
}

TensorType pad_rule(const Attrs& a, const TensorType& in) {
  require_map(OpKind::kPad, in);
  TensorType out = in;
  out.shape[2] += std::int64_t{a.pads[0]} + a.pads[2];
  out.shape[3] += std::int64_t{a.pads[1]} + a.pads[3];
  if (out.shape[2] <= 0 || out.shape[3] <= 0) fail("pad removes the whole map");
  return out;
}

TensorType matmul_rule(std::span<const TensorType> inputs) {
  const Shape &a = inputs[0].shape, &b = inputs[1].shape;
  require_known(inputs[0]);
  require_known(inputs[1]);
  if (a.rank() < 2 || b.rank() < 2)
    fail("matmul of " + to_string(a) + " and " + to_string(b) +
         ": both need at least two dimensions");
  const auto ra = static_cast<std::size_t>(a.rank()), rb = static_cast<std::size_t>(b.rank());
  if (a[ra - 1] != b[rb - 2]) {
    fail("matmul of " + to_string(a) + " and " + to_string(b) + ": inner dimensions differ");
  }
  const TensorType batch_a{inputs[0].dtype, Layout::kNone, Shape(a.dims().first(ra - 2))};
  const TensorType batch_b{inputs[0].dtype, Layout::kNone, Shape(b.dims().first(rb - 2))};
  const std::array<TensorType, 2> batches{batch_a, batch_b};
  const TensorType batch = join_rule(OpKind::kMatMul, batches);
  std::vector<std::int64_t> dims(batch.shape.dims().begin(), batch.shape.dims().end());
  dims.push_back(a[ra - 2]);
  dims.push_back(b[rb - 1]);
  // Rank 3 keeps reading as tokens; rank 4 is heads x tokens x features, no feature map.
  return {inputs[0].dtype, dims.size() <= 3 ? Layout::kChannelsLast : Layout::kNone, Shape(dims)};
}

TensorType type_by_rule(OpKind kind, const Attrs& a, std::span<const TensorType> in);

/// NAS-Bench-101's channel truncation: a consumer with `ints` = {c} reads the first c channels of
/// each operand (docs/decisions/0004-channel-truncation.md).
TensorType truncated_rule(OpKind kind, const Attrs& a, std::span<const TensorType> in) {
  const std::int64_t channels = a.ints[0];
  std::vector<TensorType> read(in.begin(), in.end());
  for (TensorType& type : read) {
    require_map(kind, type);
    if (a.ints.size() != 1 || channels < 1 || channels > type.shape[1]) {
      fail(std::string(op_name(kind)) + " cannot read " + std::to_string(channels) +
           " channels of " + to_string(type.shape));
    }
    type.shape[1] = channels;
  }
  Attrs plain = a;
  plain.ints.clear();
  return type_by_rule(kind, plain, read);
}

TensorType type_by_rule(OpKind kind, const Attrs& a, std::span<const TensorType> in) {
  using enum OpKind;
  if (!a.ints.empty() && (kind == kConv || kind == kMaxPool || kind == kAdd)) {
    return truncated_rule(kind, a, in);
  }
  switch (kind) {
    case kConv:
    case kDepthwiseConv:
      return conv_rule(kind, a, in[0]);
    case kConvTranspose:
      return conv_transpose_rule(a, in[0]);
    case kDense:
      return dense_rule(a, in[0]);
    case kAttention:
      return attention_rule(a, in);
    case kMaxPool:
    case kAvgPool:
      require_map(kind, in[0]);
      return window_rule(kind, a, in[0], in[0].shape[1]);
    case kGlobalAvgPool:
    case kGlobalMaxPool:
      return global_rule(kind, in[0]);
    case kAdd:
    case kSub:
    case kMul:
    case kDiv:
      return join_rule(kind, in);
    case kMatMul:
      return matmul_rule(in);
    case kConcat:
      return concat_rule(a, in);
    case kResize:
      return resize_rule(a, in[0]);
    case kDepthToSpace:
    case kSpaceToDepth:
      return block_rule(kind, a, in[0]);
    case kPad:
      return pad_rule(a, in[0]);
    case kFlatten:
      return shape_rules::flatten_rule(a, in[0]);
    case kReshape:
      return shape_rules::reshape_rule(a, in[0]);
    case kTranspose:
      return shape_rules::transpose_rule(a, in[0]);
    case kReduceMean:
      return shape_rules::reduce_mean_rule(a, in[0]);
    case kBatchNorm:
    case kInstanceNorm:
    case kGroupNorm:
    case kSqueezeExcite:
      if (in[0].layout != Layout::kChannelsFirst && in[0].shape.rank() != 2) {
        fail(std::string(op_name(kind)) + " needs channels in axis 1, found " +
             to_string(in[0].shape));
      }
      return in[0];
    default:
      AUTOGO_CHECK(op_info(kind).shape_class == ShapeClass::kPreserve && "operator without a rule");
      if (op_info(kind).along_axis) normal_axis(a.axis, in[0].shape.rank(), kind);
      return in[0];
  }
}

}  // namespace

TensorType infer_type(OpKind kind, const Attrs& a, std::span<const TensorType> in) {
  require_possible(kind, a);
  TensorType type = type_by_rule(kind, a, in);
  require_possible(kind, type.shape);
  return type;
}

}  // namespace autogo
