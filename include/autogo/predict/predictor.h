#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autogo/base/log.h"
#include "autogo/graph/graph.h"
#include "autogo/graph/segment.h"

namespace autogo {

/// What a predictor knows of one cut of one network, computed once: for PSC, h_P and h_C.
class CutContext {
 public:
  virtual ~CutContext() = default;
};

/// What a predictor knows of networks like one network, and so what it may claim
/// (docs/decisions/0019-honest-gains.md).
struct Knowledge {
  /// Share of a predicted gain that labels vouch for: 1 in a family that it learned from, 0 where
  /// no family knows the network.
  double trust = 1;
  /// How wrong a predicted gain is on networks like this one, as a share of itself: root mean
  /// square error over root mean square gain. NaN: not known.
  double gain_error = std::numeric_limits<double>::quiet_NaN();
  /// The same on a family that was left out of the training, thus where trust is 0.
  double stranger_error = std::numeric_limits<double>::quiet_NaN();
  /// The largest gain ever measured between neighbours of a family, the worse of which was at least
  /// of the family's median. Infinity: not known.
  double largest_gain = std::numeric_limits<double>::infinity();
  /// Are its labels of such a task? Those of classifiers say nothing of networks that restore
  /// images. Where not, trust is 0.
  bool of_task = true;
};

/// Estimates accuracy (AutoGO, section 3.3). Free of LibTorch, so that the search and its tests
/// can use a fake. Const calls are thread-safe. Scores are in the predictor's own unit, about
/// a standard deviation of accuracy within a family: higher is better, differences are gains.
class Predictor {
 public:
  virtual ~Predictor() = default;
  virtual std::string kind() const = 0;  ///< "psc", "gnn"
  virtual std::uint64_t content_hash() const = 0;
  virtual Knowledge knowledge(const Graph& graph) const = 0;

  /// Encodes what does not depend on the replacement. `graph` and `cut.order` must outlive it.
  virtual std::unique_ptr<CutContext> prepare(const Graph& graph, const Cut& cut) const = 0;
  /// Score of the network as it is, seen through this cut: y(P, S, C).
  virtual double score_original(const CutContext& context) const = 0;
  /// Scores y(P, S*, C) of N candidates. @return N values in input order. A candidate's value does
  /// not depend on its batch: the search's results must not depend on batching or threads.
  virtual std::vector<double> score(const CutContext& context,
                                    std::span<const Candidate> candidates) const = 0;
};

/// A training of so many images, epochs times images, is a full one: 108 epochs of 40,000.
inline constexpr double kFullTrainingImages = 4'320'000;

/// Loads a predictor trained by `autogo train predictor`. LibTorch is loaded by the first call.
/// @param training_images  images that the trainings will see whose results are predicted, epochs
///                         times images: what helps in a long training may harm in a short one. 0:
///                         full trainings, or those that the predictor was refined by
/// @throws Error kIo, kInput (damaged, another version), kUnsupported (built without LibTorch)
std::unique_ptr<Predictor> load_predictor(const std::string& path, double training_images = 0);

struct TrainOptions {
  std::vector<std::string> corpora;  ///< labelled corpus files
  /// Corpora labelled after shorter trainings than those: what they change. For the prior only.
  std::vector<std::string> brief;
  std::string kind = "psc";          ///< "psc" or "gnn"
  std::string segments;              ///< segment database that makes the cuts; empty: random cuts
  std::string out;
  std::uint64_t seed = 1;
  int threads = 0;          ///< 0: all
  double epochs = 0;        ///< 0: the kind's default
  double test_share = 0.1;  ///< held-out share of each corpus, by hash of the id and seed
  bool resume = false;      ///< go on from `out`.checkpoint, when it is there
  const std::atomic<bool>* stop = nullptr;  ///< set: write a checkpoint after this step, return
};
/// Trains, writes `out` with a JSON header (corpus hash, split, seed, metrics, hyper-parameters).
/// Checkpoints stand beside it in `out`.checkpoint. The weights do not depend on the threads, nor
/// on whether the training was resumed.
/// @return false when it was stopped
/// @throws Error kUsage, kInput, kIo; kUnsupported (built without LibTorch)
bool train_predictor(const TrainOptions& options, Log& log);

/// Spearman's correlations of one predictor with the truth.
struct Correlations {
  std::string name;
  double accuracy = 0;
  double gain = 0;  ///< over pairs that differ in one edit; NaN without pairs
};

struct CorpusMetrics {
  std::string corpus;
  std::uint64_t graphs = 0;
  std::uint64_t folds = 0;
  double spearman = 0, spearman_std = 0, kendall = 0;
  /// On the same graphs alone: "macs", "params", "weighted_nodes", and the predictor's own two
  /// halves, "net" and "prior".
  std::vector<Correlations> alone;
  /// Of predicted against true gains over pairs of graphs whose ids differ in one letter: one
  /// operation or one edge of a benchmark's cell. NaN without pairs.
  double gain_spearman = 0;
  std::uint64_t pairs = 0;
  double gain_error = 0;  ///< over the same pairs; see Knowledge::gain_error
  double trust = 0;       ///< mean, from 0 (the prior decides) to 1 (the net does)
};
/// @param all  also graphs that the predictor was trained on; else only its held-out share when the
///             corpus is one that it was trained on
std::vector<CorpusMetrics> evaluate_predictor(const std::string& predictor,
                                              const std::vector<std::string>& corpora, bool all,
                                              int threads, Log& log);

/// Networks that were trained under one recipe on the same data, the one that they came from first.
struct TrainedNetworks {
  std::string name;  ///< for messages
  std::vector<Graph> graphs;
  std::vector<double> metrics;  ///< of each, mean over seeds; higher is better
  double training_images = 0;   ///< that each training saw, epochs times images; 0: not known
};

struct RefineReport {
  std::size_t networks = 0;
  /// Spearman of predicted against trained metrics within the runs, weighted by their sizes: of the
  /// predictor as it was, and of the refined one, which predicts each network without having seen
  /// it (leave-one-out).
  double spearman_before = 0, spearman_after = 0;
  double trust = 1;  ///< factor on what the predictor said before; 1 and no change: nothing learned
};
/// Corrects a predictor by trained networks (AutoGO's loop closed) and writes it to `out`. An
/// earlier refinement is replaced, so give all runs that should count.
/// @param runs  each of at least 3 networks, at least 5 in all, with metrics that differ
/// @throws Error kInput: fewer or equal ones, no predictor; kIo; kUnsupported
RefineReport refine_predictor(const std::string& predictor,
                              const std::vector<TrainedNetworks>& runs, const std::string& out);

}  // namespace autogo
