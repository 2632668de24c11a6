#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "autogo/graph/graph.h"

namespace autogo {

/// A random propagation problem: a small body and the types at its ports.
struct RandomCase {
  Graph body;
  std::vector<TensorType> inputs, outputs;
};

inline TensorType map_type(std::int64_t c, std::int64_t h, std::int64_t w) {
  return {DType::kFloat32, Layout::kChannelsFirst, Shape{1, c, h, w}};
}

/// Bodies of up to `max_nodes` nodes with at most `max_choosing` that choose channels: chains,
/// branches, joins of all kinds, odd sizes, groups, valid and explicit padding, several ports.
class RandomBodies {
 public:
  /// @param sums  favour concats and keep the sizes: channels are the problem
  RandomBodies(Rng& rng, std::size_t max_nodes, int max_choosing, bool sums = false)
      : rng_(rng), max_nodes_(max_nodes), max_choosing_(max_choosing), sums_(sums) {}

  RandomCase next() {
    RandomCase result;
    result.body = body();
    // Most demands come from a random assignment, so that many cases have a solution.
    for (int attempt = 0; attempt < 12; ++attempt) {
      if (sample_ports(result)) break;
      result.outputs.clear();
    }
    if (result.outputs.empty()) random_ports(result);
    while (rng_.below(2) == 0) disturb(result.outputs[rng_.below(result.outputs.size())]);
    return result;
  }

 private:
  template <typename T>
  T pick(std::initializer_list<T> items) {
    return items.begin()[rng_.below(items.size())];
  }
  ValueId any(const std::vector<ValueId>& values) {
    // Later values more often: longer chains.
    const std::size_t n = values.size();
    const std::size_t a = rng_.below(n), b = rng_.below(n);
    return values[std::max(a, b)];
  }

  /// Some multiple or fraction of c, over the groups, at least 1. Draws are statements of their own
  /// throughout: operands of an expression have no order.
  std::int32_t channels_over(std::int64_t c, std::int32_t group) {
    const std::int64_t times = pick({1, 1, 2, 3});
    const std::int64_t over = pick({1, 1, 2});
    return static_cast<std::int32_t>(std::max<std::int64_t>(1, c * times / (over * group)));
  }

  Attrs window() {
    Attrs a;
    if (sums_) return a;
    const std::int32_t k = pick({1, 1, 2, 3, 3, 5});
    a.kernel = {k, rng_.below(5) == 0 ? pick({1, 3}) : k};
    const std::int32_t s = pick({1, 1, 1, 2, 2, 4, 3});
    a.stride = {s, rng_.below(6) == 0 ? 1 : s};
    switch (rng_.below(4)) {
      case 0:
        break;  // valid
      case 1:
        a.padding = Padding::kSame;
        break;
      case 2:
        a.padding = Padding::kSameLower;
        break;
      default:
        a.pads = {(a.kernel[0] - 1) / 2, (a.kernel[1] - 1) / 2, a.kernel[0] / 2, a.kernel[1] / 2};
    }
    return a;
  }

  /// Values that an operator can join with `x`, itself among them.
  static std::vector<ValueId> joinable(const Graph& g, const std::vector<ValueId>& values,
                                       ValueId x, OpKind op, const Attrs& a) {
    std::vector<ValueId> fitting;
    for (const ValueId v : values) {
      Shape s = g.type(v).shape;
      const Shape& t = g.type(x).shape;
      const auto axis = static_cast<std::size_t>(a.axis < 0 ? a.axis + t.rank() : a.axis);
      if (op == OpKind::kConcat) s[axis] = t[axis];
      if (s == t) fitting.push_back(v);
    }
    return fitting;
  }

