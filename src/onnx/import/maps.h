#pragma once

#include <optional>
#include <vector>

#include "autogo/graph/graph.h"
#include "import_view.h"

namespace autogo {

/// Permutations of a Transpose between N,H,W,C and N,C,H,W.
inline const std::vector<std::int64_t> kChannelsToFront{0, 3, 1, 2}, kChannelsToBack{0, 2, 3, 1};

/// N,H,W,C as N,C,H,W.
Shape channels_first(const Shape& last);

/// What a table form on maps of channels last says with channels first: axes moved. Empty for
/// operators that do not carry over.
std::optional<TableForm> channels_first_form(const TableForm& form);

/// Whether an operator outside of the table has one output whose axes are those of its input of
/// rank 4.
bool keeps_axes(const ImportView& view, int node);

/// Values of the file whose maps have channels last, as the Graph has them: channels first.
class Maps {
 public:
  explicit Maps(std::size_t num_values) : values_(num_values), views_(num_values, -1) {}

  bool has(int value) const { return values_[at(value)].has_value(); }
  bool has_all(const std::vector<int>& values) const;
  ValueId get(int value) const { return *values_[at(value)]; }
  void set(int value, ValueId map) { values_[at(value)] = map; }

  /// The Transpose that makes a value and is no node of the Graph.
  void set_view(int value, int node) { views_[at(value)] = node; }
  /// @param as_map  for a reader of maps; the others read what is in the Graph as the file has it
  int view(int value, bool as_map) const { return has(value) == as_map ? views_[at(value)] : -1; }

 private:
  static std::size_t at(int value) { return static_cast<std::size_t>(value); }

  std::vector<std::optional<ValueId>> values_;  // by value index
  std::vector<int> views_;                      // by value index
};

}  // namespace autogo
