// The part of the network layer that every program links: options, and the door to the module that
// owns LibTorch.
//
// Tested by tests/network/module_test.cc.

#include "autogo/network/network.h"

#include "autogo/base/error.h"
#include "autogo/base/module.h"
#include "module_api.h"

namespace autogo {

const NetworkModuleApi& network_module() {
  static const NetworkModuleApi* const api = [] {
    const auto entry = reinterpret_cast<NetworkModuleEntry>(
        module_entry(Module::kTorch, kNetworkModuleEntry, "running networks needs LibTorch"));
    const NetworkModuleApi* found = entry();
    if (found->version != kNetworkModuleVersion || found->program_size != sizeof(Program)) {
      refuse_module(Module::kTorch);
    }
    return found;
  }();
  return *api;
}

WeightSource weight_source_from(const std::string& word) {
  if (word == "file") return WeightSource::kFile;
  if (word == "mixed") return WeightSource::kMixed;
  if (word == "random") return WeightSource::kRandom;
  throw Error(ErrorKind::kUsage, "weights '" + word + "': expected file, mixed or random");
}

Device device_from(const std::string& word) {
  if (word == "cpu") return Device::kCpu;
  if (word == "cuda") return Device::kCuda;
  throw Error(ErrorKind::kUsage, "device '" + word + "': expected cpu or cuda");
}

std::unique_ptr<Network> make_network(const Program& program, const NetworkOptions& options) {
  return network_module().make(program, options);
}

}  // namespace autogo
