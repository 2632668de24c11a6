#pragma once

#include <c10/util/Exception.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autogo/network/network.h"
#include "network/ops/step.h"

namespace autogo {

/// A Program as LibTorch operations: what the training loop drives, as it would a
/// torch::nn::Module. Every operator was resolved once, into a function on value slots; forward
/// walks a list. Gradients flow by autograd. Slots are released at their last use.
class NetModule {
 public:
  using Tensors = std::vector<torch::Tensor>;
  using Named = std::vector<std::pair<std::string, torch::Tensor>>;

  /// @throws Error kUnsupported, kUsage: see make_network()
  NetModule(const Program& program, const NetworkOptions& options);
  ~NetModule();

  /// @param inputs  in the program's order, on the device; the batch may differ from the file's
  /// @return        the program's outputs, then the taps, in order
  /// @throws Error  kInput: number or shape of the inputs; kUnsupported: a batch that a reshape of
  ///                the network cannot carry
  Tensors forward(const Tensors& inputs);

  void train(bool on) { training_ = on; }
  bool training() const { return training_; }
  /// What the next passes in training mode draw (dropout) follows from the seed.
  void seed(std::uint64_t seed) { random_.set_current_seed(seed); }

  /// Values to hand out as well, by name, such as the backbone's features for a head.
  /// @throws Error kInput: no such value
  void set_taps(const std::vector<std::string>& names);
  /// Leaves out whatever only the program's own outputs need: forward returns the taps alone.
  void taps_only(bool on);

  /// Leaf tensors that require gradients, in the program's order. The names are value names.
  const Named& named_parameters() const { return parameters_; }
  /// Running statistics.
  const Named& named_buffers() const { return buffers_; }
  Tensors parameters() const;
  std::int64_t num_parameters() const;

  /// Copies of parameters and buffers by name, on the CPU: a checkpoint.
  std::map<std::string, torch::Tensor> state() const;
  /// @throws Error kInput: a name is missing or unknown, or a shape differs
  void load_state(const std::map<std::string, torch::Tensor>& state);
  /// The state as replace_weights wants it.
  std::map<std::string, ProgramTensor> weights() const;

  torch::Device device() const { return device_; }
  torch::ScalarType float_type() const { return float_type_; }
  const Program& program() const { return program_; }

 private:
  void add_constants(const NetworkOptions& options);
  void add_steps();
  void plan_release();
  void place_inputs(const Tensors& inputs, Frame& frame) const;
  Error step_error(const Step& step, const Frame& frame, const c10::Error& e) const;

  Program program_;
  torch::Device device_;
  torch::ScalarType float_type_;
  bool mixed_precision_ = false;
  std::int64_t file_batch_ = 0;  ///< that the inputs fix; 0: open
  bool training_ = false;
  at::Generator random_;
  bool taps_only_ = false;
  Named parameters_, buffers_;
  std::vector<torch::Tensor> constants_;  ///< by value; undefined: computed
  std::vector<Step> steps_;
  std::vector<int> results_;  ///< values that forward returns
  std::vector<int> taps_;
};

/// The device of the options. @throws Error kUnsupported: LibTorch has no CUDA
torch::Device torch_device(const NetworkOptions& options);
/// LibTorch's threads for one operator (0: as it is), and none inside OpenBLAS.
void set_operator_threads(int threads);

}  // namespace autogo
