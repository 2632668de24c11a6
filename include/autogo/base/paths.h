#pragma once

#include <string>
#include <vector>

namespace autogo {

/// Where the parts of an installation are. The build folder mirrors the installed tree (bin/, lib/,
/// libexec/, share/autogo/), so one rule serves both. Roots are tried in this order: the folder
/// above the running program's, the prefix autogo was configured for, the build folder.

/// A file of the data folder ("segments.json", "models/fsrcnn4.onnx"). The folder that the
/// environment variable AUTOGO_DATA names is tried first.
/// @throws Error kIo that names what was looked for and where
std::string data_file(const std::string& name);

/// A helper program in libexec/autogo ("autogo-spm"). @throws Error kIo
std::string helper_program(const std::string& name);

/// A module loaded at run time from lib/autogo ("autogo_torch.so"). @throws Error kIo
std::string module_file(const std::string& name);

/// The folders that data_file() searches, in order.
std::vector<std::string> data_folders();

}  // namespace autogo
