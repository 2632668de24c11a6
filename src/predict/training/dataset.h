#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "autogo/base/log.h"
#include "autogo/base/rng.h"
#include "autogo/segment/database.h"
#include "predict/net/node_features.h"
#include "predict/net/unfolding.h"

namespace autogo {

/// One labelled network, ready for the encoder.
struct LabelledGraph {
  std::string id;
  double label = 0;
  EncodedGraph graph;
  /// Segmentations under random sparse vocabularies: for each, the end positions of its segments.
  std::vector<std::vector<std::uint16_t>> segmentations;
};

struct LabelledCorpus {
  std::string path, family, label;
  double training_images = 0;  ///< see CorpusHeader
  std::uint64_t file_hash = 0;
  std::vector<LabelledGraph> graphs;  ///< those with a label
};

struct DatasetOptions {
  std::string segments;             ///< segment database; empty: no segmentations
  std::uint32_t segmentations = 4;  ///< per graph
  std::uint64_t seed = 1;
  int threads = 1;
};

/// Corpora encoded over one feature table. About 3 KB a network.
struct LabelledData {
  FeatureTable table;
  std::vector<LabelledCorpus> corpora;
  std::uint64_t segments_hash = 0;  ///< content hash of the segment database; 0: none
};

/// Reads, builds and encodes every labelled network. Nodes are in canonical order under kSegment,
/// the order that the search cuts in. The result does not depend on the threads.
/// @throws Error kInput: a corpus without labels; kIo
LabelledData load_dataset(const std::vector<std::string>& corpora, const DatasetOptions& options,
                          Log& log);

/// 64-bit name of a network for splits; stored in predictor files.
std::uint64_t id_hash(const std::string& id);

/// Is a network of the held-out share? Depends on its id and the seed only.
bool held_out(const std::string& id, std::uint64_t seed, double share);

/// Random cuts of a graph for a training step. Half of them (all, without segmentations) are runs
/// of nodes: 1 to 8 mostly, up to 24; half are 1 to 3 consecutive segments of a random
/// segmentation. Every node can be in the segment, and every border of a run can occur.
std::vector<CutRange> draw_cuts(const LabelledGraph& graph, std::size_t count, Rng& rng);

/// The cuts of a graph for evaluation: runs of 1 to 8 nodes with `folds` distinct beginnings.
/// Requires folds <= number of nodes. Depends on the id, the seed and nothing else.
std::vector<CutRange> fold_cuts(const LabelledGraph& graph, std::size_t folds, std::uint64_t seed);

}  // namespace autogo
