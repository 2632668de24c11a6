#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "predict/net/node_features.h"
#include "predict/net/unfolding.h"

namespace autogo {

/// Lengths of a network's paths from its inputs to its outputs.
struct PathLengths {
  double mean = 0;     ///< steps of the mean path
  double spatial = 0;  ///< spatial weighted nodes of the path that has most of them
};

/// The paths of a network with a segment in it, ready for other segments in its place. Computed
/// once for a cut in O(nodes); a replacement costs O(its nodes).
class PathFrame {
 public:
  PathFrame(const EncodedGraph& graph, const FeatureTable& table, const CutRange& cut);
  /// With the segment that is there.
  PathLengths original() const;
  /// With a body in its place.
  /// @param rows     of the body's inner nodes, in order (encode_body)
  /// @param inputs   by input port: position of the node that feeds it
  /// @param outputs  by output port: position of the node that it stands for
  PathLengths with(const Graph& body, std::span<const FeatureRow> rows,
                   std::span<const std::uint32_t> inputs,
                   std::span<const std::uint32_t> outputs) const;

 private:
  /// A node before the successor that the successor (or nobody: a network output) reads.
  struct Exit {
    std::uint32_t position;
    double visits;   ///< share of the paths through it
    double spatial;  ///< spatial nodes after it, at most
  };
  std::vector<PathLengths> reached_;  ///< by position, predecessor and segment: paths to it
  PathLengths rest_;                  ///< what does not pass the segment
  std::vector<Exit> exits_;           ///< of the segment
};

/// The paths of a whole network.
PathLengths path_lengths(const EncodedGraph& graph, const FeatureTable& table);

/// What the prior looks at, logarithms all (prior.cc).
inline constexpr std::size_t kTraits = 5;
using Traits = std::array<double, kTraits>;
/// @param all  sums over all nodes of the network
Traits network_traits(const PartSums& all, const PathLengths& paths);
/// Of a whole network.
Traits network_traits(const EncodedGraph& graph, const FeatureTable& table);

/// How long a training is, on the prior's scale: the logarithm of the images that it sees (epochs
/// times images), 0 for the shortest that the benchmarks tell of, 1 for a full one.
/// @param images  0: a full training
double training_length(double images);
inline constexpr double kFullLength = 1;

/// Networks of one family and their normal scores after one training.
struct TraitFamily {
  std::string name;
  double length = kFullLength;
  std::vector<Traits> traits;
  std::vector<double> targets;
};

/// A linear model of the traits: what is true of networks in every family, as far as it is. Its
/// slopes change linearly with the length of the training.
struct Prior {
  Traits brief{}, full{};  ///< slopes at lengths 0 and 1
  Traits means{};          ///< traits that score 0
  Traits slopes(double length) const;
  double operator()(const Traits& traits, double length = kFullLength) const;
};
/// Least squares with common slopes and an intercept per training of a family, every family of the
/// same weight; slopes of the wrong sign are zero. Where all trainings are of one length, the slopes
/// do not depend on it. Deterministic.
Prior fit_prior(std::span<const TraitFamily> families);

/// Knows which networks resemble those that a net was trained on.
struct Familiarity {
  std::unordered_set<std::uint64_t> rows;  ///< FeatureRow::hash of nodes seen
  std::vector<std::array<std::array<double, 2>, kTraits>> ranges;  ///< by family: lowest, highest
  /// From 0 (rely on the prior) to 1 (rely on the net): 0 outside every family's ranges, else by
  /// the share of nodes that are known.
  double trust(const EncodedGraph& graph, const FeatureTable& table, const Traits& traits) const;
};

/// Adds what a training network shows.
void learn_rows(Familiarity& familiarity, const EncodedGraph& graph, const FeatureTable& table);
void learn_ranges(Familiarity& familiarity, const TraitFamily& family);

/// A normal score in units in which equal differences are about equal differences of accuracy:
/// every family has a long tail of poor networks and a crowd of good ones. Strictly increasing;
/// the slope is 1 at the median.
double accuracy_scale(double normal_score);

/// What the labels of all families span.
struct LabelSpan {
  double lowest = -std::numeric_limits<double>::infinity();  ///< normal scores
  double highest = std::numeric_limits<double>::infinity();
  double largest_gain = std::numeric_limits<double>::infinity();  ///< Knowledge::largest_gain

  /// A normal score clipped to the span, but for a thousandth, which keeps the order.
  double clipped(double normal_score) const;
  /// Takes in another family's.
  void add(const LabelSpan& other);
};

/// The predictor's score of a network from normal scores: the prior's for the training in question
/// and for the full one, and the net's, which knows full ones only. As far as no family vouches for
/// it, it stays within what labels span.
double combined_score(double net, double prior, double full_prior, double trust,
                      const LabelSpan& span = {});

}  // namespace autogo
