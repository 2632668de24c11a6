// Graphs of Two-Path networks (Mills et al., GENNAPE, 2023): a stem, two parallel paths of two to
// four blocks, a concatenation, a convolution and the head. Two blocks of a path halve the map and
// double the channels, so both end at 128 channels of 4x4.
//
// A block is a chain of one to three operations, at least one convolution and at most one of the
// supporting kind. In a halving block the first convolution takes the stride and the new channels;
// any other block adds its input to its result.
//
// Ids are not canonical: the paths may be swapped, so drawn ids have them in alphabetical order;
// and d3 is c3+c3 where nothing is halved, so sampling skips networks by the hash of the graph.
//
// Tested by tests/corpus/two_path_test.cc: published counts, counts of the space.

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/corpus/corpus.h"
#include "families.h"

namespace autogo {
namespace {

using enum Activation;

enum class Kind { kPlain, kDouble, kBottleneck, kSeparable, kAveragePool, kMaxPool };

struct Operation {
  std::string_view name;
  Kind kind;
  std::int32_t kernel;
  std::int32_t times = 1, divide = 1;  ///< kBottleneck: inner channels, of the input's
};

constexpr std::size_t kConvs = 8;  ///< rows that count as convolutions; the rest support
constexpr std::array<Operation, 13> kOperations{{{"c3", Kind::kPlain, 3},
                                                 {"c5", Kind::kPlain, 5},
                                                 {"d3", Kind::kDouble, 3},
                                                 {"r2k3", Kind::kBottleneck, 3, 1, 2},
                                                 {"r4k3", Kind::kBottleneck, 3, 1, 4},
                                                 {"e2k3", Kind::kBottleneck, 3, 2, 1},
                                                 {"s3", Kind::kSeparable, 3},
                                                 {"s5", Kind::kSeparable, 5},
                                                 {"c1", Kind::kPlain, 1},
                                                 {"r2k1", Kind::kBottleneck, 1, 1, 2},
                                                 {"e2k1", Kind::kBottleneck, 1, 2, 1},
                                                 {"ap", Kind::kAveragePool, 3},
                                                 {"mp", Kind::kMaxPool, 3}}};

constexpr std::size_t kMostOperations = 3;
constexpr std::size_t kFewestBlocks = 2, kMostBlocks = 4, kReductions = 2;

struct Block {
  std::vector<std::size_t> operations;  ///< rows of kOperations
  bool halves = false;
};
using Path = std::vector<Block>;

[[noreturn]] void bad_network(std::string_view id, const std::string& why) {
  throw Error(ErrorKind::kInput, "Two-Path network '" + shown_id(id) + "': " + why);
}

std::size_t operation_named(std::string_view name, std::string_view id) {
  return find_operation(kOperations, name, [&](const std::string& why) { bad_network(id, why); });
}

Block parse_block(std::string_view text, std::string_view id) {
  Block block;
  block.halves = text.ends_with('*');
  const std::string_view operations = text.substr(0, text.size() - (block.halves ? 1 : 0));
  std::size_t convs = 0;
  for (const std::string_view name : split(operations, '+')) {
    block.operations.push_back(operation_named(name, id));
    convs += block.operations.back() < kConvs ? 1 : 0;
  }
  const std::size_t count = block.operations.size();
  if (count > kMostOperations || convs == 0 || count - convs > 1) {
    bad_network(id, "block '" + shown_id(text) + "' has " + std::to_string(convs) +
                        " convolutions and " + std::to_string(count - convs) +
                        " supporting operations, expected 1 to 3 in all with at most 1 supporting");
  }
  return block;
}

Path parse_path(std::string_view text, std::string_view id) {
  Path path;
  std::size_t halving = 0;
  for (const std::string_view block : split(text, ',')) {
    path.push_back(parse_block(block, id));
    halving += path.back().halves ? 1 : 0;
  }
  if (path.size() < kFewestBlocks || path.size() > kMostBlocks || halving != kReductions) {
    bad_network(id, "a path has " + std::to_string(path.size()) + " blocks, " +
                        std::to_string(halving) +
                        " of them with '*', expected 2 to 4 blocks and 2 with '*'");
  }
  return path;
}

std::array<Path, 2> parse(std::string_view id) {
  const std::vector<std::string_view> paths = split(without_prefix(id, kTwoPathPrefix), '|');
  if (paths.size() != 2) {
    bad_network(id, "has " + std::to_string(paths.size()) +
                        " paths, expected 2 joined by '|', like c3*,c3*|s3*,d3*");
  }
  return {parse_path(paths[0], id), parse_path(paths[1], id)};
}

ValueId build_operation(FamilyBuilder& net, const Operation& op, ValueId x, std::int32_t channels,
                        std::int32_t stride) {
  const std::int32_t in = net.width(x), k = op.kernel;
  switch (op.kind) {
    case Kind::kPlain:
      return net.conv_bn(x, k, stride, channels, kRelu6);
    case Kind::kDouble:
      return net.conv_bn(net.conv_bn(x, k, stride, in, kRelu6), k, 1, channels, kRelu6);
    case Kind::kBottleneck:
      return net.conv_bn(net.conv_bn(x, k, stride, in * op.times / op.divide, kNone), k, 1,
                         channels, kNone);
    case Kind::kSeparable:
      return net.conv_bn(net.conv_bn(x, {1, k}, {stride, stride}, channels, kRelu6), {k, 1}, {1, 1},
                         channels, kRelu6);
    case Kind::kAveragePool:
      return net.pool_bn(OpKind::kAvgPool, x);
    case Kind::kMaxPool:
      return net.pool_bn(OpKind::kMaxPool, x);
  }
  return x;
}

ValueId build_block(FamilyBuilder& net, const Block& block, ValueId input) {
  bool pending = block.halves;  // the first convolution has yet to halve the map
  ValueId x = input;
  for (const std::size_t row : block.operations) {
    const bool now = pending && row < kConvs;
    const std::int32_t channels = net.width(x) * (now ? 2 : 1);
    x = build_operation(net, kOperations[row], x, channels, now ? 2 : 1);
    if (now) pending = false;
  }
  return block.halves ? x : net.add(x, input);
}

ValueId build_path(FamilyBuilder& net, const Path& path, ValueId x) {
  for (const Block& block : path) x = build_block(net, block, x);
  return x;
}

std::string draw_path(Rng& rng) {
  const std::size_t blocks =
      kFewestBlocks + static_cast<std::size_t>(rng.below(kMostBlocks - kFewestBlocks + 1));
  const std::vector<std::size_t> halving = rng.sample(blocks, kReductions);
  std::string text;
  for (std::size_t b = 0; b < blocks; ++b) {
    if (b > 0) text += ',';
    const std::size_t count = 1 + static_cast<std::size_t>(rng.below(kMostOperations));
    std::string block;
    for (const std::size_t row : draw_operations(rng, count, kConvs, kOperations.size())) {
      block += (block.empty() ? "" : "+") + std::string(kOperations[row].name);
    }
    text += block;
    if (b == halving[0] || b == halving[1]) text += '*';
  }
  return text;
}

}  // namespace

void check_two_path(const std::string& id) { parse(id); }

std::string draw_two_path(Rng& rng, bool /*wide*/) {
  std::string first = draw_path(rng), second = draw_path(rng);
  if (second < first) std::swap(first, second);  // the same network, but for the concatenation
  return std::string(kTwoPathPrefix) + first + "|" + second;
}

Graph two_path_graph(const std::string& id) {
  const std::array<Path, 2> paths = parse(id);
  FamilyBuilder net;
  const ValueId stem =
      net.conv_bn(net.conv_bn(net.input(3, 32, 32), 3, 1, 32, kRelu6), 3, 2, 32, kRelu6);
  const ValueId first = build_path(net, paths[0], stem);
  const ValueId second = build_path(net, paths[1], stem);
  const ValueId x = net.conv_bn(net.concat({first, second}), 3, 1, 512, kRelu6);
  net.output(net.dense(net.simple(OpKind::kIdentity, net.global_mean(x)), 10));
  return net.take();
}

}  // namespace autogo
