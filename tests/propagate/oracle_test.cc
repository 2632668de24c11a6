// The solver against the oracle: direct path, forced MILP and exhaustive enumeration agree on
// random cases, verdict and objective; and the enumeration by dimension against a joint one.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "autogo/propagate/propagate.h"
#include "propagate/random_bodies.h"
#include "solve.h"

namespace autogo {
namespace {

constexpr std::uint64_t kSeed = 20240229;

void expect_ports(const Graph& body, const RandomCase& problem) {
  const std::vector<NodeId> inputs = body.input_nodes(), outputs = body.output_nodes();
  ASSERT_EQ(inputs.size(), problem.inputs.size());
  ASSERT_EQ(outputs.size(), problem.outputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(body.output_type(inputs[i]), problem.inputs[i]);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(body.output_type(outputs[i]), problem.outputs[i]);
  }
}

/// Every type follows from the shape rules, and joins do not broadcast.
void expect_consistent(const Graph& body) {
  for (std::uint32_t i = 0; i < body.num_nodes(); ++i) {
    const NodeId id{i};
    const Node& node = body.node(id);
    if (node.op == OpKind::kInput || node.op == OpKind::kOutput) continue;
    std::vector<TensorType> types;
    for (const ValueId v : body.inputs(id)) types.push_back(body.type(v));
    EXPECT_EQ(infer_type(node.op, node.attrs, types), body.output_type(id));
    if (op_info(node.op).shape_class != ShapeClass::kJoin) continue;
    for (const TensorType& type : types) EXPECT_EQ(type, types[0]);
  }
}

struct Tally {
  int cases = 0, feasible = 0, adjusted = 0;
  int undecided = 0;  ///< cases in which the direct path left something to the MILP
  MilpTrace auto_trace, milp_trace;
};

/// Solves one problem in all three ways and compares.
void compare(const RandomCase& problem, const PropagateOptions& options, Tally& tally) {
  const auto& [body, inputs, outputs] = problem;
  const Propagation oracle = propagate_exhaustive(body, inputs, outputs, options, 200'000'000);
  const std::uint64_t before = tally.auto_trace.solves;
  const Propagation direct =
      propagate_by(SolvePath::kAuto, body, inputs, outputs, options, &tally.auto_trace);
  const Propagation milp =
      propagate_by(SolvePath::kMilp, body, inputs, outputs, options, &tally.milp_trace);
  ++tally.cases;
  tally.undecided += tally.auto_trace.solves > before;
  ASSERT_EQ(direct.status, oracle.status) << dump(body) << direct.reason;
  ASSERT_EQ(milp.status, oracle.status) << dump(body) << milp.reason;
  if (oracle.status == SolveStatus::kInfeasible) {
    EXPECT_FALSE(direct.reason.empty());
    EXPECT_FALSE(milp.reason.empty());
    return;
  }
  ++tally.feasible;
  tally.adjusted += oracle.objective > 0;
  ASSERT_EQ(direct.objective, oracle.objective) << dump(body) << dump(direct.body);
  ASSERT_EQ(milp.objective, oracle.objective) << dump(body) << dump(milp.body);
  for (const Propagation* answer : {&oracle, &direct, &milp}) {
    expect_ports(answer->body, problem);
    expect_consistent(answer->body);
  }
}

void compare_random(std::uint64_t seed, int cases, bool sums, Tally& tally) {
  for (int i = 0; i < cases; ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", case " + std::to_string(i));
    Rng rng = Rng(seed).fork(static_cast<std::uint64_t>(i));
    const RandomCase problem = RandomBodies(rng, sums ? 8 : 10, 3, sums).next();
    PropagateOptions options;
    options.max_channel_factor = rng.below(4) == 0 ? 4 : rng.below(2) == 0 ? 2 : 1.5;
    options.max_stride = rng.below(4) == 0 ? 2 : 4;
    compare(problem, options, tally);
    if (testing::Test::HasFatalFailure()) return;
  }
  std::cout << "seed " << seed << ": " << tally.feasible << " feasible (" << tally.adjusted
            << " adjusted), " << tally.cases - tally.feasible
            << " infeasible; left to the MILP: " << tally.undecided << ", branched "
            << tally.auto_trace.branched << "; forced MILP: " << tally.milp_trace.solves
            << " solves, branched " << tally.milp_trace.branched << "\n";
}

TEST(Propagate, AgreesWithTheOracleOnRandomBodies) {
  Tally tally;
  compare_random(kSeed, 3000, /*sums=*/false, tally);
  EXPECT_GT(tally.feasible, tally.cases / 4);
  EXPECT_LT(tally.feasible, tally.cases * 3 / 4);
  EXPECT_GT(tally.adjusted, tally.cases / 6);
}

TEST(Propagate, AgreesWithTheOracleOnSums) {
  Tally tally;
  compare_random(kSeed + 2, 2000, /*sums=*/true, tally);
  EXPECT_GT(tally.feasible, tally.cases / 4);
  EXPECT_LT(tally.feasible, tally.cases * 3 / 4);
  EXPECT_GT(tally.adjusted, tally.cases / 6);
  // The MILP and its branching must have been needed, or they are not tested.
  EXPECT_GT(tally.undecided, 20);
  EXPECT_GT(tally.milp_trace.branched, 5U);
}

TEST(Propagate, AgreesWithTheOracleOnTokens) {
  Tally tally;
  int moved = 0;
  for (int i = 0; i < 2000; ++i) {
    SCOPED_TRACE("seed " + std::to_string(kSeed + 3) + ", case " + std::to_string(i));
    Rng rng = Rng(kSeed + 3).fork(static_cast<std::uint64_t>(i));
    const RandomCase problem = RandomTokenBodies(rng).next();
    compare(problem, {}, tally);
    moved += problem.inputs[0].shape.rank() == 4 ? 1 : 0;
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(tally.feasible, tally.cases / 4);
  EXPECT_LT(tally.feasible, tally.cases * 9 / 10);
  EXPECT_GT(moved, tally.cases / 10);
}

/// All three dimensions at once, through the shape rules, for bodies small enough.
class Joint {
 public:
  Joint(const RandomCase& problem, const PropagateOptions& options)
      : problem_(problem),
        options_(options),
        map_(problem.body.num_values()),
        ref_(problem.body.num_values()) {
    visit(0, 0, 0, 0);
  }
  double best() const { return best_; }

 private:
  static constexpr double kNone = std::numeric_limits<double>::infinity();

  void visit(std::uint32_t n, std::size_t in, std::size_t out, double cost) {
    const Graph& body = problem_.body;
    if (n == body.num_nodes()) {
      best_ = std::min(best_, cost);
      return;
    }
    const NodeId id{n};
    const Node& node = body.node(id);
    if (node.op == OpKind::kOutput) {
      if (map_[index(body.inputs(id)[0])] == problem_.outputs[out]) visit(n + 1, in, out + 1, cost);
      return;
    }
    const std::size_t v = index(body.output(id));
    if (node.op == OpKind::kInput) {
      map_[v] = problem_.inputs[in];
      ref_[v] = map_[v].shape[1];
      visit(n + 1, in + 1, out, cost);
      return;
    }
    std::vector<TensorType> types;
    for (const ValueId i : body.inputs(id)) types.push_back(map_[index(i)]);
    if (op_info(node.op).shape_class == ShapeClass::kJoin) {
      for (const TensorType& type : types) {
        if (type != types[0]) return;
      }
    }
    for (const std::int32_t sh : strides(node, 0)) {
      for (const std::int32_t sw : strides(node, 1)) {
        Attrs a = node.attrs;
        a.stride = {sh, sw};
        const double change = std::abs(std::log2(sh) - std::log2(node.attrs.stride[0])) +
                              std::abs(std::log2(sw) - std::log2(node.attrs.stride[1]));
        channels(n, in, out, cost + change, a, types);
      }
    }
  }

  void channels(std::uint32_t n, std::size_t in, std::size_t out, double cost, Attrs a,
                const std::vector<TensorType>& types) {
    const Graph& body = problem_.body;
    const NodeId id{n};
    const OpKind op = body.node(id).op;
    const std::size_t v = index(body.output(id));
    ref_[v] = ref_[index(body.inputs(id)[0])];
    const std::int64_t own_in = body.type(body.inputs(id)[0]).shape[1];
    const std::int64_t own_out = body.output_type(id).shape[1];
    if (op == OpKind::kConv || op == OpKind::kConvTranspose || op == OpKind::kAttention) {
      const std::int64_t group = op == OpKind::kAttention ? 1 : a.group;
      std::int64_t ref =
          std::llround(static_cast<double>(ref_[v] * own_out) / static_cast<double>(own_in));
      ref = std::max<std::int64_t>(
                1, std::llround(static_cast<double>(ref) / static_cast<double>(group))) *
            group;
      ref_[v] = ref;
      const auto f = static_cast<std::int64_t>(options_.max_channel_factor);
      for (std::int64_t c = (ref + f - 1) / f; c <= ref * f; ++c) {
        a.out_channels = static_cast<std::int32_t>(c);
        const double weight =
            static_cast<double>(std::max<std::int64_t>(1, (65536 + ref / 2) / ref)) / 65536;
        descend(n, in, out, cost + weight * static_cast<double>(std::abs(c - ref)), a, types);
      }
      return;
    }
    if (op == OpKind::kDepthwiseConv) {
      a.out_channels = static_cast<std::int32_t>(types[0].shape[1] * own_out / own_in);
      ref_[v] = ref_[v] * own_out / own_in;
    }
    if (op == OpKind::kDepthToSpace) ref_[v] = std::max<std::int64_t>(1, ref_[v] / 4);
    if (op == OpKind::kGroupNorm && types[0].shape[1] % a.group != 0) return;
    if (op == OpKind::kConcat && a.axis == 0) return;  // nothing adjusts the batch
    if (op == OpKind::kConcat && a.axis == 1) {        // of channels; else those of the first
      ref_[v] = 0;
      for (const ValueId i : body.inputs(id)) ref_[v] += ref_[index(i)];
    }
    descend(n, in, out, cost, a, types);
  }

  void descend(std::uint32_t n, std::size_t in, std::size_t out, double cost, const Attrs& a,
               const std::vector<TensorType>& types) {
    const Graph& body = problem_.body;
    if (a.output_padding[0] > 0 && a.output_padding[0] >= std::max(a.stride[0], a.dilation[0])) {
      return;
    }
    try {
      map_[index(body.output(NodeId{n}))] = infer_type(body.node(NodeId{n}).op, a, types);
    } catch (const Error&) {
      return;
    }
    visit(n + 1, in, out, cost);
  }

  std::vector<std::int32_t> strides(const Node& node, std::size_t d) const {
    using enum OpKind;
    std::vector<std::int32_t> result{node.attrs.stride[d]};
    const bool pool = node.op == kMaxPool || node.op == kAvgPool;
    if (!pool && node.op != kConv && node.op != kDepthwiseConv && node.op != kConvTranspose &&
        node.op != kResize) {
      return result;
    }
    for (const std::int32_t s : {1, 2, 4}) {
      if (s == result[0] || s > options_.max_stride || (pool && s > node.attrs.kernel[d])) continue;
      result.push_back(s);
    }
    return result;
  }

  const RandomCase& problem_;
  const PropagateOptions& options_;
  std::vector<TensorType> map_;
  std::vector<std::int64_t> ref_;
  double best_ = kNone;
};

TEST(Propagate, DimensionsDoNotCouple) {
  constexpr int kCases = 500;
  int feasible = 0;
  for (int i = 0; i < kCases; ++i) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", case " + std::to_string(i));
    Rng rng = Rng(kSeed + 1).fork(static_cast<std::uint64_t>(i));
    const RandomCase problem = RandomBodies(rng, 6, 1).next();
    const PropagateOptions options{2, 2};
    const Joint joint(problem, options);
    const Propagation answer = propagate(problem.body, problem.inputs, problem.outputs, options);
    ASSERT_EQ(answer.status == SolveStatus::kFeasible, std::isfinite(joint.best()))
        << dump(problem.body) << answer.reason;
    if (answer.status == SolveStatus::kInfeasible) continue;
    ++feasible;
    ASSERT_NEAR(answer.objective, joint.best(), 1e-4) << dump(problem.body);
  }
  std::cout << "seed " << kSeed + 1 << ": " << feasible << " of " << kCases << " feasible\n";
  EXPECT_GT(feasible, kCases / 4);
  EXPECT_LT(feasible, kCases * 3 / 4);
}

}  // namespace
}  // namespace autogo
