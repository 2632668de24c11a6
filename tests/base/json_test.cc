#include "base/json.h"

#include <gtest/gtest.h>

#include <functional>

namespace autogo {
namespace {

std::string failure(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    return std::string(e.what()) + (e.hint().empty() ? "" : " | " + e.hint());
  }
  return "no error";
}

TEST(Json, DamagedTextIsOneLineWithThePlace) {
  EXPECT_EQ(
      failure([] { parse_json("{\"a\": 1,\n", "x.json"); }),
      "x.json: not valid JSON at byte 10 of 9 | the file is damaged or of another kind; write "
      "it again");
}

TEST(Json, NamesAPointerThatStandsForTheFile) {
  EXPECT_EQ(
      failure([] { parse_json("version https://git-lfs.github.com/spec/v1\noid", "x.json"); }),
      "x.json: is a Git LFS pointer, expected JSON | fetch the file itself with 'git lfs pull'");
}

TEST(Json, FormatAndVersionAreChecked) {
  const auto check = [](const char* text) {
    return failure([&] { require_format(parse_json(text, "x"), "x", "autogo.segments", 2); });
  };
  EXPECT_EQ(check(R"({"format": "autogo.segments", "version": 2})"), "no error");
  EXPECT_EQ(check("[]"), "x: expected a file of format \"autogo.segments\", found no format name");
  EXPECT_EQ(check(R"({"format": "autogo.corpus", "version": 2})"),
            "x: expected a file of format \"autogo.segments\", found \"autogo.corpus\"");
  EXPECT_EQ(
      check(R"({"format": "autogo.segments", "version": 1})"),
      "x: version 1 of \"autogo.segments\", this autogo reads version 2 | write the file again "
      "with this autogo");
  EXPECT_EQ(check(R"({"format": "autogo.segments", "version": 3})"),
            "x: version 3 of \"autogo.segments\", this autogo reads version 2 | update autogo, or "
            "write the file again with this one");
  EXPECT_EQ(check(R"({"format": "autogo.segments"})"), "x: \"version\" is missing");
}

TEST(Json, MembersHaveATypeAndAName) {
  const Json json = parse_json(R"({"n": "text"})", "x");
  EXPECT_EQ(json_member<std::string>(json, "n", "x"), "text");
  EXPECT_EQ(failure([&] { json_member<int>(json, "n", "x"); }), "x: \"n\" has the wrong type");
  EXPECT_EQ(failure([&] { json_member<int>(json, "m", "x"); }), "x: \"m\" is missing");
  EXPECT_EQ(failure([&] { json_member<int>(Json(3), "m", "x"); }), "x: \"m\" is missing");
}

TEST(Json, RefusesDocumentsThatAreDeeperThanTheStack) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_THROW(parse_json(deep, "a.json"), Error);
  EXPECT_FALSE(try_parse_json(deep).has_value());
  EXPECT_FALSE(try_parse_json("{").has_value());
  // Brackets within a string are text.
  EXPECT_TRUE(try_parse_json("[\"\\\"" + std::string(1000, '[') + "\"]").has_value());
}

TEST(Json, NumbersAreTakenExactly) {
  const auto read = [](const char* text) { return parse_json(text, "x"); };
  EXPECT_EQ(json_as<std::uint8_t>(read("255")), 255);
  EXPECT_EQ(json_as<std::uint8_t>(read("256")), std::nullopt);
  EXPECT_EQ(json_as<std::uint64_t>(read("-1")), std::nullopt);
  EXPECT_EQ(json_as<std::int64_t>(read("18446744073709551615")), std::nullopt);
  EXPECT_EQ(json_as<int>(read("1.5")), std::nullopt);
  EXPECT_EQ(json_as<int>(read("1e300")), std::nullopt);
  EXPECT_EQ(json_as<int>(read("true")), std::nullopt);
  EXPECT_EQ(json_as<bool>(read("1")), std::nullopt);
  EXPECT_EQ(json_as<double>(read("3")), 3.0);
  EXPECT_EQ(json_as<double>(read("null")), std::nullopt);
  EXPECT_EQ(json_as<std::vector<int>>(read("[1, 2]")), (std::vector<int>{1, 2}));
  EXPECT_EQ(json_as<std::vector<int>>(read("[1, \"2\"]")), std::nullopt);
  EXPECT_EQ(json_as<std::vector<int>>(read("{\"a\": 1}")), std::nullopt);
  using Pair = std::array<int, 2>;
  EXPECT_EQ(json_as<Pair>(read("[1, 2]")), (Pair{1, 2}));
  EXPECT_EQ(json_as<Pair>(read("[1, 2, 3]")), std::nullopt);
  using Map = std::map<std::string, int>;
  EXPECT_EQ(json_as<Map>(read("{\"a\": 1}")), (Map{{"a", 1}}));
  EXPECT_EQ(json_as<Map>(read("[1]")), std::nullopt);
}

TEST(Json, PrintsTextThatIsNoUtf8) {
  EXPECT_EQ(dump_json(Json{{"name", "a\xff.onnx"}}), "{\"name\":\"a\xef\xbf\xbd.onnx\"}");
}

}  // namespace
}  // namespace autogo
