// Graphs of HiAML networks (Mills et al., GENNAPE, 2023): four stages of two equal blocks, one of
// fourteen block types a stage. The stages' channels are 64, 128, 128, 256; the first blocks of
// the second and the fourth halve the map.
//
// Blocks are written as in families.md: `a + sep(a)`, with every convolution followed by batch
// normalisation and a relu at the end of the block. The order of the calls is the published order
// of the nodes: convolutions as they are read, a sum just before what consumes it.
//
// Tested by tests/corpus/hiaml_test.cc: published counts, and the published graph node by node.

#include <array>
#include <string>
#include <string_view>

#include "autogo/base/error.h"
#include "autogo/corpus/corpus.h"
#include "families.h"

namespace autogo {
namespace {

using enum Activation;

/// A block under construction: x is its input, c its output channels, s the stride of its first
/// convolutions.
struct Block {
  FamilyBuilder& net;
  ValueId x;
  std::int32_t c, s;

  ValueId conv(ValueId v, std::int32_t kernel, Activation activation) const {
    return net.conv_bn(v, kernel, 1, c, activation);
  }
  /// A convolution of the block's input, with the block's stride.
  ValueId entry(std::int32_t kernel, Activation activation) const {
    return net.conv_bn(x, kernel, s, c, activation);
  }
  /// The block's input in its own channels: a first step without stride.
  ValueId keep(std::int32_t kernel) const { return net.conv_bn(x, kernel, 1, net.width(x), kRelu); }
  ValueId strided(ValueId v, std::int32_t kernel, Activation activation) const {
    return net.conv_bn(v, kernel, s, c, activation);
  }
  /// 1x3 and 3x1, both full convolutions.
  ValueId sep(ValueId v, std::int32_t stride = 1) const {
    return net.conv_bn(net.conv_bn(v, {1, 3}, {stride, stride}, c, kRelu6), {3, 1}, {1, 1}, c,
                       kRelu6);
  }
  ValueId entry_sep() const { return sep(x, s); }
  /// The block's input as an operand of a sum: projected when the block halves the map.
  ValueId shortcut() const { return s == 2 ? entry(1, kNone) : x; }
  ValueId add(ValueId a, ValueId b) const { return net.add(a, b); }
};

ValueId z(const Block& b) {
  const ValueId a = b.entry(3, kRelu);
  return b.add(a, b.sep(a));
}

ValueId a22(const Block& b) {
  const ValueId a = b.entry(3, kRelu);
  return b.add(a, b.conv(b.conv(a, 1, kRelu), 1, kNone));
}

ValueId b23(const Block& b) {
  const ValueId q = b.shortcut();
  return b.add(q, b.sep(b.entry_sep()));
}

ValueId j30(const Block& b) {
  const ValueId q = b.shortcut();
  return b.add(q, b.sep(b.entry(3, kRelu)));
}

ValueId g30(const Block& b) {
  const ValueId q = b.shortcut();
  const ValueId a = b.entry_sep();
  return b.add(a, b.conv(b.sep(b.add(q, a)), 1, kNone));
}

ValueId r30(const Block& b) {
  const ValueId q1 = b.shortcut(), q2 = b.shortcut();
  const ValueId a = b.entry_sep();
  const ValueId v = b.conv(b.add(q1, a), 1, kNone);
  const ValueId w = b.sep(a);
  return b.add(b.add(q2, v), w);
}

ValueId l20(const Block& b) { return b.conv(b.entry(3, kRelu), 1, kNone); }

ValueId t20(const Block& b) {
  const ValueId q = b.entry(1, kNone);
  return b.add(q, b.entry_sep());
}

ValueId t31(const Block& b) {
  const ValueId q1 = b.shortcut(), q2 = b.shortcut();
  const ValueId v = b.conv(b.entry_sep(), 1, kRelu);
  const ValueId w = b.sep(b.add(q1, v));
  return b.add(b.add(q2, v), w);
}

ValueId src0(const Block& b) {
  const ValueId a = b.entry(1, kRelu);
  return b.add(a, b.conv(b.conv(a, 3, kRelu), 3, kNone));
}

ValueId src1(const Block& b) {
  const ValueId q = b.entry(1, kRelu);
  return b.add(q, b.strided(b.keep(3), 3, kNone));
}

ValueId src3(const Block& b) {
  const ValueId q = b.entry(1, kNone);
  return b.add(q, b.conv(b.strided(b.keep(1), 3, kRelu), 1, kNone));
}

ValueId src7(const Block& b) {
  const ValueId a = b.entry(1, kNone);
  return b.add(a, b.sep(b.sep(a)));
}

ValueId src8(const Block& b) {
  const ValueId a = b.entry(1, kNone);
  return b.add(a, b.conv(b.sep(a), 1, kNone));
}

struct BlockType {
  std::string_view name;
  ValueId (*build)(const Block&);  ///< all but the last relu
};
constexpr std::array<BlockType, 14> kBlocks{{{"z", z},
                                             {"a22", a22},
                                             {"b23", b23},
                                             {"j30", j30},
                                             {"g30", g30},
                                             {"r30", r30},
                                             {"l20", l20},
                                             {"t20", t20},
                                             {"t31", t31},
                                             {"src0", src0},
                                             {"src1", src1},
                                             {"src3", src3},
                                             {"src7", src7},
                                             {"src8", src8}}};

constexpr std::size_t kStages = 4;
constexpr std::array<std::int32_t, kStages> kChannels{64, 128, 128, 256};
constexpr std::array<std::int32_t, kStages> kStrides{1, 2, 1, 2};

[[noreturn]] void bad_network(std::string_view id, const std::string& why) {
  throw Error(ErrorKind::kInput, "HiAML network '" + shown_id(id) + "': " + why);
}

using Design = std::array<const BlockType*, kStages>;

Design parse(std::string_view id) {
  const std::vector<std::string_view> names = split(without_prefix(id, kHiamlPrefix), '-');
  if (names.size() != kStages) {
    bad_network(id, "has " + std::to_string(names.size()) +
                        " blocks, expected 4 joined by '-', like z-a22-b23-j30");
  }
  Design design{};
  for (std::size_t i = 0; i < kStages; ++i) {
    std::string known;
    for (const BlockType& type : kBlocks) {
      if (type.name == names[i]) design[i] = &type;
      known += (known.empty() ? "" : ", ") + std::string(type.name);
    }
    if (design[i] == nullptr) {
      bad_network(id, "unknown block '" + shown_id(names[i]) + "', expected one of " + known);
    }
  }
  return design;
}

}  // namespace

void check_hiaml(const std::string& id) { parse(id); }

std::string draw_hiaml(Rng& rng, bool /*wide*/) {
  std::string id(kHiamlPrefix);
  for (std::size_t i = 0; i < kStages; ++i) {
    if (i > 0) id += '-';
    id += kBlocks[static_cast<std::size_t>(rng.below(kBlocks.size()))].name;
  }
  return id;
}

Graph hiaml_graph(const std::string& id) {
  const Design design = parse(id);
  FamilyBuilder net;
  ValueId x = net.conv_bn(net.input(3, 32, 32), 3, 2, kChannels[0], kRelu);
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    for (int block = 0; block < 2; ++block) {
      const std::int32_t stride = block == 0 ? kStrides[stage] : 1;
      x = net.relu(design[stage]->build({net, x, kChannels[stage], stride}));
    }
  }
  net.output(net.dense(net.global_mean(x), 10));
  return net.take();
}

}  // namespace autogo
