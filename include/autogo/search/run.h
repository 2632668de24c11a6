#pragma once

// A run directory as others than the search see it (docs/formats.md): resume, validation,
// refinement and the commands.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autogo/search/search.h"

namespace autogo {

/// Reads RUN/config.json. @throws Error kIo, kInput, kUsage (no run directory)
SearchConfig read_search_config(const std::string& directory);

/// One process at a time works in a run directory: the kernel's lock on the folder, which goes when
/// the process does, however it ends.
class DirectoryLock {
 public:
  /// @throws Error kUsage: another process has it; kIo: no such folder
  explicit DirectoryLock(const std::string& path);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  int folder_ = -1;
};

/// The metric over the seeds.
struct TrainedScore {
  std::vector<double> values;
  double mean() const;
  double deviation() const;  ///< of the sample; 0 for one value
};

/// What inheritance brought to a member (compare inherit_weights()).
struct InheritedTraining {
  double survived = 0;  ///< share of its weights that are not fresh
  TrainedScore before;  ///< any training
  TrainedScore after;   ///< the same epochs as from scratch
};

struct ValidatedNetwork {
  std::string model;  ///< path; a member's within the run directory
  std::uint64_t hash = 0;
  std::int64_t macs = 0, params = 0;
  double predicted_gain = 0;
  TrainedScore trained;
  std::optional<InheritedTraining> inherited;  ///< never the input's
};

struct Validation {
  bool finished = true;                    ///< false: stopped; the same call goes on
  std::string split, metric;               ///< "test", "top1"
  double training_images = 0;              ///< that each training saw, epochs times images
  std::vector<ValidatedNetwork> networks;  ///< the input first, then members by predicted gain
  /// The member's metric minus the input's, seed by seed.
  TrainedScore gain(const ValidatedNetwork& member) const;
};

/// Reads RUN/validation.json. @throws Error kIo, kInput
Validation read_validation(const std::string& directory);

/// What validation.json keeps of a training; NaN: it diverged, or nothing was measured.
struct KnownTraining {
  double before = std::numeric_limits<double>::quiet_NaN();
  double value = std::numeric_limits<double>::quiet_NaN();
  double survived = 0;
};
struct KnownTrainings {
  std::map<std::string, KnownTraining> by_key;
  std::string metric;  ///< empty: no training is known
};

/// The trainings that RUN/validation.json knows; none when it is not there.
/// @throws Error kIo; kInput: it is not what autogo writes
KnownTrainings read_known_trainings(const std::string& directory);

/// Writes RUN/validation.json.
/// @param setting  a JSON object: how the networks were trained. @throws Error kIo, kInput
void write_validation(const std::string& directory, const std::string& setting,
                      const Validation& validation, const KnownTrainings& known);

/// Sets the trained gains of validation.json, where there is one, beside the predicted ones in
/// pareto.json. @throws Error kIo, kInput
void add_validation(const std::string& directory);

}  // namespace autogo
