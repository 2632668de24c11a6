#include "archive.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/rng.h"
#include "session.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

Archive sample() {
  Archive archive;
  archive.header["recipe"] = {{"kind", "psc"}, {"width", 32}, {"head", 32}, {"seed", 7}};
  NetShape shape;
  shape.head = 32;
  archive.tensors["weights"] = torch::arange(NetWeights(shape).size(), torch::kFloat32);
  archive.tensors["trained_on"] = torch::tensor({5, 9}, torch::kInt64);
  Judgement judgement;
  judgement.prior = {{0, 1, 0, 1, -2}, {1, 2, 3, 4, -5}, {6, 7, 8, 9, 10}};
  judgement.familiarity.rows = {3, 1};
  judgement.net_error = 0.25;
  judgement.prior_error = 0.75;
  judgement.familiarity.ranges.resize(2);
  judgement.familiarity.ranges[1][4] = {-7, 8};
  put_judgement(archive, judgement);
  return archive;
}

std::string error_of(const std::function<void()>& function) {
  try {
    function();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Archive, ReadsBackWhatWasWritten) {
  const TempDir dir;
  write_archive(dir / "p.pt", kPredictorFormat, sample());
  const Archive archive = read_archive(dir / "p.pt", kPredictorFormat);
  EXPECT_TRUE(archive.tensors.at("weights").equal(sample().tensors.at("weights")));
  EXPECT_EQ(archive.header["recipe"], sample().header["recipe"]);
  const TrainedNet net = read_predictor(dir / "p.pt");
  EXPECT_EQ(net.shape.width, 32);
  EXPECT_EQ(net.seed, 7U);
  EXPECT_EQ(net.trained_on, (std::unordered_set<std::uint64_t>{5, 9}));
  EXPECT_EQ(net.content_hash, archive.content_hash);
  EXPECT_EQ(net.judgement.prior.brief, (Traits{0, 1, 0, 1, -2}));
  EXPECT_EQ(net.judgement.prior.full, (Traits{1, 2, 3, 4, -5}));
  EXPECT_EQ(net.judgement.prior.means, (Traits{6, 7, 8, 9, 10}));
  EXPECT_EQ(net.judgement.length, kFullLength);
  EXPECT_EQ(net.judgement.net_error, 0.25);
  EXPECT_EQ(net.judgement.prior_error, 0.75);
  EXPECT_EQ(net.judgement.familiarity.rows, (std::unordered_set<std::uint64_t>{1, 3}));
  ASSERT_EQ(net.judgement.familiarity.ranges.size(), 2U);
  EXPECT_EQ(net.judgement.familiarity.ranges[1][4], (std::array<double, 2>{-7, 8}));
  Archive other = sample();
  other.tensors["weights"][3] = 0.5;
  write_archive(dir / "q.pt", kPredictorFormat, other);
  EXPECT_NE(read_predictor(dir / "q.pt").content_hash, net.content_hash);
}

TEST(Archive, RefusesWhatItCannotRead) {
  const TempDir dir;
  const std::string path = dir / "p.pt";
  write_archive(path, kPredictorFormat, sample());
  const std::string good = read_file(path);
  EXPECT_EQ(error_of([&] { read_archive(path, kCheckpointFormat); }),
            path +
                ": expected a file of format \"autogo.predictor-checkpoint\", found "
                "\"autogo.predictor\"");
  std::string newer = good;
  newer.replace(newer.find("\"version\":3"), 11, "\"version\":99");
  write_file_atomic(path, newer);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": version 99 of \"autogo.predictor\", this autogo reads version 3");
  write_file_atomic(path, good.substr(0, good.size() - 1));
  const std::size_t bytes = good.size() - good.find('\n') - 1;
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": the archive has " + std::to_string(bytes - 1) + " bytes, expected " +
                std::to_string(bytes));
  std::string flipped = good;
  flipped[flipped.size() - 100] ^= 1;
  write_file_atomic(path, flipped);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": the file's hash is not the one it names");
}

TEST(Archive, NamesAWrongShape) {
  const TempDir dir;
  const std::string path = dir / "p.pt";
  Archive archive = sample();
  archive.tensors["weights"] = torch::zeros({3});
  write_archive(path, kPredictorFormat, archive);
  const std::string text = error_of([&] { read_predictor(path); });
  EXPECT_EQ(text.find(path + ": tensor 'weights' has 3 elements, expected "), 0U) << text;
  archive = sample();
  archive.tensors["ranges"] = torch::zeros({3}, torch::kFloat64);
  write_archive(path, kPredictorFormat, archive);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": tensor 'ranges' has 3 elements, expected pairs for 5 traits");
  archive = sample();
  archive.header["recipe"]["width"] = 33;
  write_archive(path, kPredictorFormat, archive);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": recipe: width and head must be multiples of 32 up to 4096");
}

TEST(Archive, DamageIsAlwaysAnError) {
  const std::uint64_t seed = 3;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const TempDir dir;
  const std::string path = dir / "p.pt";
  write_archive(path, kPredictorFormat, sample());
  const std::string good = read_file(path);
  const std::size_t header = good.find('\n');
  Rng rng(seed);
  for (int round = 0; round < 400; ++round) {
    std::string bad = good;
    if (round % 2 == 0) {
      bad.resize(rng.below(good.size()));
    } else {
      const std::size_t at = round % 4 == 1 ? rng.below(header) : rng.below(good.size());
      bad[at] = static_cast<char>(bad[at] ^ (1 << rng.below(8)));
    }
    write_file_atomic(path, bad);
    try {
      read_predictor(path);
      FAIL() << "round " << round << ": accepted";
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find(path), 0U) << e.what();
    }
  }
}

TEST(Archive, MissingFileIsAnIoError) {
  try {
    read_predictor("/nowhere/p.pt");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
  }
}

}  // namespace
}  // namespace autogo
