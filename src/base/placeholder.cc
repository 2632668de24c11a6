// Tested by tests/base/placeholder_test.cc.

#include "autogo/base/placeholder.h"

#include <cctype>

namespace autogo {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

/// Without a byte order mark and leading white space.
std::string_view trimmed(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : bytes.substr(first);
}

}  // namespace

std::optional<Placeholder> placeholder_of(std::string_view bytes) {
  if (bytes.starts_with("version https://git-lfs.github.com/spec/")) {
    return Placeholder{"a Git LFS pointer", "fetch the file itself with 'git lfs pull'"};
  }
  if (bytes.starts_with("/annex/objects/") || bytes.starts_with("../.git/annex/objects/") ||
      bytes.starts_with(".git/annex/objects/")) {
    return Placeholder{"a git-annex pointer", "fetch the file itself with 'git annex get'"};
  }
  const std::string start = lower_case(trimmed(bytes.substr(0, 512)).substr(0, 14));
  if (start.starts_with("<!doctype html") || start.starts_with("<html")) {
    return Placeholder{"an HTML page",
                       "download the file itself, not the page that shows it (on GitHub: the link "
                       "'raw')"};
  }
  return std::nullopt;
}

}  // namespace autogo
