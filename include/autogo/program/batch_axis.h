#pragma once

#include <cstdint>
#include <vector>

#include "autogo/program/program.h"

namespace autogo {

/// Which axis of each value carries the batch; -1: none, or not known.
struct BatchAxes {
  std::int64_t file_batch = 0;  ///< that the program's inputs fix; 0: they leave it open
  std::vector<int> axis;        ///< by value
};

/// Cost O(nodes).
BatchAxes find_batch_axes(const Program& program);

}  // namespace autogo
