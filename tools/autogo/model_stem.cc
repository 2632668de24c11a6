#include "model_stem.h"

#include <filesystem>

namespace autogo {

std::string model_stem(const std::string& path) {
  return path == "-" ? "stdin" : std::filesystem::path(path).stem().string();
}

}  // namespace autogo
