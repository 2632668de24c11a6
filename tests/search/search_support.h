#pragma once

// What the tests of the search share: a predictor that knows nothing but is reproducible, and small
// networks of different kinds.

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/rng.h"
#include "autogo/graph/canonical.h"
#include "autogo/graph/graph.h"
#include "autogo/predict/predictor.h"
#include "autogo/search/search.h"
#include "autogo/segment/database.h"
#include "search/constraints.h"
#include "support/attrs.h"

namespace autogo::testing {

/// Scores a segment by a hash of its structure and place: reproducible noise in [-1, 1), the same
/// in every batch and thread.
class FakePredictor : public Predictor {
 public:
  explicit FakePredictor(std::uint64_t seed = 7) : seed_(seed) {}
  std::string kind() const override { return "fake"; }
  std::uint64_t content_hash() const override { return seed_; }
  Knowledge knowledge(const Graph&) const override { return knowledge_; }
  void set_knowledge(const Knowledge& knowledge) { knowledge_ = knowledge; }
  std::unique_ptr<CutContext> prepare(const Graph& graph, const Cut& cut) const override {
    auto context = std::make_unique<Context>();
    context->place = hash_combine(seed_, cut.begin);
    const Uses uses(graph);
    context->original = extract_segment(graph, segment_ports(graph, uses, cut), cut);
    return context;
  }
  double score_original(const CutContext& context) const override {
    const auto& c = dynamic_cast<const Context&>(context);
    return value(c, c.original);
  }
  std::vector<double> score(const CutContext& context,
                            std::span<const Candidate> candidates) const override {
    const auto& c = dynamic_cast<const Context&>(context);
    std::vector<double> scores;
    for (const Candidate& candidate : candidates) scores.push_back(value(c, *candidate.body));
    return scores;
  }

