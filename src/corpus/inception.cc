// Graphs of Inception networks (Mills et al., GENNAPE, 2023): four stages of two to six equal
// blocks, a block being one to four parallel paths whose results are concatenated. The first
// blocks of stages 2 to 4 halve the map; stages have 32, 64, 128 and 256 channels. All
// convolutions have a bias, unlike those of the other families.
//
// A path is a chain of operations with two widths. Operations that can change the number of
// channels are capable ones: the first of them changes it to the inner width, the last one to the
// outer width. The first convolution (1x1 ones do not count) takes the stride. A block whose paths
// do not add up to the stage's channels ends with a 1x1 convolution; a block that keeps its
// input's shape adds it.
//
// Tested by tests/corpus/inception_test.cc: published counts, limits of the space.

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/corpus/corpus.h"
#include "families.h"

namespace autogo {
namespace {

using enum Activation;

enum class Kind { kPlain, kSeparable, kParallel, kDepthwise, kTwice, kAveragePool, kMaxPool };

struct Operation {
  std::string_view name;
  Kind kind;
  std::int32_t kernel;
};

constexpr std::size_t kConvs = 8;  ///< rows that count as convolutions; the rest support
constexpr std::array<Operation, 12> kOperations{{{"c3", Kind::kPlain, 3},
                                                 {"c5", Kind::kPlain, 5},
                                                 {"s3", Kind::kSeparable, 3},
                                                 {"s5", Kind::kSeparable, 5},
                                                 {"p3", Kind::kParallel, 3},
                                                 {"p5", Kind::kParallel, 5},
                                                 {"w3", Kind::kDepthwise, 3},
                                                 {"w5", Kind::kDepthwise, 5},
                                                 {"c1", Kind::kPlain, 1},
                                                 {"d1", Kind::kTwice, 1},
                                                 {"ap", Kind::kAveragePool, 3},
                                                 {"mp", Kind::kMaxPool, 3}}};

bool is_conv(std::size_t row) { return row < kConvs; }
/// Can it change the number of channels?
bool is_capable(std::size_t row) {
  return kOperations[row].kind != Kind::kAveragePool && kOperations[row].kind != Kind::kMaxPool;
}

constexpr std::size_t kStages = 4, kMostPaths = 4;
constexpr int kFewestBlocks = 2, kMostBlocks = 6;
constexpr std::int32_t kFewestChannels = 16;            ///< drawn
constexpr std::int32_t kNarrowest = 2, kWidest = 4096;  ///< accepted in an id
constexpr std::array<std::int32_t, kStages> kChannels{32, 64, 128, 256};

/// Operations of a block with so many paths (one entry a number of paths).
struct Limits {
  std::array<std::size_t, kMostPaths> most;    ///< in the whole block
  std::array<std::size_t, kMostPaths> fewest;  ///< in each path
};
constexpr Limits kAutogoLimits{{3, 4, 8, 10}, {1, 1, 2, 2}};
constexpr Limits kWideLimits{{4, 8, 12, 16}, {1, 1, 1, 1}};

struct Path {
  std::vector<std::size_t> operations;  ///< rows of kOperations
  std::int32_t inner = 0, outer = 0;    ///< channels
};
struct Stage {
  int blocks = 0;
  std::vector<Path> paths;
};
using Design = std::array<Stage, kStages>;

[[noreturn]] void bad_network(std::string_view id, const std::string& why) {
  throw Error(ErrorKind::kInput, "Inception network '" + shown_id(id) + "': " + why);
}

std::int32_t parse_number(std::string_view text, std::int32_t low, std::int32_t high,
                          const std::string& what, std::string_view id) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    bad_network(id, what + " is '" + shown_id(text) + "', expected " + std::to_string(low) +
                        " to " + std::to_string(high));
  }
  return value;
}

std::size_t operation_named(std::string_view name, std::string_view id) {
  return find_operation(kOperations, name, [&](const std::string& why) { bad_network(id, why); });
}

/// "16>32:d1+s5"
Path parse_path(std::string_view text, std::string_view id) {
  const std::size_t arrow = text.find('>'), colon = text.find(':');
  if (arrow == text.npos || colon == text.npos || arrow > colon) {
    bad_network(id,
                "path '" + shown_id(text) + "', expected INNER>OUTER:OPERATIONS like 16>32:c3+c1");
  }
  Path path;
  path.inner = parse_number(text.substr(0, arrow), kNarrowest, kWidest, "inner channels", id);
  path.outer = parse_number(text.substr(arrow + 1, colon - arrow - 1), kNarrowest, kWidest,
                            "outer channels", id);
  std::size_t convs = 0, capable = 0;
  for (const std::string_view name : split(text.substr(colon + 1), '+')) {
    path.operations.push_back(operation_named(name, id));
    convs += is_conv(path.operations.back()) ? 1 : 0;
    capable += is_capable(path.operations.back()) ? 1 : 0;
  }
  const std::size_t support = path.operations.size() - convs;
  if (convs == 0 || support > 1) {
    bad_network(id, "path '" + shown_id(text) + "' has " + std::to_string(convs) +
                        " convolutions and " + std::to_string(support) +
                        " supporting operations, expected at least 1 and at most 1");
  }
  if (capable == 1 && path.inner != path.outer) {
    bad_network(id, "path '" + shown_id(text) +
                        "' has one operation that changes channels, so INNER and OUTER must agree");
  }
  return path;
}

