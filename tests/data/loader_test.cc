#include "autogo/data/loader.h"

#include <cmath>
#include <set>

#include "autogo/base/rng.h"
#include "data/image.h"
#include "data_support.h"

namespace autogo {
namespace {

/// Images of one value, in memory; some of them damaged.
class FakeSet : public Dataset {
 public:
  FakeSet(std::size_t size, std::set<std::size_t> damaged = {}) : size_(size), damaged_(damaged) {}
  std::size_t size() const override { return size_; }
  std::string name(std::size_t i) const override { return "image " + std::to_string(i); }
  std::int64_t label(std::size_t i) const override { return static_cast<std::int64_t>(i % 4); }
  LoadedSample load(std::size_t i) const override {
    if (damaged_.count(i) == 1) return {nullptr, name(i) + ": is damaged"};
    auto sample = std::make_shared<Sample>();
    sample->image = counting_image(8, 8, 3);
    for (std::uint8_t& pixel : sample->image.pixels)
      pixel = static_cast<std::uint8_t>(pixel + 5 * i);
    sample->label = label(i);
    return {sample, ""};
  }

 private:
  std::size_t size_;
  std::set<std::size_t> damaged_;
};

BatchSpec training_spec() {
  BatchSpec spec;
  spec.channels = 3;
  spec.height = spec.width = 8;
  spec.training = true;
  spec.augmentation.pad = 2;
  spec.augmentation.flip = true;
  return spec;
}

std::vector<Batch> epoch(Loader& loader, std::uint64_t number, std::uint64_t first = 0) {
  std::vector<Batch> batches;
  loader.start(number, first);
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

TEST(Loader, BatchesDoNotDependOnThreads) {
  const FakeSet set(50, {7});
  LoaderOptions options;
  options.batch_size = 8;
  options.seed = 5;
  options.threads = 0;
  Loader alone(set, training_spec(), options);
  for (const int threads : {1, 3}) {
    options.threads = threads;
    Loader loader(set, training_spec(), options);
    for (const std::uint64_t e : {0, 1}) {
      const auto expected = epoch(alone, e), got = epoch(loader, e);
      ASSERT_EQ(expected.size(), 6U);  // the incomplete seventh is dropped
      ASSERT_EQ(got.size(), 6U);
      for (std::size_t k = 0; k < got.size(); ++k) {
        EXPECT_EQ(got[k].samples, expected[k].samples);
        EXPECT_EQ(got[k].input, expected[k].input);
        EXPECT_EQ(got[k].labels, expected[k].labels);
      }
    }
  }
}

TEST(Loader, AnEpochIsResumedInItsMiddle) {
  const FakeSet set(40);
  LoaderOptions options;
  options.batch_size = 8;
  options.threads = 2;
  Loader loader(set, training_spec(), options);
  const auto whole = epoch(loader, 3), rest = epoch(loader, 3, 2);
  ASSERT_EQ(rest.size(), 3U);
  for (std::size_t k = 0; k < rest.size(); ++k) EXPECT_EQ(rest[k].input, whole[k + 2].input);
}

TEST(Loader, EpochsSeedsAndSamplesDiffer) {
  const FakeSet set(32);
  LoaderOptions options;
  options.batch_size = 32;
  Loader loader(set, training_spec(), options);
  options.seed = 1;
  Loader other(set, training_spec(), options);
  const auto first = epoch(loader, 0).at(0), second = epoch(loader, 1).at(0);
  EXPECT_NE(first.samples, second.samples);
  EXPECT_NE(first.samples, epoch(other, 0).at(0).samples);
  EXPECT_EQ(std::set<std::size_t>(first.samples.begin(), first.samples.end()).size(), 32U);
}

TEST(Loader, DamagedImagesAreLeftOutAndCounted) {
  const FakeSet set(10, {2, 3});
  BatchSpec spec = training_spec();
  spec.training = false;
  LoaderOptions options;
  options.batch_size = 4;
  Loader loader(set, spec, options);
  const auto batches = epoch(loader, 0);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].count, 2);
  EXPECT_EQ(batches[0].skipped, 2U);
  EXPECT_EQ(batches[0].first_problem, "image 2: is damaged");
  EXPECT_EQ(batches[0].input_dims, (Batch::Dims{2, 3, 8, 8}));
  EXPECT_EQ(batches[0].samples, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(batches[2].labels, (std::vector<std::int64_t>{0, 1}));
}

TEST(Loader, ValuesAreNormalised) {
  const FakeSet set(1);
  BatchSpec spec = training_spec();
  spec.training = false;
  spec.mean = {0.5F, 0.25F, 0};
  spec.deviation = {0.5F, 1, 2};
  Loader loader(set, spec, {});
  const Batch batch = epoch(loader, 0).at(0);
  const Image image = counting_image(8, 8, 3);
  EXPECT_FLOAT_EQ(batch.input[9], (static_cast<float>(image.at(1, 1)[0]) / 255 - 0.5F) / 0.5F);
  EXPECT_FLOAT_EQ(batch.input[64 + 9], static_cast<float>(image.at(1, 1)[1]) / 255 - 0.25F);
  EXPECT_FLOAT_EQ(batch.input[128 + 9], static_cast<float>(image.at(1, 1)[2]) / 255 / 2);
}

TEST(Loader, PadAndCropShiftsAndFlips) {
  const FakeSet set(1);
  BatchSpec spec = training_spec();
  LoaderOptions options;
  Loader loader(set, spec, options);
  const Image image = counting_image(8, 8, 3);
  std::set<std::vector<float>> seen;
  for (std::uint64_t e = 0; e < 300; ++e) {
    const Batch batch = epoch(loader, e).at(0);
    seen.insert(batch.input);
    bool found = false;
    for (std::int64_t dy = -2; dy <= 2; ++dy) {
      for (std::int64_t dx = -2; dx <= 2; ++dx) {
        for (const bool flip : {false, true}) {
          bool same = true;
          for (std::int64_t p = 0; p < 64 && same; ++p) {
            const std::int64_t column = flip ? 7 - p % 8 : p % 8;
            const std::int64_t x = column + dx, y = p / 8 + dy;
            const bool inside = x >= 0 && y >= 0 && x < 8 && y < 8;
            const float expected = inside ? static_cast<float>(image.at(x, y)[0]) / 255 : 0;
            same = std::abs(batch.input[static_cast<std::size_t>(p)] - expected) < 1e-6F;
          }
          found = found || same;
        }
      }
    }
    ASSERT_TRUE(found) << "epoch " << e;
  }
  EXPECT_GT(seen.size(), 45U);  // 5 x 5 places, twice
}

TEST(Loader, GreyAndColourFitTheNetwork) {
  const FakeSet set(1);
  BatchSpec spec = training_spec();
  spec.training = false;
  spec.channels = 1;
  Loader loader(set, spec, {});
  const Batch batch = epoch(loader, 0).at(0);
  EXPECT_EQ(batch.input_dims, (Batch::Dims{1, 1, 8, 8}));
  EXPECT_NEAR(batch.input[0], (0.587F * 10 + 0.114F * 20) / 255, 1e-6);
}

TEST(Loader, ErrorsOfASampleReachTheCaller) {
  class WrongSet : public FakeSet {
   public:
    using FakeSet::FakeSet;
    LoadedSample load(std::size_t i) const override {
      AUTOGO_REQUIRE(i != 3, ErrorKind::kInput, "image 3: class id 9, expected 0 to 3");
      return FakeSet::load(i);
    }
  };
  const WrongSet set(8);
  BatchSpec spec = training_spec();
  spec.training = false;
  for (const int threads : {0, 2}) {
    LoaderOptions options;
    options.threads = threads;
    options.batch_size = 2;
    Loader loader(set, spec, options);
    loader.start(0);
    EXPECT_TRUE(loader.next().has_value());
    EXPECT_EQ(error_text([&] { loader.next(); }), "image 3: class id 9, expected 0 to 3");
  }
}

TEST(ChooseSamples, IsEvenOverTheClasses) {
  const FakeSet set(100);
  const auto chosen = choose_samples(set, 20);
  EXPECT_EQ(chosen.size(), 20U);
  std::vector<int> counts(4, 0);
  for (const std::size_t i : chosen) ++counts[static_cast<std::size_t>(set.label(i))];
  EXPECT_EQ(counts, (std::vector<int>{5, 5, 5, 5}));
  EXPECT_EQ(choose_samples(set, 0).size(), 100U);
  EXPECT_EQ(choose_samples(set, 500).size(), 100U);
  EXPECT_EQ(choose_samples(set, 20), chosen);
}

/// One image and its target, in memory.
class OneSample : public Dataset {
 public:
  explicit OneSample(Sample sample) : sample_(std::make_shared<Sample>(std::move(sample))) {}
  std::size_t size() const override { return 1; }
  std::string name(std::size_t) const override { return "the image"; }
  LoadedSample load(std::size_t) const override { return {sample_, ""}; }

