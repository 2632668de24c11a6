#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "autogo/search/search.h"
#include "individual.h"
#include "journal.h"
#include "options.h"

namespace autogo {

/// Hashes of what a run reads, as config.json keeps them.
struct InputHashes {
  std::uint64_t model = 0;      ///< of the file's bytes; 0 without a file
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
  /// A new run: makes the folder, writes config.json, creates the journal.
  /// @throws Error kUsage: the folder has files in it, or is in use; kIo
  static RunDirectory create(const std::string& path, const SearchConfig& config,
                             const InputHashes& hashes);
  /// Continues a run; more iterations than it had are added to its configuration. @throws Error
  /// kUsage: no run directory, or in use; kInput: its configuration or an input is not what it was
  static RunDirectory open(const std::string& path, const SearchConfig& config,
                           const InputHashes& hashes);

  Journal& journal() { return *journal_; }
  const std::string& path() const { return path_; }

  /// Whether the journal has anything that a later session could go on from.
  bool has_progress() const;
  /// Takes a run back that came to nothing, so that its -o can be given again: removes the files of
  /// a run, and the folder unless it was there before or holds something else.
  void discard();

  /// Adds this session to env.json: times and machine facts, which nothing else may hold.
  void write_env(const Session& session) const;

 private:
  RunDirectory(std::string path, std::unique_ptr<Journal> journal, bool made_folder = false)
      : path_(std::move(path)), journal_(std::move(journal)), made_folder_(made_folder) {}

  std::string path_;
  std::unique_ptr<Journal> journal_;
  bool made_folder_;
};

/// As the files of a run hold it: indented, a line break at its end, never an exception.
std::string json_text(const OrderedJson& json);
/// @throws Error kIo
void make_folder(const std::string& path);
/// The same for one that must not have files in it. @throws Error kUsage: it has; kIo
void make_new_folder(const std::string& path);

/// Now, in UTC: "2024-05-01T12:00:00Z".
std::string utc_now();

struct RunMember {
  std::uint32_t individual = 0;  ///< index into the history
  std::uint32_t rank = 1;        ///< 1: of the front; 2: of the front of the rest; ...
};

/// The front as files: models/<hash>.onnx (missing ones are written, others removed), pareto.csv
/// and pareto.json, in this order, so that pareto.json never names a file that is not there.
/// @param members  by rank, then by FLOPs
void write_front(const std::string& directory, const SearchConfig& config,
                 const InputHashes& hashes, const History& history,
                 const std::vector<RunMember>& members, double gain_error, int jobs);

/// Sets trained gains of validation.json, where there is one, beside the predicted ones in
/// pareto.json (validation_file.cc).
void add_validation(const std::string& directory);

/// "models/<hash>.onnx"
std::string model_name(std::uint64_t hash);

/// Is the model's weightless: a small file whose weights are made by ConstantOfShape nodes?
bool is_weightless(const std::string& model_path, const Graph& input);

/// hash_bytes of a file. @throws Error kIo
std::uint64_t hash_file(const std::string& path);

}  // namespace autogo
