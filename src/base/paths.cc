#include "autogo/base/paths.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <filesystem>

#include "autogo/base/error.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

/// The folder above the running program's folder; empty when the system does not tell.
std::string program_root() {
  char buffer[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", buffer, sizeof(buffer));
  if (size <= 0 || size == static_cast<ssize_t>(sizeof(buffer))) return "";
  return fs::path(std::string(buffer, static_cast<std::size_t>(size)))
      .parent_path()
      .parent_path()
      .string();
}

std::vector<std::string> under_roots(const std::string& folder) {
  std::vector<std::string> folders;
  for (const std::string& root :
       {program_root(), std::string(AUTOGO_INSTALL_PREFIX), std::string(AUTOGO_BUILD_ROOT)}) {
    std::string path = root;
    path.append("/").append(folder);
    if (root.empty() || std::find(folders.begin(), folders.end(), path) != folders.end()) continue;
    folders.push_back(std::move(path));
  }
  return folders;
}

std::string find_in(const std::vector<std::string>& folders, const std::string& name,
                    const std::string& hint) {
  std::string tried;
  for (const std::string& folder : folders) {
    std::string path = folder + "/" + name;
    std::error_code ignored;
    if (fs::exists(path, ignored)) return path;
    tried.append(tried.empty() ? "" : ", ").append(folder);
  }
  throw Error(ErrorKind::kIo, name + ": not found in " + tried).with_hint(hint);
}

}  // namespace

std::vector<std::string> data_folders() {
  std::vector<std::string> folders = under_roots(AUTOGO_DATADIR "/autogo");
  const char* chosen = std::getenv("AUTOGO_DATA");
  if (chosen != nullptr && *chosen != '\0') folders.insert(folders.begin(), chosen);
  return folders;
}

std::string data_file(const std::string& name) {
  return find_in(data_folders(), name, "set AUTOGO_DATA to the folder that has it");
}

std::string helper_program(const std::string& name) {
  return find_in(under_roots(AUTOGO_LIBEXECDIR "/autogo"), name, "install autogo again");
}

std::string module_file(const std::string& name) {
  return find_in(under_roots(AUTOGO_LIBDIR "/autogo"), name, "build autogo with this module");
}

}  // namespace autogo
