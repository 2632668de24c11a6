#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "autogo/base/rng.h"
#include "base/json.h"
#include "net_module.h"
#include "onnx/ort.h"

namespace autogo::testing {

struct NamedTensor {
  std::string name;
  ProgramTensor tensor;
};

/// What ONNX Runtime was given and gave (ort_check.mjs record).
struct Recording {
  std::vector<NamedTensor> inputs, outputs;
};

inline DType dtype_from_ort(const std::string& type) {
  if (type == "float32") return DType::kFloat32;
  if (type == "float64") return DType::kFloat64;
  if (type == "float16") return DType::kFloat16;
  if (type == "int64") return DType::kInt64;
  if (type == "int32") return DType::kInt32;
  if (type == "int8") return DType::kInt8;
  if (type == "uint8") return DType::kUint8;
  if (type == "bool") return DType::kBool;
  throw std::runtime_error("a recording of type " + type);
}

inline Recording read_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  const Json head = parse_json(line, path);
  Recording recording;
  auto read = [&](const Json& list, std::vector<NamedTensor>& tensors) {
    for (const Json& entry : list) {
      std::string bytes(entry.at("bytes").get<std::size_t>(), '\0');
      file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      tensors.push_back(
          {entry.at("name"),
           make_tensor(dtype_from_ort(entry.at("type")),
                       entry.at("dims").get<std::vector<std::int64_t>>(), std::move(bytes))});
    }
  };
  read(head.at("inputs"), recording.inputs);
  read(head.at("outputs"), recording.outputs);
  return recording;
}

/// Largest difference over the largest magnitude of what is expected.
inline double relative_difference(const std::vector<double>& got,
                                  const std::vector<double>& expected) {
  if (got.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, magnitude = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) != std::isnan(expected[i])) {
      return std::numeric_limits<double>::infinity();
    }
    if (std::isnan(got[i]) || got[i] == expected[i]) continue;
    difference = std::max(difference, std::fabs(got[i] - expected[i]));
    magnitude = std::max(magnitude, std::fabs(expected[i]));
  }
  return difference / std::max(magnitude, 1e-30);
}

/// The network's outputs against those recorded for the file. @return the largest difference
inline double compare_with_recording(const std::string& model, double tolerance) {
  const Recording recording = read_recording(model + ".io");
  const Program program = lower(import_onnx(model));
  NetModule net(program, {});
  const torch::NoGradGuard no_grad;
  NetModule::Tensors inputs;
  for (const int value : program.inputs) {
    const std::string& name = program.values[static_cast<std::size_t>(value)].name;
    for (const NamedTensor& input : recording.inputs) {
      if (input.name == name) inputs.push_back(to_torch(input.tensor, net.float_type()));
    }
  }
  const NetModule::Tensors outputs = net.forward(inputs);
  EXPECT_EQ(outputs.size(), recording.outputs.size()) << model;
  double worst = 0;
  for (std::size_t i = 0; i < std::min(outputs.size(), recording.outputs.size()); ++i) {
    const ProgramTensor got = from_torch(outputs[i]);
    const ProgramTensor& expected = recording.outputs[i].tensor;
    EXPECT_EQ(got.dims, expected.dims) << model;
    const std::vector<double> values = real_values(expected);
    const double difference = relative_difference(real_values(got), values);
    EXPECT_LE(difference, tolerance) << model << " output " << recording.outputs[i].name;
    worst = std::max(worst, difference);
  }
  return worst;
}

/// Random numbers for every weight and statistic: nothing is constant, so that an operand in the
/// wrong place shows.
inline std::map<std::string, ProgramTensor> random_weights(const Program& program,
                                                           std::uint64_t seed) {
  NetworkOptions options;
  options.weights = WeightSource::kRandom;
  options.seed = seed;
  const NetModule net(program, options);
  std::map<std::string, ProgramTensor> weights = net.weights();
  for (auto& [name, tensor] : weights) {
    std::vector<double> values = real_values(tensor);
    bool constant = true;
    for (const double v : values) constant = constant && v == values[0];
    if (!constant) continue;
    Rng rng = Rng(seed).fork(hash_bytes(name.data(), name.size()));
    std::vector<float> moved;
    for (const double v : values) {  // a variance of 1 stays positive
      moved.push_back(static_cast<float>(v + 0.4 * (rng.uniform() - 0.5)));
    }
    tensor = make_tensor(tensor.dims, moved);
  }
  return weights;
}

/// Records what ONNX Runtime says of these models and compares; skips without it.
inline void expect_like_runtime(const std::vector<std::string>& models, const std::string& list,
                                double tolerance, const std::string& environment = "") {
  const OrtAnswer answer = ask_ort("record", models, list, environment);
  if (!answer.available) GTEST_SKIP() << answer.text;
  EXPECT_TRUE(answer.ok) << answer.text;
  for (const std::string& model : models) {
    SCOPED_TRACE(model);
    try {
      compare_with_recording(model, tolerance);
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }
}

}  // namespace autogo::testing
