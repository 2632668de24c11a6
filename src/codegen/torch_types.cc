// What PyTorch calls ONNX's element types, and constants written as tensors of them.
//
// A file computes in float32 whatever floating-point type the network has: PyTorch runs few
// operators in half precision on a CPU, and a file in float32 is what a trainer starts from. Whole
// numbers keep their type, because it shows: in divisions, in overflow, in what the caller gets.
// Unsigned types of more than a byte have no operators in PyTorch, so that they are refused.
//
// Tested by tests/codegen/node_models_test.cc.

#include <algorithm>

#include "torch_ops.h"

namespace autogo {

std::string torch_type(DType type) {
  switch (type) {
    case DType::kFloat32:
    case DType::kFloat64:
    case DType::kFloat16:
    case DType::kBFloat16:
      return "torch.float32";
    case DType::kUint8:
      return "torch.uint8";
    case DType::kInt8:
      return "torch.int8";
    case DType::kInt16:
      return "torch.int16";
    case DType::kInt32:
      return "torch.int32";
    case DType::kInt64:
      return "torch.int64";
    case DType::kBool:
      return "torch.bool";
    default:
      return "";
  }
}

bool is_whole(DType type) {
  const std::string name = torch_type(type);
  return name.find("int") != name.npos;
}

std::string torch_dimension(std::size_t rank) { return std::to_string(rank) + "d"; }

void add_type(std::vector<std::string>& arguments, DType type) {
  if (is_whole(type) && type != DType::kInt64) arguments.push_back("dtype=" + torch_type(type));
}

PyExpr torch_as(const PyExpr& x, DType type) {
  const std::string name = torch_type(type);
  if (name == "torch.float32") return py_method(x, "float");
  if (name == "torch.int64") return py_method(x, "long");
  if (name == "torch.int32") return py_method(x, "int");
  if (name == "torch.bool") return py_method(x, "bool");
  return py_method(x, "to", {name});
}

PyExpr torch_tensor(const ConstantView& constant) {
  if (constant.floating()) return py_call("torch.tensor", {constant.number_text()});
  const std::vector<std::int64_t> values = constant.integers();
  const bool truth = constant.dtype == DType::kBool;
  std::string text;
  for (const std::int64_t v : values) {
    text += (text.empty() ? "" : ", ") + (truth ? py_bool(v != 0) : std::to_string(v));
  }
  std::vector<std::string> arguments{constant.dims.empty() ? text : "[" + text + "]"};
  add_type(arguments, constant.dtype);
  if (values.empty()) arguments = {"[]", "dtype=" + torch_type(constant.dtype)};
  const PyExpr flat = py_call("torch.tensor", arguments);
  return constant.dims.size() < 2 ? flat : py_method(flat, "reshape", {py_items(constant.dims)});
}

std::string torch_count(Call& c, std::size_t i) {
  const auto number = c.number_text(i);
  return number ? *number : py_call("int", {c.in(i).text}).text;
}

PyExpr torch_index(Call& c, std::size_t i) {
  if (auto constant = c.constant(i); constant && constant->elements() <= kMostNumbers) {
    constant->dtype = DType::kInt64;
    return torch_tensor(*constant);
  }
  return c.in_type(i) == DType::kInt64 ? c.in(i) : py_method(c.in(i), "long");
}

}  // namespace autogo
