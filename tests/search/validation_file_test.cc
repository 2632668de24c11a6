#include <gtest/gtest.h>

#include <functional>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/search/run.h"
#include "base/json.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

Validation sample() {
  Validation validation;
  validation.split = "test";
  validation.metric = "top1";
  validation.training_images = 60;
  validation.networks.push_back({"input.onnx", 1, 20, 10, 0, {{0.5, 0.25}}, {}});
  validation.networks.push_back({"models/a.onnx", 2, 18, 9, 0.5, {{0.75, 0.5}}, {}});
  validation.networks[1].inherited = {0.5, {{0.1, 0.1}}, {{0.8, 0.9}}};
  return validation;
}

class ValidationFile : public ::testing::Test {
 protected:
  ValidationFile() {
    KnownTrainings known;
    known.by_key["aa"].value = 0.5;
    write_validation(folder_.path(),
                     R"({"split": "test", "metric": "top1", "training_images": 60})", sample(),
                     known);
    write_file_atomic(pareto_, R"({"input":{},"members":[{"model":"models/a.onnx"}]})");
  }
  /// What reading says when one text of the good file is replaced, behind the path.
  std::string refusal(const std::string& from, const std::string& to) {
    const std::string good = read_file(path_);
    std::string bad = good;
    EXPECT_NE(bad.find(from), bad.npos) << from;
    write_file_atomic(path_, bad.replace(bad.find(from), from.size(), to));
    std::string text;
    for (const auto& read :
         {std::function<void()>([&] { add_validation(folder_.path()); }),
          std::function<void()>([&] { read_known_trainings(folder_.path()); })}) {
      try {
        read();
      } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::kInput) << e.what();
        EXPECT_EQ(e.hint(), "delete it, and repeat the validation");
        EXPECT_TRUE(std::string(e.what()).starts_with(path_ + ": ")) << e.what();
        text = std::string(e.what()).substr(path_.size() + 2);
      }
    }
    write_file_atomic(path_, good);
    return text;
  }
  const TempDir folder_;
  const std::string path_ = folder_ / "validation.json", pareto_ = folder_ / "pareto.json";
};

TEST_F(ValidationFile, ComesBackAndGoesIntoTheFront) {
  const Validation back = read_validation(folder_.path());
  EXPECT_EQ(back.metric, "top1");
  EXPECT_EQ(back.training_images, 60);
  ASSERT_EQ(back.networks.size(), 2U);
  EXPECT_EQ(back.networks[0].trained.values, (std::vector<double>{0.5, 0.25}));
  EXPECT_EQ(back.networks[1].inherited->after.values, (std::vector<double>{0.8, 0.9}));
  EXPECT_EQ(read_known_trainings(folder_.path()).by_key.at("aa").value, 0.5);
  add_validation(folder_.path());
  const Json pareto = parse_json(read_file(pareto_), pareto_);
  EXPECT_EQ(pareto["input"]["trained"]["mean"], 0.375);
  EXPECT_EQ(pareto["members"][0]["trained"]["gain"]["mean"], 0.25);
  EXPECT_EQ(pareto["members"][0]["inherited"]["survived"], 0.5);
  EXPECT_EQ(pareto["validation"]["split"], "test");
}

TEST_F(ValidationFile, WhatAutogoDoesNotWriteIsRefused) {
  EXPECT_EQ(refusal("{", "["),
            "not valid JSON at byte 12 of " + std::to_string(read_file(path_).size()));
  EXPECT_EQ(refusal("\"metric\": \"top1\"", "\"metric\": 1"),
            "setting: \"metric\" has the wrong type");
  EXPECT_EQ(refusal("\"split\"", "\"splat\""), "setting: \"split\" is missing");
  EXPECT_EQ(refusal("\"training_images\": 60", "\"training_images\": []"),
            "setting: \"training_images\" has the wrong type");
  EXPECT_EQ(refusal("\"networks\"", "\"network\""), "\"networks\" is missing");
  EXPECT_EQ(refusal("\"networks\": [", "\"networks\": [1,"), "network 0: \"model\" is missing");
  EXPECT_EQ(refusal("\"macs\": 18", "\"macs\": 1.5"), "network 1: \"macs\" has the wrong type");
  EXPECT_EQ(refusal("\"macs\": 18", "\"macs\": 1e99"), "network 1: \"macs\" has the wrong type");
  EXPECT_EQ(refusal("\"trained\": {", "\"trained\": 7, \"x\": {"),
            "network 0: trained: \"values\" is missing");
  EXPECT_EQ(refusal("\"inherited\": {", "\"inherited\": null, \"x\": {"),
            "network 1: inherited: \"survived\" is missing");
  EXPECT_EQ(refusal("\"trainings\": {", "\"trainings\": [], \"x\": {"),
            "\"trainings\" has the wrong type");
  EXPECT_EQ(refusal("\"before\": null", "\"befor\": null"), "training aa: \"before\" is missing");
}

TEST_F(ValidationFile, ADamagedFrontIsRefused) {
  const std::string texts[] = {"[]", "{}", R"({"input":{},"members":7})",
                               R"({"input":{},"members":[{}]})", R"({"input":1,"members":[]})"};
  for (const std::string& text : texts) {
    write_file_atomic(pareto_, text);
    try {
      add_validation(folder_.path());
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.what(), pareto_ + ": has no \"input\" and \"members\" of a search");
    }
  }
  write_file_atomic(pareto_, "{");
  try {
    add_validation(folder_.path());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.what(), pareto_ + ": not valid JSON at byte 2 of 1");
  }
}

}  // namespace
}  // namespace autogo
