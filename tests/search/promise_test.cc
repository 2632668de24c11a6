#include "promise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autogo/base/error.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::FakePredictor;

Knowledge stranger() {
  Knowledge k;
  k.trust = 0;
  k.stranger_error = 0.9;
  k.largest_gain = 1.5;
  return k;
}

TEST(Promise, WhatAFamilyVouchesForIsKept) {
  EXPECT_EQ((GainPromise{{}, 1}({2.5, 0})), 2.5);
  EXPECT_EQ((GainPromise{stranger(), 1}({-0.25, 0})), -0.25);
  EXPECT_EQ(GainSum{}.plus(0.3, 1).plus(-0.1, 1), (GainSum{0.2, 0}));
  EXPECT_EQ(GainSum{}.plus(1, 0.25), (GainSum{0.25, 0.75}));
}

TEST(Promise, AGuessIsLoweredByItsError) {
  Knowledge unbounded = stranger();
  unbounded.largest_gain = INFINITY;
  EXPECT_NEAR((GainPromise{unbounded, 1}({0, 2})), 0.2, 1e-9);
  EXPECT_NEAR((GainPromise{unbounded, 0.5}({0, 2})), 1.1, 1e-9);
  EXPECT_EQ((GainPromise{unbounded, 0}({0, 2})), 2);
  EXPECT_NEAR((GainPromise{unbounded, 1}({0, -2})), -3.8, 1e-9);
  // Nothing but the order is left where the error is as large as the gain, or not known.
  EXPECT_NEAR((GainPromise{unbounded, 2}({0, 2})), 0.002, 1e-9);
  unbounded.stranger_error = std::nan("");
  EXPECT_NEAR((GainPromise{unbounded, 1}({0, 2})), 0.002, 1e-9);
  EXPECT_EQ((GainPromise{unbounded, 0}({0, 2})), 2);
}

TEST(Promise, NoGuessComesToMoreThanWasEverMeasuredAndTheOrderStays) {
  for (const double risk : {0.0, 0.5, 1.0, 3.0}) {
    const GainPromise promise{stranger(), risk};
    double last = -INFINITY;
    for (double guess = -3; guess < 12; guess += 0.01) {
      const double promised = promise({0, guess});
      EXPECT_LE(promised, 1.5);
      EXPECT_LE(promised, std::max(guess, -0.0)) << "never more than the predictor says";
      EXPECT_GT(promised, last) << risk << " " << guess;
      last = promised;
    }
    EXPECT_EQ(promise({0, 0}), 0);
  }
}

TEST(Promise, OfAnotherTaskThereIsNoGainButALoss) {
  Knowledge images = stranger();
  images.of_task = false;
  for (const double risk : {0.0, 1.0}) {
    const GainPromise promise{images, risk};
    EXPECT_EQ(promise({0, 3}), 0);
    EXPECT_LT(promise({0, -0.1}), 0);
  }
}

TEST(Promise, SaysInWordsWhatItIsWorth) {
  EXPECT_EQ(GainPromise{}.note(), "");
  const std::string note = GainPromise{stranger(), 1}.note();
  EXPECT_NE(note.find("no family"), std::string::npos) << note;
  EXPECT_NE(note.find("lower bounds"), std::string::npos) << note;
  EXPECT_NE((GainPromise{stranger(), 0}.note().find("guesses")), std::string::npos);
  EXPECT_NE(note.find("at most +1.50"), std::string::npos) << note;
  EXPECT_NE(note.find("--validate"), std::string::npos) << note;
  Knowledge images = stranger();
  images.of_task = false;
  EXPECT_NE((GainPromise{images, 1}.note().find("no gain")), std::string::npos);
}

/// Says ten times as much as the fake one.
class Boaster : public FakePredictor {
 public:
  double score_original(const CutContext& context) const override {
    return 10 * FakePredictor::score_original(context);
  }
  std::vector<double> score(const CutContext& context,
                            std::span<const Candidate> candidates) const override {
    std::vector<double> scores = FakePredictor::score(context, candidates);
    for (double& score : scores) score *= 10;
    return scores;
  }
};

SearchResult searched(const Knowledge& knowledge) {
  Boaster predictor;
  predictor.set_knowledge(knowledge);
  const SegmentDatabase database = testing::small_database();
  return run_search(testing::small_config(), {}, testing::concat_network(), database, predictor);
}

TEST(Promise, ASearchGoesTheSameWayAndClaimsLess) {
  const SearchResult believed = searched({}), doubted = searched(stranger());
  EXPECT_EQ(believed.note, "");
  EXPECT_NE(doubted.note, "");
  EXPECT_EQ(doubted.children, believed.children);
  ASSERT_EQ(doubted.front.size(), believed.front.size());
  double most = 0;
  for (std::size_t i = 0; i < doubted.front.size(); ++i) {
    EXPECT_EQ(doubted.front[i].hash, believed.front[i].hash);
    EXPECT_LE(doubted.front[i].predicted_gain, 1.5);
    most = std::max(most, believed.front[i].predicted_gain);
  }
  EXPECT_GT(most, 5) << "the predictor does boast";
}

TEST(Promise, ASearchOfAnotherTaskPromisesNothing) {
  Knowledge images = stranger();
  images.of_task = false;
  const SearchResult result = searched(images);
  ASSERT_FALSE(result.front.empty());
  for (const FrontMember& m : result.front) EXPECT_EQ(m.predicted_gain, 0);
}

TEST(Promise, ASearchThatFindsNothingBetterSaysSo) {
  SearchConfig config = testing::small_config();
  config.options.max_flops_decrease = 0;  // what costs more must gain
  config.options.max_flops_increase = 100;
  FakePredictor predictor;
  Knowledge images = stranger();
  images.of_task = false;
  predictor.set_knowledge(images);
  try {
    run_search(config, {}, testing::concat_network(), testing::small_database(), predictor);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInfeasible);
    EXPECT_NE(std::string(e.what()).find("better than the input"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace autogo
