#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "autogo/search/run.h"
#include "autogo/search/search.h"
#include "journal.h"
#include "options.h"

namespace autogo {

/// Hashes of what a run reads, as config.json keeps them.
struct InputHashes {
  std::uint64_t model = 0;      ///< hash_model(); 0 without a file
  std::uint64_t input = 0;      ///< canonical_hash of the imported graph
  std::uint64_t segments = 0;   ///< SegmentDatabase::content_hash
  std::uint64_t predictor = 0;  ///< Predictor::content_hash
};

/// One session of a run: what env.json keeps of it.
struct Session {
  std::string started, ended;  ///< UTC, ISO 8601
  int jobs = 0;
  std::string status;
  double seconds = 0;
};

/// The files of a run (DESIGN.md, "Files"). Holds the lock on it while it lives.
class RunDirectory {
 public:
  /// A new run: makes the folder, locks it, writes config.json, creates the journal. Ended at any
  /// moment, it leaves a folder that create() takes again or one that open() continues.
  /// @throws Error kUsage: the folder has files in it, or is in use; kIo
  static RunDirectory create(const std::string& path, const SearchConfig& config,
                             const InputHashes& hashes);
  /// Continues a run; more iterations than it had are added to its configuration. @throws Error
  /// kUsage: no run directory, or in use; kInput: its configuration, an input or an algorithm is
  /// not what it was
  static RunDirectory open(const std::string& path, const SearchConfig& config,
                           const InputHashes& hashes);

  Journal& journal() { return *journal_; }
  const std::string& path() const { return path_; }

  /// Adds this session to env.json: times and machine facts, which nothing else may hold.
  void write_env(const Session& session) const;
  /// Takes a run back, so that its -o can be given again: removes its files, and the folder where
  /// create() made it.
  void discard() const;

 private:
  RunDirectory(std::string path, DirectoryLock lock, bool made_folder)
      : path_(std::move(path)), lock_(std::move(lock)), made_folder_(made_folder) {}

  std::string path_;
  DirectoryLock lock_;
  bool made_folder_ = false;
  std::unique_ptr<Journal> journal_;
};

/// Makes a folder that must not have files in it. @return whether it was made
/// @throws Error kUsage: it has; kIo
bool make_new_folder(const std::string& path);
/// Removes `files` of a folder and its models; with `folder_too` the folder, if that emptied it.
/// What others put there stays.
void remove_from_folder(const std::string& path, std::initializer_list<const char*> files,
                        bool folder_too);

/// Now, in UTC: "2024-05-01T12:00:00Z".
std::string utc_now();

/// Removes models in RUN/models with their data files, but for those wanted.
/// @param wanted  as model_name() has them
void remove_models(const std::string& folder, const std::vector<std::string>& wanted);

/// "models/<hash>.onnx"
std::string model_name(std::uint64_t hash);

}  // namespace autogo
