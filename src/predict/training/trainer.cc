// Training: mean squared error of normal scores, Adam, a cosine from the learning rate to its
// hundredth, gradients clipped.
//
// A batch has a fixed number of networks of each family and is split into two shards. Each shard
// unfolds its networks with fresh cuts (unfolding.cc), runs forward and backward on a detached copy
// of the weights, and yields one flat gradient; the two are added in order. LibTorch runs with one
// thread in each: at these sizes its own threads cost more than they bring.
//
// Random streams are keyed by (step, shard); the networks of a step by (family, epoch): a family's
// networks are shuffled anew for each pass over it. Nothing else is random, so a checkpoint is the
// weights, Adam's moments and the number of the step.
//
// Tested by tests/predict/trainer_test.cc.

#include "trainer.h"

#include <torch/autograd.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "autogo/base/error.h"
#include "autogo/base/parallel.h"
#include "tensors/optimizer_state.h"

namespace autogo {
namespace {

constexpr std::size_t kShards = 2;
constexpr std::uint64_t kShuffleStream = 1, kCutStream = 2, kWeightStream = 3;
const std::string kOptimizerPrefix = "optimizer/";

}  // namespace

Recipe default_recipe(PredictorKind kind) {
  Recipe recipe;
  recipe.shape.kind = kind;
  recipe.epochs = 60;
  return recipe;
}

struct Trainer::Impl {
  struct Family {
    TrainingFamily data;
    std::uint32_t slots = 0;  ///< networks of it in a batch
    std::vector<std::size_t> order;
    std::uint64_t order_epoch = ~std::uint64_t{0};
  };
  struct Sample {
    const LabelledGraph* graph;
    double target;
  };
  struct Shard {
    explicit Shard(const FeatureTable& table) : unfolder(table) {}
    Unfolder unfolder;
    std::vector<Sample> samples;
    torch::Tensor gradient;
    double loss = 0;
  };

  Impl(const Recipe& r, const FeatureTable& t) : recipe(r), table(t), net(r.shape) {}

  void pick_samples();
  void differentiate(std::size_t shard);
  double learning_rate() const;

  Recipe recipe;
  const FeatureTable& table;
  NetWeights net;
  RowTensors rows;
  std::vector<Family> families;
  std::vector<Shard> shards;
  int threads = 1;
  std::uint64_t step = 0, total = 0;
  std::uint32_t batch = 0;
  torch::Tensor weights;
  std::unique_ptr<torch::optim::Adam> optimizer;
};

Trainer::Trainer(const Recipe& recipe, const FeatureTable& table,
                 std::vector<TrainingFamily> families, int threads)
    : impl_(std::make_unique<Impl>(recipe, table)) {
  use_one_thread();
  Impl& self = *impl_;
  self.threads = threads;
  self.rows = row_tensors(table.rows());
  double weight = 0, graphs = 0;
  for (const TrainingFamily& family : families) {
    AUTOGO_CHECK(!family.graphs.empty() && family.graphs.size() == family.targets.size());
    weight += std::pow(static_cast<double>(family.graphs.size()), recipe.balance);
    graphs += static_cast<double>(family.graphs.size());
  }
  for (TrainingFamily& family : families) {
    const double share =
        std::pow(static_cast<double>(family.graphs.size()), recipe.balance) / weight;
    const auto slots = std::max<std::uint32_t>(
        1, static_cast<std::uint32_t>(std::lround(share * recipe.batch_graphs)));
    self.batch += slots;
    self.families.push_back({std::move(family), slots, {}, ~std::uint64_t{0}});
  }
  self.total = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::llround(recipe.epochs * graphs / self.batch)));
  for (std::size_t i = 0; i < kShards; ++i) self.shards.emplace_back(table);
  self.weights = self.net.initial(Rng(recipe.seed).fork(kWeightStream).next(), table.rows());
  self.weights.set_requires_grad(true);
  self.optimizer = std::make_unique<torch::optim::Adam>(
      std::vector<torch::Tensor>{self.weights}, torch::optim::AdamOptions(recipe.learning_rate));
}

Trainer::~Trainer() = default;

std::uint64_t Trainer::step() const { return impl_->step; }
std::uint64_t Trainer::total_steps() const { return impl_->total; }

void Trainer::Impl::pick_samples() {
  for (Shard& shard : shards) shard.samples.clear();
  std::size_t next = 0;
  for (std::size_t f = 0; f < families.size(); ++f) {
    Family& family = families[f];
    const std::uint64_t n = family.data.graphs.size();
    for (std::uint32_t slot = 0; slot < family.slots; ++slot) {
      const std::uint64_t turn = step * family.slots + slot;
      if (family.order_epoch != turn / n) {
        family.order_epoch = turn / n;
        Rng rng = Rng(recipe.seed).fork(kShuffleStream).fork(f).fork(family.order_epoch);
        family.order = rng.sample(n, n);
      }
      const std::size_t at = family.order[turn % n];
      shards[next++ % kShards].samples.push_back({family.data.graphs[at], family.data.targets[at]});
    }
  }
}

