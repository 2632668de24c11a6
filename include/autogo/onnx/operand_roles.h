#pragma once

#include <cstdint>
#include <string_view>

namespace autogo {

/// What training does with a constant.
enum class ConstantRole : std::uint8_t {
  kWeight,  ///< trained: convolution, matrix, normalisation scale, bias, slope, embedding
  kBuffer,  ///< running statistics of batch normalisation, updated but not trained
  kFixed,   ///< a number of the architecture: axes, bounds, shapes, input normalisation
};

/// What training does with a constant that a node reads beside computed values.
/// @param domain    empty: ONNX's own
/// @param slot      of the node's inputs
/// @param elements  of the constant; negative: unknown
ConstantRole operand_role(std::string_view domain, std::string_view op, std::size_t slot,
                          std::int64_t elements);

/// Whether a node that reads constants only gives the role of its output to the one in this slot:
/// a transposed or cast weight is a weight, the permutation is none.
bool passes_role(std::string_view op, std::size_t slot, std::int64_t elements);

}  // namespace autogo
