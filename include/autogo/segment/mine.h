#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "autogo/base/log.h"
#include "autogo/graph/graph.h"
#include "autogo/segment/database.h"

namespace autogo {

/// A corpus as mining reads it: a stream that can start over.
class GraphStream {
 public:
  virtual ~GraphStream() = default;
  /// Under which its occurrences are counted.
  virtual std::string name() const = 0;
  virtual void rewind() = 0;
  /// The next graph, as a function that builds it and may run on any thread while the stream goes
  /// on; empty at the end.
  virtual std::function<Graph()> next() = 0;
};

struct MineOptions {
  std::uint32_t vocab_size = 2000;  ///< labels, multi-node pieces and the unknown piece
  std::uint32_t max_piece = 16;     ///< nodes in a piece
  std::uint64_t sample = 0;         ///< graphs drawn at random from each corpus; 0: all of them
  std::uint64_t seed = 0;
  int threads = 1;
};

struct MineReport {
  std::uint64_t graphs = 0, nodes = 0, edges = 0;
  std::uint64_t distinct_strings = 0;  ///< graphs that read the same are trained on once
  std::uint64_t labels_seen = 0;       ///< the alphabet keeps the most frequent half vocabulary
};

struct MineResult {
  SegmentDatabase database;
  MineReport report;
};

/// Mines a segment database: labels, byte-pair encoding in the SentencePiece helper, isomorphism
/// classes. Reads every stream twice. Some 35 s, 0.3 GB here and 0.6 GB in the helper for 42,000
/// graphs of 8 million nodes on two cores. The result does not depend on `threads`.
/// @throws Error kInput: nothing to mine; kIo: the helper; what the streams throw
MineResult mine_segments(std::span<GraphStream* const> streams, const MineOptions& options,
                         Log& log = null_log());

/// What Figure 5 and section A.1 of the paper show of a database.
struct SegmentStatistics {
  using Histogram = std::map<std::uint64_t, std::uint64_t>;  ///< value -> how often
  std::uint64_t entries = 0, insertable = 0, multi_node = 0;
  std::uint64_t disconnected = 0;           ///< segments in several pieces
  std::uint64_t topologies = 0;             ///< distinct shapes of graphs, operators disregarded
  Histogram nodes, edges, inputs, outputs;  ///< of segments; inputs and outputs are ports
  /// Of segments: nodes that a port feeds, and nodes that feed a port.
  Histogram input_nodes, output_nodes;
  /// Of the nodes of all segments: edges into a node and out of it, those of ports included.
  Histogram in_degrees, out_degrees;
  Histogram topology_nodes;     ///< of distinct topologies: nodes
  Histogram topology_segments;  ///< of distinct topologies: segments that have it
  double mean_nodes = 0, mean_edges = 0;
  /// By operator: number of entries that have it.
  std::map<std::string, std::uint64_t> operators;
  /// By corpus, by operator: occurrences of the single operation.
  std::map<std::string, std::map<std::string, std::uint64_t>> corpora;
  /// By operator that some corpora lack: the corpora that have it, sorted.
  std::map<std::string, std::vector<std::string>> exclusive;
};
SegmentStatistics segment_statistics(const SegmentDatabase& database);

}  // namespace autogo
