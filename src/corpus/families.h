#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/base/rng.h"
#include "autogo/graph/graph.h"
#include "builder.h"

namespace autogo {

struct SampleOptions;

/// A family of networks, each named by an id that says how to build it (families.md).
struct Family {
  std::string_view name;    ///< as in a corpus header and on the command line
  std::string_view prefix;  ///< of its ids
  Graph (*build)(const std::string& id);
  /// Refuses what `build` refuses, without building.
  void (*check)(const std::string& id);
  /// A random id, by the family's own distribution; null: its networks come from a table.
  std::string (*draw)(Rng& rng, bool wide);
  std::uint64_t size;  ///< number of ids; 0: beyond 64 bits, or not sampled
};

std::span<const Family> families();
/// By the id's prefix, by name; nullptr when there is none.
const Family* family_of_id(std::string_view id);
const Family* family_named(std::string_view name);

/// Draws different networks of a family that is sampled, by id and by graph, and calls take(id) for
/// each. @return how many draws gave a network once more
/// @throws Error kUsage: the family has not so many
std::uint64_t draw_distinct(const Family& family, const SampleOptions& options,
                            const std::function<void(const std::string& id)>& take);

inline constexpr std::string_view kHiamlPrefix = "hiaml:";
inline constexpr std::string_view kTwoPathPrefix = "two_path:";
inline constexpr std::string_view kInceptionPrefix = "inception:";

void check_hiaml(const std::string& id);
void check_two_path(const std::string& id);
void check_inception(const std::string& id);
std::string draw_hiaml(Rng& rng, bool wide);
std::string draw_two_path(Rng& rng, bool wide);
/// @param wide  up to 4 operations a path and 4 times the paths a block, instead of AutoGO's limits
std::string draw_inception(Rng& rng, bool wide);

enum class Activation { kNone, kRelu, kRelu6 };

/// The words of HiAML, Two-Path and Inception: a convolution with padding SAME is always followed
/// by batch normalisation, and most by an activation.
class FamilyBuilder : public NetBuilder {
 public:
  explicit FamilyBuilder(bool conv_bias = false) : bias_(conv_bias) {}

  /// Convolution, batch normalisation, activation. @param kernel, stride  {height, width}
  ValueId conv_bn(ValueId x, std::array<std::int32_t, 2> kernel, std::array<std::int32_t, 2> stride,
                  std::int32_t channels, Activation activation);
  ValueId conv_bn(ValueId x, std::int32_t kernel, std::int32_t stride, std::int32_t channels,
                  Activation activation) {
    return conv_bn(x, {kernel, kernel}, {stride, stride}, channels, activation);
  }
  ValueId norm(ValueId x);
  ValueId activate(ValueId x, Activation activation);
  ValueId pool_bn(OpKind op, ValueId x) { return norm(pool(op, x, 3, 1)); }
  std::int32_t width(ValueId x) const { return static_cast<std::int32_t>(channels(x)); }

 private:
  bool bias_;
};

/// "a,b,,c" in its parts; one empty part for an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// `text` without `prefix`, if it begins with it.
std::string_view without_prefix(std::string_view text, std::string_view prefix);

/// For messages: at most 120 characters of an id.
std::string shown_id(std::string_view id);

/// Index of the row that is named so. @param refuse  is told, when there is none, and throws
template <typename Rows, typename Refuse>
std::size_t find_operation(const Rows& rows, std::string_view name, const Refuse& refuse) {
  std::string known;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].name == name) return i;
    known += (known.empty() ? "" : ", ") + std::string(rows[i].name);
  }
  refuse("unknown operation '" + shown_id(name) + "', expected one of " + known);
  return rows.size();
}

/// Operations of a block, as indices of a table that lists convolutions first: at least one
/// convolution, at most one other. Order random.
/// @param convs  number of convolutions in the table. @param all  rows of the table
std::vector<std::size_t> draw_operations(Rng& rng, std::size_t count, std::size_t convs,
                                         std::size_t all);

}  // namespace autogo
