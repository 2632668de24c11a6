// Results of the algorithms that a journal hangs on. When one changes, old runs must not be
// continued: raise its version in src/search/run/versions.h, then write the new digest here.

#include "search/run/versions.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>

#include "autogo/propagate/propagate.h"
#include "individual.h"
#include "search/run/journal.h"
#include "search_support.h"

namespace autogo {
namespace {

std::vector<Graph> networks() {
  return {testing::residual_network(), testing::concat_network(), testing::token_network()};
}

std::uint64_t canonical_order_digest() {
  std::uint64_t digest = 0;
  for (const Graph& graph : networks()) {
    for (const NodeIdentity identity : {NodeIdentity::kFull, NodeIdentity::kSegment}) {
      const Canonical canonical = canonicalize(graph, identity);
      digest = hash_combine(digest, canonical.hash);
      for (const NodeId id : canonical.order) digest = hash_combine(digest, index(id));
    }
  }
  return digest;
}

/// Every mined segment between ports of its own sizes and of others.
std::uint64_t propagation_digest() {
  std::uint64_t digest = 0;
  const SegmentDatabase database = testing::small_database();
  for (const SegmentEntry& entry : database.entries()) {
    if (!entry.insertable) continue;
    std::vector<TensorType> inputs, outputs;
    for (const NodeId id : entry.body.input_nodes()) inputs.push_back(entry.body.output_type(id));
    for (const NodeId id : entry.body.output_nodes()) outputs.push_back(entry.body.output_type(id));
    for (const std::int64_t factor : {1, 2}) {
      for (auto* types : {&inputs, &outputs}) {
        for (TensorType& type : *types) {
          FeatureMap map = feature_map(type);
          map.c *= factor;
          type = with_feature_map(type, map);
        }
        const Propagation answer = propagate(entry.body, inputs, outputs);
        digest = hash_combine(digest, answer.status == SolveStatus::kFeasible
                                          ? hash_of_body(answer.body)
                                          : 0);
      }
    }
  }
  return digest;
}

std::uint64_t random_streams_digest() {
  Rng rng = Rng(1).fork(2).fork(3);
  std::uint64_t digest = rng.next();
  for (const std::uint64_t n : {1, 2, 10, 1000003}) digest = hash_combine(digest, rng.below(n));
  digest = hash_combine(digest, std::bit_cast<std::uint64_t>(rng.uniform()));
  std::vector<int> items = {0, 1, 2, 3, 4, 5, 6, 7};
  rng.shuffle(items);
  for (const int i : items) digest = hash_combine(digest, static_cast<std::uint64_t>(i));
  for (const std::size_t i : rng.sample(100, 7)) digest = hash_combine(digest, i);
  return digest;
}

std::uint64_t segmentation_digest() {
  std::uint64_t digest = 0;
  const SegmentDatabase database = testing::small_database();
  for (const Graph& graph : networks()) {
    const std::vector<NodeId> order = canonical_order(graph, NodeIdentity::kSegment);
    for (const double keep : {1.0, 0.5}) {
      Rng rng(5);
      for (const std::uint32_t size : database.segment(graph, order, keep, rng)) {
        digest = hash_combine(digest, size);
      }
    }
  }
  return digest;
}

/// What two short searches accepted.
std::uint64_t search_digest() {
  const testing::TemporaryFolder folder;
  std::uint64_t digest = 0;
  for (const Graph& graph : {testing::residual_network(), testing::token_network()}) {
    SearchRun run;
    run.directory = folder / std::to_string(graph.num_nodes());
    run_search(testing::small_config(), run, graph, testing::small_database(),
               testing::FakePredictor());
    JournalReader journal(run.directory + "/journal.jsonl");
    while (const auto event = journal.next()) {
      if (event->at("event") != "child") continue;
      digest = hash_combine(digest, parse_hex64(event->at("hash"), "hash"));
    }
  }
  return digest;
}

TEST(Versions, AnAlgorithmWhoseResultsChangeIsAnotherVersion) {
  const std::map<std::string, std::pair<std::string, std::uint64_t>> digests = {
      {"canonical_order", {"version 2: 2e50a626bb42b67d", canonical_order_digest()}},
      {"propagation", {"version 3: e9a15b0ef60872f9", propagation_digest()}},
      {"random_streams", {"version 1: 6aa9bd04c20434f2", random_streams_digest()}},
      {"segmentation", {"version 1: 92b8163c50afe2f8", segmentation_digest()}},
      {"search", {"version 3: 3a8bf3f780441190", search_digest()}},
  };
  for (const AlgorithmVersion& algorithm : kAlgorithms) {
    ASSERT_TRUE(digests.contains(algorithm.name)) << algorithm.name;
    const auto& [pinned, digest] = digests.at(algorithm.name);
    EXPECT_EQ("version " + std::to_string(algorithm.version) + ": " + hex64(digest), pinned)
        << algorithm.name << " (src/search/run/versions.h)";
  }
  EXPECT_EQ(digests.size(), std::size(kAlgorithms));
}

}  // namespace
}  // namespace autogo
