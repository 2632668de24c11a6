#pragma once

#include <cstdint>
#include <string>

#include "autogo/graph/graph.h"

namespace autogo {

struct CodeOptions {
  std::string source;      ///< what the network was exported from, for the file's first lines
  std::uint64_t seed = 0;  ///< of weights that the network does not have yet
};

/// What was written.
struct CodeSummary {
  std::string weights;          ///< path of the weights
  std::size_t segments = 0;     ///< modules that the network is made of
  std::size_t classes = 0;      ///< different ones
  std::int64_t parameters = 0;  ///< trainable numbers
};

/// Writes a network as a Python file that a person can read, change and train, and its weights
/// beside it: `path` with the extension .safetensors. The file needs torch alone (1.13 or newer).
///
/// The network is cut into named segments, each a module with named layers; segments that differ in
/// sizes only share a class. Parameters are trainable. The batch size is free where the network's
/// own reshapes leave it free. Weights of any floating type are written as float32.
/// @throws Error kUnsupported for an operator without a PyTorch form, naming the node; kIo
/// Cost O(nodes + weights); one weight at a time is in memory.
CodeSummary export_pytorch(const Graph& graph, const std::string& path,
                           const CodeOptions& options = {});

/// The same for Keras 3: functions that build a functional model, for any of its back ends. Maps
/// have their channels last: inputs and outputs of four dimensions change their order.
CodeSummary export_keras(const Graph& graph, const std::string& path,
                         const CodeOptions& options = {});

}  // namespace autogo
