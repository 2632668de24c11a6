// The files of a run. Three rules: a run never writes into a folder that holds something else, a
// file that is there is whole, and nothing but env.json depends on time, machine or threads.
//
// config.json makes a folder a run directory, and appears before any other file, at once, under the
// lock of the folder. A process that is killed while it begins thus leaves an empty folder, or one
// with nothing but a half-written config.json under its temporary name: both count as new. Whatever
// it leaves later is a run that goes on.
//
// Tested by tests/search/run_directory_test.cc and tests/search/search_test.cc.

#include "run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "autogo/base/parallel.h"
#include "json_fields.h"
#include "versions.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

OrderedJson full_config(const SearchConfig& config, const InputHashes& hashes) {
  OrderedJson json = config_to_json(config);
  json["hashes"] = {{"model", hex64(hashes.model)},
                    {"input", hex64(hashes.input)},
                    {"segments", hex64(hashes.segments)},
                    {"predictor", hex64(hashes.predictor)}};
  json["algorithms"] = algorithms_to_json();
  return json;
}

std::string config_path(const std::string& directory) { return directory + "/config.json"; }

std::string no_run_directory(const std::string& path) {
  return path + ": no run directory (config.json is missing); start one with -o " + path;
}

Json read_config_file(const std::string& directory) {
  const std::string path = config_path(directory);
  AUTOGO_REQUIRE(path_exists(path), ErrorKind::kUsage, no_run_directory(directory));
  return parse_json(read_file(path), path);
}

void require_hash(const Json& config, const std::string& directory, const char* what,
                  const std::string& path, std::uint64_t now) {
  const std::string where = config_path(directory);
  const Json hashes = json_member<Json>(config, "hashes", where);
  const std::string then = json_member<std::string>(hashes, what, where);
  AUTOGO_REQUIRE(then == hex64(now), ErrorKind::kInput,
                 directory + ": the " + what + (path.empty() ? "" : " '" + path + "'") +
                     " has changed since the run began (hash " + hex64(now) + ", then " + then +
                     "); restore it, or start a new run with another -o");
}

void require_algorithms(const Json& config, const std::string& directory) {
  const std::string where = config_path(directory);
  const Json& then = json_part(config, "algorithms", where);
  for (const AlgorithmVersion& now : kAlgorithms) {
    const int before = json_member<int>(then, now.name, where);
    AUTOGO_REQUIRE(before == now.version, ErrorKind::kInput,
                   directory + ": was begun with version " + std::to_string(before) + " of \"" +
                       now.name + "\", this autogo has version " + std::to_string(now.version) +
                       " and would find other networks; continue it with the autogo that began "
                       "it, or start a new run with another -o");
  }
}

/// What a process that was killed leaves of a file that it was writing (write_file_atomic).
bool is_unfinished(const std::string& folder, const std::string& name) {
  std::error_code ignored;
  return name.starts_with(".autogo-") && name.ends_with(".tmp") &&
         fs::is_regular_file(folder + "/" + name, ignored);
}

void remove_unfinished(const std::string& folder) {
  if (!is_folder(folder)) return;
  for (const std::string& name : list_folder(folder)) {
    std::error_code ignored;
    if (is_unfinished(folder, name)) fs::remove(folder + "/" + name, ignored);
  }
}

/// Makes the folder of a new run, or takes an empty one. @return whether it was made
bool prepare_folder(const std::string& path) {
  const bool exists = path_exists(path);
  AUTOGO_REQUIRE(!exists || is_folder(path), ErrorKind::kUsage,
                 path + ": is a file, expected a folder for the run; choose another -o");
  make_folder(path);
  return !exists;
}

/// Empties a folder of unfinished files. @throws Error kUsage: there is something else
void require_empty(const std::string& path) {
  if (std::ranges::all_of(list_folder(path),
                          [&](const std::string& name) { return is_unfinished(path, name); })) {
    remove_unfinished(path);
    return;
  }
  const bool ours = path_exists(config_path(path));
  throw Error(ErrorKind::kUsage, path + ": not empty" +
                                     (ours ? ", it holds a run; continue it with --resume " + path +
                                                 ", or choose another -o"
                                           : "; choose another -o"));
}

