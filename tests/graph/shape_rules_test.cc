#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "autogo/base/error.h"
#include "autogo/graph/op.h"

namespace autogo {
namespace {

using enum OpKind;

TensorType of(Shape shape) { return {DType::kFloat32, default_layout(shape), shape}; }
TensorType last(Shape shape) { return {DType::kFloat32, Layout::kChannelsLast, shape}; }
TensorType plain(Shape shape) { return {DType::kFloat32, Layout::kNone, shape}; }

struct Window {
  std::int32_t kernel = 1, stride = 1, dilation = 1, pad = 0, channels = 0, group = 1;
};
Attrs window(const Window& w) {
  Attrs a;
  a.kernel = {w.kernel, w.kernel};
  a.stride = {w.stride, w.stride};
  a.dilation = {w.dilation, w.dilation};
  a.pads = {w.pad, w.pad, w.pad, w.pad};
  a.out_channels = w.channels;
  a.group = w.group;
  return a;
}

std::string infer(OpKind op, const Attrs& attrs, const std::vector<TensorType>& inputs) {
  return to_string(infer_type(op, attrs, inputs).shape);
}

std::string failure(const std::function<void()>& what) {
  try {
    what();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    return e.what();
  }
  return "no error";
}
std::string failure(OpKind op, const Attrs& attrs, const std::vector<TensorType>& inputs) {
  return failure([&] { infer_type(op, attrs, inputs); });
}

// The first layers of ResNet-50 and other sizes computed by hand.
TEST(ShapeRules, Conv) {
  const TensorType image = of({1, 3, 224, 224});
  EXPECT_EQ(infer(kConv, window({.kernel = 7, .stride = 2, .pad = 3, .channels = 64}), {image}),
            "1x64x112x112");
  EXPECT_EQ(infer(kConv, window({.kernel = 3, .channels = 8}), {of({2, 4, 9, 7})}), "2x8x7x5");
  // (27 + 2 - 3) / 2 + 1 = 14; without pads (27 - 3) / 2 + 1 = 13.
  EXPECT_EQ(infer(kConv, window({.kernel = 3, .stride = 2, .pad = 1, .channels = 8}),
                  {of({1, 4, 27, 28})}),
            "1x8x14x14");
  EXPECT_EQ(infer(kConv, window({.kernel = 3, .stride = 2, .channels = 8}), {of({1, 4, 27, 28})}),
            "1x8x13x13");
  // Extent of a dilated kernel 2 (3 - 1) + 1 = 5.
  EXPECT_EQ(infer(kConv, window({.kernel = 3, .dilation = 2, .channels = 8}), {of({1, 4, 9, 9})}),
            "1x8x5x5");
  Attrs oblong = window({.channels = 8});
  oblong.kernel = {1, 7};
  oblong.pads = {0, 3, 0, 3};
  EXPECT_EQ(infer(kConv, oblong, {of({1, 4, 17, 17})}), "1x8x17x17");
  EXPECT_EQ(
      infer(kConv, window({.kernel = 3, .pad = 1, .channels = 8, .group = 4}), {of({1, 4, 5, 5})}),
      "1x8x5x5");
  EXPECT_EQ(
      infer(kDepthwiseConv, window({.kernel = 3, .pad = 1, .channels = 8}), {of({1, 4, 5, 5})}),
      "1x8x5x5");
}

TEST(ShapeRules, SamePadding) {
  Attrs a = window({.kernel = 3, .stride = 2, .channels = 8});
  a.padding = Padding::kSame;
  EXPECT_EQ(infer(kConv, a, {of({1, 4, 27, 28})}), "1x8x14x14");
  // 27: (14 - 1) 2 + 3 - 27 = 2, one each side. 28: 1, at the end.
  EXPECT_EQ(window_pads(27, a, 0), (std::array<std::int32_t, 2>{1, 1}));
  EXPECT_EQ(window_pads(28, a, 0), (std::array<std::int32_t, 2>{0, 1}));
  a.padding = Padding::kSameLower;
  EXPECT_EQ(window_pads(28, a, 0), (std::array<std::int32_t, 2>{1, 0}));
  EXPECT_EQ(window_output_size(28, a, 1), 14);
  // A stride above the kernel needs no pads: (4 - 1) 3 + 1 - 10 = 0.
  Attrs sparse = window({.kernel = 1, .stride = 3});
  sparse.padding = Padding::kSame;
  EXPECT_EQ(window_output_size(10, sparse, 0), 4);
  EXPECT_EQ(window_pads(10, sparse, 0), (std::array<std::int32_t, 2>{0, 0}));
}

TEST(ShapeRules, WindowPadsOfExplicitPads) {
  Attrs a = window({.kernel = 3});
  a.pads = {1, 2, 3, 4};
  EXPECT_EQ(window_pads(10, a, 0), (std::array<std::int32_t, 2>{1, 3}));
  EXPECT_EQ(window_pads(10, a, 1), (std::array<std::int32_t, 2>{2, 4}));
  EXPECT_EQ(window_output_size(10, a, 0), 12);
  EXPECT_EQ(window_output_size(10, a, 1), 14);
}

TEST(ShapeRules, WindowThatDoesNotFit) {
  EXPECT_EQ(window_output_size(2, window({.kernel = 3}), 0), 0);
  EXPECT_EQ(window_output_size(3, window({.kernel = 3}), 0), 1);
  EXPECT_EQ(window_output_size(0, window({.kernel = 1}), 0), 0);
  EXPECT_EQ(window_output_size(3, window({.kernel = 1, .stride = 0}), 0), 0);
  EXPECT_EQ(failure(kConv, window({.kernel = 5, .channels = 8}), {of({1, 4, 3, 9})}),
            "conv window of 5 rows does not fit the input 1x4x3x9");
  EXPECT_EQ(failure(kMaxPool, window({.kernel = 5}), {of({1, 4, 9, 3})}),
            "max_pool window of 5 columns does not fit the input 1x4x9x3");
}

TEST(ShapeRules, Pools) {
  EXPECT_EQ(infer(kMaxPool, window({.kernel = 3, .stride = 2, .pad = 1}), {of({1, 64, 112, 112})}),
            "1x64x56x56");
  EXPECT_EQ(infer(kAvgPool, window({.kernel = 2, .stride = 2}), {of({1, 8, 7, 7})}), "1x8x3x3");
  Attrs ceil = window({.kernel = 3, .stride = 2});
  ceil.ceil_mode = true;
  // SqueezeNet: ceil((55 - 3) / 2) + 1 = 27, ceil((54 - 3) / 2) + 1 = 27.
  EXPECT_EQ(infer(kMaxPool, ceil, {of({1, 96, 55, 54})}), "1x96x27x27");
  // The last window would start in the end padding: in 4, k 2, s 3, pads 1: ceil(4/3) + 1 = 3
  // windows at -1, 2, 5, but 5 is outside.
  Attrs outside = window({.kernel = 2, .stride = 3, .pad = 1});
  outside.ceil_mode = true;
  EXPECT_EQ(window_output_size(4, outside, 0), 2);
  EXPECT_EQ(infer(kGlobalAvgPool, {}, {of({1, 2048, 7, 7})}), "1x2048x1x1");
  EXPECT_EQ(infer(kGlobalMaxPool, {}, {of({2, 16, 5, 3})}), "2x16x1x1");
}

TEST(ShapeRules, ConvTranspose) {
  // (5 - 1) 2 - 2 + 3 = 9, with output padding 10.
  Attrs a = window({.kernel = 3, .stride = 2, .pad = 1, .channels = 6});
  EXPECT_EQ(infer(kConvTranspose, a, {of({1, 4, 5, 5})}), "1x6x9x9");
  a.output_padding = {1, 1};
  EXPECT_EQ(infer(kConvTranspose, a, {of({1, 4, 5, 5})}), "1x6x10x10");
  EXPECT_EQ(
      infer(kConvTranspose, window({.kernel = 2, .stride = 2, .channels = 6}), {of({1, 4, 5, 7})}),
      "1x6x10x14");
  Attrs same = window({.kernel = 9, .stride = 3, .channels = 1});
  same.padding = Padding::kSame;
  EXPECT_EQ(infer(kConvTranspose, same, {of({1, 56, 10, 12})}), "1x1x30x36");
}

TEST(ShapeRules, Channels) {
  EXPECT_EQ(failure(kConv, window({.channels = 8, .group = 3}), {of({1, 4, 9, 9})}),
            "conv with 3 groups does not divide 4 input and 8 output channels");
  EXPECT_EQ(failure(kDepthwiseConv, window({.channels = 6}), {of({1, 4, 9, 9})}),
            "depthwise_conv with 4 groups does not divide 4 input and 6 output channels");
  EXPECT_EQ(failure(kConv, window({}), {of({1, 4, 9, 9})}), "out_channels is 0");
}

TEST(ShapeRules, Joins) {
  EXPECT_EQ(infer(kAdd, {}, {of({1, 8, 4, 4}), of({1, 8, 4, 4}), of({1, 8, 4, 4})}), "1x8x4x4");
  EXPECT_EQ(infer(kMul, {}, {of({1, 8, 4, 4}), of({1, 8, 1, 1})}), "1x8x4x4");
  EXPECT_EQ(infer(kMul, {}, {of({1, 1, 1, 4}), of({1, 8, 4, 1})}), "1x8x4x4");
  EXPECT_EQ(infer(kSub, {}, {of({4, 4}), of({1, 8, 4, 4})}), "1x8x4x4");
  EXPECT_EQ(infer_type(kAdd, {}, std::array{of({4, 4}), of({1, 8, 4, 4})}).layout,
            Layout::kChannelsFirst);
  EXPECT_EQ(failure(kAdd, {}, {of({4}), {DType::kFloat16, Layout::kNone, Shape{4}}}),
            "add of float32 and float16");
  EXPECT_EQ(failure(kAdd, {}, {of({1, 8, 4, 4}), of({1, 8, 2, 2})}),
            "add of 1x8x4x4 and 1x8x2x2: the shapes do not broadcast");
}

TEST(ShapeRules, JoinsGiveOneTypeWhateverTheOrderOfTheirOperands) {
  // Swin: windows put together again (a reshape, which assumes channels first) and a dense product.
  const TensorType assumed = of({1, 8, 8, 16}), known = last({1, 8, 8, 16});
  const TensorType patches{DType::kFloat32, Layout::kChannelsFirst, Shape{1, 16, 49}};
  const TensorType sequence = of({1, 16, 49});
  Attrs axis;
  axis.axis = 3;
  for (const OpKind op : {kAdd, kMul, kSub, kDiv}) {
    EXPECT_EQ(infer_type(op, {}, std::array{assumed, known}), known);
    EXPECT_EQ(infer_type(op, {}, std::array{known, assumed}), known);
    EXPECT_EQ(infer_type(op, {}, std::array{sequence, patches}), patches);
    EXPECT_EQ(infer_type(op, {}, std::array{plain({1, 8, 8, 16}), known}), known);
    EXPECT_EQ(infer_type(op, {}, std::array{known, plain({16})}), known);
  }
  EXPECT_EQ(infer_type(kConcat, axis, std::array{assumed, known}), last({1, 8, 8, 32}));
  EXPECT_EQ(infer_type(kConcat, axis, std::array{known, assumed}), last({1, 8, 8, 32}));
}

TEST(ShapeRules, Concat) {
  EXPECT_EQ(infer(kConcat, {}, {of({1, 8, 4, 4}), of({1, 3, 4, 4}), of({1, 5, 4, 4})}), "1x16x4x4");
  Attrs end;
  end.axis = -1;
  EXPECT_EQ(infer(kConcat, end, {of({1, 8, 4}), of({1, 8, 6})}), "1x8x10");
  EXPECT_EQ(failure(kConcat, {}, {of({1, 8, 4, 4}), of({1, 8, 5, 4})}),
            "concat of 1x8x4x4 and 1x8x5x4 over axis 1: the other dimensions differ");
  end.axis = 4;
  EXPECT_EQ(failure(kConcat, end, {of({1, 8, 4, 4}), of({1, 8, 4, 4})}),
            "concat axis 4 is outside rank 4");
}

TEST(ShapeRules, Matrices) {
  Attrs dense;
  dense.out_channels = 1000;
  EXPECT_EQ(infer(kDense, dense, {of({1, 2048})}), "1x1000");
  EXPECT_EQ(infer(kDense, dense, {of({1, 197, 768})}), "1x197x1000");
  EXPECT_EQ(infer(kMatMul, {}, {plain({1, 12, 197, 64}), plain({1, 12, 64, 197})}), "1x12x197x197");
  EXPECT_EQ(infer_type(kMatMul, {}, std::array{plain({1, 12, 4, 5}), plain({12, 5, 4})}).layout,
            Layout::kNone);
  EXPECT_EQ(infer(kMatMul, {}, {of({7, 5}), of({3, 5, 2})}), "3x7x2");
  EXPECT_EQ(failure(kMatMul, {}, {of({7, 5}), of({4, 2})}),
            "matmul of 7x5 and 4x2: inner dimensions differ");
}

TEST(ShapeRules, Upsampling) {
  Attrs resize;
  resize.stride = {2, 3};
  EXPECT_EQ(infer(kResize, resize, {of({1, 8, 5, 7})}), "1x8x10x21");
  Attrs block;
  block.block = 2;
  EXPECT_EQ(infer(kDepthToSpace, block, {of({1, 256, 48, 48})}), "1x64x96x96");
  EXPECT_EQ(infer(kSpaceToDepth, block, {of({1, 3, 8, 6})}), "1x12x4x3");
  EXPECT_EQ(failure(kDepthToSpace, block, {of({1, 6, 4, 4})}),
            "depth_to_space needs channels divisible by 4, found 6");
  EXPECT_EQ(failure(kSpaceToDepth, block, {of({1, 6, 4, 5})}),
            "space_to_depth needs height and width divisible by 2, found 1x6x4x5");
}

TEST(ShapeRules, PadsFlattensReshapes) {
  Attrs pad;
  pad.pads = {1, 2, 3, 4};
  EXPECT_EQ(infer(kPad, pad, {of({1, 3, 10, 10})}), "1x3x14x16");
  EXPECT_EQ(infer(kFlatten, {}, {of({2, 512, 7, 7})}), "2x25088");
  Attrs flatten;
  flatten.axis = 0;
  EXPECT_EQ(infer(kFlatten, flatten, {of({2, 3, 4})}), "1x24");
  flatten.axis = -1;
  EXPECT_EQ(infer(kFlatten, flatten, {of({2, 3, 4})}), "6x4");

  Attrs reshape;
  reshape.ints = {0, -1, 14};
  EXPECT_EQ(infer(kReshape, reshape, {of({2, 3, 7, 4})}), "2x6x14");
  reshape.ints = {4, 5};
  EXPECT_EQ(failure(kReshape, reshape, {of({2, 3})}),
            "reshape of 2x3 to 4x5 changes the number of elements");
  reshape.ints = {-1, 4};
  EXPECT_EQ(failure(kReshape, reshape, {of({2, 3})}), "reshape of 2x3 cannot infer its -1");
  reshape.ints = {-1, -1};
  EXPECT_EQ(failure(kReshape, reshape, {of({2, 3})}), "reshape with more than one -1");
  reshape.ints = {1, 2, 3, 0};
  EXPECT_EQ(failure(kReshape, reshape, {of({2, 3})}),
            "reshape copies dimension 3 of an input of rank 2");
}

TEST(ShapeRules, TransposeCarriesTheLayout) {
  Attrs a;
  a.ints = {0, 2, 3, 1};
  const TensorType nhwc = infer_type(kTranspose, a, std::array{of({1, 8, 4, 5})});
  EXPECT_EQ(nhwc, last({1, 4, 5, 8}));
  a.ints = {0, 3, 1, 2};
  EXPECT_EQ(infer_type(kTranspose, a, std::array{nhwc}), of({1, 8, 4, 5}));
  a.ints = {0, 1, 3, 2};  // height and width swapped: still channels first
  EXPECT_EQ(infer_type(kTranspose, a, std::array{of({1, 8, 4, 5})}), of({1, 8, 5, 4}));
  a.ints = {1, 0, 2, 3};
  EXPECT_EQ(infer_type(kTranspose, a, std::array{of({1, 8, 4, 5})}), plain({8, 1, 4, 5}));
  a.ints = {0, 2, 1};
  EXPECT_EQ(failure(kTranspose, a, {of({1, 8, 4, 5})}),
            "transpose with a permutation that does not fit 1x8x4x5");
}

TEST(ShapeRules, ReduceMean) {
  Attrs keep, drop;
  keep.ints = drop.ints = {2, 3};
  drop.axis = 0;
  EXPECT_EQ(infer_type(kReduceMean, keep, std::array{of({1, 8, 4, 5})}), of({1, 8, 1, 1}));
  EXPECT_EQ(infer_type(kReduceMean, drop, std::array{of({1, 8, 4, 5})}), last({1, 8}));
  drop.ints = {-1};
  EXPECT_EQ(infer(kReduceMean, drop, {of({1, 8, 4})}), "1x8");
  drop.ints = {};
  EXPECT_EQ(infer(kReduceMean, drop, {of({1, 8, 4})}), "scalar");
  drop.ints = {3};
  EXPECT_EQ(failure(kReduceMean, drop, {of({1, 8, 4})}), "reduce_mean axis 3 is outside rank 3");
}

TEST(ShapeRules, ActivationsAndNormsPreserve) {
  for (const OpInfo& row : op_table()) {
    if (row.shape_class != ShapeClass::kPreserve) continue;
    const TensorType in = row.last_only ? of({1, 7, 6}) : of({1, 6, 5, 7});
    EXPECT_EQ(infer_type(row.kind, {}, std::array{in}), in) << row.name;
  }
  EXPECT_EQ(failure(kBatchNorm, {}, {last({1, 4, 5, 8})}),
            "batch_norm needs channels in axis 1, found 1x4x5x8");
}

TEST(ShapeRules, MapsOnly) {
  const Attrs conv = window({.channels = 8});
  EXPECT_EQ(failure(kConv, conv, {of({1, 8})}), "conv needs an N x C x H x W input, found 1x8");
  EXPECT_EQ(failure(kConv, conv, {last({1, 4, 5, 8})}),
            "conv needs an N x C x H x W input, found 1x4x5x8");
  EXPECT_EQ(failure(kConv, conv, {of({-1, 8, 4, 4})}), "input shape ?x8x4x4 is not fully known");
  EXPECT_EQ(failure(kGlobalAvgPool, {}, {TensorType{}}),
            "global_avg_pool needs an N x C x H x W input, found unknown");
}

// NAS-Bench-101 reads the first channels of a wider operand.
TEST(ShapeRules, ChannelTruncation) {
  Attrs add;
  add.ints = {6};
  EXPECT_EQ(infer(kAdd, add, {of({1, 7, 4, 4}), of({1, 6, 4, 4})}), "1x6x4x4");
  EXPECT_EQ(failure(kAdd, add, {of({1, 5, 4, 4}), of({1, 6, 4, 4})}),
            "add cannot read 6 channels of 1x5x4x4");
  Attrs pool = window({.kernel = 3, .pad = 1});
  pool.ints = {6};
  EXPECT_EQ(infer(kMaxPool, pool, {of({1, 7, 4, 4})}), "1x6x4x4");
}

// What a file may say and no network has: refused before it is reckoned with.
TEST(ShapeRules, ImpossibleHyperParameters) {
  const TensorType map = of({1, 8, 16, 16});
  Attrs a = window({.kernel = 2, .stride = 0, .channels = 8});
  EXPECT_EQ(failure(kConvTranspose, a, {map}), "conv_transpose: a stride is 0");
  EXPECT_EQ(failure(kConv, a, {map}), "conv: a stride is 0");
  EXPECT_EQ(failure(kConv, window({.kernel = -1, .channels = 8}), {map}),
            "conv: a kernel size is -1");
  constexpr std::int32_t kMost = 2147483647;
  a = {};
  a.pads = {kMost, 0, kMost, 0};
  EXPECT_EQ(failure(kPad, a, {map}), "pad: a pad is 2147483647");
  EXPECT_EQ(failure(kConv, window({.kernel = 1 << 20, .dilation = 1 << 20, .channels = 8}), {map}),
            "conv: the extent of the dilated kernel is 1099510579201");
  a = {};
  a.block = kMost;
  EXPECT_EQ(failure(kDepthToSpace, a, {map}), "depth_to_space: the block size is 2147483647");
  a = {};
  a.ints = {kMost, kMost, kMost};
  EXPECT_EQ(failure(kReshape, a, {map}), "reshape: its list of numbers is impossible");
}

TEST(ShapeRules, ImpossibleResults) {
  Attrs a;
  a.stride = {1 << 30, 1};
  EXPECT_EQ(failure(kResize, a, {of({1, 8, 16, 16})}), "resize with a dimension of 17179869184");
  const std::int64_t large = std::int64_t{1} << 31;
  EXPECT_EQ(failure(kMatMul, {}, {plain({1, large, large, 1}), plain({4, 1, 1, large})}),
            "matmul: a tensor of 4x2147483648x2147483648x2147483648 has more elements than can be "
            "counted");
}

}  // namespace
}  // namespace autogo
