#pragma once

#include <cstdint>
#include <memory>

#include "autogo/network/network.h"
#include "autogo/network/train.h"

namespace autogo {

/// Changes with every change of anything that crosses the border: this table, Network, Program,
/// Graph, Data, the options, Log, Error.
inline constexpr std::uint32_t kNetworkModuleVersion = 2;
inline constexpr const char* kNetworkModuleEntry = "autogo_network_module";

/// What the network layer's part of autogo_torch.so offers (compare predict/module_api.h).
struct NetworkModuleApi {
  std::uint32_t version;       ///< kNetworkModuleVersion
  std::uint32_t program_size;  ///< sizeof(Program): a cheap check of the same
  std::unique_ptr<Network> (*make)(const Program& program, const NetworkOptions& options);
  TrainingResult (*train)(const TrainableNetwork& network, const Data& data,
                          const TrainingOptions& options);
  std::vector<TestMetric> (*test)(const TrainableNetwork& network, const Data& data,
                                  const TrainingOptions& options);
};
using NetworkModuleEntry = const NetworkModuleApi* (*)();

/// The table of the loaded module: for the core. @throws Error kUnsupported: no LibTorch
const NetworkModuleApi& network_module();

}  // namespace autogo
