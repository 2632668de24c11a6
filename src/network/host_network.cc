#include "host_network.h"

#include <ATen/core/grad_mode.h>

#include "net_module.h"
#include "tensors/torch_errors.h"

namespace autogo {
namespace {

/// A NetModule behind the interface that knows no LibTorch.
class HostNetwork : public Network {
 public:
  HostNetwork(const Program& program, const NetworkOptions& options) : net_(program, options) {}

  std::vector<ProgramTensor> forward(const std::vector<ProgramTensor>& inputs) override {
    return translated([&] {
      const at::NoGradGuard no_grad;
      NetModule::Tensors tensors;
      for (const ProgramTensor& input : inputs) {
        tensors.push_back(to_torch(input, net_.float_type()));
      }
      std::vector<ProgramTensor> outputs;
      for (const torch::Tensor& output : net_.forward(tensors)) {
        outputs.push_back(from_torch(output));
      }
      return outputs;
    });
  }
  void train(bool on) override { net_.train(on); }
  std::map<std::string, ProgramTensor> weights() const override {
    return translated([&] { return net_.weights(); });
  }
  std::int64_t num_parameters() const override { return net_.num_parameters(); }

 private:
  NetModule net_;
};

}  // namespace

std::unique_ptr<Network> make_host_network(const Program& program, const NetworkOptions& options) {
  return std::make_unique<HostNetwork>(program, options);
}

}  // namespace autogo
