// Every body that mining can cut out of any network survives its way through JSON: types,
// attributes and order of operands. What changed there would be a database that nothing can read.

#include <gtest/gtest.h>

#include <filesystem>

#include "autogo/base/file.h"
#include "autogo/corpus/corpus.h"
#include "autogo/corpus/networks.h"
#include "autogo/graph/canonical.h"
#include "autogo/onnx/model.h"
#include "autogo/segment/database.h"
#include "collector.h"
#include "corpus/families.h"
#include "graph/graph_json.h"
#include "labels.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using enum OpKind;

constexpr std::uint32_t kLongestRun = 8;

/// Nothing changes on the way through text.
void expect_survives(const Graph& body) {
  const std::string text = graph_to_json(body).dump();
  const Graph back = graph_from_json(parse_json(text, "body"), "body");
  ASSERT_EQ(graph_hash(back), graph_hash(body)) << text << "\n" << dump(body) << dump(back);
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    ASSERT_EQ(back.node(NodeId{n}).attrs, body.node(NodeId{n}).attrs) << text;
  }
  for (std::uint32_t v = 0; v < body.num_values(); ++v) {
    ASSERT_EQ(back.type(ValueId{v}), body.type(ValueId{v})) << text;
  }
}

/// The body of every run of up to kLongestRun nodes that mining could cut out.
/// @return how many
std::size_t expect_runs_survive(const Graph& graph) {
  std::size_t count = 0;
  const Uses uses(graph);
  const std::vector<NodeId> order = canonical_order(graph, NodeIdentity::kSegment);
  for (std::uint32_t begin = 0; begin < order.size(); ++begin) {
    for (std::uint32_t length = 1; length <= kLongestRun && begin + length <= order.size();
         ++length) {
      if (!has_label(graph.node(order[begin + length - 1]))) break;
      expect_survives(segment_body(graph, uses, order, {begin, length}));
      if (::testing::Test::HasFatalFailure()) return count;
      ++count;
    }
  }
  return count;
}

// ---- random graphs over the operator table ------------------------------------------------------

template <typename T>
T pick(Rng& rng, std::initializer_list<T> items) {
  return items.begin()[rng.below(items.size())];
}

/// Any value for any attribute, whether the operator has it or not.
Attrs random_attrs(Rng& rng) {
  Attrs a;
  auto small = [&rng] { return static_cast<std::int32_t>(1 + rng.below(3)); };
  auto sometimes = [&rng] { return rng.below(3) == 0; };
  if (sometimes()) a.kernel = {small(), small()};
  if (sometimes()) a.stride = {small(), small()};
  if (sometimes()) a.dilation = {small(), small()};
  if (sometimes()) a.pads = {small(), small(), small(), small()};
  if (sometimes()) a.output_padding = {small(), small()};
  a.padding = static_cast<Padding>(rng.below(3));
  a.bias = sometimes();
  a.ceil_mode = sometimes();
  a.count_include_pad = sometimes();
  a.out_channels = pick(rng, {4, 8, 8, 16});
  if (sometimes()) a.group = pick(rng, {2, 4});
  if (sometimes()) a.axis = static_cast<std::int32_t>(rng.below(7)) - 3;
  if (sometimes()) a.block = 2;
  if (sometimes()) a.alpha = static_cast<float>(rng.normal());
  if (sometimes()) a.beta = pick(rng, {-0.0F, 1e-45F, 3.4028235e38F, 0.1F});
  if (sometimes()) a.epsilon = pick(rng, {1e-5F, 1e-3F, 1.17549435e-38F});
  if (rng.below(8) == 0) a.digest = rng.next();
  if (rng.below(4) == 0) {
    a.ints = pick<std::vector<std::int64_t>>(
        rng, {{0, 2, 3, 1}, {0, -1}, {1, 0, -1}, {2, 3}, {-1}, {0, 2, 1}, {1, 4, 2, 8, 8}, {4}});
  }
  if (sometimes()) a.text = pick<std::string>(rng, {"nearest", "CRD", "tanh", "swish,sigmoid"});
  return a;
}

TensorType random_type(Rng& rng) {
  const Shape shape = pick<Shape>(
      rng, {{1, 8, 8, 8}, {1, 8, 8, 8}, {1, 8, 8}, {1, 8}, {1, 2, 4, 8, 8}, {8}, {1, 8, 1, 1}});
  const auto layout = rng.below(3) == 0 ? static_cast<Layout>(rng.below(3)) : default_layout(shape);
  return {rng.below(8) == 0 ? DType::kFloat16 : DType::kFloat32, layout, shape};
}

