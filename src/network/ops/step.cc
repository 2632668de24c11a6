#include "step.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include "tensors/torch_tensors.h"

namespace autogo {
namespace {

bool is_floating(DType type) {
  return type == DType::kFloat32 || type == DType::kFloat16 || type == DType::kFloat64 ||
         type == DType::kBFloat16;
}

const std::map<std::string_view, KernelBuilder>& table() {
  static const std::map<std::string_view, KernelBuilder> operators = [] {
    std::map<std::string_view, KernelBuilder> all;
    for (const auto rows :
         {elementwise_operators(), logic_operators(), window_operators(), norm_operators(),
          matrix_operators(), movement_operators(), index_operators(), resize_operators()}) {
      for (const KernelRow& row : rows) AUTOGO_CHECK(all.emplace(row.name, row.build).second);
    }
    return all;
  }();
  return operators;
}

}  // namespace

torch::ScalarType torch_type(DType type, torch::ScalarType float_type) {
  if (is_floating(type)) return float_type;
  const auto plain = scalar_type_of(type);
  AUTOGO_REQUIRE(plain.has_value(), ErrorKind::kUnsupported,
                 std::string("tensors of type ") + dtype_name(type) + " cannot be computed with");
  return *plain;
}

torch::Tensor to_torch(const ProgramTensor& tensor, torch::ScalarType float_type) {
  const torch::ScalarType type = torch_type(tensor.dtype, float_type);
  torch::Tensor result = torch::empty(tensor.dims, torch::TensorOptions().dtype(type));
  if (tensor.splat) {
    ProgramTensor one = tensor;
    one.dims.clear();
    return result.fill_(real_values(one)[0]);
  }
  const std::string bytes = converted_bytes(tensor, dtype_of(type));
  AUTOGO_CHECK(bytes.size() == result.nbytes());
  if (!bytes.empty()) std::memcpy(result.data_ptr(), bytes.data(), bytes.size());
  return result;
}

ProgramTensor from_torch(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.detach().to(torch::kCPU).contiguous();
  std::string bytes(plain.nbytes(), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), plain.data_ptr(), bytes.size());
  return make_tensor(dtype_of(plain.scalar_type()), plain.sizes().vec(), std::move(bytes));
}

std::vector<std::int64_t> to_integers(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.to(torch::kCPU, torch::kLong).contiguous();
  const auto* data = plain.data_ptr<std::int64_t>();
  return {data, data + plain.numel()};
}

std::int64_t positive_axis(std::int64_t axis, std::int64_t rank) {
  AUTOGO_REQUIRE(
      axis >= -rank && axis < std::max<std::int64_t>(rank, 1), ErrorKind::kInput,
      "axis " + std::to_string(axis) + " of a tensor with " + std::to_string(rank) + " dimensions");
  return axis < 0 ? axis + rank : axis;
}

std::pair<torch::Tensor, torch::Tensor> together(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.device() == b.device()) return {a, b};
  return a.device().is_cpu() ? std::pair(a.to(b.device()), b) : std::pair(a, b.to(a.device()));
}

const ProgramTensor* KernelNode::constant(std::size_t i) const {
  if (!has(i)) return nullptr;
  const int c = program.values[static_cast<std::size_t>(node.inputs[i])].constant;
  return c < 0 ? nullptr : &program.constants[static_cast<std::size_t>(c)].tensor;
}

Shape KernelNode::input_shape(std::size_t i) const {
  return has(i) ? program.values[static_cast<std::size_t>(node.inputs[i])].shape : Shape();
}

Shape KernelNode::output_shape(std::size_t i) const {
  return has_output(i) ? program.values[static_cast<std::size_t>(node.outputs[i])].shape : Shape();
}

Integers::Integers(const KernelNode& view, const char* attribute, int slot) {
  if (attribute != nullptr && view.node.attributes.contains(attribute)) {
    const ProgramAttribute& value = view.node.attributes.at(attribute);
    if (const auto* one = std::get_if<std::int64_t>(&value)) {
      values_ = {*one};
    } else {
      values_ = *view.node.integers(attribute);
    }
    known_ = true;
    return;
  }
  if (slot < 0 || !view.has(static_cast<std::size_t>(slot))) return;
  if (const ProgramTensor* constant = view.constant(static_cast<std::size_t>(slot))) {
    values_ = integer_values(*constant);
    known_ = true;
  } else {
    slot_ = slot;
  }
}

std::vector<std::int64_t> Integers::get(const KernelCall& call) const {
  if (known_) return values_;
  AUTOGO_CHECK(slot_ >= 0);
  return to_integers(call.in(static_cast<std::size_t>(slot_)));
}

Kernel build_kernel(const KernelNode& view) {
  const ProgramNode& node = view.node;
  const auto row = table().find(node.op_type);
  if (!node.domain.empty() || row == table().end()) {
    throw Error(ErrorKind::kUnsupported, "operator " +
                                             (node.domain.empty() ? "" : node.domain + ".") +
                                             node.op_type + " cannot run here")
        .with_hint("autogo runs the standard operators except control flow and quantisation");
  }
  return row->second(view);
}

std::vector<std::string> known_operators() {
  std::vector<std::string> names;
  for (const auto& [name, build] : table()) names.emplace_back(name);
  return names;
}

}  // namespace autogo
