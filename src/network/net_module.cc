// The Program as LibTorch operations.
//
// Everything that can be decided once is decided when the network is made: which function an
// operator is, with which attributes, where its operands lie, who reads a value last. A pass is
// then a loop over the steps; its own cost, measured by tools/bench, is a few microseconds a
// hundred operators, against which LibTorch's own cost of a call is large.
//
// Constants of numbers that shapes are computed with stay on the CPU, whatever the device:
// otherwise every reshape would wait for the GPU. What meets data moves there (together()).
//
// Tested by tests/network/*_test.cc against ONNX Runtime, finite differences and formulas.

#include "net_module.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <dlfcn.h>

#include <algorithm>
#include <map>

#include "autogo/base/error.h"
#include "autogo/program/batch_axis.h"
#include "initial_weights.h"

namespace autogo {
namespace {

std::size_t at(int value) { return static_cast<std::size_t>(value); }

std::string shape_text(torch::IntArrayRef sizes) {
  return to_string(sizes.size() > Shape::kMaxRank ? Shape() : Shape(sizes.vec()));
}

/// Half precision for products on a GPU, while it lives.
class Autocast {
 public:
  explicit Autocast(bool on) : on_(on), before_(at::autocast::is_enabled()) {
    if (on_) at::autocast::set_enabled(true);
  }
  ~Autocast() {
    if (!on_) return;
    at::autocast::set_enabled(before_);
    at::autocast::clear_cache();
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_, before_;
};

}  // namespace

torch::Device torch_device(const NetworkOptions& options) {
  if (options.device == Device::kCpu) {
    AUTOGO_REQUIRE(!options.mixed_precision, ErrorKind::kUsage,
                   "mixed precision needs a GPU: leave it out or choose the device cuda");
    return torch::kCPU;
  }
  if (!at::hasCUDA()) {
    throw Error(ErrorKind::kUnsupported,
                "device cuda: this LibTorch has no CUDA, or no GPU is there")
        .with_hint("build autogo with a CUDA LibTorch (CMAKE_PREFIX_PATH), or use the device cpu");
  }
  return torch::Device(torch::kCUDA, 0);
}

void set_operator_threads(int threads) {
  if (threads > 0) at::set_num_threads(threads);
  // at::set_num_threads does not govern OpenBLAS; where something loaded it before us, tell it.
  if (void* set = ::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"); set != nullptr) {
    reinterpret_cast<void (*)(int)>(set)(1);
  }
}

NetModule::NetModule(const Program& program, const NetworkOptions& options)
    : program_(program),
      device_(torch_device(options)),
      float_type_(options.double_precision ? torch::kDouble : torch::kFloat),
      mixed_precision_(options.mixed_precision),
      random_(device_.is_cpu() ? at::detail::createCPUGenerator()
                               : at::globalContext().defaultGenerator(device_)),
      constants_(program.values.size()) {
  set_operator_threads(options.threads);
  add_constants(options);
  add_steps();
  results_ = program_.outputs;
  plan_release();
}

NetModule::~NetModule() = default;

void NetModule::add_constants(const NetworkOptions& options) {
  const std::map<std::size_t, ProgramTensor> fresh =
      initial_weights(program_, options.weights, options.seed);
  for (std::size_t i = 0; i < program_.constants.size(); ++i) {
    const ProgramConstant& constant = program_.constants[i];
    const std::string& name = program_.values[at(constant.value)].name;
    const auto drawn = fresh.find(i);
    torch::Tensor tensor;
    try {
      tensor = to_torch(drawn != fresh.end() ? drawn->second : constant.tensor, float_type_);
    } catch (Error& e) {
      e.prepend("constant '" + name + "'");
      throw;
    }
    if (tensor.is_floating_point()) tensor = tensor.to(device_);
    if (constant.role == ConstantRole::kWeight) {
      tensor.requires_grad_(true);
      parameters_.emplace_back(name, tensor);
    } else if (constant.role == ConstantRole::kBuffer) {
      buffers_.emplace_back(name, tensor);
    }
    constants_[at(constant.value)] = tensor;
  }
}

void NetModule::add_steps() {
  const BatchAxes batch = find_batch_axes(program_);
  file_batch_ = batch.file_batch;
  for (std::size_t i = 0; i < program_.nodes.size(); ++i) {
    const ProgramNode& node = program_.nodes[i];
    KernelNode view(program_, node, float_type_, device_);
    if (!node.outputs.empty() && node.outputs[0] >= 0) {
      view.batch_axis = batch.axis[at(node.outputs[0])];
    }
    Step step;
    try {
      step.run = build_kernel(view);
    } catch (Error& e) {
      e.prepend(describe(program_, node));
      throw;
    }
    step.inputs = node.inputs;
    step.outputs = node.outputs;
    step.node = static_cast<int>(i);
    steps_.push_back(std::move(step));
  }
}

/// Which steps run, and after which a value is not needed any more.
void NetModule::plan_release() {
  std::vector<bool> needed(program_.values.size(), false);
  results_.clear();
  if (!taps_only_) results_ = program_.outputs;
  results_.insert(results_.end(), taps_.begin(), taps_.end());
  for (const int value : results_) needed[at(value)] = true;
  std::vector<bool> read_later = needed;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    step->skip =
        std::ranges::none_of(step->outputs, [&](int v) { return v >= 0 && needed[at(v)]; });
    step->release.clear();
    if (step->skip) continue;
    for (const int v : step->outputs) {
      if (v >= 0 && !read_later[at(v)]) step->release.push_back(v);
    }
    for (const int v : step->inputs) {
      if (v < 0) continue;
      if (!read_later[at(v)] && !constants_[at(v)].defined()) step->release.push_back(v);
      read_later[at(v)] = true;
      needed[at(v)] = true;
    }
  }
}

void NetModule::set_taps(const std::vector<std::string>& names) {
  std::vector<int> taps;
  for (const std::string& name : names) {
    const auto value = std::ranges::find(program_.values, name, &ProgramValue::name);
    AUTOGO_REQUIRE(value != program_.values.end(), ErrorKind::kInput,
                   "the network has no value '" + name + "'");
    taps.push_back(static_cast<int>(value - program_.values.begin()));
  }
  taps_ = std::move(taps);
  plan_release();
}

void NetModule::taps_only(bool on) {
  taps_only_ = on;
  plan_release();
}

void NetModule::place_inputs(const Tensors& inputs, Frame& frame) const {
  AUTOGO_REQUIRE(inputs.size() == program_.inputs.size(), ErrorKind::kInput,
                 "the network has " + std::to_string(program_.inputs.size()) + " inputs, " +
                     std::to_string(inputs.size()) + " were given");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ProgramValue& value = program_.values[at(program_.inputs[i])];
    const Shape& shape = value.shape;
    const auto sizes = inputs[i].sizes();
    bool fits = !shape.has_rank() || shape.dims().size() == sizes.size();
    const bool batched = fits && shape.rank() > 1 && (shape[0] < 0 || shape[0] == file_batch_);
    for (std::size_t d = batched ? 1 : 0; fits && shape.has_rank() && d < sizes.size(); ++d) {
      fits = shape[d] < 0 || shape[d] == sizes[d];
    }
    AUTOGO_REQUIRE(fits, ErrorKind::kInput,
                   "input '" + value.name + "' has shape " + shape_text(sizes) +
                       ", the network wants " + to_string(shape) +
                       (batched ? " with any batch" : ""));
    if (batched && shape[0] > 0 && file_batch_ > 0) {
      frame.batch = sizes[0];
      frame.file_batch = file_batch_;
    }
    const bool floating = inputs[i].is_floating_point();
    frame.slots[at(program_.inputs[i])] = inputs[i].to(torch::TensorOptions().device(device_).dtype(
        floating ? float_type_ : inputs[i].scalar_type()));
  }
}

