#include "target.h"

#include <charconv>

#include "autogo/base/error.h"

namespace autogo::fuzz {

bool attempt(const std::function<void()>& step) {
  try {
    step();
    return true;
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kInternal) throw;
    if (std::string(e.what()).empty()) throw Error(ErrorKind::kInternal, "an error without a text");
    return false;
  }
}

std::vector<std::unique_ptr<Target>> all_targets() {
  std::vector<std::unique_ptr<Target>> targets;
  targets.push_back(model_target());
  targets.push_back(database_target());
  targets.push_back(corpus_target());
  targets.push_back(id_target());
  targets.push_back(table_target());
  targets.push_back(run_target());
  targets.push_back(checkpoint_target());
#ifdef AUTOGO_WITH_TORCH
  targets.push_back(predictor_target());
  targets.push_back(trainer_target());
#endif
  return targets;
}

std::string pack_file(const std::string& name, const std::string& bytes) {
  return name + "\n" + std::to_string(bytes.size()) + "\n" + bytes;
}

std::vector<std::pair<std::string, std::string>> split_files(const std::string& input) {
  std::vector<std::pair<std::string, std::string>> files;
  std::size_t at = 0;
  while (at < input.size()) {
    const std::size_t name_end = input.find('\n', at);
    const std::size_t size_end =
        name_end == std::string::npos ? name_end : input.find('\n', name_end + 1);
    if (size_end == std::string::npos) break;
    std::size_t size = 0;
    std::from_chars(input.data() + name_end + 1, input.data() + size_end, size);
    files.emplace_back(input.substr(at, name_end - at), input.substr(size_end + 1, size));
    at = size_end + 1 + std::min(size, input.size() - size_end - 1);
  }
  return files;
}

}  // namespace autogo::fuzz
