#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "autogo/graph/op.h"

/// What the files of shape rules share. Names that are too short for the whole library.
namespace autogo::shape_rules {

/// @throws Error kInput
[[noreturn]] void fail(const std::string& text);
void require_known(const TensorType& type);
/// An axis counted from the front. @throws Error kInput: outside of the rank
std::size_t normal_axis(std::int64_t axis, int rank, OpKind kind);

// Rules of operators that give another view of the same elements, or their mean.
TensorType flatten_rule(const Attrs& a, const TensorType& in);
TensorType reshape_rule(const Attrs& a, const TensorType& in);
TensorType transpose_rule(const Attrs& a, const TensorType& in);
TensorType reduce_mean_rule(const Attrs& a, const TensorType& in);

}  // namespace autogo::shape_rules
