#include "session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "predict/training/dataset.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// Cells of NAS-Bench-201 labelled with their number of convolutions plus a little.
/// @param images  that their trainings saw; after few of them convolutions are worth nothing yet
void write_corpus(const std::string& path, std::size_t count, bool labels = true,
                  double images = 0) {
  const std::string letters = "31as";
  std::ofstream out(path);
  out << R"({"format":"autogo.corpus","version":1,"family":"nasbench201","label":"toy","source":"t")";
  if (images > 0) out << ",\"training_images\":" << images;
  out << "}\n";
  for (std::size_t i = 0; i < count; ++i) {
    std::string id = "nb201:";
    double label = 0;
    for (std::size_t edge = 0, code = i; edge < 6; ++edge, code /= 4) {
      id += letters[code % 4];
      label += code % 4 == 0 ? 3 : code % 4 == 1 ? 1 + 0.01 * static_cast<double>(edge) : 0;
    }
    out << "{\"id\":\"" << id << "\"";
    if (labels) out << ",\"label\":" << (images > 0 ? -label : label);
    out << "}\n";
  }
}

TrainOptions toy_options(const TempDir& dir) {
  TrainOptions options;
  options.corpora = {dir / "a.jsonl"};
  options.out = dir / "p.pt";
  options.seed = 3;
  options.threads = 2;
  options.epochs = 12;
  options.test_share = 0.25;
  return options;
}

std::string error_of(const std::function<void()>& function) {
  try {
    function();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Session, TrainsSavesAndMeasuresOnWhatWasHeldOut) {
  const TempDir dir;
  write_corpus(dir / "a.jsonl", 160);
  const TrainOptions options = toy_options(dir);
  train_torch_predictor(options, null_log());
  EXPECT_EQ(dir.count(), 2U) << "no checkpoint or temporary file is left";

  const auto held = evaluate_torch_predictor(options.out, options.corpora, false, 1, null_log());
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].folds, 10U);
  EXPECT_GT(held[0].spearman, 0.7);
  EXPECT_LT(held[0].graphs, 80U);
  EXPECT_GT(held[0].graphs, 15U);
  const auto everything =
      evaluate_torch_predictor(options.out, options.corpora, true, 2, null_log());
  EXPECT_EQ(everything[0].graphs, 160U);
  ASSERT_EQ(held[0].alone.size(), 5U);
  EXPECT_EQ(held[0].alone[2].name, "weighted_nodes");
  EXPECT_EQ(held[0].alone[4].name, "prior");
  EXPECT_GT(held[0].alone[4].accuracy, 0.7);
  EXPECT_GT(held[0].pairs, 0U);
  EXPECT_FALSE(std::isnan(held[0].gain_spearman));
  EXPECT_GT(held[0].trust, 0.9) << "held-out cells are of the family";

  // The header says the same as the evaluation.
  const Archive archive = read_archive(options.out, kPredictorFile);
  EXPECT_EQ(archive.header["metrics"][0]["spearman"].get<double>(), held[0].spearman);
  EXPECT_EQ(archive.header["corpora"][0]["held_out_graphs"].get<std::uint64_t>(), held[0].graphs);
  EXPECT_EQ(archive.header["corpora"][0]["label_quantiles"].size(), 101U);

  // A corpus with other networks is measured whole: what counts is what was trained on.
  write_corpus(dir / "b.jsonl", 200);
  const auto larger =
      evaluate_torch_predictor(options.out, {dir / "b.jsonl"}, false, 1, null_log());
  EXPECT_EQ(larger[0].graphs, held[0].graphs + 40);
}

