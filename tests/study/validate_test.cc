// Trains tiny networks on tiny images, through the module that has LibTorch.
#include "autogo/study/validate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "autogo/cost/cost.h"
#include "autogo/network/inherit.h"
#include "autogo/onnx/model.h"
#include "autogo/study/trained_runs.h"
#include "base/json.h"
#include "search/search_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using testing::FakePredictor;

/// CIFAR-10 files of images whose brightness tells the class.
void write_images(const std::string& folder) {
  Rng rng(3);
  for (const char* name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                           "data_batch_5", "test_batch"}) {
    std::ofstream file(folder + "/" + name + ".bin", std::ios::binary);
    for (int i = 0; i < 20; ++i) {
      std::string record(3073, static_cast<char>(i % 10));
      for (std::size_t p = 1; p < record.size(); ++p) {
        record[p] = static_cast<char>(20 * (i % 10) + static_cast<int>(rng.below(20)));
      }
      file << record;
    }
  }
}

/// A finished run over the residual network, and what training it takes.
class ValidateTest : public ::testing::Test {
 protected:
  ValidateTest() {
    write_images(folder_ / "");
    data_ = open_data(folder_ / "", Task::kClassification);
    export_onnx(testing::residual_network(), folder_ / "input.onnx");
    config_.model = folder_ / "input.onnx";
    config_.options.iterations = 1;
    config_.options.parents = 1;
    config_.options.seed = 2;
    input_ = import_onnx(config_.model);
    options_.top = 2;
    options_.seeds = 2;
    options_.jobs = 2;
    options_.training.recipe = named_recipe("short", Task::kClassification);
    options_.training.recipe.epochs = 1;
    options_.training.recipe.batch_size = 20;
    options_.training.weights = WeightSource::kRandom;
    options_.training.test_every = 0;
  }

  SearchResult search(const std::string& name) const {
    SearchRun run;
    run.directory = folder_ / name;
    return run_search(config_, run, input_, testing::small_database(), FakePredictor());
  }

  Validation validate(const std::string& name, const SearchResult& found) {
    trained_.clear();
    return validate_front(folder_ / name, config_, input_, found, data_, options_,
                          [&](const std::string& training) {
                            trained_.insert(training);
                            return nullptr;
                          });
  }

  Json pareto(const std::string& name) const {
    const std::string path = folder_ / (name + "/pareto.json");
    return parse_json(read_file(path), path);
  }

  TempDir folder_;
  Data data_;
  SearchConfig config_;
  Graph input_;
  ValidationOptions options_;
  std::set<std::string> trained_;  ///< names of the trainings of the last call
};

TEST_F(ValidateTest, TrainedGainsStandBesideThePredictedOnes) {
  const SearchResult found = search("run");
  ASSERT_GE(found.front.size(), 2U);
  options_.inherit = true;
  const Validation validation = validate("run", found);
  ASSERT_TRUE(validation.finished);
  ASSERT_EQ(validation.networks.size(), 3U);
  EXPECT_EQ(validation.split, "test");
  EXPECT_EQ(validation.metric, "top1");
  EXPECT_GE(validation.networks[1].predicted_gain, validation.networks[2].predicted_gain);
  EXPECT_EQ(trained_.size(), 10U);  // 3 networks and 2 heirs, 2 seeds each
  for (const ValidatedNetwork& network : validation.networks) {
    ASSERT_EQ(network.trained.values.size(), 2U);
    for (const double value : network.trained.values) EXPECT_TRUE(value >= 0 && value <= 1);
    EXPECT_NEAR(validation.gain(network).mean(),
                network.trained.mean() - validation.networks[0].trained.mean(), 1e-12);
  }
  EXPECT_FALSE(validation.networks[0].inherited);
  for (const std::size_t k : {1U, 2U}) {
    const auto& inherited = validation.networks[k].inherited;
    ASSERT_TRUE(inherited);
    EXPECT_GT(inherited->survived, 0.0);
    EXPECT_LE(inherited->survived, 1.0);
    EXPECT_EQ(inherited->before.values.size(), 2U);
    EXPECT_EQ(inherited->after.values.size(), 2U);
  }
  const Json json = pareto("run");
  EXPECT_EQ(json.at("input").at("trained").at("mean"), validation.networks[0].trained.mean());
  int with = 0;
  for (const Json& member : json.at("members")) {
    if (!member.contains("trained")) continue;
    ++with;
    EXPECT_TRUE(member.contains("predicted_gain"));
    EXPECT_TRUE(member.at("trained").at("gain").at("mean").is_number());
    const std::string name = member.at("model");
    const std::string trained = folder_ / ("run/validation/" + name.substr(7));
    EXPECT_EQ(graph_cost(import_onnx(trained)).total.macs, member.at("macs"));
  }
  EXPECT_EQ(with, 2);
  SearchRun again;  // which writes pareto.json anew
  again.directory = folder_ / "run";
  again.resume = true;
  run_search(config_, again, input_, testing::small_database(), FakePredictor());
  EXPECT_EQ(pareto("run"), json);
  const Validation read = read_validation(folder_ / "run");
  EXPECT_EQ(read.networks[1].trained.values, validation.networks[1].trained.values);
  EXPECT_EQ(read.networks[2].inherited->before.values,
            validation.networks[2].inherited->before.values);
  EXPECT_EQ(read.training_images, 100) << "one epoch of five files of 20 images";
  const TrainedNetworks run = read_trained_run(folder_ / "run");
  EXPECT_EQ(run.training_images, 100);
  ASSERT_EQ(run.graphs.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(run.metrics[k], validation.networks[k].trained.mean());
    EXPECT_EQ(graph_cost(run.graphs[k]).total.macs, validation.networks[k].macs);
  }
  EXPECT_THROW(read_trained_run(folder_ / ""), Error);
}

