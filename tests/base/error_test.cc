#include "autogo/base/error.h"

#include <gtest/gtest.h>

namespace autogo {
namespace {

TEST(Error, PrependsContextOutwards) {
  Error error(ErrorKind::kInput, "pads has 3 entries, expected 4");
  error.prepend("node 'conv1'").prepend("a.onnx");
  EXPECT_STREQ(error.what(), "a.onnx: node 'conv1': pads has 3 entries, expected 4");
  EXPECT_EQ(error.kind(), ErrorKind::kInput);
  EXPECT_EQ(error.hint(), "");
}

TEST(Error, RequireBlamesTheInputAndCheckBlamesUs) {
  try {
    AUTOGO_REQUIRE(1 > 2, ErrorKind::kUsage, "no");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    EXPECT_STREQ(e.what(), "no");
  }
  try {
    AUTOGO_CHECK(1 > 2);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInternal);
    EXPECT_NE(std::string(e.what()).find("internal check failed: 1 > 2"), std::string::npos);
    EXPECT_NE(e.hint(), "");
  }
}

}  // namespace
}  // namespace autogo
