#pragma once

#include <cstdint>
#include <string>

namespace autogo {

/// The parts of autogo that own a library which takes long to start. Each is loaded when it is
/// first asked for and never unloaded.
enum class Module : std::uint8_t {
  kTorch,   ///< autogo_torch.so, LibTorch: 0.4 s, 160 MB
  kSolver,  ///< autogo_solver.so, CBC and its BLAS: 10 ms
};

/// A function of a module. It is looked for in the folder that the environment variable
/// AUTOGO_MODULE_DIR names, then where module_file() looks. Thread-safe.
/// @param entry  name of the function
/// @param need   what is asked for, begins the error: "predictors need LibTorch"
/// @return       never null; the caller casts it and checks the version behind it
/// @throws Error kUnsupported with a hint
void* module_entry(Module module, const char* entry, const std::string& need);

/// The error for a module that was built from other sources. @throws always
[[noreturn]] void refuse_module(Module module);

}  // namespace autogo
