#include "archive.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/rng.h"
#include "session.h"
#include "support/sealed_file.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

Archive sample() {
  Archive archive;
  archive.header["recipe"] = {
      {"kind", "psc"}, {"width", 32}, {"head", 32}, {"seed", 7}, {"operators", kNumOps}};
  NetShape shape;
  shape.head = 32;
  archive.tensors["weights"] = torch::arange(NetWeights(shape).size(), torch::kFloat32);
  archive.tensors["trained_on"] = torch::tensor({5, 9}, torch::kInt64);
  Judgement judgement;
  judgement.prior = {{0, 1, 0, 1, -2}, {1, 2, 3, 4, -5}, {6, 7, 8, 9, 10}};
  judgement.familiarity.rows = {3, 1};
  judgement.net_error = 0.25;
  judgement.prior_error = 0.75;
  judgement.span = {-3, 4, 1.5};
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
  write_archive(dir / "p.pt", kPredictorFile, sample());
  const Archive archive = read_archive(dir / "p.pt", kPredictorFile);
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
  EXPECT_EQ(net.judgement.span.lowest, -3);
  EXPECT_EQ(net.judgement.span.highest, 4);
  EXPECT_EQ(net.judgement.span.largest_gain, 1.5);
  EXPECT_EQ(net.judgement.prior_error, 0.75);
  EXPECT_EQ(net.judgement.familiarity.rows, (std::unordered_set<std::uint64_t>{1, 3}));
  ASSERT_EQ(net.judgement.familiarity.ranges.size(), 2U);
  EXPECT_EQ(net.judgement.familiarity.ranges[1][4], (std::array<double, 2>{-7, 8}));
  Archive other = sample();
  other.tensors["weights"][3] = 0.5;
  write_archive(dir / "q.pt", kPredictorFile, other);
  EXPECT_NE(read_predictor(dir / "q.pt").content_hash, net.content_hash);
}

TEST(Archive, OfAnOlderOperatorTableIsRead) {
  const TempDir dir;
  const std::string path = dir / "p.pt";
  NetShape shape;
  shape.head = 32;
  const NetWeights weights(shape);
  Archive old = sample();
  old.header["recipe"]["operators"] = 40;
  old.tensors["weights"] = torch::arange(weights.size(40), torch::kFloat32);
  write_archive(path, kPredictorFile, old);
  EXPECT_TRUE(read_predictor(path).weights.equal(weights.extended(old.tensors["weights"], 40)));
  old.header["recipe"]["operators"] = kNumOps + 1;
  write_archive(path, kPredictorFile, old);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": recipe: " + std::to_string(kNumOps + 1) + " operators, this autogo knows " +
                std::to_string(kNumOps));
  Archive older = sample();  // from before the number stood in the file
  older.header["recipe"].erase("operators");
  older.tensors["weights"] = torch::arange(weights.size(47), torch::kFloat32);
  write_archive(path, kPredictorFile, older);
  EXPECT_TRUE(read_predictor(path).weights.equal(weights.extended(older.tensors["weights"], 47)));
}

TEST(Archive, RefusesWhatItCannotRead) {
  const TempDir dir;
  const std::string path = dir / "p.pt";
  write_archive(path, kPredictorFile, sample());
  const std::string good = read_file(path);
  EXPECT_EQ(error_of([&] { read_archive(path, kTrainerCheckpointFile); }),
            path +
                ": expected a file of format \"autogo.predictor-checkpoint\", found "
                "\"autogo.predictor\"");
  std::string newer = good;
  newer.replace(newer.find("\"version\":5"), 11, "\"version\":99");
  write_file_atomic(path, newer);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": version 99 of \"autogo.predictor\", this autogo reads version 5");
  write_file_atomic(path, good.substr(0, good.size() - 1));
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": tensor 'weights': needs " +
                std::to_string(sample().tensors["weights"].nbytes()) + " bytes, the file has " +
                std::to_string(sample().tensors["weights"].nbytes() - 1) + " left");
  std::string flipped = good;
  flipped[flipped.size() - 100] ^= 1;
  write_file_atomic(path, flipped);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": is damaged, its hash is not the one it names");
}

// Versions up to 3 were archives of LibTorch, whose reader runs what it finds.
TEST(Archive, OlderPredictorsAreRefusedWithWhatToDo) {
  const TempDir dir;
  const std::string path = dir / "p.pt";
  write_file_atomic(path, "{\"format\":\"autogo.predictor\",\"version\":3}\nPK\x03\x04");
  try {
    read_predictor(path);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.what(), path + ": version 3 of \"autogo.predictor\", this autogo reads version 5");
    EXPECT_EQ(e.hint(),
              "train it again with this autogo (autogo train predictor), or leave out the option: "
              "autogo brings a predictor");
  }
}