TEST_F(ValidateTest, HeirsBeginWithTheTrainedInputsWeights) {
  const SearchResult found = search("run");
  options_.top = options_.seeds = 1;
  options_.inherit = true;
  const Validation validation = validate("run", found);
  const FrontMember& member = found.front[validated_members(found, 1)[0]];
  const TrainableNetwork parent = make_trainable(input_, data_, options_.task),
                         child = make_trainable(member.graph, data_, options_.task);
  const TrainingResult trained = train_network(parent, data_, options_.training);
  const InheritedWeights inherited =
      inherit_weights(parent.graph, parent.program, trained.weights, child.graph, child.program);
  TrainingOptions heir = options_.training;
  heir.initial = inherited.weights;
  ASSERT_TRUE(validation.networks[1].inherited);
  EXPECT_EQ(validation.networks[1].inherited->survived, inherited.survived());
  EXPECT_EQ(validation.networks[1].inherited->after.values[0],
            train_network(child, data_, heir).metric());
  EXPECT_EQ(validation.networks[1].inherited->before.values[0],
            test_network(child, data_, heir)[0].values[0].second);
}

TEST_F(ValidateTest, WhatIsKnownIsNotTrainedAgain) {
  const SearchResult found = search("run");
  options_.top = 1;
  const Validation first = validate("run", found);
  const std::string text = read_file(folder_ / "run/validation.json");
  const Validation again = validate("run", found);
  EXPECT_TRUE(trained_.empty());
  EXPECT_EQ(again.metric, "top1");
  EXPECT_EQ(read_file(folder_ / "run/validation.json"), text);
  options_.top = 2;
  validate("run", found);
  EXPECT_EQ(trained_.size(), 2U);  // the second member, two seeds
  options_.training.recipe.learning_rate /= 2;
  validate("run", found);
  EXPECT_EQ(trained_.size(), 6U);
}

TEST_F(ValidateTest, AStoppedCallGoesOn) {
  const SearchResult found = search("run");
  search("other");
  const Validation whole = validate("run", found);
  std::atomic<bool> stop{true};
  options_.training.stop = &stop;
  EXPECT_FALSE(validate("other", found).finished);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other/validation.json"));
  options_.training.stop = nullptr;
  const Validation resumed = validate("other", found);
  ASSERT_TRUE(resumed.finished);
  for (std::size_t k = 0; k < whole.networks.size(); ++k) {
    EXPECT_EQ(whole.networks[k].trained.values, resumed.networks[k].trained.values);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "other/validation")) {
    EXPECT_EQ(entry.path().extension(), ".onnx");  // no checkpoint stays
  }
}

TEST_F(ValidateTest, AnInputThatDivergesIsAnError) {
  const SearchResult found = search("run");
  options_.training.recipe.learning_rate = 1e30;
  options_.training.recipe.epochs = 3;
  try {
    validate("run", found);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("the loss is"), std::string::npos) << e.what();
  }
  EXPECT_FALSE(pareto("run").at("input").contains("trained"));
}

TEST_F(ValidateTest, ADamagedFileIsRefused) {
  const SearchResult found = search("run");
  std::ofstream(folder_ / "run/validation.json") << R"({"format":"autogo.validation","version":1})";
  try {
    validate("run", found);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
  }
  SearchRun again;
  again.directory = folder_ / "run";
  again.resume = true;
  EXPECT_THROW(run_search(config_, again, input_, testing::small_database(), FakePredictor()),
               Error);
}

}  // namespace
}  // namespace autogo