  void grow(Graph& g, std::vector<ValueId>& values, int& choosing) {
    using enum OpKind;
    const ValueId x = any(values);
    const std::int64_t c = g.type(x).shape[1];
    Attrs a = window();
    OpKind op = kRelu;
    std::vector<ValueId> operands{x};
    constexpr std::uint64_t kSumDraws[] = {0, 0, 0, 1, 4, 7, 7, 7, 7, 8, 12, 13};
    switch (sums_ ? kSumDraws[rng_.below(std::size(kSumDraws))] : rng_.below(18)) {
      case 0:
      case 1:
      case 2:
      case 3:
        if (choosing >= max_choosing_) return;
        op = kConv;
        if (rng_.below(4) == 0) a.dilation = {2, 2};
        if (rng_.below(4) == 0) a.group = c % 2 == 0 ? 2 : 1;
        a.out_channels = a.group * channels_over(c, a.group);
        break;
      case 4:
        op = kDepthwiseConv;
        a.out_channels = static_cast<std::int32_t>(c * pick({1, 1, 2}));
        break;
      case 5:
        op = rng_.below(2) == 0 ? kMaxPool : kAvgPool;
        a.ceil_mode = rng_.below(3) == 0;
        break;
      case 6:
      case 7:
      case 8:
      case 9: {
        op = sums_ ? pick({kAdd, kConcat, kConcat, kConcat}) : pick({kAdd, kMul, kConcat});
        a = {};
        // Mostly channels; also rows, columns, and now and then the batch, which nothing adjusts.
        if (op == kConcat && !sums_) a.axis = rng_.below(20) == 0 ? 0 : pick({1, 2, 2, 3, 3, -1});
        const std::vector<ValueId> fitting = joinable(g, values, x, op, a);
        operands.push_back(fitting[rng_.below(fitting.size())]);
        if (op == kConcat && rng_.below(3) == 0)
          operands.push_back(fitting[rng_.below(fitting.size())]);
        break;
      }
      case 10:
        op = kResize;
        a = {};
        a.stride = {2, 2};
        break;
      case 11:
        if (choosing >= max_choosing_) return;
        op = kConvTranspose;
        a.stride = {2, 2};
        if (a.padding == Padding::kExplicit && a.kernel[0] > 1) a.output_padding = {1, 0};
        a.out_channels = static_cast<std::int32_t>(c);
        break;
      case 12:
        a = {};
        if (!sums_ && rng_.below(3) == 0) {
          op = kGlobalAvgPool;
        } else {
          op = kDepthToSpace;
          a.block = 2;
        }
        break;
      case 13:
        a = {};
        op = c % 2 == 0 ? kGroupNorm : kBatchNorm;
        a.group = 2;
        break;
      case 14:
        a = {};
        op = kSqueezeExcite;
        a.out_channels = static_cast<std::int32_t>(std::max<std::int64_t>(1, c / 4));
        break;
      case 15:
        if (choosing >= max_choosing_) return;
        op = kAttention;
        a = {};
        a.group = pick({1, 2, 3});
        a.block = 4;
        a.out_channels = channels_over(c, 1);
        break;
      case 16:
        op = kScale;
        a = {};
        a.axis = pick({1, 1, 2, 3, -1});
        break;
      default:
        a = {};
        op = kRelu;
    }
    try {
      const ValueId y = g.add(op, a, operands);
      const Shape& shape = g.type(y).shape;
      if (shape[1] > 48 || shape[2] > 64 || shape[3] > 64) too_large_ = true;
      values.push_back(y);
      if (op == kConv || op == kConvTranspose || op == kAttention) ++choosing;
    } catch (const Error&) {  // does not fit: leave it out
    }
  }

  Graph body() {
    for (;;) {
      Graph g;
      std::vector<ValueId> values;
      too_large_ = false;
      const std::size_t ports = 1 + (rng_.below(3) == 0 ? 1 : 0);
      const std::int64_t h = pick<std::int64_t>({1, 2, 5, 7, 8, 9, 14, 16});
      const std::int64_t w = rng_.below(3) == 0 ? pick<std::int64_t>({3, 7, 8}) : h;
      const std::int64_t c = pick<std::int64_t>({2, 4, 4, 6, 8});
      for (std::size_t i = 0; i < ports; ++i) {
        values.push_back(
            g.add_input(map_type(rng_.below(3) == 0 ? pick<std::int64_t>({4, 8}) : c, h, w)));
      }
      const std::size_t nodes = 1 + rng_.below(max_nodes_);
      int choosing = 0;
      for (std::size_t i = 0; i < nodes; ++i) grow(g, values, choosing);
      const Uses uses(g);
      std::size_t outputs = 0;
      const std::size_t produced = values.size();
      if (too_large_ || produced == ports) continue;
      for (std::size_t i = ports; i < produced; ++i) {
        if (!uses.of(values[i]).empty() && rng_.below(8) != 0) continue;
        g.add_output(values[i]);
        ++outputs;
      }
      if (outputs > 0 && outputs <= 3) return g;
    }
  }

