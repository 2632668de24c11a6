// The networks of the paper's tables, as their authors (or torchvision, for the classifiers)
// define them. Two are not public: the paper's FSRCNN and denoising U-Net are proprietary, so
// these are the published FSRCNN(56, 12, 4) and a U-Net of Ronneberger's shape of about the size
// that the paper states (17 GFLOPs).
//
// Tested by tests/corpus/networks_test.cc: published multiply-accumulates and parameters.

#include "autogo/corpus/networks.h"

#include <array>
#include <vector>

#include "autogo/base/error.h"
#include "builder.h"

namespace autogo {
namespace {

/// Convolution with the explicit padding that keeps the size at stride 1.
ValueId conv(NetBuilder& net, ValueId x, std::int32_t kernel, std::int32_t channels,
             std::int32_t stride = 1, bool bias = false) {
  ConvOptions options;
  options.stride = stride;
  options.bias = bias;
  options.pad = kernel / 2;
  return net.conv(x, kernel, channels, options);
}

ValueId conv_bn(NetBuilder& net, ValueId x, std::int32_t kernel, std::int32_t channels,
                std::int32_t stride = 1) {
  return net.batch_norm(conv(net, x, kernel, channels, stride));
}

ValueId classifier(NetBuilder& net, ValueId x, std::int32_t classes = 1000) {
  x = net.simple(OpKind::kGlobalAvgPool, x);
  return net.dense(net.simple(OpKind::kFlatten, x), classes);
}

/// torchvision's bottleneck: the stride is on the 3x3 convolution.
ValueId bottleneck(NetBuilder& net, ValueId x, std::int32_t width, std::int32_t stride) {
  const std::int32_t out = 4 * width;
  ValueId y = net.relu(conv_bn(net, x, 1, width));
  y = net.relu(conv_bn(net, y, 3, width, stride));
  y = conv_bn(net, y, 1, out);
  const bool project = stride != 1 || net.channels(x) != out;
  return net.relu(net.add(y, project ? conv_bn(net, x, 1, out, stride) : x));
}

Graph resnet(const std::array<int, 4>& blocks) {
  NetBuilder net;
  ValueId x = net.relu(conv_bn(net, net.input(3, 224, 224), 7, 64, 2));
  x = net.pool(OpKind::kMaxPool, x, 3, 2, 0, 1);
  std::int32_t width = 64;
  for (std::size_t stage = 0; stage < blocks.size(); ++stage, width *= 2) {
    for (int block = 0; block < blocks[stage]; ++block) {
      x = bottleneck(net, x, width, block == 0 && stage > 0 ? 2 : 1);
    }
  }
  net.output(classifier(net, x));
  return net.take();
}

Graph resnet50() { return resnet({3, 4, 6, 3}); }
Graph resnet101() { return resnet({3, 4, 23, 3}); }

/// ResNet-20 of He et al. (2016, section 4.2) with projections where a block changes its shape.
Graph resnet20_cifar() {
  NetBuilder net;
  ValueId x = net.relu(conv_bn(net, net.input(3, 32, 32), 3, 16));
  for (const std::int32_t width : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) {
      const bool halves = block == 0 && width > 16;
      const std::int32_t stride = halves ? 2 : 1;
      const ValueId y = net.relu(conv_bn(net, x, 3, width, stride));
      x = net.relu(net.add(conv_bn(net, y, 3, width), halves ? conv_bn(net, x, 1, width, 2) : x));
    }
  }
  net.output(classifier(net, x, 10));
  return net.take();
}

ValueId vgg_features(NetBuilder& net, ValueId x,
                     const std::array<std::vector<std::int32_t>, 5>& stages) {
  for (const std::vector<std::int32_t>& stage : stages) {
    for (const std::int32_t channels : stage) {
      x = net.relu(net.batch_norm(conv(net, x, 3, channels, 1, true)));
    }
    x = net.pool(OpKind::kMaxPool, x, 2, 2, 0, 0);
  }
  return x;
}

ValueId vgg16_features(NetBuilder& net) {
  return vgg_features(
      net, net.input(3, 224, 224),
      {{{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}}});
}

/// VGG-11 with batch norm at 32 x 32; its five poolings leave one pixel, one dense layer reads it.
Graph vgg11_cifar() {
  NetBuilder net;
  const ValueId x = vgg_features(net, net.input(3, 32, 32),
                                 {{{64}, {128}, {256, 256}, {512, 512}, {512, 512}}});
  net.output(net.dense(net.simple(OpKind::kFlatten, x), 10));
  return net.take();
}

Graph vgg16_bn() {
  NetBuilder net;
  ValueId x = net.simple(OpKind::kFlatten, vgg16_features(net));
  x = net.relu(net.dense(x, 4096));
  x = net.relu(net.dense(x, 4096));
  net.output(net.dense(x, 1000));
  return net.take();
}

Graph vgg16_bn_gap() {
  NetBuilder net;
  net.output(classifier(net, vgg16_features(net)));
  return net.take();
}

ValueId inverted_residual(NetBuilder& net, ValueId x, std::int32_t expansion, std::int32_t channels,
                          std::int32_t stride) {
  const auto in = static_cast<std::int32_t>(net.channels(x));
  ValueId y = x;
  if (expansion != 1) y = net.simple(OpKind::kRelu6, conv_bn(net, y, 1, in * expansion));
  ConvOptions options;
  options.stride = stride;
  options.pad = 1;
  y = net.simple(OpKind::kRelu6, net.batch_norm(net.depthwise(y, 3, options)));
  y = conv_bn(net, y, 1, channels);
  return stride == 1 && in == channels ? net.add(x, y) : y;
}

/// At 32 x 32 the stem and the first stage that halves the map keep it.
Graph mobilenet_v2_of(std::int32_t side, std::int32_t classes) {
  struct Stage {
    std::int32_t expansion, channels, blocks, stride;
  };
  constexpr std::array<Stage, 7> kStages{{{1, 16, 1, 1},
                                          {6, 24, 2, 2},
                                          {6, 32, 3, 2},
                                          {6, 64, 4, 2},
                                          {6, 96, 3, 1},
                                          {6, 160, 3, 2},
                                          {6, 320, 1, 1}}};
  NetBuilder net;
  const bool small = side < 64;
  ValueId x =
      net.simple(OpKind::kRelu6, conv_bn(net, net.input(3, side, side), 3, 32, small ? 1 : 2));
  for (const Stage& stage : kStages) {
    const std::int32_t stride = small && stage.channels == 24 ? 1 : stage.stride;
    for (std::int32_t block = 0; block < stage.blocks; ++block) {
      x = inverted_residual(net, x, stage.expansion, stage.channels, block == 0 ? stride : 1);
    }
  }
  x = net.simple(OpKind::kRelu6, conv_bn(net, x, 1, 1280));
  net.output(classifier(net, x, classes));
  return net.take();
}

Graph mobilenet_v2() { return mobilenet_v2_of(224, 1000); }
Graph mobilenet_v2_cifar() { return mobilenet_v2_of(32, 10); }

/// EDSR baseline (Lim et al., 2017). 320 x 180 to 640 x 360: the size of the paper's Table 4.
Graph edsr_of(int blocks, std::int32_t channels) {
  NetBuilder net;
  const ValueId head = conv(net, net.input(3, 180, 320), 3, channels, 1, true);
  ValueId x = head;
  for (int block = 0; block < blocks; ++block) {
    const ValueId y = net.relu(conv(net, x, 3, channels, 1, true));
    x = net.add(conv(net, y, 3, channels, 1, true), x);
  }
  x = net.add(conv(net, x, 3, channels, 1, true), head);
  x = net.depth_to_space(conv(net, x, 3, 4 * channels, 1, true), 2);
  net.output(conv(net, x, 3, 3, 1, true));
  return net.take();
}

Graph edsr() { return edsr_of(16, 64); }
Graph edsr_small() { return edsr_of(4, 32); }

/// FSRCNN(56, 12, m) (Dong et al., 2016) on luminance, 640 x 360 to 1280 x 720.
Graph fsrcnn(int mappings) {
  NetBuilder net;
  const auto step = [&](ValueId x, std::int32_t kernel, std::int32_t channels) {
    return net.simple(OpKind::kPRelu, conv(net, x, kernel, channels, 1, true));
  };
  ValueId x = step(net.input(1, 360, 640), 5, 56);
  x = step(x, 1, 12);
  for (int m = 0; m < mappings; ++m) x = step(x, 3, 12);
  x = step(x, 1, 56);
  net.output(net.conv_transpose(x, 9, 1, 2, 4, 1));
  return net.take();
}

Graph fsrcnn3() { return fsrcnn(3); }
Graph fsrcnn4() { return fsrcnn(4); }

ValueId two_convs(NetBuilder& net, ValueId x, std::int32_t channels) {
  x = net.relu(conv(net, x, 3, channels, 1, true));
  return net.relu(conv(net, x, 3, channels, 1, true));
}

/// Three scales down and up again with skips by concatenation; it predicts the noise.
Graph unet_denoise() {
  constexpr std::array<std::int32_t, 3> kWidths{32, 64, 128};
  NetBuilder net;
  const ValueId noisy = net.input(3, 256, 256);
  std::vector<ValueId> skips;
  ValueId x = noisy;
  for (const std::int32_t width : kWidths) {
    skips.push_back(two_convs(net, x, width));
    x = net.pool(OpKind::kMaxPool, skips.back(), 2, 2, 0, 0);
  }
  x = two_convs(net, x, 256);
  for (std::size_t level = kWidths.size(); level-- > 0;) {
    x = net.conv_transpose(x, 2, kWidths[level], 2, 0, 0);
    x = two_convs(net, net.concat({skips[level], x}), kWidths[level]);
  }
  net.output(net.add(noisy, conv(net, x, 3, 3, 1, true)));
  return net.take();
}

constexpr std::array<SampleNetwork, 13> kNetworks{{
    {"edsr_small_x2", "EDSR, 4 blocks of 32 channels, 320x180 doubled", edsr_small},
    {"edsr_x2", "EDSR baseline, 16 blocks of 64 channels, 320x180 doubled", edsr},
    {"fsrcnn3_x2", "FSRCNN(56,12,3), 640x360 doubled", fsrcnn3},
    {"fsrcnn4_x2", "FSRCNN(56,12,4), 640x360 doubled", fsrcnn4},
    {"mobilenet_v2", "MobileNet-v2 as in torchvision, 224x224", mobilenet_v2},
    {"mobilenet_v2_cifar", "MobileNet-v2 for CIFAR-10, 32x32", mobilenet_v2_cifar},
    {"resnet101", "ResNet-101 as in torchvision, 224x224", resnet101},
    {"resnet20_cifar", "ResNet-20 for CIFAR-10, 32x32", resnet20_cifar},
    {"resnet50", "ResNet-50 as in torchvision, 224x224", resnet50},
    {"unet_denoise", "denoising U-Net with 4 scales, 256x256", unet_denoise},
    {"vgg11_cifar", "VGG-11 with batch norm for CIFAR-10, 32x32", vgg11_cifar},
    {"vgg16_bn", "VGG-16 with batch norm as in torchvision, 224x224", vgg16_bn},
    {"vgg16_bn_gap", "VGG-16 with batch norm and AutoGO's small head, 224x224", vgg16_bn_gap},
}};

}  // namespace

std::span<const SampleNetwork> sample_networks() { return kNetworks; }

Graph sample_network(const std::string& name) {
  std::string names;
  for (const SampleNetwork& network : kNetworks) {
    if (name == network.name) return network.build();
    names += (names.empty() ? "" : ", ") + std::string(network.name);
  }
  throw Error(ErrorKind::kUsage, "unknown network '" + name + "'")
      .with_hint("the networks are " + names);
}

}  // namespace autogo
