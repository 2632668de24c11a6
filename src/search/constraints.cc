// Tested by tests/search/constraints_test.cc.

#include "constraints.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "autogo/base/error.h"

namespace autogo {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string option_of(std::string_view constraint) {
  return "--constraint '" + std::string(constraint) + "'";
}

}  // namespace

double Constraint::limit(double input) const {
  const double amount = percent ? input * value / 100 : value;
  return change ? input + amount : amount;
}

Constraint parse_constraint(std::string_view text) {
  const auto require = [text](bool condition, const std::string& problem) {
    AUTOGO_REQUIRE(condition, ErrorKind::kUsage,
                   option_of(text) + ": " + problem +
                       "expected NAME<=VALUE, like 'params<=5e6', 'macs<=80%' of the input's, or "
                       "'macs<=-20%' less than the input's");
  };
  const std::size_t sign = text.find("<=");
  require(sign != text.npos, "");
  Constraint constraint;
  constraint.measure = trimmed(text.substr(0, sign));
  require(!constraint.measure.empty(), "no measure is named; ");
  std::string_view number = trimmed(text.substr(sign + 2));
  if (number.ends_with('%')) {
    constraint.percent = true;
    number = trimmed(number.substr(0, number.size() - 1));
  }
  constraint.change = number.starts_with('-') || number.starts_with('+');
  if (number.starts_with('+')) {
    number.remove_prefix(1);
    require(!number.starts_with('-'), "'+" + std::string(number) + "' is no number; ");
  }
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), constraint.value);
  require(error == std::errc() && end == number.data() + number.size() &&
              std::isfinite(constraint.value),
          "'" + std::string(number) + "' is no number; ");
  return constraint;
}

bool Bound::holds(double value) const {
  switch (kind) {
    case Kind::kAtMost:
      return value <= limit;
    case Kind::kBelow:
      return value < limit;
    case Kind::kAbove:
      return value > limit;
  }
  return false;
}

bool keeps(std::span<const Bound> bounds, std::span<const double> costs) {
  return std::ranges::all_of(bounds, [&](const Bound& bound) {
    return std::isnan(costs[bound.place]) || bound.holds(costs[bound.place]);
  });
}

double breach(std::span<const Bound> bounds, std::span<const double> costs) {
  double sum = 0;
  for (const Bound& bound : bounds) {
    const double value = costs[bound.place];
    if (bound.kind != Bound::Kind::kAtMost || std::isnan(value) || bound.holds(value)) continue;
    sum += (value - bound.limit) / bound.scale;
  }
  return sum;
}

bool approaches(std::span<const Bound> bounds, std::span<const double> costs,
                std::span<const double> parent) {
  const bool in_window = std::ranges::all_of(bounds, [&](const Bound& bound) {
    return bound.kind == Bound::Kind::kAtMost || bound.holds(costs[bound.place]);
  });
  return in_window && breach(bounds, costs) < breach(bounds, parent);
}

bool admits(std::span<const Bound> bounds, std::span<const double> costs,
            std::span<const double> parent) {
  return keeps(bounds, costs) || approaches(bounds, costs, parent);
}

std::vector<Bound> bounds_of(const SearchOptions& options, const CostModels& models,
                             std::span<const double> input) {
  const std::size_t macs = models.place("macs", "--max-flops-increase");
  std::vector<Bound> bounds = {
      {macs, Bound::Kind::kAbove, input[macs] * (1 - options.max_flops_decrease / 100), input[macs],
       "--max-flops-decrease"},
      {macs, Bound::Kind::kBelow, input[macs] * (1 + options.max_flops_increase / 100), input[macs],
       "--max-flops-increase"}};
  for (const std::string& text : options.constraints) {
    const Constraint constraint = parse_constraint(text);
    const std::size_t place = models.place(constraint.measure, option_of(text));
    const double limit = constraint.limit(input[place]);
    AUTOGO_REQUIRE(limit >= 0, ErrorKind::kUsage,
                   option_of(text) + ": no network costs less than nothing; a value with a sign is "
                                     "a change from the input's");
    const double scale = input[place] > 0 ? input[place] : 1;
    bounds.push_back({place, Bound::Kind::kAtMost, limit, scale, option_of(text)});
  }
  return bounds;
}

std::vector<std::string> objectives_of(const SearchOptions& options) {
  std::vector<std::string> words;
  std::string_view rest = options.objective;
  for (;;) {
    const std::size_t comma = rest.find(',');
    words.emplace_back(trimmed(rest.substr(0, comma)));
    const std::string& word = words.back();
    AUTOGO_REQUIRE(!word.empty(), ErrorKind::kUsage,
                   "--objective '" + options.objective +
                       "': expected one or several measures, like flops or flops,params");
    AUTOGO_REQUIRE(std::ranges::count(words, measure_word(word), measure_word) == 1,
                   ErrorKind::kUsage,
                   "--objective '" + options.objective + "': names '" + word + "' twice");
    if (comma == rest.npos) return words;
    rest.remove_prefix(comma + 1);
  }
}

bool bounds_macs(const SearchOptions& options) {
  return std::ranges::any_of(options.constraints, [](const std::string& text) {
    const std::string word = measure_word(parse_constraint(text).measure);
    return word == "macs" || word == "flops";
  });
}

CostModels asked_models(const SearchOptions& options, const CostModels& models) {
  std::set<std::size_t> places{models.place("macs", "--max-flops-increase")};
  for (const std::string& word : objectives_of(options)) {
    places.insert(models.place(word, "--objective"));
  }
  for (const std::string& text : options.constraints) {
    places.insert(models.place(parse_constraint(text).measure, option_of(text)));
  }
  std::vector<std::shared_ptr<const CostModel>> asked;
  std::size_t first = 0;
  for (const auto& model : models.models()) {
    const std::size_t end = first + model->measures().size();
    const auto at = places.lower_bound(first);
    if (at != places.end() && *at < end) asked.push_back(model);
    first = end;
  }
  return CostModels(std::move(asked));
}

}  // namespace autogo