NetModule::Tensors NetModule::forward(const Tensors& inputs) {
  Frame frame;
  frame.slots = constants_;  // handles, not data
  frame.training = training_;
  frame.random = random_;
  place_inputs(inputs, frame);
  const Autocast autocast(mixed_precision_);
  for (const Step& step : steps_) {
    if (step.skip) continue;
    KernelCall call(frame, step);
    try {
      step.run(call);
    } catch (Error& e) {
      e.prepend(describe(program_, program_.nodes[at(step.node)]));
      throw;
    } catch (const c10::Error& e) {
      throw step_error(step, frame, e);
    }
    for (const int value : step.release) frame.slots[at(value)].reset();
  }
  Tensors results;
  for (const int value : results_) {
    torch::Tensor result = frame.slots[at(value)];
    if (mixed_precision_ && result.is_floating_point()) result = result.to(float_type_);
    results.push_back(std::move(result));
  }
  return results;
}

/// LibTorch refuses shapes that do not fit: mostly a batch that a reshape cannot carry.
Error NetModule::step_error(const Step& step, const Frame& frame, const c10::Error& e) const {
  std::string why = e.what_without_backtrace();
  why = why.substr(0, why.find('\n'));
  const std::string where = describe(program_, program_.nodes[at(step.node)]);
  if (why.find("out of memory") != std::string::npos ||
      why.find("not enough memory") != std::string::npos) {
    return Error(ErrorKind::kIo, where + ": no memory left").with_hint("use a smaller batch");
  }
  std::string shapes;
  for (const int v : step.inputs) {
    if (v >= 0 && frame.slots[at(v)].defined()) {
      shapes.append(shapes.empty() ? "" : ", ").append(shape_text(frame.slots[at(v)].sizes()));
    }
  }
  Error error(ErrorKind::kUnsupported, where + ": cannot run on " + shapes + ": " + why);
  if (frame.batch != frame.file_batch) {
    error.with_hint("the file fixes the batch to " + std::to_string(frame.file_batch) +
                    "; export the model with a dynamic batch");
  }
  return error;
}

