#pragma once

#include <string>

#include "autogo/predict/predictor.h"

namespace autogo {

/// A network's predicted gain over the searched one, in two sums over the mutations that made it.
struct GainSum {
  double known = 0;    ///< what the labels of a family vouch for
  double guessed = 0;  ///< the rest, as the predictor said it
  bool operator==(const GainSum&) const = default;

  /// After one more mutation of a network that is trusted so far.
  GainSum plus(double gain, double trust) const;
};

/// What a run may promise (docs/decisions/0019-honest-gains.md).
struct GainPromise {
  Knowledge of_input;
  double risk = 1;  ///< SearchOptions::risk

  /// Strictly increasing in both sums, unless the predictor's labels are of another task; 0 of
  /// nothing. What is guessed counts less its own error times `risk` and comes to no more than
  /// Knowledge::largest_gain; of another task it is no gain, but may be a loss.
  double operator()(const GainSum& sum) const;
  /// For people: that no family knows the network, and what to do. Empty where one does.
  std::string note() const;
};

}  // namespace autogo
