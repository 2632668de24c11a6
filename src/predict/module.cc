#include <c10/util/Exception.h>

#include "autogo/base/error.h"
#include "module_api.h"
#include "session.h"

namespace autogo {
namespace {

/// LibTorch's failures as ours: what is left after the checks of files and options is our bug.
template <typename Function>
auto translated(const Function& function) {
  try {
    return function();
  } catch (const c10::Error& e) {
    throw Error(ErrorKind::kInternal, std::string("LibTorch: ") + e.what_without_backtrace());
  }
}

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
