#include "autogo/network/recipe.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"

namespace autogo {
namespace {

// The paper, A.4.1.
TEST(Recipe, Cifar10IsThePapers) {
  const TrainingRecipe r = named_recipe("autogo-cifar10", Task::kClassification);
  EXPECT_EQ(r.epochs, 200);
  EXPECT_EQ(r.batch_size, 256);
  EXPECT_EQ(r.optimizer, Optimizer::kRmsprop);
  EXPECT_EQ(r.learning_rate, 1e-3);
  EXPECT_EQ(r.momentum, 0.9);
  EXPECT_EQ(r.schedule, Schedule::kCosine);
}

// A.4.2.
TEST(Recipe, ImageNetIsThePapers) {
  const TrainingRecipe r = named_recipe("autogo-imagenet", Task::kClassification);
  EXPECT_EQ(r.epochs, 200);
  EXPECT_EQ(r.batch_size, 1024);
  EXPECT_EQ(r.optimizer, Optimizer::kSgd);
  EXPECT_EQ(r.learning_rate, 0.1);
  EXPECT_EQ(r.momentum, 0.9);
  EXPECT_EQ(r.weight_decay, 1e-4);
  EXPECT_EQ(r.clip_norm, 5);
  EXPECT_EQ(r.label_smoothing, 0.1);
  EXPECT_EQ(r.schedule, Schedule::kCosine);
}

// A.4.3 and A.4.4.
TEST(Recipe, RestorationIsThePapers) {
  const TrainingRecipe sr = named_recipe("autogo-sr", Task::kSuperResolution);
  EXPECT_EQ(sr.epochs, 1000);
  EXPECT_EQ(sr.batch_size, 16);
  EXPECT_EQ(sr.patch, 64);
  EXPECT_EQ(sr.optimizer, Optimizer::kAdam);
  EXPECT_EQ(sr.learning_rate, 1e-4);
  EXPECT_EQ(sr.schedule, Schedule::kCosine);
  EXPECT_EQ(named_recipe("autogo-sr-fsrcnn", Task::kSuperResolution).patch, 48);
  const TrainingRecipe dn = named_recipe("autogo-denoise", Task::kDenoising);
  EXPECT_EQ(dn.epochs, 2000);
  EXPECT_EQ(dn.batch_size, 128);
  EXPECT_EQ(dn.patch, 128);
  EXPECT_EQ(dn.schedule, Schedule::kPolynomial);
  EXPECT_EQ(learning_rate_at(dn, 0, 1000), 1e-3);
  EXPECT_NEAR(learning_rate_at(dn, 1000, 1000), 1e-6, 1e-12);
}

// PyTorch: CosineAnnealingLR(lr 0.2, T_max 10, eta_min 0.01).
TEST(Recipe, CosineIsPyTorchs) {
  TrainingRecipe r;
  r.epochs = 2;
  r.learning_rate = 0.2;
  r.final_learning_rate = 0.01;
  const double expected[] = {0.2,       0.1953504, 0.1818566, 0.1608396, 0.1343566,
                             0.1050000, 0.0756434, 0.0491604, 0.0281434, 0.0146496};
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_NEAR(learning_rate_at(r, i, 10), expected[i], 1e-7);
}

TEST(Recipe, StepsFallAtTheirEpochs) {
  TrainingRecipe r;
  r.epochs = 140;
  r.learning_rate = 1e-3;
  r.schedule = Schedule::kSteps;
  r.milestones = {90, 120};
  EXPECT_DOUBLE_EQ(learning_rate_at(r, 899, 1400), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate_at(r, 900, 1400), 1e-4);
  EXPECT_NEAR(learning_rate_at(r, 1200, 1400), 1e-5, 1e-12);
}

TEST(Recipe, WarmUpRisesToTheRate) {
  TrainingRecipe r;
  r.epochs = 10;
  r.learning_rate = 1;
  r.schedule = Schedule::kConstant;
  r.warmup_epochs = 0.4;
  EXPECT_NEAR(learning_rate_at(r, 0, 100), 0.2, 1e-12);
  EXPECT_NEAR(learning_rate_at(r, 3, 100), 0.8, 1e-12);
  EXPECT_EQ(learning_rate_at(r, 4, 100), 1);
}

std::string problem(const TrainingRecipe& recipe) {
  try {
    check_recipe(recipe);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    return e.what();
  }
}

TEST(Recipe, EveryPresetIsValid) {
  for (int t = 0; t <= static_cast<int>(Task::kPose); ++t) {
    const Task task = static_cast<Task>(t);
    for (const std::string& name : recipe_names(task)) {
      EXPECT_EQ(problem(named_recipe(name, task)), "") << name;
    }
  }
}

TEST(Recipe, WrongNumbersAreNamedByTheirOption) {
  TrainingRecipe r;
  r.learning_rate = 0;
  EXPECT_EQ(problem(r), "--learning-rate: expected above 0");
  r.learning_rate = 0.1;
  r.nesterov = true;
  EXPECT_EQ(problem(r), "--nesterov: expected the optimizer sgd with a momentum above 0");
}

TEST(Recipe, UnknownNamesAreRefused) {
  try {
    named_recipe("fast", Task::kDenoising);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "recipe 'fast': denoising has short, autogo-denoise");
  }
  try {
    optimizer_from("lamb");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "optimizer 'lamb': expected one of sgd, rmsprop, adam");
  }
}

}  // namespace
}  // namespace autogo
