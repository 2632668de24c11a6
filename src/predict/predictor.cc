// The part of the predict layer that every program links: it loads autogo_torch.so on first use.
// LibTorch takes 0.36 s and 160 MB to start, which `autogo profile` should not pay. The module
// brings its own copy of the layers that it needs and shows one symbol (module_api.h).
//
// Tested by tests/predict/module_test.cc.

#include "autogo/predict/predictor.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "autogo/base/error.h"
#include "autogo/base/paths.h"
#include "module_api.h"

namespace autogo {
namespace {

/// AUTOGO_MODULE_DIR, then where module_file() looks. @throws Error kUnsupported
std::string find_module() {
  const char* chosen = std::getenv("AUTOGO_MODULE_DIR");
  if (chosen != nullptr && *chosen != '\0') return std::string(chosen) + "/" + kModuleFile;
  try {
    return module_file(kModuleFile);
  } catch (Error& e) {
    throw Error(ErrorKind::kUnsupported, std::string("predictors need LibTorch: ") + e.what())
        .with_hint(
            "build autogo with LibTorch (libtorch-dev, AUTOGO_WITH_TORCH=ON), or set "
            "AUTOGO_MODULE_DIR to the folder that has " +
            std::string(kModuleFile));
  }
}

const ModuleApi& open_module() {
  const std::string path = find_module();
  // Threads are ours: a BLAS that starts its own would fight with them. OpenBLAS reads this when it
  // is loaded; where CBC has loaded it already, the module tells it (use_one_thread).
  ::setenv("OPENBLAS_NUM_THREADS", "1", /*overwrite=*/0);
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed
  if (handle == nullptr) {
    const char* reason = ::dlerror();
    throw Error(ErrorKind::kUnsupported,
                path + ": cannot be loaded: " + (reason != nullptr ? reason : "no reason given"))
        .with_hint("install LibTorch (libtorch-dev) and build autogo again");
  }
  const auto entry = reinterpret_cast<ModuleEntry>(::dlsym(handle, kModuleEntry));
  const ModuleApi* api = entry != nullptr ? entry() : nullptr;
  if (api == nullptr || api->version != kModuleVersion || api->graph_size != sizeof(Graph)) {
    throw Error(ErrorKind::kUnsupported, path + ": belongs to another autogo")
        .with_hint("build or install autogo again, as a whole");
  }
  return *api;
}

const ModuleApi& module_api() {
  static std::mutex mutex;
  static const ModuleApi* api = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (api == nullptr) api = &open_module();
  return *api;
}

}  // namespace

std::unique_ptr<Predictor> load_predictor(const std::string& path) {
  return module_api().load(path);
}

bool train_predictor(const TrainOptions& options, Log& log) {
  return module_api().train(options, log);
}

std::vector<CorpusMetrics> evaluate_predictor(const std::string& predictor,
                                              const std::vector<std::string>& corpora, bool all,
                                              int threads, Log& log) {
  return module_api().evaluate(predictor, corpora, all, threads, log);
}

}  // namespace autogo
