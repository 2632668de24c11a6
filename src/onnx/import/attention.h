#pragma once

#include <optional>

#include "import_view.h"

namespace autogo {

/// The attention around a softmax, as one node of the operator table: its first input are the
/// tokens, the second, where it says "cross", those that it looks at, the rest are masks.
std::optional<PatternMatch> match_attention(const ImportView& view, int softmax);

}  // namespace autogo