NetModule::Tensors NetModule::parameters() const {
  Tensors result;
  for (const auto& [name, tensor] : parameters_) result.push_back(tensor);
  return result;
}

std::int64_t NetModule::num_parameters() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : parameters_) count += tensor.numel();
  return count;
}

std::map<std::string, torch::Tensor> NetModule::state() const {
  std::map<std::string, torch::Tensor> result;
  for (const Named* named : {&parameters_, &buffers_}) {
    for (const auto& [name, tensor] : *named) {
      result.emplace(name, tensor.detach().to(torch::kCPU).clone());
    }
  }
  return result;
}

void NetModule::load_state(const std::map<std::string, torch::Tensor>& state) {
  const at::NoGradGuard no_grad;
  const std::size_t expected = parameters_.size() + buffers_.size();
  AUTOGO_REQUIRE(state.size() == expected, ErrorKind::kInput,
                 "has " + std::to_string(state.size()) + " weights, the network has " +
                     std::to_string(expected));
  for (const Named* named : {&parameters_, &buffers_}) {
    for (const auto& [name, tensor] : *named) {
      const auto it = state.find(name);
      AUTOGO_REQUIRE(it != state.end(), ErrorKind::kInput, "weight '" + name + "' is missing");
      AUTOGO_REQUIRE(it->second.sizes() == tensor.sizes(), ErrorKind::kInput,
                     "weight '" + name + "' has shape " + shape_text(it->second.sizes()) +
                         ", the network's is " + shape_text(tensor.sizes()));
    }
  }
  for (const Named* named : {&parameters_, &buffers_}) {
    for (const auto& [name, tensor] : *named) tensor.copy_(state.at(name));
  }
}

std::map<std::string, ProgramTensor> NetModule::weights() const {
  std::map<std::string, ProgramTensor> result;
  for (const Named* named : {&parameters_, &buffers_}) {
    for (const auto& [name, tensor] : *named) result.emplace(name, from_torch(tensor));
  }
  return result;
}

}  // namespace autogo
