#pragma once

#include <ATen/core/Generator.h>
#include <torch/types.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/program/program.h"

namespace autogo {

/// The values of one forward pass.
struct Frame {
  std::vector<torch::Tensor> slots;  ///< by value
  bool training = false;
  at::Generator random;  ///< what training draws: dropout
  /// Batch of these inputs over the batch that the file fixes: numbers in the file that carry the
  /// batch are scaled by it. 1/1 where the file leaves the batch open.
  std::int64_t batch = 1, file_batch = 1;
};

class KernelCall;
/// An operator with its attributes resolved: reads inputs, sets outputs.
using Kernel = std::function<void(KernelCall&)>;

struct Step {
  Kernel run;
  std::vector<int> inputs, outputs;  ///< values, -1: absent
  std::vector<int> release;          ///< values that nobody reads after this step
  int node = -1;                     ///< index into the program's nodes
  bool skip = false;                 ///< nothing that is asked for depends on it
};

/// What a kernel sees of the pass.
class KernelCall {
 public:
  KernelCall(Frame& frame, const Step& step) : frame_(frame), step_(step) {}
  std::size_t num_inputs() const { return step_.inputs.size(); }
  bool has(std::size_t i) const { return i < step_.inputs.size() && step_.inputs[i] >= 0; }
  const torch::Tensor& in(std::size_t i) const {
    return frame_.slots[static_cast<std::size_t>(step_.inputs[i])];
  }
  /// Undefined when absent.
  torch::Tensor optional(std::size_t i) const { return has(i) ? in(i) : torch::Tensor(); }
  void out(torch::Tensor value, std::size_t i = 0) {
    if (i < step_.outputs.size() && step_.outputs[i] >= 0) {
      frame_.slots[static_cast<std::size_t>(step_.outputs[i])] = std::move(value);
    }
  }
  std::size_t num_outputs() const { return step_.outputs.size(); }
  const Frame& frame() const { return frame_; }
  bool training() const { return frame_.training; }

 private:
  Frame& frame_;
  const Step& step_;
};

/// What a builder sees of a node while its kernel is made.
class KernelNode {
 public:
  KernelNode(const Program& p, const ProgramNode& n, torch::ScalarType type, torch::Device d)
      : program(p), node(n), float_type(type), device(d) {}
  const Program& program;
  const ProgramNode& node;
  torch::ScalarType float_type;  ///< what every floating type computes as
  torch::Device device;
  int batch_axis = -1;  ///< of the first output, where the file fixes the batch; -1: unknown

  std::int64_t opset() const { return program.opset; }
  bool has(std::size_t i) const { return i < node.inputs.size() && node.inputs[i] >= 0; }
  bool has_output(std::size_t i) const { return i < node.outputs.size() && node.outputs[i] >= 0; }
  /// The constant behind an input, null when it is computed or absent.
  const ProgramTensor* constant(std::size_t i) const;
  /// Known shape of an input or output; no rank when unknown.
  Shape input_shape(std::size_t i) const;
  Shape output_shape(std::size_t i = 0) const;
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::kUnsupported, what);
  }
};

/// A list of integers that is an attribute in old opsets and an input in newer ones, and mostly
/// known when the kernel is made.
class Integers {
 public:
  /// The attribute, or input `slot`, or neither.
  Integers(const KernelNode& view, const char* attribute, int slot);
  bool given() const { return known_ || slot_ >= 0; }
  bool known() const { return known_; }
  /// Requires given().
  std::vector<std::int64_t> get(const KernelCall& call) const;

 private:
  bool known_ = false;
  std::vector<std::int64_t> values_;
  int slot_ = -1;
};

using KernelBuilder = Kernel (*)(const KernelNode&);
struct KernelRow {
  const char* name;
  KernelBuilder build;
};
// The operators by family; one file each.
std::span<const KernelRow> elementwise_operators();
std::span<const KernelRow> logic_operators();
std::span<const KernelRow> window_operators();
std::span<const KernelRow> norm_operators();
std::span<const KernelRow> matrix_operators();
std::span<const KernelRow> movement_operators();
std::span<const KernelRow> index_operators();
std::span<const KernelRow> resize_operators();

/// The kernel of a node. @throws Error kUnsupported, without naming the node
Kernel build_kernel(const KernelNode& view);
/// Names of all operators that run, sorted.
std::vector<std::string> known_operators();

// Helpers of the kernels.
torch::ScalarType torch_type(DType type, torch::ScalarType float_type);
/// The tensor with its own memory.
torch::Tensor to_torch(const ProgramTensor& tensor, torch::ScalarType float_type);
ProgramTensor from_torch(const torch::Tensor& tensor);
std::vector<std::int64_t> to_integers(const torch::Tensor& tensor);
/// An axis that counts from the end when negative. @throws Error kInput outside the rank
std::int64_t positive_axis(std::int64_t axis, std::int64_t rank);
/// Two operands on one device: shape arithmetic stays on the CPU until it meets data.
std::pair<torch::Tensor, torch::Tensor> together(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace autogo