std::string cpu_model() {
  LineReader reader("/proc/cpuinfo");
  std::string line;
  while (reader.next(line)) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

void remove_models(const std::string& folder, const std::vector<std::string>& wanted) {
  constexpr std::size_t kDigits = 16;
  const std::string extension = ".onnx";
  for (const std::string& name : list_folder(folder)) {
    const bool ours = name.find_first_not_of("0123456789abcdef") == kDigits &&
                      name.compare(kDigits, extension.size(), extension) == 0;
    const std::string model = "models/" + name.substr(0, kDigits + extension.size());
    std::error_code ignored;
    if (ours && !std::ranges::count(wanted, model)) fs::remove(folder + "/" + name, ignored);
  }
}

bool make_new_folder(const std::string& path) {
  const bool made = prepare_folder(path);
  require_empty(path);
  return made;
}

void remove_from_folder(const std::string& path, std::initializer_list<const char*> files,
                        bool folder_too) {
  std::error_code ignored;
  for (const char* file : files) fs::remove(path + "/" + file, ignored);
  const std::string models = path + "/models";
  if (fs::is_directory(models, ignored)) {
    remove_models(models, {});
    fs::remove(models, ignored);  // if nothing else is in it
  }
  if (folder_too) fs::remove(path, ignored);
}

std::string model_name(std::uint64_t hash) { return "models/" + hex64(hash) + ".onnx"; }

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

SearchConfig read_search_config(const std::string& directory) {
  return config_from_json(read_config_file(directory), config_path(directory));
}

DirectoryLock::DirectoryLock(const std::string& path)
    : folder_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  AUTOGO_REQUIRE(folder_ >= 0, ErrorKind::kIo, path + ": cannot open: " + std::strerror(errno));
  if (::flock(folder_, LOCK_EX | LOCK_NB) == 0) return;
  // A file system without locks on folders has the journal's.
  if (errno != EWOULDBLOCK) return;
  ::close(folder_);
  throw Error(ErrorKind::kUsage, path + ": another autogo process works in this run directory");
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)) {}

DirectoryLock::~DirectoryLock() {
  if (folder_ >= 0) ::close(folder_);
}

RunDirectory RunDirectory::create(const std::string& path, const SearchConfig& config,
                                  const InputHashes& hashes) {
  const bool made = prepare_folder(path);
  RunDirectory directory(path, DirectoryLock(path), made);
  require_empty(path);
  try {
    write_file_atomic(config_path(path), json_text(full_config(config, hashes)));
    directory.journal_ = std::make_unique<Journal>(path + "/journal.jsonl");
  } catch (const Error&) {
    directory.discard();
    throw;
  }
  return directory;
}

void RunDirectory::discard() const {
  remove_from_folder(path_,
                     {"config.json", "journal.jsonl", "pareto.csv", "pareto.json", "env.json"},
                     made_folder_);
}

RunDirectory RunDirectory::open(const std::string& path, const SearchConfig& config,
                                const InputHashes& hashes) {
  AUTOGO_REQUIRE(is_folder(path), ErrorKind::kUsage, no_run_directory(path));
  RunDirectory directory(path, DirectoryLock(path), /*made_folder=*/false);
  const Json then = read_config_file(path);
  SearchConfig stored = config_from_json(then, config_path(path));
  require_algorithms(then, path);
  require_hash(then, path, "model", config.model, hashes.model);
  require_hash(then, path, "input", config.model, hashes.input);
  require_hash(then, path, "segments", config.segments, hashes.segments);
  require_hash(then, path, "predictor", config.predictor, hashes.predictor);
  const std::uint32_t planned = stored.options.iterations;
  AUTOGO_REQUIRE(config.options.iterations >= planned, ErrorKind::kUsage,
                 path + ": has " + std::to_string(planned) +
                     " iterations, they cannot be reduced to " +
                     std::to_string(config.options.iterations));
  stored.options.iterations = config.options.iterations;
  AUTOGO_REQUIRE(config_to_json(stored)["options"] == config_to_json(config)["options"],
                 ErrorKind::kUsage,
                 path + ": its options differ from those given; --resume takes them from there");
  for (const char* folder : {"", "/models"}) remove_unfinished(path + folder);
  directory.journal_ = std::make_unique<Journal>(path + "/journal.jsonl");
  if (stored.options.iterations != planned) {
    write_file_atomic(config_path(path), json_text(full_config(stored, hashes)));
  }
  return directory;
}

void RunDirectory::write_env(const Session& session) const {
  const std::string path = path_ + "/env.json";
  OrderedJson json;
  if (path_exists(path)) {
    json = OrderedJson::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  }
  if (!json.is_object() || !json.contains("sessions") || !json["sessions"].is_array()) {
    json = {{"format", "autogo.env"}, {"version", 1}, {"sessions", OrderedJson::array()}};
  }
  utsname system{};
  ::uname(&system);
  json["sessions"].push_back({{"started", session.started},
                              {"ended", session.ended},
                              {"seconds", session.seconds},
                              {"status", session.status},
                              {"jobs", session.jobs},
                              {"cores", available_threads()},
                              {"cpu", cpu_model()},
                              {"system", std::string(system.sysname) + " " + system.release}});
  write_file_atomic(path, json_text(json));
}

}  // namespace autogo