/// "2@16>16:mp+p3;16>16:s3+w5"
Stage parse_stage(std::string_view text, std::string_view id) {
  const std::size_t at = text.find('@');
  if (at == text.npos) bad_network(id, "stage '" + shown_id(text) + "', expected BLOCKS@PATH;PATH");
  Stage stage;
  stage.blocks = parse_number(text.substr(0, at), kFewestBlocks, kMostBlocks, "blocks", id);
  const std::vector<std::string_view> paths = split(text.substr(at + 1), ';');
  if (paths.size() > kMostPaths) {
    bad_network(id, "a stage has " + std::to_string(paths.size()) + " paths, expected 1 to 4");
  }
  std::size_t operations = 0;
  for (const std::string_view path : paths) {
    stage.paths.push_back(parse_path(path, id));
    operations += stage.paths.back().operations.size();
  }
  const std::size_t most = kWideLimits.most[paths.size() - 1];
  if (operations > most) {
    bad_network(id, "a block of " + std::to_string(paths.size()) + " paths has " +
                        std::to_string(operations) + " operations, expected at most " +
                        std::to_string(most));
  }
  return stage;
}

Design parse(std::string_view id) {
  const std::vector<std::string_view> stages = split(without_prefix(id, kInceptionPrefix), '/');
  if (stages.size() != kStages) {
    bad_network(id, "has " + std::to_string(stages.size()) +
                        " stages, expected 4 joined by '/', each like 2@16>16:c3;32>16:c3+c1");
  }
  Design design;
  for (std::size_t i = 0; i < kStages; ++i) design[i] = parse_stage(stages[i], id);
  return design;
}

/// A chain of two one-dimensional convolutions, each with its share of the stride.
ValueId two_convs(FamilyBuilder& net, ValueId x, std::int32_t channels, std::int32_t k,
                  std::int32_t s, bool row_first, Activation activation) {
  for (const bool row : {row_first, !row_first}) {
    x = row ? net.conv_bn(x, {1, k}, {1, s}, channels, activation)
            : net.conv_bn(x, {k, 1}, {s, 1}, channels, activation);
  }
  return x;
}

/// 1xk and kx1 side by side, each with half of the channels.
ValueId build_parallel(FamilyBuilder& net, ValueId x, std::int32_t channels, std::int32_t k,
                       std::int32_t s) {
  const std::int32_t half = channels / 2, rest = channels - half;
  const ValueId a = s == 1 ? net.conv_bn(x, {1, k}, {1, 1}, half, kNone)
                           : two_convs(net, x, half, k, s, true, kNone);
  const ValueId b = s == 1 ? net.conv_bn(x, {k, 1}, {1, 1}, rest, kNone)
                           : two_convs(net, x, rest, k, s, false, kNone);
  return net.activate(net.concat({a, b}), kRelu6);
}

ValueId build_depthwise(FamilyBuilder& net, ValueId x, std::int32_t channels, std::int32_t k,
                        std::int32_t s) {
  if (net.width(x) != channels) x = net.conv(x, 1, channels);
  ConvOptions options;
  options.stride = s;
  options.bias = true;
  return net.activate(net.norm(net.depthwise(x, k, options)), kRelu6);
}

ValueId build_operation(FamilyBuilder& net, const Operation& op, ValueId x, std::int32_t channels,
                        std::int32_t stride) {
  switch (op.kind) {
    case Kind::kPlain:
      return net.conv_bn(x, op.kernel, stride, channels, kRelu6);
    case Kind::kSeparable:
      return two_convs(net, x, channels, op.kernel, stride, true, kRelu6);
    case Kind::kParallel:
      return build_parallel(net, x, channels, op.kernel, stride);
    case Kind::kDepthwise:
      return build_depthwise(net, x, channels, op.kernel, stride);
    case Kind::kTwice:
      return net.conv_bn(net.conv_bn(x, 1, 1, channels, kRelu6), 1, 1, channels, kRelu6);
    case Kind::kAveragePool:
      return net.pool_bn(OpKind::kAvgPool, x);
    case Kind::kMaxPool:
      return net.pool_bn(OpKind::kMaxPool, x);
  }
  return x;
}