  TensorType scaled_input(const TensorType& mined, std::int64_t times, std::int64_t over,
                          std::int64_t h, std::int64_t w) {
    return map_type(std::max<std::int64_t>(1, mined.shape[1] * times / over), h, w);
  }

  /// Demands from one random assignment. False when it contradicts itself.
  bool sample_ports(RandomCase& result) {
    const std::int64_t times = pick<std::int64_t>({1, 1, 1, 2, 3}),
                       over = pick<std::int64_t>({1, 1, 2});
    const std::int64_t h = pick<std::int64_t>({1, 2, 5, 7, 8, 9, 14, 16, 27});
    const std::int64_t w = rng_.below(3) == 0 ? pick<std::int64_t>({3, 7, 8}) : h;
    Graph actual;
    std::vector<ValueId> map(result.body.num_values());
    result.inputs.clear();
    try {
      for (std::uint32_t i = 0; i < result.body.num_nodes(); ++i) {
        const NodeId id{i};
        const Node& node = result.body.node(id);
        if (node.op == OpKind::kInput) {
          result.inputs.push_back(scaled_input(result.body.output_type(id), times, over, h, w));
          map[index(result.body.output(id))] = actual.add_input(result.inputs.back());
          continue;
        }
        std::vector<ValueId> operands;
        for (const ValueId v : result.body.inputs(id)) operands.push_back(map[index(v)]);
        if (node.op == OpKind::kOutput) {
          result.outputs.push_back(actual.type(operands[0]));
          continue;
        }
        Attrs a = node.attrs;
        if (!sums_ && rng_.below(3) == 0) a.stride[0] = a.stride[1] = pick({1, 2, 2, 4});
        if (node.op == OpKind::kDepthwiseConv) {
          a.out_channels =
              static_cast<std::int32_t>(actual.type(operands[0]).shape[1] *
                                        (result.body.output_type(id).shape[1] /
                                         result.body.type(result.body.inputs(id)[0]).shape[1]));
        } else if (op_info(node.op).weighted) {
          std::int64_t c = a.out_channels * times / over;
          if (rng_.below(3) == 0) c += static_cast<std::int64_t>(rng_.below(5)) - 2;
          a.out_channels =
              static_cast<std::int32_t>(std::max<std::int64_t>(1, c / a.group) * a.group);
        }
        map[index(result.body.output(id))] = actual.add(node.op, a, operands);
      }
    } catch (const Error&) {
      return false;
    }
    // Broadcasts pass the shape rules but not propagation; such cases are welcome too.
    return !result.outputs.empty();
  }

  void random_ports(RandomCase& result) {
    result.inputs.clear();
    for (const NodeId id : result.body.input_nodes()) {
      result.inputs.push_back(result.body.output_type(id));
    }
    for (const NodeId id : result.body.output_nodes()) {
      result.outputs.push_back(result.body.output_type(id));
      if (rng_.below(2) == 0) disturb(result.outputs.back());
    }
  }

  void disturb(TensorType& type) {
    const std::size_t axis = sums_ ? 1 : 1 + rng_.below(3);
    const std::int64_t delta = static_cast<std::int64_t>(rng_.below(sums_ ? 12 : 4)) - 1;
    type.shape[axis] = sums_ || rng_.below(2) == 0
                           ? std::max<std::int64_t>(1, type.shape[axis] + delta)
                           : std::max<std::int64_t>(1, type.shape[axis] / 2);
  }

