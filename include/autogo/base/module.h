#pragma once

#include <string>

namespace autogo {

/// A function of autogo_torch.so, the module with everything that owns LibTorch. The first call
/// loads it (0.4 s, 160 MB); it is never unloaded. Looked for in the folder that the environment
/// variable AUTOGO_MODULE_DIR names, then where module_file() looks. Thread-safe.
/// @param entry  name of the function
/// @param need   what is asked for, begins the error: "predictors need LibTorch"
/// @return       never null; the caller casts it and checks the version behind it
/// @throws Error kUnsupported with a hint
void* torch_module_entry(const char* entry, const std::string& need);

/// The error for a module that was built from other sources. @throws always
[[noreturn]] void refuse_torch_module();

}  // namespace autogo