 private:
  std::shared_ptr<const Sample> sample_;
};

TEST(Restoration, APatchIsAPartOfTheShrunkImage) {
  Sample sample;
  sample.target = counting_image(30, 22, 3);
  const Image small = resize(sample.target, 15, 11, ResizeFilter::kCubic);
  const OneSample set(sample);
  BatchSpec spec;
  spec.task = Task::kSuperResolution;
  spec.training = true;
  spec.patch = 6;
  Loader loader(set, spec, {});
  for (std::uint64_t e = 0; e < 20; ++e) {
    const Batch batch = epoch(loader, e).at(0);
    EXPECT_EQ(batch.input_dims, (Batch::Dims{1, 3, 6, 6}));
    EXPECT_EQ(batch.target_dims, (Batch::Dims{1, 3, 12, 12}));
    bool found = false;
    for (std::int64_t y = 0; y <= 5 && !found; ++y) {
      for (std::int64_t x = 0; x <= 9 && !found; ++x) {
        const Image in = crop(small, x, y, 6, 6), out = crop(sample.target, 2 * x, 2 * y, 12, 12);
        found = true;
        for (std::int64_t p = 0; p < 36; ++p) {
          found = found && std::lround(batch.input[static_cast<std::size_t>(p)] * 255) ==
                               in.at(p % 6, p / 6)[0];
        }
        for (std::int64_t p = 0; p < 144; ++p) {
          found = found && std::lround(batch.target[static_cast<std::size_t>(p)] * 255) ==
                               out.at(p % 12, p / 12)[0];
        }
      }
    }
    EXPECT_TRUE(found);
  }
}

TEST(Restoration, TestImagesAreWholeAndTheirNoiseIsFixed) {
  Sample sample;
  sample.target = counting_image(31, 21, 3);
  const OneSample set(sample);
  BatchSpec spec;
  spec.task = Task::kSuperResolution;
  Loader loader(set, spec, {});
  const Batch batch = epoch(loader, 0).at(0);
  EXPECT_EQ(batch.input_dims, (Batch::Dims{1, 3, 10, 15}));
  EXPECT_EQ(batch.target_dims, (Batch::Dims{1, 3, 20, 30}));

  spec.task = Task::kDenoising;
  spec.noise = 25;
  Loader noisy(set, spec, {});
  const Batch first = epoch(noisy, 0).at(0), second = epoch(noisy, 1).at(0);
  EXPECT_EQ(first.input, second.input);
  double squares = 0;
  for (std::size_t i = 0; i < first.input.size(); ++i) {
    squares += std::pow((first.input[i] - first.target[i]) * 255, 2);
  }
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(first.input.size())), 25, 2);
}