  Rng& rng_;
  const std::size_t max_nodes_;
  const int max_choosing_;
  const bool sums_;
  bool too_large_ = false;
};

/// Bodies over tokens: dense products, norms, activations, adds, concats of tokens and of channels.
/// One without dense products and norms is placed among maps in half of the cases, where its
/// concats move to other axes.
class RandomTokenBodies {
 public:
  explicit RandomTokenBodies(Rng& rng) : rng_(rng) {}

  RandomCase next() {
    RandomCase result;
    while (result.outputs.empty()) {
      result = {};
      const bool plain = rng_.below(2) == 0;  // no operator that needs channels last
      build(result.body, plain);
      place(result, plain && rng_.below(2) == 0);
    }
    if (rng_.below(3) == 0) {
      TensorType& type = result.outputs[rng_.below(result.outputs.size())];
      ++type.shape[1 + rng_.below(2)];
    }
    return result;
  }

 private:
  void build(Graph& g, bool plain) {
    using enum OpKind;
    std::vector<ValueId> values;
    const std::int64_t length = 3 + static_cast<std::int64_t>(rng_.below(6));
    for (std::size_t i = 0; i < 1 + rng_.below(2); ++i) {
      values.push_back(g.add_input({DType::kFloat32, Layout::kChannelsLast, Shape{1, length, 4}}));
    }
    const std::size_t ports = values.size();
    for (std::size_t n = 0, dense = 0; n < 1 + rng_.below(7); ++n) {
      const ValueId x = values[rng_.below(values.size())], y = values[rng_.below(values.size())];
      Attrs a;
      try {
        switch (rng_.below(plain ? 5 : 8)) {
          case 0:
            values.push_back(g.add(kGelu, {}, {x}));
            break;
          case 1:
            values.push_back(g.add(kAdd, {}, {x, y}));
            break;
          case 2:
          case 3:
          case 4:
            a.axis = std::array{1, 1, -2, 2, -1}[rng_.below(5)];
            values.push_back(g.add(kConcat, a, {x, y}));
            break;
          case 5:
            values.push_back(g.add(kLayerNorm, {}, {x}));
            break;
          default:
            if (++dense > 3) break;
            a.out_channels = static_cast<std::int32_t>(2 + rng_.below(7));
            values.push_back(g.add(kDense, a, {x}));
        }
      } catch (const Error&) {  // does not fit: leave it out
      }
    }
    const Uses uses(g);
    for (std::size_t i = ports; i < values.size(); ++i) {
      if (uses.of(values[i]).empty()) g.add_output(values[i]);
    }
  }

  /// Types at the ports from one walk with other lengths and widths.
  void place(RandomCase& result, bool among_maps) {
    const std::int64_t length = 2 + static_cast<std::int64_t>(rng_.below(6));
    const std::int64_t width = 2 + static_cast<std::int64_t>(rng_.below(6));
    const TensorType port =
        among_maps ? map_type(width, length, 1 + static_cast<std::int64_t>(rng_.below(3)))
                   : TensorType{DType::kFloat32, Layout::kChannelsLast, Shape{1, length, width}};
    Graph actual;
    std::vector<ValueId> map(result.body.num_values());
    try {
      for (std::uint32_t n = 0; n < result.body.num_nodes(); ++n) {
        const NodeId id{n};
        const Node& node = result.body.node(id);
        std::vector<ValueId> operands;
        for (const ValueId v : result.body.inputs(id)) operands.push_back(map[index(v)]);
        Attrs a = node.attrs;
        if (node.op == OpKind::kInput) {
          result.inputs.push_back(port);
          map[index(result.body.output(id))] = actual.add_input(port);
          continue;
        }
        if (node.op == OpKind::kOutput) {
          result.outputs.push_back(actual.type(operands[0]));
          continue;
        }
        if (node.op == OpKind::kDense) a.out_channels += static_cast<std::int32_t>(rng_.below(3));
        if (node.op == OpKind::kConcat && among_maps) a.axis = a.axis == 1 || a.axis == -2 ? 2 : 1;
        map[index(result.body.output(id))] = actual.add(node.op, a, operands);
      }
    } catch (const Error&) {
      result.outputs.clear();
    }
  }

  Rng& rng_;
};

}  // namespace autogo