/// Random operators with random attributes over values of all layouts and ranks.
/// @param seen  counts the operators that fitted
Graph random_graph(Rng& rng, std::vector<int>& seen) {
  Graph g;
  std::vector<ValueId> values;
  for (int i = 0; i < 4; ++i) values.push_back(g.add_input(random_type(rng)));
  for (int tries = 0; tries < 120 && g.num_nodes() < 24; ++tries) {
    const auto op = static_cast<OpKind>(rng.below(kNumOps));
    const OpInfo& info = op_info(op);
    if (info.shape_class == ShapeClass::kPort || op == kOpaque) continue;
    std::vector<ValueId> operands;
    const auto arity =
        static_cast<std::size_t>(info.min_inputs) + (info.max_inputs < 0 ? rng.below(2) : 0);
    for (std::size_t i = 0; i < arity; ++i) operands.push_back(values[rng.below(values.size())]);
    try {
      values.push_back(g.add(op, random_attrs(rng), operands));
      ++seen[static_cast<std::size_t>(op)];
    } catch (const Error&) {  // does not fit: leave it out
    }
  }
  const Uses uses(g);
  for (const ValueId v : values) {
    if (uses.of(v).empty()) g.add_output(v);
  }
  return g;
}

TEST(BodyJson, OfEveryOperatorWithAnyAttributesSurvives) {
  constexpr std::uint64_t kSeed = 10;
  std::vector<int> seen(kNumOps, 0);
  for (std::uint64_t i = 0; i < 150; ++i) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", case " + std::to_string(i));
    Rng rng = Rng(kSeed).fork(i);
    const Graph g = random_graph(rng, seen);
    expect_survives(g);
    expect_runs_survive(g);
    if (HasFatalFailure()) return;
  }
  for (const OpInfo& info : op_table()) {
    if (info.shape_class == ShapeClass::kPort || info.kind == kOpaque) continue;
    EXPECT_GT(seen[static_cast<std::size_t>(info.kind)], 0) << info.name;
  }
}

/// What is left of Swin's second half: windows put together again, and a dense product of them.
Graph windows() {
  Graph g;
  const TensorType type{DType::kFloat32, Layout::kNone, Shape{1, 2, 4, 2, 4, 16}};
  Attrs map, dense;
  map.ints = {1, 8, 8, 16};
  dense.out_channels = 16;
  const ValueId x = g.add(kReshape, map, {g.add_input(type)});
  g.add_output(g.add(kAdd, {}, {x, g.add(kDense, dense, {x})}));
  return g;
}

TEST(BodyJson, OfWindowedAttentionSurvives) {
  EXPECT_GT(expect_runs_survive(windows()), 2U);
  TempDir dir;
  SegmentDatabase database;
  database.add_segments_of(windows(), "windows");
  database.save(dir / "s.json");
  EXPECT_EQ(SegmentDatabase::load(dir / "s.json").content_hash(), database.content_hash());
}

// ---- networks of every source -------------------------------------------------------------------

TEST(BodyJson, OfEverySampleNetworkSurvives) {
  for (const SampleNetwork& network : sample_networks()) {
    SCOPED_TRACE(network.name);
    EXPECT_GT(expect_runs_survive(network.build()), 10U);
  }
}

TEST(BodyJson, OfEveryFamilySurvives) {
  std::vector<std::string> ids{"nb201:333s33", "nb201:31a3s1", "nb101:5:1111111101:m33"};
  for (const Family& family : families()) {
    Rng rng(7);
    for (int i = 0; i < 4 && family.draw != nullptr; ++i) {
      ids.push_back(family.draw(rng, /*wide=*/i % 2 == 1));
    }
  }
  for (const std::string& id : ids) {
    SCOPED_TRACE(id);
    EXPECT_GT(expect_runs_survive(family_graph(id)), 10U);
  }
}

/// Imports and checks every model below a folder. @return how many there were
std::size_t expect_models_survive(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for (const ModelFile& file : find_onnx_files({folder.string()})) {
    SCOPED_TRACE(file.path);
    try {
      const Graph graph = import_onnx(file.path);
      ++count;
      expect_runs_survive(graph);
    } catch (const Error& e) {
      EXPECT_NE(e.kind(), ErrorKind::kInternal) << e.what();
    }
  }
  return count;
}

TEST(BodyJson, OfEveryModelFileSurvives) {
  const std::filesystem::path root = AUTOGO_SOURCE_DIR;
  EXPECT_GT(expect_models_survive(root / "data/models"), 5U);
  const std::filesystem::path cases = root / "../shared/cases";
  if (!std::filesystem::exists(cases)) GTEST_SKIP() << "no ../shared/cases";
  EXPECT_GT(expect_models_survive(cases), 20U);
}

}  // namespace
}  // namespace autogo
