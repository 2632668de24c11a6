#include "host_network.h"
#include "module_api.h"
#include "network/training/training.h"
#include "tensors/torch_errors.h"

namespace autogo {
namespace {

constexpr NetworkModuleApi kApi = {
    kNetworkModuleVersion,
    sizeof(Program),
    [](const Program& program, const NetworkOptions& options) {
      return translated([&] { return make_host_network(program, options); });
    },
    [](const TrainableNetwork& network, const Data& data, const TrainingOptions& options) {
      return translated([&] { return run_training(network, data, options); });
    },
    [](const TrainableNetwork& network, const Data& data, const TrainingOptions& options) {
      return translated([&] { return run_test(network, data, options); });
    },
};

}  // namespace
}  // namespace autogo

extern "C" __attribute__((visibility("default"))) const autogo::NetworkModuleApi*
autogo_network_module() {
  return &autogo::kApi;
}
