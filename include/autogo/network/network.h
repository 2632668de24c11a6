#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "autogo/program/program.h"

namespace autogo {

enum class Device : std::uint8_t { kCpu, kCuda };

/// Where the weights of a network come from.
enum class WeightSource : std::uint8_t {
  kFile,    ///< as the Program has them
  kMixed,   ///< splats, which cannot train, are drawn from the seed; the rest as they are
  kRandom,  ///< all are drawn from the seed
};

/// "file", "mixed", "random"; "cpu", "cuda". @throws Error kUsage that lists the words
WeightSource weight_source_from(const std::string& word);
Device device_from(const std::string& word);

struct NetworkOptions {
  WeightSource weights = WeightSource::kFile;
  std::uint64_t seed = 1;
  Device device = Device::kCpu;
  bool mixed_precision = false;  ///< products in half precision; kCuda only
  /// Threads of one operator, 0: leave LibTorch's number. Small networks are fastest with one
  /// (waiting threads cost more than they bring); run several networks side by side instead.
  int threads = 1;
  bool double_precision = false;  ///< compute in float64: gradient checks
};

/// A program that runs: forward in evaluation or training mode. Weights of any floating type
/// compute as float32. The leading dimension of the inputs, the batch, is free even where the file
/// fixes it, as long as the network has no reshape that mixes it with others. Not thread-safe;
/// several networks may run side by side.
class Network {
 public:
  virtual ~Network() = default;

  /// @param inputs  in the program's order; any numeric type
  /// @return        its outputs, in order
  /// @throws Error  kInput: number or shape of the inputs
  virtual std::vector<ProgramTensor> forward(const std::vector<ProgramTensor>& inputs) = 0;
  /// Training mode: batch normalisation uses the batch and updates its running statistics, dropout
  /// drops. Evaluation mode after construction.
  virtual void train(bool on) = 0;
  /// Trained weights and running statistics by value name, as replace_weights wants them.
  virtual std::map<std::string, ProgramTensor> weights() const = 0;
  virtual std::int64_t num_parameters() const = 0;
};

/// @throws Error kUnsupported: an operator that cannot run (control flow, quantisation, foreign
///         domains), named with its node; no LibTorch; no CUDA. kUsage: options that contradict.
/// LibTorch is loaded by the first call.
std::unique_ptr<Network> make_network(const Program& program, const NetworkOptions& options = {});

}  // namespace autogo