void Trainer::Impl::differentiate(std::size_t index) {
  use_one_thread();
  Shard& shard = shards[index];
  if (shard.samples.empty()) {
    shard.gradient = torch::zeros({net.size()});
    shard.loss = 0;
    return;
  }
  Rng rng = Rng(recipe.seed).fork(kCutStream).fork(step).fork(index);
  shard.unfolder.clear();
  std::vector<float> targets;
  const bool whole = recipe.shape.kind == PredictorKind::kGnn;
  for (const Sample& sample : shard.samples) {
    if (whole) {
      shard.unfolder.add_whole(sample.graph->graph);
      targets.push_back(static_cast<float>(sample.target));
      continue;
    }
    shard.unfolder.add_cuts(sample.graph->graph,
                            draw_cuts(*sample.graph, recipe.cuts_per_graph, rng));
    targets.insert(targets.end(), recipe.cuts_per_graph, static_cast<float>(sample.target));
  }
  std::vector<torch::Tensor> leaves = net.views(weights);
  for (torch::Tensor& leaf : leaves) leaf.set_requires_grad(true);
  const torch::Tensor y = forward(NetView(recipe.shape, leaves), rows, shard.unfolder.result());
  const torch::Tensor loss = at::mse_loss(y, torch::tensor(targets), at::Reduction::Sum);
  const auto gradients = torch::autograd::grad({loss}, leaves);
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& gradient : gradients) flat.push_back(gradient.reshape({-1}));
  shard.gradient = at::cat(flat);
  shard.loss = loss.item<double>();
}

double Trainer::Impl::learning_rate() const {
  const double warm = std::min(
      1.0, static_cast<double>(step + 1) / static_cast<double>(std::max<std::uint64_t>(
                                               1, std::min(recipe.warmup_steps, total / 10))));
  const double progress = static_cast<double>(step) / static_cast<double>(total);
  const double cosine = 0.5 * (1 + std::cos(3.14159265358979323846 * progress));
  return recipe.learning_rate * warm * (recipe.final_share + (1 - recipe.final_share) * cosine);
}

double Trainer::advance() {
  Impl& self = *impl_;
  self.pick_samples();
  parallel_for(kShards, self.threads, [&](std::size_t shard) { self.differentiate(shard); });
  const double samples =
      self.batch *
      (self.recipe.shape.kind == PredictorKind::kGnn ? 1.0 : self.recipe.cuts_per_graph);
  torch::Tensor gradient = self.shards[0].gradient;
  double loss = self.shards[0].loss;
  for (std::size_t i = 1; i < kShards; ++i) {
    gradient = gradient + self.shards[i].gradient;
    loss += self.shards[i].loss;
  }
  gradient = gradient / samples;
  const double norm = gradient.norm().item<double>();
  if (norm > self.recipe.clip_norm) gradient = gradient * (self.recipe.clip_norm / norm);
  self.weights.mutable_grad() = gradient;
  static_cast<torch::optim::AdamOptions&>(self.optimizer->param_groups()[0].options())
      .lr(self.learning_rate());
  self.optimizer->step();
  ++self.step;
  return loss / samples;
}

torch::Tensor Trainer::weights() const {
  torch::Tensor copy = impl_->weights.detach().clone();
  impl_->net.tie_unseen(copy, impl_->table.rows());
  return copy;
}

std::map<std::string, torch::Tensor> Trainer::state() const {
  std::map<std::string, torch::Tensor> state = {
      {"weights", impl_->weights.detach().clone()},
      {"step", torch::full({1}, static_cast<std::int64_t>(impl_->step), torch::kInt64)}};
  for (auto& [name, tensor] : optimizer_state(*impl_->optimizer)) {
    state[kOptimizerPrefix + name] = std::move(tensor);
  }
  return state;
}

void Trainer::restore(const std::map<std::string, torch::Tensor>& state, const std::string& path) {
  const auto entry = [&](const char* name, torch::ScalarType type, std::int64_t size) {
    const auto found = state.find(name);
    AUTOGO_REQUIRE(found != state.end() && found->second.scalar_type() == type &&
                       found->second.dim() == 1 && found->second.numel() == size,
                   ErrorKind::kInput, path + ": is a checkpoint of another training");
    return found->second;
  };
  const torch::Tensor weights = entry("weights", torch::kFloat32, impl_->net.size());
  const auto step = entry("step", torch::kInt64, 1).item<std::int64_t>();
  AUTOGO_REQUIRE(
      step >= 0 && static_cast<std::uint64_t>(step) <= impl_->total, ErrorKind::kInput,
      path + ": is at step " + std::to_string(step) + " of " + std::to_string(impl_->total));
  AUTOGO_REQUIRE(weights.isfinite().all().item<bool>(), ErrorKind::kInput,
                 path + ": holds weights that are not finite");
  std::map<std::string, torch::Tensor> optimizer;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with(kOptimizerPrefix)) {
      optimizer[name.substr(kOptimizerPrefix.size())] = tensor;
    }
  }
  try {
    restore_optimizer_state(*impl_->optimizer, optimizer);
  } catch (Error& e) {
    e.prepend(path);
    throw;
  }
  const at::NoGradGuard no_gradients;
  impl_->weights.copy_(weights);
  impl_->step = static_cast<std::uint64_t>(step);
}

}  // namespace autogo