ValueId build_path(FamilyBuilder& net, const Path& path, ValueId x, std::int32_t stride) {
  const auto& rows = path.operations;
  const auto first = std::ranges::find_if(rows, is_capable);
  const auto last = std::ranges::find_if(rows.rbegin(), rows.rend(), is_capable).base() - 1;
  const auto strided = std::ranges::find_if(rows, is_conv);
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    const std::int32_t channels = row == last    ? path.outer
                                  : row == first ? path.inner
                                                 : net.width(x);
    x = build_operation(net, kOperations[*row], x, channels, row == strided ? stride : 1);
  }
  return x;
}

ValueId build_block(FamilyBuilder& net, const Stage& stage, ValueId input, std::int32_t channels,
                    std::int32_t stride) {
  std::vector<ValueId> results;
  for (const Path& path : stage.paths) results.push_back(build_path(net, path, input, stride));
  ValueId x = results.size() == 1 ? results[0] : net.concat(results);
  if (net.width(x) != channels) x = net.conv_bn(x, 1, 1, channels, kNone);
  return stride == 1 && net.width(input) == channels ? net.add(x, input) : x;
}

/// The outer widths of a stage's paths, shuffled.
std::vector<std::int32_t> draw_widths(Rng& rng, std::size_t paths, std::int32_t channels) {
  const auto share = static_cast<std::int32_t>(paths);
  std::vector<std::int32_t> widths(paths, channels / share);
  if (paths == 3) widths = {channels / 2, channels / 4, channels / 4};
  for (std::int32_t& width : widths) width = std::max(width, kFewestChannels);
  rng.shuffle(widths);
  return widths;
}

std::int32_t draw_inner(Rng& rng, std::int32_t outer) {
  const double u = rng.uniform();
  const std::int32_t inner = u < 0.3 ? outer / 2 : u < 0.9 ? outer : 2 * outer;
  return std::max(inner, kFewestChannels);
}

std::string draw_path(Rng& rng, std::size_t operations, std::int32_t outer) {
  const std::vector<std::size_t> rows =
      draw_operations(rng, operations, kConvs, kOperations.size());
  const bool several = std::ranges::count_if(rows, is_capable) > 1;
  std::string text;
  for (const std::size_t row : rows) {
    text += (text.empty() ? "" : "+") + std::string(kOperations[row].name);
  }
  return std::to_string(several ? draw_inner(rng, outer) : outer) + ">" + std::to_string(outer) +
         ":" + text;
}

std::string draw_stage(Rng& rng, std::int32_t channels, const Limits& limits) {
  const std::uint64_t choices = kMostBlocks - kFewestBlocks + 1;
  std::string text = std::to_string(kFewestBlocks + static_cast<int>(rng.below(choices)));
  const std::size_t paths = 1 + static_cast<std::size_t>(rng.below(kMostPaths));
  const std::vector<std::int32_t> widths = draw_widths(rng, paths, channels);
  const std::size_t fewest = limits.fewest[paths - 1];
  std::size_t left = limits.most[paths - 1];
  for (std::size_t p = 0; p < paths; ++p) {
    const std::size_t most = left - fewest * (paths - 1 - p);
    const std::size_t count = fewest + static_cast<std::size_t>(rng.below(most - fewest + 1));
    left -= count;
    text += (p == 0 ? "@" : ";") + draw_path(rng, count, widths[p]);
  }
  return text;
}

}  // namespace

void check_inception(const std::string& id) { parse(id); }

std::string draw_inception(Rng& rng, bool wide) {
  std::string id(kInceptionPrefix);
  for (std::size_t i = 0; i < kStages; ++i) {
    id += (i == 0 ? "" : "/") + draw_stage(rng, kChannels[i], wide ? kWideLimits : kAutogoLimits);
  }
  return id;
}

Graph inception_graph(const std::string& id) {
  const Design design = parse(id);
  FamilyBuilder net(true);
  ValueId x = net.conv_bn(net.input(3, 32, 32), 3, 1, kChannels[0], kRelu6);
  for (std::size_t i = 0; i < kStages; ++i) {
    for (int block = 0; block < design[i].blocks; ++block) {
      x = build_block(net, design[i], x, kChannels[i], block == 0 && i > 0 ? 2 : 1);
    }
  }
  x = net.conv_bn(x, 3, 1, 512, kRelu6);
  net.output(net.dense(net.simple(OpKind::kIdentity, net.global_mean(x)), 10));
  return net.take();
}

}  // namespace autogo
