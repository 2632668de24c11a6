#include "autogo/base/module.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>

#include "autogo/base/error.h"
#include "autogo/base/paths.h"

namespace autogo {
namespace {

constexpr const char* kModuleFile = "autogo_torch.so";

std::string find_module(const std::string& need) {
  const char* chosen = std::getenv("AUTOGO_MODULE_DIR");
  if (chosen != nullptr && *chosen != '\0') return std::string(chosen) + "/" + kModuleFile;
  try {
    return module_file(kModuleFile);
  } catch (Error& e) {
    throw Error(ErrorKind::kUnsupported, need + ": " + e.what())
        .with_hint(
            "build autogo with LibTorch (libtorch-dev, AUTOGO_WITH_TORCH=ON), or set "
            "AUTOGO_MODULE_DIR to the folder that has " +
            std::string(kModuleFile));
  }
}

/// OpenBLAS 0.3.21 does not know recent processors and takes its slowest kernels: a fifth of the
/// speed. With AVX-512 the kernels for Skylake servers run. Read when the library is loaded.
void choose_blas_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0) {
    ::setenv("OPENBLAS_CORETYPE", "SkylakeX", /*overwrite=*/0);
  }
#endif
}

struct Module {
  std::string path;
  void* handle = nullptr;
};

const Module& open_module(const std::string& need) {
  static std::mutex mutex;
  static Module module;
  const std::lock_guard<std::mutex> lock(mutex);
  if (module.handle != nullptr) return module;
  std::string path = find_module(need);
  // Threads are ours: a BLAS that starts its own would fight with them. OpenBLAS reads this when it
  // is loaded; where CBC has loaded it already, the module tells it.
  ::setenv("OPENBLAS_NUM_THREADS", "1", /*overwrite=*/0);
  // Waiting OpenMP threads sleep instead of spinning, which ruins two threads on two busy cores.
  ::setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  choose_blas_kernels();
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = ::dlerror();
    throw Error(ErrorKind::kUnsupported,
                path + ": cannot be loaded: " + (reason != nullptr ? reason : "no reason given"))
        .with_hint("install LibTorch (libtorch-dev) and build autogo again");
  }
  module = {std::move(path), handle};
  return module;
}

[[noreturn]] void refuse(const std::string& path) {
  throw Error(ErrorKind::kUnsupported, path + ": belongs to another autogo")
      .with_hint("build or install autogo again, as a whole");
}

}  // namespace

void* torch_module_entry(const char* entry, const std::string& need) {
  const Module& module = open_module(need);
  void* address = ::dlsym(module.handle, entry);
  if (address == nullptr) refuse(module.path);
  return address;
}

void refuse_torch_module() { refuse(open_module("").path); }

}  // namespace autogo
