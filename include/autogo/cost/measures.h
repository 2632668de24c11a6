#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace autogo {

/// What a network costs: named numbers, in the order in which they were set. A name is that of JSON
/// ("macs", "weight_bytes"); its measure's unit is its CostModel's to say.
class Measures {
 public:
  /// Replaces the number that is there.
  void set(std::string_view name, double value);
  std::optional<double> find(std::string_view name) const;
  /// @throws Error kInternal: no such measure
  double at(std::string_view name) const;
  /// A count: at() as a whole number.
  std::int64_t count(std::string_view name) const;

  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  std::size_t size() const { return values_.size(); }
  bool operator==(const Measures&) const = default;

 private:
  std::vector<std::pair<std::string, double>> values_;  // a handful: searched in order
};

/// "peak-memory" as on the command line; '-' and '_' are the same there.
std::string measure_word(std::string_view name);

}  // namespace autogo
