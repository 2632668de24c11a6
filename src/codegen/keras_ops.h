#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "section_code.h"
#include "torch_ops.h"

namespace autogo {

// Keras' operators by family; one file each. A map of rank 4 is stored with its channels last
// (FileState::channels_last) or as ONNX has it, whichever its operator gives.
std::span<const OperatorRow> keras_elementwise();
std::span<const OperatorRow> keras_layers();
std::span<const OperatorRow> keras_movement();

PyExpr keras_idiom(Call& call);
std::string_view keras_helper(const std::string& name);

// Shared by the rules.

bool is_channels_last(Call& call, int v);
/// An operand with its channels last. @throws Error kUnsupported unless it has rank 4
PyExpr last_operand(Call& call, std::size_t i);
/// An operand in ONNX's order of dimensions.
PyExpr plain_operand(Call& call, std::size_t i);
/// The unit's first output is stored like that.
void set_channels_last(Call& call, bool last);
/// Operands that broadcast, in one order; weights are made to fit. Sets the order of the result.
std::vector<PyExpr> joined_operands(Call& call);
/// `layer(x)`
PyExpr applied(const std::string& layer, const PyExpr& x);

}  // namespace autogo
