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
std::span<const OperatorRow> torch_norms();
std::span<const OperatorRow> torch_reductions();
std::span<const OperatorRow> torch_sampling();

/// The expression of an idiom (Unit::idiom).
PyExpr torch_idiom(Call& call);
/// The text of a Python function that rules ask for (Call::helper).
std::string_view torch_helper(const std::string& name);

/// "torch.int32"; every floating-point type is torch.float32. Empty: PyTorch has no such type.
std::string torch_type(DType type);
/// Integers, without truth values.
bool is_whole(DType type);
/// "2d": what the names of layers over that many dimensions end in.
std::string torch_dimension(std::size_t rank);
/// A small constant as an expression: "torch.tensor([1, 2], dtype=torch.int32)".
PyExpr torch_tensor(const ConstantView& constant);
/// The type as the last argument of a call, where it is not what Python's integers make.
void add_type(std::vector<std::string>& arguments, DType type);
/// `x.long()`
PyExpr torch_as(const PyExpr& x, DType type);
/// An operand that counts entries, as a number of Python: "3", "int(x)".
std::string torch_count(Call& call, std::size_t i);
/// An operand that picks entries, as the type that PyTorch picks by.
PyExpr torch_index(Call& call, std::size_t i);

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
/// A slice of one axis, as Python has it for steps above 0.
struct PythonSlice {
  std::size_t axis = 0;
  std::int64_t start = 0, end = 0, step = 1;
  std::int64_t size = -1;  ///< of the axis, where it is known

  bool open() const;   ///< up to the end of the axis
  bool flips() const;  ///< the whole axis backwards
};

/// @throws Error kUnsupported for bounds that are computed, and inputs of unknown rank
std::vector<PythonSlice> slice_ranges(const Call& call);
/// "1:-1", "::2", ":"
std::string py_slice(const PythonSlice& range);
/// `x[:, 1:]`, or x itself where every axis is whole.
PyExpr py_sliced(const PyExpr& x, const std::vector<std::string>& index);

struct SplitParts {
  std::size_t axis = 0;
  std::vector<std::int64_t> sizes;  ///< one for each output
};

/// @throws Error kUnsupported for sizes that are computed, or an axis of unknown size
SplitParts split_parts(const Call& call);
/// Pads in PyTorch's order, the last dimension first: "(1, 1, 0, 0)".
std::string torch_pads(const std::vector<std::int64_t>& pads);

}  // namespace autogo