TEST(Segmentation, ImageAndMaskMoveTogether) {
  // Each pixel's class can be told from its colour.
  Sample sample;
  sample.image = {40, 30, 3, {}};
  sample.target = {40, 30, 1, {}};
  for (std::int64_t p = 0; p < 1200; ++p) {
    const bool right = p % 40 >= 20;
    for (int c = 0; c < 3; ++c) sample.image.pixels.push_back(right ? 200 : 100);
    sample.target.pixels.push_back(right ? 1 : 0);
  }
  const OneSample set(sample);
  BatchSpec spec;
  spec.task = Task::kSegmentation;
  spec.height = 24;
  spec.width = 28;
  spec.training = true;
  spec.augmentation.flip = true;
  spec.augmentation.scale_range = 1;
  Loader loader(set, spec, {});
  bool padded = false;
  for (std::uint64_t e = 0; e < 50; ++e) {
    const Batch batch = epoch(loader, e).at(0);
    ASSERT_EQ(batch.labels.size(), 24U * 28U);
    for (std::size_t p = 0; p < batch.labels.size(); ++p) {
      const float value = batch.input[p] * 255;
      if (batch.labels[p] == 255) {
        padded = true;
        EXPECT_EQ(value, 0);
      } else if (value < 110 || value > 190) {  // away from the edge, where colours mix
        EXPECT_EQ(batch.labels[p], value > 150 ? 1 : 0);
      }
    }
  }
  EXPECT_TRUE(padded);
}

