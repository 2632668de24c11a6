#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "autogo/data/dataset.h"
#include "autogo/graph/graph.h"
#include "autogo/network/network.h"
#include "autogo/network/recipe.h"
#include "autogo/program/program.h"

namespace autogo {

/// How a graph meets a task.
struct TaskOptions {
  Task task = Task::kClassification;
  bool new_head = false;  ///< replace the head even where it fits
  /// Segmentation, pose: value that a new head reads; empty: the last map before it is pooled.
  std::string tap;
  bool auxiliary = true;        ///< segmentation: train with an auxiliary classifier
  std::int64_t image_size = 0;  ///< of the network's input; 0: as the graph has it
  double noise = 25;            ///< denoising: standard deviation, of 255
  bool predicts_noise = false;  ///< denoising: the output is the noise, not the clean image
  /// Input = (pixel / 255 - mean) / deviation, one a channel. Empty: those of the training images;
  /// restoration takes pixel / 255 as it is.
  std::vector<float> mean, deviation;
};

/// A graph with the head of its task, ready to be trained and written.
struct TrainableNetwork {
  Graph graph;                     ///< with the head: what replace_weights() writes
  Graph training_graph;            ///< with what only training needs behind it; empty: `graph`
  Program program;                 ///< lower() of the latter with kTrainableExport
  TaskOptions options;             ///< mean and deviation filled in
  std::string output;              ///< value that the loss reads: logits, an image, heat maps
  std::string auxiliary;           ///< segmentation: value of the auxiliary head; may be empty
  std::vector<std::string> notes;  ///< what was changed, one line each
};
/// New weights are splats until training draws them.
inline const ExportOptions kTrainableExport = {0, NewWeights::kConstantOfShape, "autogo", {}};

/// Gives a graph the head that the task and the data set need (docs/training.md, "Heads"). A head
/// that fits is kept; a softmax after the logits is bypassed in training and kept in the graph.
/// @throws Error kUnsupported: the graph cannot serve the task; says what was found and expected.
///         kUsage: no such tap
TrainableNetwork make_trainable(const Graph& graph, const Data& data, const TaskOptions& options);

struct TestMetric {
  std::string split;  ///< "test", "Set5"
  /// By name; the first is the one that counts. classification: top1, top5 (shares); restoration:
  /// psnr_db; segmentation: miou, pixel_accuracy; pose: pckh; all: loss.
  std::vector<std::pair<std::string, double>> values;
};

struct EpochResult {
  int epoch = 0;                  ///< 1 after the first; 0: before any training
  double training_loss = 0;       ///< mean over the epoch's batches
  double learning_rate = 0;       ///< of its last step
  std::vector<TestMetric> tests;  ///< empty where the epoch was not tested
  double seconds = 0;             ///< training and tests
  double wait_share = 0;          ///< of the training time, spent waiting for data
};

/// Where a training is, for a progress line.
struct TrainingProgress {
  int epoch = 0, epochs = 0;          ///< from 1
  std::uint64_t step = 0, steps = 0;  ///< of the whole training
  double loss = 0;                    ///< mean of the epoch so far
  double seconds = 0, seconds_left = 0;
  const EpochResult* finished = nullptr;  ///< an epoch that has just ended, else null
};

struct TrainingOptions {
  TrainingRecipe recipe;
  std::uint64_t seed = 1;
  WeightSource weights = WeightSource::kMixed;
  /// Weights to start from, by value name, in place of what `weights` says: inheritance. A subset
  /// is fine.
  std::map<std::string, ProgramTensor> initial;
  std::size_t max_train_images = 0, max_test_images = 0;  ///< 0: all
  /// Test after every so many epochs, and after the last; 0: after the last only.
  int test_every = 1;
  bool test_before = true;  ///< measure before any training
  int threads = 1;          ///< of one operator (see NetworkOptions)
  int loader_threads = 0;   ///< 0: images are decoded by the training's own thread
  Device device = Device::kCpu;
  bool mixed_precision = false;
  /// Empty: no checkpoint. Written after every epoch and every `checkpoint_seconds`, atomically.
  std::string checkpoint;
  double checkpoint_seconds = 120;
  bool resume = false;  ///< go on from `checkpoint`; begins anew where there is none
  const std::atomic<bool>* stop = nullptr;                ///< set: write the checkpoint and return
  std::function<void(const TrainingProgress&)> observer;  ///< a few times a second
};

struct TrainingResult {
  bool finished = false;  ///< false: stopped (the checkpoint is written) or diverged
  std::string diverged;   ///< not empty: where the loss became NaN or infinite; no weights then
  std::vector<TestMetric> before;
  std::vector<EpochResult> epochs;
  double seconds = 0;           ///< over all sessions
  double seconds_per_step = 0;  ///< median of this session, data included
  std::uint64_t skipped = 0;    ///< damaged images, each counted once an epoch that met it
  std::string first_problem;    ///< of these
  std::size_t training_images = 0;
  std::int64_t parameters = 0;
  /// Parameters and running statistics by value name: replace_weights(network.graph, weights, path,
  /// kTrainableExport).
  std::map<std::string, ProgramTensor> weights;

  /// The last tested epoch's value of the metric that counts, on the first test split; NaN: none.
  double metric() const;
};

/// Trains one network. The same seed gives the same weights bit for bit on the CPU with one thread,
/// whether the training was interrupted and resumed or not, and for any number of loader threads.
/// Several trainings may run side by side, each in its own thread.
/// @throws Error kUnsupported: see make_network(). kInput: a checkpoint of another network, recipe
///         or data set; data that do not fit the network. kIo: no memory left, disk. Divergence is
///         a result: the last good checkpoint stays
TrainingResult train_network(const TrainableNetwork& network, const Data& data,
                             const TrainingOptions& options);

/// The metrics of a network as it is, without training.
std::vector<TestMetric> test_network(const TrainableNetwork& network, const Data& data,
                                     const TrainingOptions& options);

/// One of several trainings on the same data.
struct TrainingJob {
  const TrainableNetwork* network = nullptr;
  TrainingOptions options;
};
/// Trains side by side, so many at a time, each in a thread of its own: on the CPU the fastest way
/// to train small networks. Results are in the order of the jobs and do not depend on `at_once`.
std::vector<TrainingResult> train_networks(const std::vector<TrainingJob>& jobs, const Data& data,
                                           int at_once);

/// Steps of a whole training.
std::uint64_t training_steps(const Data& data, const TrainingOptions& options);

/// Hash of what a training's result depends on besides the data: the graph with its head, the
/// recipe, seed, limits and initial weights.
std::uint64_t training_hash(const TrainableNetwork& network, const TrainingOptions& options);

}  // namespace autogo
