// Fresh weights, by the operator that reads them:
//
//   convolution      normal, variance 2 / fan-out (He et al. 2015, as ResNets are trained), fan-out
//                    being outputs x kernel positions / groups
//   matrices         normal, variance 1 / fan-in (LeCun)
//   normalisation    scale 1, bias 0, running mean 0, running variance 1
//   PRelu            slope 0.25
//   biases           0; also constants added that vary along one axis only
//   other operands   of Add, Concat, Expand, Gather: normal, deviation 0.02 (embeddings); of Mul: 1
//
// A convolution or matrix whose product goes straight into an addition of two computed values, with
// no normalisation between, is divided by the square root of the number of such additions: else
// every residual block doubles the variance, and EDSR's sixteen make it 65,000-fold.
//
// A weight that is transposed or reshaped before it is read is treated as its reader reads it, with
// the fans of its own shape.
//
// Tested by tests/network/net_module_test.cc.

#include "initial_weights.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "autogo/base/rng.h"

namespace autogo {
namespace {

enum class Kind { kValue, kConv, kConvTranspose, kMatrix, kTransposedMatrix, kEmbedding };

struct Recipe {
  Kind kind = Kind::kValue;
  double value = 0;
  bool residual = false;
};

class Recipes {
 public:
  explicit Recipes(const Program& program)
      : program_(program), readers_(program.values.size()), computed_(program.values.size()) {
    for (const int input : program.inputs) computed_[at(input)] = true;
    for (const ProgramNode& node : program.nodes) {
      bool computed = false;
      for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
        if (node.inputs[slot] < 0) continue;
        readers_[at(node.inputs[slot])].push_back({&node, slot});
        computed = computed || computed_[at(node.inputs[slot])];
      }
      for (const int output : node.outputs) {
        if (output >= 0) computed_[at(output)] = computed;
      }
    }
    for (const ProgramNode& node : program.nodes) additions_ += is_addition(node) ? 1 : 0;
  }

  Recipe of(int value) const { return read_by(value, 0); }
  int additions() const { return additions_; }

 private:
  struct Reader {
    const ProgramNode* node;
    std::size_t slot;
  };
  static std::size_t at(int value) { return static_cast<std::size_t>(value); }

  bool is_addition(const ProgramNode& node) const {
    if (node.op_type != "Add" && node.op_type != "Sum") return false;
    return std::ranges::count_if(node.inputs, [&](int v) { return v >= 0 && computed_[at(v)]; }) >=
           2;
  }

  /// Whether the product is added to something before it is normalised.
  bool residual(const ProgramNode& product) const {
    int value = product.outputs[0];
    for (int depth = 0; depth < 3 && value >= 0; ++depth) {
      const auto& readers = readers_[at(value)];
      if (readers.size() != 1) return false;
      const ProgramNode& reader = *readers[0].node;
      if (is_addition(reader)) return true;
      if (reader.op_type != "Add" && reader.op_type != "Mul") return false;  // a bias, a scale
      value = reader.outputs[0];
    }
    return false;
  }

  Recipe read_by(int value, int depth) const {
    if (readers_[at(value)].empty() || depth > 8) return {};
    const auto& [node, slot] = readers_[at(value)].front();
    const std::string_view op = node->op_type;
    if (!computed_[at(node->outputs[0])]) return read_by(node->outputs[0], depth + 1);
    const bool res = residual(*node);
    if (op == "Conv") return slot == 1 ? Recipe{Kind::kConv, 0, res} : Recipe{};
    if (op == "ConvTranspose") return slot == 1 ? Recipe{Kind::kConvTranspose, 0, res} : Recipe{};
    if (op == "Gemm") {
      if (slot == 2) return {};
      const bool flipped = node->integer(slot == 1 ? "transB" : "transA", 0) != 0;
      return {flipped ? Kind::kTransposedMatrix : Kind::kMatrix, 0, res};
    }
    if (op == "MatMul" || op == "Einsum") return {Kind::kMatrix, 0, res};
    if (op == "BatchNormalization") return {Kind::kValue, slot == 1 || slot == 4 ? 1.0 : 0.0};
    if (op.ends_with("Normalization")) return {Kind::kValue, slot == 1 ? 1.0 : 0.0};
    if (op == "PRelu") return {Kind::kValue, 0.25};
    if (op == "Mul") return {Kind::kValue, 1};
    if (op == "Add" || op == "Sum") {
      const auto dims = program_.values[at(value)].shape.dims();
      const auto varied = std::ranges::count_if(dims, [](std::int64_t d) { return d > 1; });
      return varied > 1 ? Recipe{Kind::kEmbedding} : Recipe{};
    }
    return {Kind::kEmbedding};
  }

  const Program& program_;
  std::vector<std::vector<Reader>> readers_;  // by value
  std::vector<bool> computed_;                // by value: depends on an input
  int additions_ = 0;
};

double deviation(const Recipe& recipe, const std::vector<std::int64_t>& dims, int additions,
                 std::int64_t groups) {
  double positions = 1;
  for (std::size_t i = 2; i < dims.size(); ++i) positions *= static_cast<double>(dims[i]);
  const auto dim = [&](std::size_t i) {
    return i < dims.size() ? static_cast<double>(dims[i]) : 1;
  };
  double result = 0.02;
  if (recipe.kind == Kind::kConv) {
    result = std::sqrt(2.0 * static_cast<double>(groups) / std::max(dim(0) * positions, 1.0));
  } else if (recipe.kind == Kind::kConvTranspose) {
    result = std::sqrt(2.0 / std::max(dim(1) * positions, 1.0));
  } else if (recipe.kind == Kind::kMatrix) {
    result = 1 / std::sqrt(std::max(dim(dims.size() < 2 ? 0 : dims.size() - 2), 1.0));
  } else if (recipe.kind == Kind::kTransposedMatrix) {
    result = 1 / std::sqrt(std::max(dim(dims.size() < 2 ? 0 : dims.size() - 1), 1.0));
  }
  return recipe.residual ? result / std::sqrt(std::max(additions, 1)) : result;
}

}  // namespace

std::map<std::size_t, ProgramTensor> initial_weights(const Program& program, WeightSource source,
                                                     std::uint64_t seed) {
  std::map<std::size_t, ProgramTensor> result;
  if (source == WeightSource::kFile) return result;
  const Recipes recipes(program);
  std::map<int, std::int64_t> groups;
  for (const ProgramNode& node : program.nodes) {
    if (node.op_type == "Conv" && node.inputs.size() > 1) {
      groups[node.inputs[1]] = node.integer("group", 1);
    }
  }
  for (std::size_t i = 0; i < program.constants.size(); ++i) {
    const ProgramConstant& constant = program.constants[i];
    if (constant.role == ConstantRole::kFixed) continue;
    if (source == WeightSource::kMixed && !constant.tensor.splat) continue;
    const std::string& name = program.values[static_cast<std::size_t>(constant.value)].name;
    const Recipe recipe = recipes.of(constant.value);
    std::vector<float> values(static_cast<std::size_t>(constant.tensor.elements()),
                              static_cast<float>(recipe.value));
    if (recipe.kind != Kind::kValue) {
      const auto group = groups.find(constant.value);
      const double scale = deviation(recipe, constant.tensor.dims, recipes.additions(),
                                     group == groups.end() ? 1 : group->second);
      Rng rng = Rng(seed).fork(hash_bytes(name.data(), name.size()));
      for (float& value : values) value = static_cast<float>(scale * rng.normal());
    }
    result.emplace(i, make_tensor(constant.tensor.dims, values));
  }
  return result;
}

}  // namespace autogo
