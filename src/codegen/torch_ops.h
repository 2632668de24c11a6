#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "section_code.h"

namespace autogo {

using OperatorRule = PyExpr (*)(Call&);
struct OperatorRow {
  std::string_view name;  ///< of the ONNX operator
  OperatorRule rule;
};

// PyTorch's operators by family; one file each.
std::span<const OperatorRow> torch_elementwise();
std::span<const OperatorRow> torch_layers();
std::span<const OperatorRow> torch_movement();
std::span<const OperatorRow> torch_reductions();

/// The expression of an idiom (Unit::idiom).
PyExpr torch_idiom(Call& call);
/// The text of a Python function that rules ask for (Call::helper).
std::string_view torch_helper(const std::string& name);

// Shared by the rules.

/// Pads of a window operator for its input's size: begins, then ends.
/// @throws Error kUnsupported when auto_pad needs a size that is not known
std::vector<std::int64_t> window_pads_of(const Call& call, const std::vector<std::int64_t>& kernel);
/// Spatial attributes, with their default for `rank` dimensions.
std::vector<std::int64_t> window_list(const Call& call, const char* name, std::size_t rank,
                                      std::int64_t other);
bool symmetric_pads(const std::vector<std::int64_t>& pads);
/// The weight of an idiom: the constant operand of that size of its last operator of that type.
std::optional<ConstantView> idiom_weight(const Call& call, std::string_view op_type,
                                         std::int64_t elements);
/// The matrix of a dense layer.
std::optional<ConstantView> idiom_matrix(const Call& call);
/// Pads in PyTorch's order, the last dimension first: "(1, 1, 0, 0)".
std::string torch_pads(const std::vector<std::int64_t>& pads);

}  // namespace autogo
