#include "builder.h"

namespace autogo {
namespace {

void set_window(Attrs& attrs, std::int32_t kernel, std::int32_t stride, int pad) {
  attrs.kernel = {kernel, kernel};
  attrs.stride = {stride, stride};
  if (pad < 0) {
    attrs.padding = Padding::kSame;
  } else {
    attrs.pads = {pad, pad, pad, pad};
  }
}

}  // namespace

ValueId NetBuilder::input(std::int64_t channels, std::int64_t height, std::int64_t width) {
  const Shape shape{1, channels, height, width};
  return graph_.add_input({DType::kFloat32, default_layout(shape), shape});
}

ValueId NetBuilder::conv(ValueId x, std::int32_t kernel, std::int32_t channels,
                         const ConvOptions& options) {
  Attrs attrs;
  set_window(attrs, kernel, options.stride, options.pad);
  attrs.out_channels = channels;
  attrs.bias = options.bias;
  if (options.in_channels > 0) attrs.ints = {options.in_channels};
  return graph_.add(OpKind::kConv, std::move(attrs), {x});
}

ValueId NetBuilder::conv(ValueId x, std::array<std::int32_t, 2> kernel,
                         std::array<std::int32_t, 2> stride, std::int32_t channels, bool bias) {
  Attrs attrs;
  attrs.kernel = kernel;
  attrs.stride = stride;
  attrs.padding = Padding::kSame;
  attrs.out_channels = channels;
  attrs.bias = bias;
  return graph_.add(OpKind::kConv, std::move(attrs), {x});
}

ValueId NetBuilder::depthwise(ValueId x, std::int32_t kernel, const ConvOptions& options) {
  Attrs attrs;
  set_window(attrs, kernel, options.stride, options.pad);
  attrs.out_channels = static_cast<std::int32_t>(channels(x));
  attrs.bias = options.bias;
  return graph_.add(OpKind::kDepthwiseConv, std::move(attrs), {x});
}

ValueId NetBuilder::conv_transpose(ValueId x, std::int32_t kernel, std::int32_t channels,
                                   std::int32_t stride, std::int32_t pad,
                                   std::int32_t output_padding) {
  Attrs attrs;
  set_window(attrs, kernel, stride, pad);
  attrs.output_padding = {output_padding, output_padding};
  attrs.out_channels = channels;
  attrs.bias = true;
  return graph_.add(OpKind::kConvTranspose, std::move(attrs), {x});
}

ValueId NetBuilder::dense(ValueId x, std::int32_t units) {
  Attrs attrs;
  attrs.out_channels = units;
  attrs.bias = true;
  return graph_.add(OpKind::kDense, std::move(attrs), {x});
}

ValueId NetBuilder::batch_norm(ValueId x, float epsilon) {
  Attrs attrs;
  attrs.epsilon = epsilon;
  return graph_.add(OpKind::kBatchNorm, std::move(attrs), {x});
}

ValueId NetBuilder::add(const std::vector<ValueId>& terms, std::int32_t channels) {
  Attrs attrs;
  if (channels > 0) attrs.ints = {channels};
  return graph_.add(OpKind::kAdd, std::move(attrs), terms);
}

ValueId NetBuilder::concat(const std::vector<ValueId>& parts) {
  return graph_.add(OpKind::kConcat, Attrs{}, parts);
}

ValueId NetBuilder::pool(OpKind op, ValueId x, std::int32_t kernel, std::int32_t stride,
                         std::int32_t in_channels, int pad) {
  Attrs attrs;
  set_window(attrs, kernel, stride, pad);
  if (in_channels > 0) attrs.ints = {in_channels};
  return graph_.add(op, std::move(attrs), {x});
}

ValueId NetBuilder::depth_to_space(ValueId x, std::int32_t block) {
  Attrs attrs;
  attrs.block = block;
  attrs.text = "CRD";  // channel, row, column: PyTorch's pixel shuffle
  return graph_.add(OpKind::kDepthToSpace, std::move(attrs), {x});
}

ValueId NetBuilder::global_mean(ValueId x) {
  Attrs attrs;
  attrs.ints = {2, 3};
  attrs.axis = 0;
  return graph_.add(OpKind::kReduceMean, std::move(attrs), {x});
}

}  // namespace autogo
