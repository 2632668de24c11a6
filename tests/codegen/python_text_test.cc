#include "python_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace autogo {
namespace {

TEST(PythonText, WritesNumbersThatReadBack) {
  EXPECT_EQ(py_float(0.1F), "0.1");
  EXPECT_EQ(py_float(1e-5F), "1e-05");
  EXPECT_EQ(py_float(3), "3.0");
  EXPECT_EQ(py_float(-0.1), "-0.1");
  EXPECT_EQ(py_float(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(py_float(std::numeric_limits<double>::infinity()), "float(\"inf\")");
  EXPECT_EQ(py_float(-std::numeric_limits<double>::infinity()), "-float(\"inf\")");
}

TEST(PythonText, WritesSizesAsPeopleDo) {
  const std::vector<std::int64_t> even{3, 3}, uneven{3, 1}, one{7};
  EXPECT_EQ(py_sizes(even), "3");
  EXPECT_EQ(py_sizes(uneven), "(3, 1)");
  EXPECT_EQ(py_tuple(one), "(7,)");
  EXPECT_EQ(py_list(uneven), "[3, 1]");
}

TEST(PythonText, PutsParenthesesWhereTheyAreNeeded) {
  const PyExpr sum = py_infix({{"a"}, {"b"}}, "+");
  EXPECT_EQ(sum.text, "a + b");
  EXPECT_EQ(py_infix({sum, {"c"}}, "*").text, "(a + b) * c");
  EXPECT_EQ(py_method(sum, "flatten", {"1"}).text, "(a + b).flatten(1)");
  EXPECT_EQ(py_call("F.relu", {sum.text}).text, "F.relu(a + b)");
}

TEST(PythonText, QuotesAnyName) { EXPECT_EQ(py_string("a\"b\\c\nd"), "\"a\\\"b\\\\c d\""); }

TEST(PythonText, BreaksLongCallsAtCommas) {
  const std::string call = "x = function(" + std::string(40, 'a') + ", " + std::string(40, 'b') +
                           ", " + std::string(10, 'c') + ")";
  EXPECT_EQ(py_wrap(call, 8), "        x = function(" + std::string(40, 'a') + ",\n" +
                                  std::string(16, ' ') + std::string(40, 'b') + ", " +
                                  std::string(10, 'c') + ")");
  EXPECT_EQ(py_wrap("x = 1", 4), "    x = 1");
}

TEST(PythonText, NeverBreaksInsideAString) {
  const std::string name = "\"" + std::string(60, 'a') + ", (\\\", " + std::string(60, 'b') + "\"";
  EXPECT_EQ(py_wrap("x = function(" + name + ", c)", 0),
            "x = function(" + name + ",\n" + std::string(8, ' ') + "c)");
}

TEST(PythonText, WritesDimensionsAsArguments) {
  const std::vector<std::int64_t> none, some{2, -1};
  EXPECT_EQ(py_dims(none), "()");
  EXPECT_EQ(py_dims(some), "2, -1");
}

}  // namespace
}  // namespace autogo
