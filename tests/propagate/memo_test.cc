// The memo remembers by everything that an answer depends on, and by nothing else.

#include <gtest/gtest.h>

#include <thread>

#include "autogo/propagate/propagate.h"
#include "propagate/random_bodies.h"

namespace autogo {
namespace {

Graph conv_body(std::int32_t kernel) {
  Graph g;
  Attrs a;
  a.kernel = {kernel, kernel};
  a.padding = Padding::kSame;
  a.out_channels = 8;
  g.add_output(g.add(OpKind::kConv, a, {g.add_input(map_type(8, 8, 8))}));
  return g;
}

class MemoTest : public testing::Test {
 protected:
  /// Asks the memo, and checks its answer against a fresh one.
  void ask(std::uint64_t id, const Graph& body, const std::vector<TensorType>& in,
           const std::vector<TensorType>& out, const PropagateOptions& options = {}) {
    const auto answer = memo_.propagate(id, body, in, out, options);
    const Propagation fresh = propagate(body, in, out, options);
    EXPECT_EQ(answer->status, fresh.status);
    EXPECT_EQ(answer->objective, fresh.objective);
    EXPECT_EQ(answer->reason, fresh.reason);
    EXPECT_EQ(dump(answer->body), dump(fresh.body));
    for (std::size_t i = 0; i < fresh.body.num_values(); ++i) {
      const ValueId v{static_cast<std::uint32_t>(i)};
      EXPECT_EQ(answer->body.type(v), fresh.body.type(v));
    }
  }

  PropagationMemo memo_;
};

TEST_F(MemoTest, RemembersFeasibleAndInfeasibleAnswers) {
  const Graph body = conv_body(3);
  for (int i = 0; i < 3; ++i) {
    ask(1, body, {map_type(8, 8, 8)}, {map_type(8, 4, 4)});
    ask(1, body, {map_type(8, 8, 8)}, {map_type(8, 3, 3)});
  }
  EXPECT_EQ(memo_.misses(), 2U);
  EXPECT_EQ(memo_.hits(), 4U);
}

// Each request differs from the first in one part of the key, and has another answer.
TEST_F(MemoTest, EveryPartOfTheKeyCounts) {
  const Graph body = conv_body(3);
  const TensorType in = map_type(8, 8, 8), out = map_type(8, 4, 4);
  ask(1, body, {in}, {out});
  ask(2, conv_body(5), {in}, {out});         // the segment
  ask(1, body, {map_type(9, 8, 8)}, {out});  // input channels, height, width
  ask(1, body, {map_type(8, 7, 8)}, {out});
  ask(1, body, {map_type(8, 8, 7)}, {out});
  ask(1, body, {in}, {map_type(9, 4, 4)});  // output channels, height, width
  ask(1, body, {in}, {map_type(8, 8, 4)});
  ask(1, body, {in}, {map_type(8, 4, 8)});
  ask(1, body, {in}, {out}, {4, 1});  // options
  ask(1, body, {in}, {map_type(32, 4, 4)});
  ask(1, body, {in}, {map_type(32, 4, 4)}, {2, 4});
  auto altered = [&](auto change) {
    TensorType i = in, o = out;
    change(i);
    change(o);
    ask(1, body, {i}, {o});
  };
  altered([](TensorType& t) { t.dtype = DType::kFloat16; });
  altered([](TensorType& t) { t.shape[0] = 2; });
  altered([](TensorType& t) { t.layout = Layout::kChannelsLast; });
  EXPECT_EQ(memo_.misses(), 14U);
  EXPECT_EQ(memo_.hits(), 0U);
}

TEST_F(MemoTest, ThreadsGetTheAnswersOfOneThread) {
  constexpr std::uint64_t kSeed = 11;
  std::vector<RandomCase> problems;
  for (std::uint64_t i = 0; i < 200; ++i) {
    Rng rng = Rng(kSeed).fork(i);
    problems.push_back(RandomBodies(rng, 8, 3).next());
  }
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < problems.size(); ++i) {
        const RandomCase& p = problems[i];
        const auto answer = memo_.propagate(i, p.body, p.inputs, p.outputs);
        const Propagation fresh = propagate(p.body, p.inputs, p.outputs);
        count += dump(answer->body) != dump(fresh.body) || answer->reason != fresh.reason;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0)) << "seed " << kSeed;
  EXPECT_EQ(memo_.hits() + memo_.misses(), 800U);
}

}  // namespace
}  // namespace autogo