 private:
  struct Context : CutContext {
    std::uint64_t place = 0;
    Graph original;
  };
  double value(const Context& c, const Graph& body) const {
    return 2 * Rng(hash_combine(c.place, canonical_hash(body))).uniform() - 1;
  }
  std::uint64_t seed_;
  Knowledge knowledge_;
};

/// Scores every segment the same, so every gain is 0.
class FlatPredictor : public FakePredictor {
 public:
  std::vector<double> score(const CutContext& context,
                            std::span<const Candidate> candidates) const override {
    return std::vector<double>(candidates.size(), score_original(context));
  }
};

inline TensorType tensor(std::initializer_list<std::int64_t> dims, DType dtype = DType::kFloat32) {
  const Shape shape(dims);
  return {dtype, default_layout(shape), shape};
}

inline Attrs dense_attrs(std::int32_t channels) {
  Attrs a;
  a.out_channels = channels;
  a.bias = true;
  return a;
}

inline ValueId conv_bn_relu(Graph& g, ValueId x, std::int32_t channels, std::int32_t kernel = 3,
                            std::int32_t stride = 1) {
  x = g.add(OpKind::kConv, conv_attrs(channels, kernel, stride), {x});
  x = g.add(OpKind::kBatchNorm, {}, {x});
  return g.add(OpKind::kRelu, {}, {x});
}

/// A small ResNet: stem, four residual blocks, one of them strided.
inline Graph residual_network() {
  Graph g;
  ValueId x = conv_bn_relu(g, g.add_input(tensor({1, 3, 32, 32})), 16);
  for (const std::int32_t channels : {16, 32, 32, 64}) {
    const bool down = g.type(x).shape[1] != channels;
    ValueId y = conv_bn_relu(g, x, channels, 3, down ? 2 : 1);
    y = g.add(OpKind::kConv, conv_attrs(channels), {y});
    y = g.add(OpKind::kBatchNorm, {}, {y});
    if (down) x = g.add(OpKind::kConv, conv_attrs(channels, 1, 2), {x});
    x = g.add(OpKind::kRelu, {}, {g.add(OpKind::kAdd, {}, {x, y})});
  }
  x = g.add(OpKind::kGlobalAvgPool, {}, {x});
  x = g.add(OpKind::kFlatten, {}, {x});
  g.add_output(g.add(OpKind::kDense, dense_attrs(10), {x}));
  return g;
}

/// Branches and concats, as in Inception and SqueezeNet; pooling.
inline Graph concat_network() {
  Graph g;
  ValueId x = conv_bn_relu(g, g.add_input(tensor({1, 3, 33, 33})), 24, 3, 2);
  for (const std::int32_t channels : {16, 24, 32}) {
    const ValueId squeezed = conv_bn_relu(g, x, channels, 1);
    const ValueId a = conv_bn_relu(g, squeezed, 2 * channels, 1);
    const ValueId b = conv_bn_relu(g, squeezed, 2 * channels, 3);
    x = g.add(OpKind::kConcat, {}, {a, b});
    Attrs pool;
    pool.kernel = {3, 3};
    pool.stride = {1, 1};
    pool.pads = {1, 1, 1, 1};
    x = g.add(OpKind::kMaxPool, pool, {x});
  }
  x = g.add(OpKind::kConv, conv_attrs(10, 1), {x});
  g.add_output(g.add(OpKind::kGlobalAvgPool, {}, {x}));
  return g;
}

/// Token mixing without attention: layer norm, dense, GELU on N x L x C, two inputs joined.
inline Graph token_network() {
  Graph g;
  const ValueId a = g.add_input(tensor({1, 49, 64}));
  const ValueId b = g.add_input(tensor({1, 49, 64}));
  ValueId x = g.add(OpKind::kAdd, {}, {a, b});
  for (int block = 0; block < 4; ++block) {
    ValueId y = g.add(OpKind::kLayerNorm, {}, {x});
    y = g.add(OpKind::kDense, dense_attrs(block == 2 ? 128 : 256), {y});
    y = g.add(OpKind::kGelu, {}, {y});
    y = g.add(OpKind::kDense, dense_attrs(64), {y});
    x = g.add(OpKind::kAdd, {}, {x, y});
  }
  g.add_output(g.add(OpKind::kLayerNorm, {}, {x}));
  return g;
}

/// Maps joined below one another and beside one another, convolutions around them.
inline Graph joined_maps_network() {
  Graph g;
  Attrs rows, columns, every_second;
  rows.axis = 2;
  columns.axis = 3;
  every_second.kernel = every_second.stride = {2, 1};
  ValueId x = g.add(OpKind::kConv, conv_attrs(8), {g.add_input(tensor({1, 3, 16, 16}))});
  x = g.add(OpKind::kConcat, rows, {x, g.add(OpKind::kMaxPool, every_second, {x})});
  x = g.add(OpKind::kRelu, {}, {g.add(OpKind::kConv, conv_attrs(16), {x})});
  x = g.add(OpKind::kConcat, columns, {x, g.add(OpKind::kConv, conv_attrs(16), {x})});
  g.add_output(g.add(OpKind::kRelu, {}, {g.add(OpKind::kConv, conv_attrs(8), {x})}));
  return g;
}

/// torch.roll over tokens: two slices, which autogo does not know, joined the other way round.
inline Graph rolled_tokens_network() {
  Graph g;
  auto slice = [&g](ValueId x, std::int64_t length) {
    Attrs a;
    a.text = "Slice";
    a.digest = static_cast<std::uint64_t>(length);
    const std::array<Value, 1> out{Value{tensor({1, length, 32})}};
    return g.output(g.add_typed(OpKind::kOpaque, a, std::array{x}, out));
  };
  Attrs tokens;
  tokens.axis = 1;
  ValueId x = g.add_input(tensor({1, 49, 32}));
  for (int block = 0; block < 2; ++block) {
    x = g.add(OpKind::kGelu, {}, {g.add(OpKind::kDense, dense_attrs(32), {x})});
    x = g.add(OpKind::kConcat, tokens, {slice(x, 40), slice(x, 9)});
    const ValueId y = g.add(OpKind::kDense, dense_attrs(64), {g.add(OpKind::kLayerNorm, {}, {x})});
    x = g.add(OpKind::kAdd, {}, {x, g.add(OpKind::kDense, dense_attrs(32), {y})});
  }
  g.add_output(x);
  return g;
}

inline SegmentDatabase small_database() {
  SegmentDatabase database;
  database.add_segments_of(residual_network(), "residual");
  database.add_segments_of(concat_network(), "concat");
  database.add_segments_of(token_network(), "token");
  return database;
}

/// A folder that is removed with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "autogo_test_XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw Error(ErrorKind::kIo, path + ": cannot create");
    path_ = path;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// While it lives, files may not grow beyond a size: writing fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit small{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit old_{};
};

/// What a network costs and may cost, as a search under the options sets it up.
struct Limits {
  CostModels models;
  std::vector<double> costs;
  std::vector<Bound> bounds;
  Limits(const SearchOptions& options, const Graph& graph)
      : models(asked_models(options, standard_cost_models())),
        costs(models.measure(graph)),
        bounds(bounds_of(options, models, costs)) {}
  std::int64_t count(const char* measure, const std::vector<double>& of) const {
    return static_cast<std::int64_t>(of[models.place(measure, "test")]);
  }
};

inline SearchConfig small_config(std::uint64_t seed = 1) {
  SearchConfig config;
  config.options.iterations = 3;
  config.options.parents = 4;
  config.options.sources = 6;
  config.options.replacements = 20;
  config.options.members = 1;  // the front alone
  config.options.seed = seed;
  config.options.new_weights = ExportWeights::kConstant;
  return config;
}

}  // namespace autogo::testing
