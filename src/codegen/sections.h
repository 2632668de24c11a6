#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "network_view.h"

namespace autogo {

/// A segment of the network: consecutive units that become a module of their own.
struct Section {
  std::size_t begin = 0, end = 0;    ///< units
  std::vector<int> inputs, outputs;  ///< program values
  std::string kind;                  ///< "Residual", "Concat", "Conv", "Head"
};

/// Cuts the network where few values are alive. Cost O(units x longest section).
std::vector<Section> find_sections(const NetworkView& view);

}  // namespace autogo
