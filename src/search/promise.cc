// What is promised of a network that no family knows (docs/decisions/0019-honest-gains.md).
//
// The guess G of a whole lineage is bounded, not that of each step: the promise is then a function
// of G alone and increases with it, so the search takes the same way and its front keeps its order;
// only the claim is smaller. A step-by-step bound would charge a detour twice.
//
//   lower bound  G (1 - risk e) for a gain, G (1 + risk e) for a loss; e: stranger_error
//   promise      L (1 - exp(-bound / L)) for a gain, which is below L; L: largest_gain
//
// Where the error is as large as the gain nothing is left of it but the order: a thousandth.
//
// Sums are rounded to 1e-6, far below what a predictor can know, which keeps the journal readable;
// promises to 1e-9, so that they still differ where the sums do.
//
// Tested by tests/search/promise_test.cc.

#include "promise.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace autogo {
namespace {

constexpr double kLeastShare = 0.001;
constexpr double kKnown = 0.5;  ///< trust below which people are told

double rounded(double value, double digits) { return std::round(value * digits) / digits; }

}  // namespace

GainSum GainSum::plus(double gain, double trust) const {
  return {rounded(known + trust * gain, 1e6), rounded(guessed + (1 - trust) * gain, 1e6)};
}

double GainPromise::operator()(const GainSum& sum) const {
  const double error = std::isnan(of_input.stranger_error) ? 1 : of_input.stranger_error;
  double promised = sum.guessed * (1 + risk * error);
  if (sum.guessed > 0) {
    promised = of_input.of_task ? sum.guessed * std::max(1 - risk * error, kLeastShare) : 0;
    const double largest = of_input.largest_gain;
    if (std::isfinite(largest)) promised = -largest * std::expm1(-promised / largest);
  }
  return rounded(sum.known + promised, 1e9);
}

std::string GainPromise::note() const {
  if (!of_input.of_task) {
    return "no family that the predictor learned from knows this network: it makes images, they "
           "classify; no gain is promised; --validate trains networks and can tell";
  }
  if (of_input.trust >= kKnown) return "";
  std::string text = "no family that the predictor learned from knows this network: gains are ";
  text += risk > 0 ? "lower bounds" : "guesses";
  if (std::isfinite(of_input.largest_gain)) {
    char largest[64];
    std::snprintf(largest, sizeof(largest), ", at most %+.2f", of_input.largest_gain);
    text += largest;
  }
  return text + "; --validate trains networks and can tell";
}

}  // namespace autogo
