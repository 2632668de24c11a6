#pragma once

// Small networks that the tests of the segment layer share.

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "autogo/graph/canonical.h"
#include "autogo/graph/graph.h"
#include "autogo/segment/mine.h"

namespace autogo::testing {

inline TensorType map_type(std::int64_t c = 8, std::int64_t h = 16, std::int64_t w = 16) {
  const Shape shape{1, c, h, w};
  return {DType::kFloat32, default_layout(shape), shape};
}

inline ValueId conv(Graph& g, ValueId x, std::int32_t channels, std::int32_t kernel = 3,
                    std::int32_t stride = 1) {
  Attrs attrs;
  attrs.kernel = {kernel, kernel};
  attrs.stride = {stride, stride};
  attrs.padding = Padding::kSame;
  attrs.out_channels = channels;
  return g.add(OpKind::kConv, attrs, {x});
}

inline ValueId unary(Graph& g, OpKind op, ValueId x) { return g.add(op, {}, {x}); }
inline ValueId add(Graph& g, ValueId a, ValueId b) { return g.add(OpKind::kAdd, {}, {a, b}); }

/// input, `blocks` times conv3x3-batch_norm-relu, output.
inline Graph chain(int blocks, std::int32_t channels = 8) {
  Graph g;
  ValueId x = g.add_input(map_type(channels));
  for (int b = 0; b < blocks; ++b) {
    x = unary(g, OpKind::kRelu, unary(g, OpKind::kBatchNorm, conv(g, x, channels)));
  }
  g.add_output(x);
  return g;
}

/// Residual blocks: relu(x + bn(conv(x))).
inline Graph residual(int blocks, std::int32_t channels = 8) {
  Graph g;
  ValueId x = g.add_input(map_type(channels));
  for (int b = 0; b < blocks; ++b) {
    const ValueId branch = unary(g, OpKind::kBatchNorm, conv(g, x, channels));
    x = unary(g, OpKind::kRelu, add(g, x, branch));
  }
  g.add_output(x);
  return g;
}

/// A network of random operators with one to three values alive at a time.
inline Graph random_network(Rng& rng, int size) {
  Graph g;
  std::vector<ValueId> alive = {g.add_input(map_type())};
  for (int i = 0; i < size; ++i) {
    const std::size_t at = rng.below(alive.size());
    switch (rng.below(7)) {
      case 0:
        alive[at] = conv(g, alive[at], 8, rng.below(2) == 0 ? 1 : 3);
        break;
      case 1:
        alive[at] = unary(g, OpKind::kBatchNorm, alive[at]);
        break;
      case 2:
        alive[at] = unary(g, OpKind::kRelu, alive[at]);
        break;
      case 3:
        alive[at] = unary(g, OpKind::kSigmoid, alive[at]);
        break;
      case 4:
        if (alive.size() < 3) alive.push_back(alive[at]);
        break;
      default:
        if (alive.size() < 2) break;
        alive[0] = add(g, alive[0], alive.back());
        alive.pop_back();
        break;
    }
  }
  while (alive.size() > 1) {
    alive[0] = add(g, alive[0], alive.back());
    alive.pop_back();
  }
  g.add_output(unary(g, OpKind::kRelu, alive[0]));
  return g;
}

/// Graphs in memory as a corpus.
class ListStream : public GraphStream {
 public:
  ListStream(std::string name, std::vector<Graph> graphs)
      : name_(std::move(name)), graphs_(std::move(graphs)) {}
  std::string name() const override { return name_; }
  void rewind() override { next_ = 0; }
  std::function<Graph()> next() override {
    if (next_ == graphs_.size()) return {};
    return [this, i = next_++] { return graphs_[i]; };
  }

 private:
  std::string name_;
  std::vector<Graph> graphs_;
  std::size_t next_ = 0;
};

inline MineResult mine(std::initializer_list<GraphStream*> streams, MineOptions options = {}) {
  const std::vector<GraphStream*> list(streams);
  return mine_segments(list, options);
}

/// A database of random networks, for tests that need some.
inline SegmentDatabase random_database(std::uint64_t seed, int graphs = 40) {
  const Rng root(seed);
  std::vector<Graph> list;
  for (int i = 0; i < graphs; ++i) {
    Rng rng = root.fork(static_cast<std::uint64_t>(i));
    list.push_back(random_network(rng, 30));
  }
  ListStream stream("random", std::move(list));
  MineOptions options;
  options.vocab_size = 200;
  return mine({&stream}, options).database;
}

/// The text of the Error that `f` throws; "" when it throws none.
template <typename F>
std::string error_text(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace autogo::testing
