#include "module_api.h"
#include "session.h"
#include "tensors/torch_errors.h"

namespace autogo {
namespace {

constexpr ModuleApi kApi = {
    kModuleVersion,
    sizeof(Graph),
    [](const std::string& path, double training_images) {
      return translated([&] { return load_torch_predictor(path, training_images); });
    },
    [](const TrainOptions& options, Log& log) {
      return translated([&] { return train_torch_predictor(options, log); });
    },
    [](const std::string& predictor, const std::vector<std::string>& corpora, bool all, int threads,
       Log& log) {
      return translated(
          [&] { return evaluate_torch_predictor(predictor, corpora, all, threads, log); });
    },
    [](const std::string& predictor, const std::vector<TrainedNetworks>& runs,
       const std::string& out) {
      return translated([&] { return refine_torch_predictor(predictor, runs, out); });
    },
};

}  // namespace
}  // namespace autogo

extern "C" __attribute__((visibility("default"))) const autogo::ModuleApi* autogo_predict_module() {
  return &autogo::kApi;
}