TEST(Pose, HeatMapsFollowTheImage) {
  // A black image with one white spot on joint 0; joint 1 mirrors it.
  Sample sample;
  sample.image = {60, 60, 3, std::vector<std::uint8_t>(60 * 60 * 3, 0)};
  for (std::int64_t y = 18; y <= 22; ++y) {
    for (std::int64_t x = 38; x <= 42; ++x) {
      for (int c = 0; c < 3; ++c) sample.image.at(x, y)[c] = 255;
    }
  }
  sample.joints = {{40, 20, true}, {20, 20, true}, {30, 500, true}, {30, 30, false}};
  sample.center_x = sample.center_y = 30;
  sample.person_size = 60;
  const OneSample set(sample);
  BatchSpec spec;
  spec.task = Task::kPose;
  spec.height = spec.width = 64;
  spec.heat_height = spec.heat_width = 16;
  spec.heat_sigma = 1;
  spec.mirrored_joints = {{0, 1}};
  spec.training = true;
  spec.augmentation = {0, true, false, 0, 0.25, 30};
  Loader loader(set, spec, {});
  bool flipped = false;
  for (std::uint64_t e = 0; e < 40; ++e) {
    const Batch batch = epoch(loader, e).at(0);
    ASSERT_EQ(batch.target_dims, (Batch::Dims{1, 4, 16, 16}));
    double x = 0, y = 0, sum = 0;
    for (std::size_t p = 0; p < 64 * 64; ++p) {
      x += batch.input[p] * static_cast<double>(p % 64);
      y += batch.input[p] * static_cast<double>(p / 64);
      sum += batch.input[p];
    }
    ASSERT_GT(sum, 0);
    const auto distance = [&](std::size_t j) {
      return std::hypot(x / sum - batch.joints[j].x, y / sum - batch.joints[j].y);
    };
    EXPECT_LT(std::min(distance(0), distance(1)), 0.7) << "epoch " << e;
    flipped = flipped || distance(1) < distance(0);
    std::size_t brightest = 0;
    for (std::size_t p = 0; p < 256; ++p) {
      if (batch.target[p] > batch.target[brightest]) brightest = p;
    }
    EXPECT_NEAR(static_cast<double>(brightest % 16), batch.joints[0].x / 4, 0.51);
    EXPECT_NEAR(static_cast<double>(brightest / 16), batch.joints[0].y / 4, 0.51);
    EXPECT_EQ(batch.weights, (std::vector<float>{1, 1, 0, 0}));
  }
  EXPECT_TRUE(flipped);
}

TEST(Statistics, AreThoseOfTheImages) {
  const FakeSet set(1);
  const ChannelStatistics statistics = channel_statistics(set, 3);
  EXPECT_NEAR(statistics.mean.at(0), 31.5 / 255, 1e-6);
  EXPECT_NEAR(statistics.deviation.at(2), std::sqrt((64.0 * 64 - 1) / 12) / 255, 1e-6);
}

}  // namespace
}  // namespace autogo
