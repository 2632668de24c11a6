// Commands run in process: streams are passed in.
#include <gtest/gtest.h>

#include <sstream>

#include "command.h"

namespace autogo {
namespace {

struct Result {
  int code;
  std::string out, err;
};

Result run(const std::vector<std::string>& args) {
  std::istringstream in;
  std::ostringstream out, err;
  const int code = run_autogo(args, in, out, err);
  return {code, out.str(), err.str()};
}

TEST(InputShapes, NameAndSizes) {
  using Shapes = std::map<std::string, std::vector<std::int64_t>>;
  EXPECT_EQ(parse_input_shapes({"input:1x3x224x224"}), (Shapes{{"input", {1, 3, 224, 224}}}));
  EXPECT_EQ(parse_input_shapes({"1x3x8x8"}), (Shapes{{"", {1, 3, 8, 8}}}));
  EXPECT_EQ(parse_input_shapes({"a:0:2x3", "b:1,2"}), (Shapes{{"a:0", {2, 3}}, {"b", {1, 2}}}));
  EXPECT_EQ(parse_input_shapes({"x:2x0"}), (Shapes{{"x", {2, 0}}}));
}

TEST(InputShapes, RefusesWhatIsNoShape) {
  for (const char* text : {"input:", "input:1x", "input:1xx3", "input:-1x3", "input",
                           "input:1x99999999999", ""}) {
    try {
      parse_input_shapes({text});
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUsage);
      EXPECT_EQ(std::string(e.what()), "--input-shape '" + std::string(text) +
                                           "': expected NAME:SHAPE, like input:1x3x224x224");
    }
  }
  EXPECT_THROW(parse_input_shapes({"a:1", "a:2"}), Error);
}

TEST(Run, CommandsPrintToTheStreamsGiven) {
  const Result result = run({"ops"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out.find("operator"), 0U);
  EXPECT_EQ(result.err, "");
}

TEST(Run, ErrorsAreOneLine) {
  EXPECT_EQ(
      run({"ops", "--nojson"}).err,
      "autogo ops: unknown option '--nojson', did you mean '--json'?; see 'autogo ops --help'\n");
  EXPECT_EQ(run({"--nojson"}).code, 2);
}

}  // namespace
}  // namespace autogo