TEST(Session, ShorterTrainingsTeachThePriorAndNotTheNet) {
  const TempDir dir;
  write_corpus(dir / "a.jsonl", 160);
  write_corpus(dir / "short.jsonl", 160, true, 160'000);
  TrainOptions options = toy_options(dir);
  options.epochs = 1;
  train_torch_predictor(options, null_log());
  const TrainedNet before = read_predictor(options.out);
  EXPECT_EQ(before.judgement.prior.brief, before.judgement.prior.full);
  options.brief = {dir / "short.jsonl"};
  train_torch_predictor(options, null_log());
  const TrainedNet after = read_predictor(options.out);
  EXPECT_TRUE(after.weights.equal(before.weights));
  EXPECT_NE(after.judgement.prior.brief, after.judgement.prior.full);
  const Archive archive = read_archive(options.out, kPredictorFile);
  EXPECT_EQ(archive.header["brief_corpora"][0]["training_images"].get<double>(), 160'000);
  // A corpus is judged by what its trainings were: the same cells, opposite labels.
  const auto metrics = evaluate_torch_predictor(options.out, {dir / "a.jsonl", dir / "short.jsonl"},
                                                true, 1, null_log());
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_GT(metrics[0].alone.back().accuracy, 0.7);
  EXPECT_GT(metrics[1].alone.back().accuracy, 0.4);
  write_corpus(dir / "unknown.jsonl", 40);
  options.brief = {dir / "unknown.jsonl"};
  EXPECT_EQ(error_of([&] { train_torch_predictor(options, null_log()); }),
            dir / "unknown.jsonl" + ": does not say how long its networks trained");
}

TEST(Session, SameSeedSameWeights) {
  const TempDir dir;
  write_corpus(dir / "a.jsonl", 40);
  TrainOptions options = toy_options(dir);
  options.epochs = 2;
  train_torch_predictor(options, null_log());
  const std::uint64_t hash = read_predictor(options.out).content_hash;
  options.threads = 1;
  train_torch_predictor(options, null_log());
  EXPECT_EQ(read_predictor(options.out).content_hash, hash);
  options.seed = 4;
  train_torch_predictor(options, null_log());
  EXPECT_NE(read_predictor(options.out).content_hash, hash);
}

TEST(Session, MistakesAreNamed) {
  const TempDir dir;
  write_corpus(dir / "a.jsonl", 20);
  write_corpus(dir / "none.jsonl", 20, false);
  TrainOptions options = toy_options(dir);
  const auto train = [&] { train_torch_predictor(options, null_log()); };
  options.kind = "mlp";
  EXPECT_EQ(error_of(train), "kind 'mlp': expected 'psc' or 'gnn'");
  options = toy_options(dir);
  options.corpora = {dir / "none.jsonl"};
  EXPECT_EQ(error_of(train),
            dir / "none.jsonl" + ": has no labelled networks; write it with --label");
  options.corpora = {};
  EXPECT_EQ(error_of(train), "no corpus given; name at least one");
  options = toy_options(dir);
  options.test_share = 1;
  EXPECT_EQ(error_of(train), "the held-out share must be at least 0 and below 1");
  options = toy_options(dir);
  options.epochs = 1;
  options.test_share = 0;
  train();
  EXPECT_EQ(error_of([&] {
              evaluate_torch_predictor(options.out, options.corpora, false, 1, null_log());
            }),
            dir / "a.jsonl" +
                ": fewer than two networks that the predictor was not trained on; "
                "--all measures on the others too");
}

TEST(Session, ResumesOnlyTheSameTraining) {
  const TempDir dir;
  write_corpus(dir / "a.jsonl", 20);
  TrainOptions options = toy_options(dir);
  options.resume = true;
  options.epochs = 1;
  train_torch_predictor(options, null_log());  // nothing to resume: from the beginning
  Archive archive;
  archive.header["fingerprint"] = "of another";
  archive.header["elapsed_s"] = 1.0;
  archive.tensors["weights"] = torch::zeros({1});
  write_archive(options.out + ".checkpoint", kTrainerCheckpointFile, archive);
  const std::string before = read_file(options.out);
  EXPECT_EQ(error_of([&] { train_torch_predictor(options, null_log()); }),
            options.out + ".checkpoint: is of a training with other corpora or options");
  EXPECT_EQ(read_file(options.out), before) << "the earlier predictor is kept";
}

}  // namespace
}  // namespace autogo
