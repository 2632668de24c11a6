#pragma once

#include <vector>

#include "autogo/graph/types.h"
#include "import_view.h"

namespace autogo {

/// Layout of every value of rank 4, by value index, as the operators around it tell; kNone where
/// nothing does. Cost O(uses).
std::vector<Layout> layouts_by_use(const ImportView& view);

}  // namespace autogo
