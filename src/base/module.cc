#include "autogo/base/module.h"

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "autogo/base/error.h"
#include "autogo/base/paths.h"

namespace autogo {
namespace {

struct ModuleRow {
  const char* file;
  const char* build;    ///< how to get it, for hints
  const char* install;  ///< what it needs to be loaded
};

/// By Module.
constexpr ModuleRow kModules[] = {
    {"autogo_torch.so", "build autogo with LibTorch (libtorch-dev, AUTOGO_WITH_TORCH=ON)",
     "install LibTorch (libtorch-dev)"},
    {"autogo_solver.so", "build or install autogo again, as a whole",
     "install CBC (coinor-libcbc-dev)"}};

const ModuleRow& row_of(Module module) { return kModules[static_cast<std::size_t>(module)]; }

std::string find_module(Module module, const std::string& need) {
  const ModuleRow& row = row_of(module);
  const char* chosen = std::getenv("AUTOGO_MODULE_DIR");
  if (chosen != nullptr && *chosen != '\0') {
    std::string path = std::string(chosen) + "/" + row.file;
    std::error_code ignored;
    // The folder may have one of the modules only.
    if (module == Module::kTorch || std::filesystem::exists(path, ignored)) return path;
  }
  try {
    return module_file(row.file);
  } catch (Error& e) {
    throw Error(ErrorKind::kUnsupported, need + ": " + e.what())
        .with_hint(std::string(row.build) + ", or set AUTOGO_MODULE_DIR to the folder that has " +
                   row.file);
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

struct OpenModule {
  std::string path;
  void* handle = nullptr;
};

const OpenModule& open_module(Module which, const std::string& need) {
  static std::mutex mutex;
  static std::array<OpenModule, std::size(kModules)> modules;
  const std::lock_guard<std::mutex> lock(mutex);
  OpenModule& module = modules[static_cast<std::size_t>(which)];
  if (module.handle != nullptr) return module;
  std::string path = find_module(which, need);
  // Threads are ours: a BLAS that starts its own would fight with them. OpenBLAS reads this when it
  // is loaded.
  ::setenv("OPENBLAS_NUM_THREADS", "1", /*overwrite=*/0);
  // Waiting OpenMP threads sleep instead of spinning, which ruins two threads on two busy cores.
  ::setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  choose_blas_kernels();
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = ::dlerror();
    throw Error(ErrorKind::kUnsupported,
                path + ": cannot be loaded: " + (reason != nullptr ? reason : "no reason given"))
        .with_hint(std::string(row_of(which).install) + " and build autogo again");
  }
  module = {std::move(path), handle};
  return module;
}

[[noreturn]] void refuse(const std::string& path) {
  throw Error(ErrorKind::kUnsupported, path + ": belongs to another autogo")
      .with_hint("build or install autogo again, as a whole");
}

}  // namespace

void* module_entry(Module which, const char* entry, const std::string& need) {
  const OpenModule& module = open_module(which, need);
  void* address = ::dlsym(module.handle, entry);
  if (address == nullptr) refuse(module.path);
  return address;
}

void refuse_module(Module which) { refuse(open_module(which, "").path); }

}  // namespace autogo
