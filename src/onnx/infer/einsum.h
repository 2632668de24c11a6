#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace autogo {

/// An Einsum equation with the sizes of its operands.
class EinsumShapes {
 public:
  /// @param equation  "ij,jk->ik", "...ij,...jk", "bii->bi"; blanks do not count
  /// @param operands  their dimensions, -1 where unknown
  /// @throws Error kInput: malformed, or the operands do not fit it
  EinsumShapes(const std::string& equation, const std::vector<std::vector<std::int64_t>>& operands);

  /// Dimensions of the result, -1 where unknown.
  std::vector<std::int64_t> output() const;
  /// Multiply-accumulates when the operands are multiplied from left to right, each product summed
  /// over what nobody needs any more. A product without a sum is a Mul: none. -1: not known.
  std::int64_t macs() const;

 private:
  /// Axes as numbers: letters, and the places of the ellipsis counted from its end.
  using Axes = std::vector<int>;
  void read_operand(const std::string& term, const std::vector<std::int64_t>& dims);
  void read_output(const std::string& term);
  void imply_output();
  std::int64_t volume(const std::set<int>& axes) const;

  std::string equation_;
  std::vector<Axes> operands_;
  Axes output_;
  std::map<int, std::int64_t> sizes_;  ///< by axis, -1 unknown
  int ellipsis_ = 0;                   ///< axes that the longest ellipsis stands for
};

}  // namespace autogo
