// A weight whose length something else fixes: a wrong one is refused, with its name and both
// lengths.
#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "onnx_builder.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

struct Weight {
  std::string name;
  Ints dims;
};

/// The error of importing x -> op(x, weights) -> y without path and node; "" when there is none.
std::string failure(const std::string& op, const Ints& x, const std::vector<Weight>& weights,
                    const std::vector<std::pair<std::string, std::int64_t>>& attributes = {},
                    std::int64_t opset = 17) {
  const TempDir folder;
  OnnxBuilder b(opset);
  b.input("x", x).output("y");
  std::vector<std::string> inputs{"x"};
  for (const Weight& weight : weights) {
    if (!weight.name.empty()) b.weight(weight.name, weight.dims);
    inputs.push_back(weight.name);
  }
  auto& node = b.node(op, inputs, {"y"});
  for (const auto& [name, value] : attributes) set_attribute(node, name, value);
  const std::string path = b.save(folder / "m.onnx");
  try {
    import_onnx(path);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    const std::string text = e.what(), start = path + ": node 'y_" + op + "' (" + op + "): ";
    EXPECT_TRUE(text.starts_with(start)) << text;
    return text.substr(start.size());
  }
}

TEST(WeightLengths, BiasesOfConvolutions) {
  const Ints x{1, 4, 8, 8};
  EXPECT_EQ(failure("Conv", x, {{"w", {6, 4, 3, 3}}, {"b", {7}}}),
            "bias has 7 entries, expected 6");
  EXPECT_EQ(failure("Conv", x, {{"w", {6, 4, 3, 3}}, {"b", {6}}}), "");
  EXPECT_EQ(failure("ConvTranspose", x, {{"w", {4, 3, 3, 3}}, {"b", {3}}}, {{"group", 2}}),
            "bias has 3 entries, expected 6");
  EXPECT_EQ(failure("ConvTranspose", x, {{"w", {4, 3, 3, 3}}, {"b", {6}}}, {{"group", 2}}), "");
}

TEST(WeightLengths, Matrices) {
  EXPECT_EQ(failure("Gemm", {2, 4}, {{"w", {4, 3}}, {"b", {7}}}),
            "bias has 7 entries, expected 3");
  EXPECT_EQ(failure("Gemm", {2, 4}, {{"w", {4, 3}}, {"b", {3, 3}}}),
            "bias is 3x3, which does not broadcast to 2x3");
  for (const Ints& bias : {Ints{3}, Ints{1}, Ints{2, 1}, Ints{2, 3}, Ints{}}) {
    EXPECT_EQ(failure("Gemm", {2, 4}, {{"w", {4, 3}}, {"b", bias}}), "");
  }
}

TEST(WeightLengths, Normalisations) {
  const Ints x{2, 4, 6, 6};
  for (const std::size_t wrong : {0U, 1U, 2U, 3U}) {
    std::vector<Weight> weights{{"s", {4}}, {"b", {4}}, {"m", {4}}, {"v", {4}}};
    EXPECT_EQ(failure("BatchNormalization", x, weights), "");
    weights[wrong].dims = {6};
    const char* names[] = {"scale", "bias", "mean", "variance"};
    EXPECT_EQ(failure("BatchNormalization", x, weights),
              std::string(names[wrong]) + " has 6 entries, expected 4");
  }
  EXPECT_EQ(failure("InstanceNormalization", x, {{"s", {4}}, {"b", {6}}}),
            "bias has 6 entries, expected 4");
  EXPECT_EQ(
      failure("GroupNormalization", x, {{"s", {4}}, {"b", {2}}}, {{"num_groups", 2}}, 18),
      "scale has 4 entries, expected 2");
  EXPECT_EQ(
      failure("GroupNormalization", x, {{"s", {4}}, {"b", {2}}}, {{"num_groups", 2}}, 21),
      "bias has 2 entries, expected 4");
  EXPECT_EQ(failure("LayerNormalization", x, {{"s", {4}}, {"b", {6}}}),
            "scale has 4 entries, expected 6");
  EXPECT_EQ(failure("LayerNormalization", x, {{"s", {6, 6}}, {"b", {4, 6, 6}}}, {{"axis", 1}}),
            "");
}

TEST(WeightLengths, SlopesBroadcast) {
  const Ints x{1, 8, 4, 4};
  for (const Ints& slope : {Ints{1}, Ints{8, 1, 1}, Ints{4}, Ints{1, 8, 1, 1}, Ints{8, 4, 4}}) {
    EXPECT_EQ(failure("PRelu", x, {{"s", slope}}), "");
  }
  EXPECT_EQ(failure("PRelu", x, {{"s", {7}}}), "slope has 7 entries, expected 4");
  EXPECT_EQ(failure("PRelu", x, {{"s", {7, 1, 1}}}),
            "slope is 7x1x1, which does not broadcast to 1x8x4x4");
  EXPECT_EQ(failure("PRelu", x, {{"s", {2, 8, 4, 4}}}),
            "slope is 2x8x4x4, which does not broadcast to 1x8x4x4");
}

TEST(WeightLengths, RecurrentLayers) {
  const Ints x{5, 1, 3};
  const std::vector<std::pair<std::string, std::int64_t>> hidden{{"hidden_size", 4}};
  const auto lstm = [&](const Ints& w, const Ints& r, const Ints& b, const Ints& h) {
    return failure("LSTM", x, {{"w", w}, {"r", r}, {"b", b}, {"", {}}, {"h", h}}, hidden);
  };
  EXPECT_EQ(lstm({1, 16, 3}, {1, 16, 4}, {1, 32}, {1, 1, 4}), "");
  EXPECT_EQ(lstm({1, 16, 2}, {1, 16, 4}, {1, 32}, {1, 1, 4}),
            "the weight W is 1x16x2, expected 1x16x3");
  EXPECT_EQ(lstm({1, 16, 3}, {1, 16, 5}, {1, 32}, {1, 1, 4}),
            "the weight R is 1x16x5, expected 1x16x4");
  EXPECT_EQ(lstm({1, 16, 3}, {1, 16, 4}, {1, 16}, {1, 1, 4}),
            "the bias B is 1x16, expected 1x32");
  EXPECT_EQ(lstm({1, 16, 3}, {1, 16, 4}, {1, 32}, {2, 1, 4}),
            "the initial state is 2x1x4, expected 1x1x4");
  EXPECT_EQ(failure("GRU", x, {{"w", {1, 16, 3}}, {"r", {1, 12, 4}}}, hidden),
            "the weight W is 1x16x3, expected 1x12x3");
}

}  // namespace
}  // namespace autogo
