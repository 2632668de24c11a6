#pragma once

#include <span>
#include <string>

#include "autogo/graph/graph.h"

namespace autogo {

/// A well-known network that the library can build, so that the networks of the paper's tables can
/// be tried without any other tool. Batch 1, no weights: the exporter makes them up.
struct SampleNetwork {
  const char* name;
  const char* help;  ///< what it is and whose; one line
  Graph (*build)();
};

/// Sorted by name.
std::span<const SampleNetwork> sample_networks();

/// @throws Error kUsage that lists the names
Graph sample_network(const std::string& name);

}  // namespace autogo