TEST(Archive, NamesAWrongShape) {
  const TempDir dir;
  const std::string path = dir / "p.pt";
  Archive archive = sample();
  archive.tensors["weights"] = torch::zeros({3});
  write_archive(path, kPredictorFile, archive);
  const std::string text = error_of([&] { read_predictor(path); });
  EXPECT_EQ(text.find(path + ": tensor 'weights' has 3 elements, expected "), 0U) << text;
  archive = sample();
  archive.tensors["weights"] = torch::zeros(sample().tensors["weights"].sizes(), torch::kFloat64);
  write_archive(path, kPredictorFile, archive);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": tensor 'weights' is no list of float32");
  archive = sample();
  archive.tensors["ranges"] = torch::zeros({3}, torch::kFloat64);
  write_archive(path, kPredictorFile, archive);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": tensor 'ranges' has 3 elements, expected pairs for 5 traits");
  archive = sample();
  archive.tensors["label_span"] = torch::tensor({1.0, -1.0, 1.0}, torch::kFloat64);
  write_archive(path, kPredictorFile, archive);
  EXPECT_EQ(error_of([&] { read_predictor(path); }), path + ": tensor 'label_span' is no span");
  archive = sample();
  archive.header["recipe"]["width"] = 33;
  write_archive(path, kPredictorFile, archive);
  EXPECT_EQ(error_of([&] { read_predictor(path); }),
            path + ": recipe: width and head must be multiples of 32 up to 4096");
}

TEST(Archive, NumbersThatAreNotFiniteAreRefused) {
  const TempDir dir;
  const std::string path = dir / "p.pt";
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const auto refusal = [&](const char* name, double value) {
    Archive archive = sample();
    archive.tensors[name][1] = value;
    write_archive(path, kPredictorFile, archive);
    return error_of([&] { read_predictor(path); });
  };
  for (const char* name : {"weights", "prior"}) {
    const std::string text = path + ": tensor '" + name + "' holds a number that is not finite";
    EXPECT_EQ(refusal(name, nan), text);
    EXPECT_EQ(refusal(name, infinity), text);
  }
  EXPECT_EQ(refusal("ranges", nan), path + ": tensor 'ranges' holds NaN");
  EXPECT_EQ(refusal("label_span", nan), path + ": tensor 'label_span' is no span");
  EXPECT_EQ(refusal("label_span", infinity), "no error") << "not known";
  EXPECT_EQ(refusal("ranges", infinity), "no error") << "of a family that nobody has seen";
  EXPECT_EQ(refusal("gain_errors", nan), "no error") << "not known";
}

/// Reads a damaged file: an Error that names it, or a predictor that is good as well.
/// @return was it refused?
bool refused(const std::string& path, const std::string& content) {
  write_file_atomic(path, content);
  try {
    read_predictor(path);
    return false;
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).find(path), 0U) << e.what();
    EXPECT_NE(e.kind(), ErrorKind::kInternal) << e.what();
    return true;
  }
}

TEST(Archive, DamageIsAlwaysAnError) {
  const std::uint64_t seed = 3;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const TempDir dir;
  write_archive(dir / "p.pt", kPredictorFile, sample());
  const std::string good = read_file(dir / "p.pt");
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
    EXPECT_TRUE(refused(dir / "p.pt", bad)) << "round " << round;
  }
}

// The hash is no signature: whoever damages a file can make it right again.
TEST(Archive, DamageBehindARightHashNeverCrashes) {
  const std::uint64_t seed = 5;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const TempDir dir;
  write_archive(dir / "p.pt", kPredictorFile, sample());
  const std::string good = read_file(dir / "p.pt");
  const std::size_t header = good.find('\n');
  std::string line = good.substr(0, header);
  const std::string key = "\"file_hash\":\"";
  line.replace(line.find(key) + key.size(), 16, 16, '0');
  const std::string bytes = good.substr(header + 1);
  ASSERT_EQ(sealed_file(line, bytes), good);
  // What a header may be told instead of its numbers, texts and lists.
  const std::string values[] = {
      "null", "-1",  "0",    "1e308",  "18446744073709551615", "\"\"", "[]",
      "{}",   "1.5", "true", "[[[]]]", "281474976710656"};
  Rng rng(seed);
  int accepted = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string bad_line = line, bad_bytes = bytes;
    switch (round % 4) {
      case 0: {  // a value
        const std::size_t at = bad_line.find_first_of(":[,", rng.below(header));
        if (at == bad_line.npos) break;
        const std::size_t end = bad_line.find_first_of(",]}", at + 1);
        bad_line.replace(at + 1, end - at - 1, values[rng.below(std::size(values))]);
        break;
      }
      case 1: {  // a bit of the header
        const std::size_t at = rng.below(header);
        bad_line[at] = static_cast<char>(bad_line[at] ^ (1 << rng.below(8)));
        break;
      }
      case 2: {  // a whole number of the tensors
        for (int i = 0; i < 8; ++i) {
          const std::size_t at = rng.below(bytes.size() / 8) * 8;
          bad_bytes.replace(at, 8, 8, static_cast<char>(rng.below(2) == 0 ? '\xff' : '\x7f'));
        }
        break;
      }
      default:  // shorter or longer
        if (rng.below(2) == 0)
          bad_bytes.resize(rng.below(bytes.size()));
        else
          bad_bytes += std::string(1 + rng.below(64), 'x');
    }
    accepted += refused(dir / "p.pt", sealed_file(bad_line, bad_bytes)) ? 0 : 1;
  }
  // A name in the header, a hash in "trained_on": some damage makes another good predictor.
  EXPECT_LT(accepted, 750);
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
