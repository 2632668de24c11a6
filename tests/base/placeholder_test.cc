#include "autogo/base/placeholder.h"

#include <gtest/gtest.h>

namespace autogo {
namespace {

std::string what(std::string_view bytes) {
  const auto found = placeholder_of(bytes);
  return found ? found->what + " | " + found->hint : "";
}

TEST(Placeholder, NamesWhatStandsInThePlaceOfAFile) {
  EXPECT_EQ(what("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345678\n"),
            "a Git LFS pointer | fetch the file itself with 'git lfs pull'");
  EXPECT_EQ(what("/annex/objects/SHA256E-s1--0.onnx\n"),
            "a git-annex pointer | fetch the file itself with 'git annex get'");
  const std::string page =
      "an HTML page | download the file itself, not the page that shows it (on GitHub: the link "
      "'raw')";
  EXPECT_EQ(what("\n\n<!DOCTYPE html>\n<html lang=\"en\">"), page);
  EXPECT_EQ(what("\xef\xbb\xbf<!doctype HTML>"), page);
  EXPECT_EQ(what("<HTML><head>"), page);
}

TEST(Placeholder, LeavesOtherFilesAlone) {
  EXPECT_EQ(what(""), "");
  EXPECT_EQ(what("   "), "");
  EXPECT_EQ(what("{\"html\": 1}"), "");
  EXPECT_EQ(what("version 1"), "");
  EXPECT_EQ(what(std::string_view("\x08\x08\x12\x00", 4)), "");
}

}  // namespace
}  // namespace autogo
