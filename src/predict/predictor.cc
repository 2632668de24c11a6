// The part of the predict layer that every program links: it loads autogo_torch.so on first use
// (base/module.h). LibTorch takes 0.36 s and 160 MB to start, which `autogo profile` should not
// pay.
//
// Tested by tests/predict/module_test.cc.

#include "autogo/predict/predictor.h"

#include "autogo/base/module.h"
#include "module_api.h"

namespace autogo {
namespace {

const ModuleApi& module_api() {
  static const ModuleApi* const api = [] {
    const auto entry = reinterpret_cast<ModuleEntry>(
        module_entry(Module::kTorch, kModuleEntry, "predictors need LibTorch"));
    const ModuleApi* found = entry();
    if (found->version != kModuleVersion || found->graph_size != sizeof(Graph)) {
      refuse_module(Module::kTorch);
    }
    return found;
  }();
  return *api;
}

}  // namespace

std::unique_ptr<Predictor> load_predictor(const std::string& path, double training_images) {
  return module_api().load(path, training_images);
}

bool train_predictor(const TrainOptions& options, Log& log) {
  return module_api().train(options, log);
}

std::vector<CorpusMetrics> evaluate_predictor(const std::string& predictor,
                                              const std::vector<std::string>& corpora, bool all,
                                              int threads, Log& log) {
  return module_api().evaluate(predictor, corpora, all, threads, log);
}

RefineReport refine_predictor(const std::string& predictor,
                              const std::vector<TrainedNetworks>& runs, const std::string& out) {
  return module_api().refine(predictor, runs, out);
}

}  // namespace autogo
