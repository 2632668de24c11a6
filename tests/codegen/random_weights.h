#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "autogo/base/rng.h"
#include "autogo/program/program.h"

namespace autogo {

/// Values around which the numbers of a weight lie, and how far they go.
struct Spread {
  double middle = 0, width = 0.1;
};

inline Spread spread_of(const Program& program, const ProgramConstant& constant) {
  for (const ProgramNode& node : program.nodes) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != constant.value) continue;
      const bool norm = node.op_type.ends_with("Normalization");
      if (norm && (i == 1 || i == 4)) return {1, 0.3};
      if (node.op_type == "Mul") return {1, 0.3};
      if (node.op_type == "PRelu") return {0.2, 0.1};
    }
  }
  const auto& dims = constant.tensor.dims;
  if (dims.size() < 2) return {};
  double inputs = 1;  // He: a convolution's dimensions behind the first
  for (std::size_t d = 1; d < dims.size(); ++d) inputs *= static_cast<double>(dims[d]);
  if (dims.size() == 2) inputs = static_cast<double>(std::min(dims[0], dims[1]));
  return {0, std::sqrt(3.0 / std::max(inputs, 1.0))};
}

/// Writes the network with random numbers in every weight, so that an operand in the wrong place
/// shows: sample models have equal numbers in each.
inline void write_randomized(const Graph& graph, std::uint64_t seed, const std::string& path) {
  ExportOptions options;
  options.seed = seed;
  const Program program = lower(graph, options);
  std::map<std::string, ProgramTensor> weights;
  std::uint64_t number = 0;
  for (const ProgramConstant& constant : program.constants) {
    Rng rng = Rng(seed).fork(++number);
    if (constant.role == ConstantRole::kFixed) continue;
    const Spread spread = spread_of(program, constant);
    std::vector<float> values(static_cast<std::size_t>(constant.tensor.elements()));
    for (float& v : values) {
      v = static_cast<float>(spread.middle + spread.width * (2 * rng.uniform() - 1));
    }
    weights[program.values[static_cast<std::size_t>(constant.value)].name] =
        make_tensor(constant.tensor.dims, values);
  }
  replace_weights(graph, weights, path, options);
}

}  // namespace autogo
