#pragma once

#include <limits>
#include <map>
#include <string>

#include "autogo/search/validate.h"
#include "base/json.h"

namespace autogo {

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

/// @throws Error kIo
void write_validation(const std::string& directory, const OrderedJson& setting,
                      const Validation& validation, const KnownTrainings& known);

}  // namespace autogo
