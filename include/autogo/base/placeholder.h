#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace autogo {

/// A file that stands for another one: what a download or a checkout left in its place.
struct Placeholder {
  std::string what;  ///< "a Git LFS pointer"
  std::string hint;  ///< how to get the file itself
};

/// Tells from the first bytes of a file; no value: it is none that is known. For readers that could
/// not make sense of a file.
std::optional<Placeholder> placeholder_of(std::string_view bytes);

}  // namespace autogo
