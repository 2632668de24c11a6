// What the predictor that autogo ships claims to know, and what is measured of labels.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "autogo/corpus/corpus.h"
#include "autogo/graph/canonical.h"
#include "autogo/onnx/model.h"
#include "image_task.h"
#include "predict/training/dataset.h"
#include "predict/training/evaluate.h"
#include "predict/training/metrics.h"
#include "session.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

const std::string kData = std::string(AUTOGO_SOURCE_DIR) + "/data";

Graph model(const std::string& name) { return import_onnx(kData + "/models/" + name + ".onnx"); }

TEST(Knowledge, OfTheShippedPredictor) {
  const auto predictor = load_torch_predictor(kData + "/predictor.pt", 0);
  const Knowledge family = predictor->knowledge(family_graph("nb201:333333"));
  EXPECT_EQ(family.trust, 1);
  EXPECT_TRUE(family.of_task);
  EXPECT_GT(family.gain_error, 0);
  EXPECT_LT(family.gain_error, family.stranger_error);
  // NAS-Bench-101's: 1.48; NAS-Bench-201's: 1.33.
  EXPECT_GT(family.largest_gain, 1.3);
  EXPECT_LT(family.largest_gain, 1.5);
  const Knowledge resnet = predictor->knowledge(model("resnet50"));
  EXPECT_EQ(resnet.trust, 0);
  EXPECT_TRUE(resnet.of_task);
  EXPECT_EQ(resnet.gain_error, resnet.stranger_error);
  for (const char* name :
       {"edsr_small_x2", "edsr_x2", "fsrcnn3_x2", "fsrcnn4_x2", "unet_denoise"}) {
    const Knowledge images = predictor->knowledge(model(name));
    EXPECT_FALSE(images.of_task) << name;
    EXPECT_EQ(images.trust, 0) << name;
  }
}

TEST(Knowledge, ARefinementSpeaksOfItsTask) {
  const TempDir dir;
  Archive archive = read_archive(kData + "/predictor.pt", kPredictorFile);
  archive.tensors["refinement"] =
      torch::zeros({1 + static_cast<std::int64_t>(kRefinedTraits)}, torch::kFloat64);
  archive.header["refined"] = {{"training_length", 0.5}};
  write_archive(dir / "refined.pt", kPredictorFile, archive);
  const auto refined = load_torch_predictor(dir / "refined.pt", 0);
  EXPECT_TRUE(refined->knowledge(model("edsr_small_x2")).of_task);
}

TensorType map_type(std::vector<std::int64_t> dims) {
  const Shape shape(std::move(dims));
  return {DType::kFloat32, default_layout(shape), shape};
}

TEST(Knowledge, AnImageIsAsLargeAsTheInputAndHasFewChannels) {
  const auto network = [](std::int32_t channels, std::int32_t stride) {
    Graph g;
    Attrs conv;
    conv.kernel = {1, 1};
    conv.stride = {stride, stride};
    conv.out_channels = channels;
    g.add_output(g.add(OpKind::kConv, conv, {g.add_input(map_type({1, 3, 16, 16}))}));
    return g;
  };
  EXPECT_TRUE(answers_with_images(network(3, 1)));
  EXPECT_TRUE(answers_with_images(network(1, 1)));
  EXPECT_FALSE(answers_with_images(network(21, 1))) << "classes of pixels";
  EXPECT_FALSE(answers_with_images(network(3, 2))) << "a code";
  EXPECT_FALSE(answers_with_images(model("resnet20_cifar")));
  EXPECT_FALSE(answers_with_images(Graph()));
}

void write_corpus(const std::string& path,
                  const std::vector<std::pair<std::string, double>>& rows) {
  std::ofstream out(path);
  out << R"({"format":"autogo.corpus","version":1,"family":"nasbench201","label":"t"})"
      << "\n";
  for (const auto& [id, label] : rows) {
    out << R"({"id":"nb201:)" << id << R"(","label":)" << label << "}\n";
  }
}

LabelSpan span_of(const std::vector<std::pair<std::string, double>>& rows) {
  const TempDir dir;
  write_corpus(dir / "c.jsonl", rows);
  return label_span(load_dataset({dir / "c.jsonl"}, {}, null_log()).corpora[0]);
}

TEST(Knowledge, TheLargestGainIsBetweenNeighboursFromTheMedianUpwards) {
  // Five labels: normal scores -1.28, -0.52, 0, 0.52, 1.28 by rank.
  const std::vector<std::pair<std::string, double>> rows = {
      {"333331", 1}, {"333333", 5}, {"111113", 2}, {"111133", 3}, {"111333", 4}};
  const LabelSpan span = span_of(rows);
  std::vector<double> labels;
  for (const auto& row : rows) labels.push_back(row.second);
  const std::vector<double> scores = normal_scores(labels);
  EXPECT_EQ(span.lowest, scores[0]);
  EXPECT_EQ(span.highest, scores[1]);
  // The worst and the best are neighbours, but the worse of them is below the median.
  EXPECT_EQ(span.largest_gain, accuracy_scale(scores[4]) - accuracy_scale(scores[3]));
  // Without neighbours: from the median to the best.
  const LabelSpan apart = span_of({{"333333", 1}, {"111111", 2}, {"aaaaaa", 3}});
  EXPECT_EQ(apart.largest_gain, accuracy_scale(apart.highest));
}

TEST(Knowledge, WithoutTrustAScoreStaysWithinTheLabels) {
  const LabelSpan span{-3, 3, 1};
  for (const double z : {-2.0, 0.0, 2.9}) {
    EXPECT_EQ(combined_score(0, z, 0, 0, span), accuracy_scale(z));
  }
  EXPECT_EQ(combined_score(7, 0, 0, 1, span), accuracy_scale(7)) << "a family's";
  double last = -INFINITY;
  for (const double z : {-50.0, -9.0, -3.5, 3.5, 9.0, 50.0}) {
    const double score = combined_score(0, z, 0, 0, span);
    EXPECT_GT(score, last);
    EXPECT_NEAR(score, accuracy_scale(z < 0 ? -3 : 3), 0.2) << z;
    last = score;
  }
}

}  // namespace
}  // namespace autogo
